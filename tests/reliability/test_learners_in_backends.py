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


def some(seed, count):
    """Programs drawn anew in each run, since compilers take their time; all in a long one."""
    return Random(seed).sample(list(LEARNERS), count)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("backend", [C])
def test_programs_give_the_engines_numbers_or_are_refused(backend, part, fresh_seed, tries, score):
    every = some(fresh_seed, tries(70, len(LEARNERS)))
    names = every[part::PARTS]
    score(
        f"{len(every)} programs of learners in {backend.upper()}",
        "the engine's numbers, or refused as by NumPy; 0 silently wrong",
        "{same} the engine's, {refused} refused",
        hurt=HURT,
        same=(same := right(names, backend)),
        refused=len(names) - same,
    )


@pytest.mark.slow
@needs_jax
def test_programs_in_xla_give_the_engines_numbers_or_are_refused(fresh_seed, tries, score):
    names = some(fresh_seed, tries(8, len(LEARNERS)))
    same = right(names, "xla")
    score(
        f"{len(names)} programs of learners in XLA",
        "the engine's numbers, or refused as by NumPy; 0 silently wrong",
        f"{same} the engine's, {len(names) - same} refused",
        hurt=HURT,
    )
