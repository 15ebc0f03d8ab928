"""Programs of learners in the backends beside NumPy: the engine's numbers, or refused as there."""

import functools
from random import Random

import pytest
import reliability.differentiating
import reliability.tinkering  # noqa: F401 - more programs
from backends import C, needs_jax
from reliability.beside_the_engine import outcome
from reliability.learners import LEARNERS
from reliability.test_never_silently_wrong import CALLS, refused_at

from micrograd.compiler import jit

THEME = "The jit"
PARTS = 8
HURT = "a beginner whose program trains on numbers of another one, and is told nothing"


def right(names, backend):
    """How many of the programs give the engine's numbers, the others being refused."""
    compiled, refused = functools.partial(jit, backend=backend), 0
    for name in names:
        call = refused_at(name)
        found = outcome(LEARNERS[name], compiled, CALLS)
        assert found.split(":")[0] == (f"JitError at {call}" if call else "same"), name
        refused += call is not None
    return len(names) - refused


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("backend", [C])
def test_programs_give_the_engines_numbers_or_are_refused(backend, part, score):
    names = list(LEARNERS)[part::PARTS]
    score(
        f"{len(LEARNERS)} programs of learners in {backend.upper()}",
        "the engine's numbers, or refused as by NumPy; 0 silently wrong",
        "{same} the engine's, {refused} refused",
        hurt=HURT,
        same=(same := right(names, backend)),
        refused=len(names) - same,
    )


@pytest.mark.slow
@needs_jax
def test_programs_in_xla_give_the_engines_numbers_or_are_refused(fresh_seed, tries, score):
    """Some of them, since each is compiled for seconds; all in a long run."""
    names = Random(fresh_seed).sample(list(LEARNERS), tries(8, len(LEARNERS)))
    same = right(names, "xla")
    score(
        f"{len(names)} programs of learners in XLA",
        "the engine's numbers, or refused as by NumPy; 0 silently wrong",
        f"{same} the engine's, {len(names) - same} refused",
        hurt=HURT,
    )
