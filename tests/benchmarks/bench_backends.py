"""How fast the backends of the jit are beside NumPy and JAX by hand, all within one run.

Run with: python -m pytest tests/benchmarks/bench_backends.py
"""

import functools
from contextlib import ExitStack

import pytest
from benchmarks import moons, rnn, transformer
from benchmarks.bench_compiler import Many, table, whole_step
from benchmarks.moons import jax_in_doubles

from micrograd.compiler import BACKENDS, jit

TOKENS = transformer.tokens(transformer.NAMES[0])


def of_backends(stack, parts, *args):
    """Builders of rows: steps one by one, and many of them."""

    def build(backend, kind):
        if backend == "xla":
            jax_in_doubles()  # so that it computes in the same thread as JAX by hand
        return kind(stack, *parts(), *args, jit=functools.partial(jit, backend=backend))

    for backend in BACKENDS:
        for name, kind in (("", whole_step), (", many steps", Many)):
            yield f"jit, {backend}{name}", functools.partial(build, backend, kind)


class Scan:
    """Steps of JAX, many at a time as one program."""

    def __init__(self, update, state, args):
        self.jax, self.update, self.state, self.args = jax_in_doubles(), update, state, args
        self.programs = {}

    def __call__(self):
        return self.many(1)[0]

    def many(self, n):
        if n not in self.programs:

            def steps(state, *args):
                return self.jax.lax.scan(lambda s, _: self.update(s, *args), state, None, n)

            self.programs[n] = self.jax.jit(steps, donate_argnums=0)
        self.state, losses = self.programs[n](self.state, *self.args)
        return losses.tolist()


@pytest.mark.parametrize(
    ("title", "parts", "args", "others"),
    [
        (
            "W1, moons",
            moons.with_fused_losses,
            (),
            {
                "NumPy by hand, tuned": moons.by_hand_tuned,
                "JAX, jax.jit": moons.jax_jitted,
                "JAX, a scan": lambda: Scan(*moons.jax_update()),
            },
        ),
        (
            "W2, transformer",
            transformer.by_scalars,
            (TOKENS,),
            {
                "NumPy by hand, tuned": lambda: transformer.by_hand_tuned(TOKENS),
                "JAX, jax.jit": lambda: transformer.jax_jitted(TOKENS),
                "JAX, a scan": lambda: Scan(*transformer.jax_update(TOKENS)),
            },
        ),
        (
            "W3, character RNN",
            rnn.by_scalars,
            (),
            {
                "JAX, jax.jit": rnn.jax_jitted,
                "JAX, a scan": lambda: Scan(*rnn.jax_update()),
            },
        ),
    ],
    ids=["moons", "transformer", "rnn"],
)
def bench_backends(figure, title, parts, args, others):
    with ExitStack() as stack:
        for line in table(title, dict(of_backends(stack, parts, *args)) | others):
            figure(line)
