"""Drawings and pages: kill -9 at any moment and a full disk leave the old file, or the new one."""

import errno
import itertools
import os
import random
import signal
import time

import pytest
from processes import in_a_fresh_process

from micrograd import Value
from micrograd.player import step_through
from micrograd.viz import draw_dot


def graphs():
    """Two graphs that are drawn alike, one number apart."""
    for x in (2.0, 3.0):
        y = (Value(x, label="x") * -3.0 + 1.0).tanh()
        y.backward()
        yield y


def drawing(root):
    return lambda path: draw_dot(root).render(outfile=path, cleanup=True, format="svg")


def page(root):
    return step_through(root).html


WRITERS = {"svg": drawing, "html": page}


def kills(path, kind, n, seed):
    """How many of n programs killed while writing left a whole file, and how many some litter."""
    rng, writers = random.Random(seed), [WRITERS[kind](root) for root in graphs()]
    contents = set()
    for write in writers:
        write(path)
        contents.add(path.read_bytes())
    start = time.perf_counter()
    writers[0](path)
    one_write = time.perf_counter() - start
    whole = littered = 0
    for _ in range(n):
        before = len(os.listdir(path.parent))
        writer = os.fork()
        if not writer:
            for write in itertools.cycle(writers):
                write(path)
        time.sleep(rng.uniform(0, 4 * one_write))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        whole += path.read_bytes() in contents
        littered += len(os.listdir(path.parent)) > before
    return whole, littered


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("kind", WRITERS)
def test_killed_while_writing_the_file_is_the_old_or_the_new_one(
    kind, tmp_path, fresh_seed, score, tries
):
    n, path = tries(30, 300), tmp_path / f"file.{kind}"
    whole, littered = in_a_fresh_process(kills, path, kind, n, fresh_seed)
    score(
        f"kill -9 while writing drawings and pages, {n} times each",
        f"{n} whole files each, old or new",
        f"{kind} {whole}, {littered} of the kills within a write",
    )
    assert whole == n


def writes_on_full_disks(path, kind, limits):
    """What a write says, and what is in the folder then, where a file may have `limit` bytes."""
    import resource

    write, found = WRITERS[kind](list(graphs())[1]), []
    for limit in limits:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write(path)
            error = None
        except OSError as caught:
            error = caught.errno, str(caught)
        found.append((error, {p.name: p.read_bytes() for p in path.parent.iterdir()}))
    return found


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_the_old_one(kind, tmp_path, score):
    pytest.importorskip("resource", reason="the system has no limit for the size of a file")
    path = tmp_path / f"file.{kind}"
    WRITERS[kind](next(graphs()))(path)
    old = {path.name: path.read_bytes()}
    size = len(old[path.name]) - 100
    found = in_a_fresh_process(
        writes_on_full_disks, path, kind, [size * i // 57 for i in range(57)]
    )
    too_large = errno.EFBIG, f"[Errno {errno.EFBIG}] {os.strerror(errno.EFBIG)}: {str(path)!r}"
    score(
        f"writing drawings and pages to a disk that is full, at {len(found)} sizes",
        "an OSError that names the file; the old file, nothing beside it",
        f"{kind}: {found.count((too_large, old))}",
    )
    assert found == [(too_large, old)] * 57
