"""A child never hangs and computes right, though a thread of its parent was in the jit's midst."""

import multiprocessing

import pytest
from backends import C
from processes import in_a_fresh_process
from reliability.busy import WORK, beside

pytestmark = pytest.mark.slow

THEME = "Threads and processes"


def ways(forks, others):
    """Ways to begin a child, each so many times; forks are quick, the others import all anew."""
    known = multiprocessing.get_all_start_methods()
    forked = (
        ["os.fork", "multiprocessing, fork", "concurrent.futures, fork"] if "fork" in known else []
    )
    fresh = [m for m in known if m != "fork"]
    anew = [f"{how}, {m}" for how in ("multiprocessing", "concurrent.futures") for m in fresh]
    return forked * forks + [*anew, "subprocess"] * others


@pytest.mark.parametrize("backend", ["numpy", C])
@pytest.mark.parametrize("work", WORK)
def test_a_child_beside_a_busy_jit_is_right(work, backend, tries, score):
    anew = (work, backend) == ("recording", "numpy")  # these import all: once, if time is short
    begun = ways(tries(3, 100), tries(int(anew), 10))
    counts, rounds, errors = in_a_fresh_process(beside, work, backend, begun)
    score(
        "children by fork, spawn, forkserver, pools and subprocess, beside a thread that records, "
        "replays, compiles or trains, in NumPy and in C",
        "right, none hangs",
        "{right:,} of {tries:,}; {failed} failed, {hung} hung; the thread went on {rounds:,} times",
        hurt="who loads data in processes while a model trains: a notebook that never answers",
        tries=len(begun),
        rounds=rounds,
        **counts,
    )
    assert (counts["right"], errors) == (len(begun), [])
    assert rounds > 1
