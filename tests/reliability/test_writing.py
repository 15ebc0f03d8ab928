"""What writes files: kill -9 at any moment and a full disk leave the old file, or the new one."""

import errno
import itertools
import os
import random
import signal
import threading
import time

import pytest
from processes import in_a_fresh_process

from micrograd import Value, files
from micrograd.nn import MLP
from micrograd.player import step_through
from micrograd.viz import draw_dot


def models():
    """Two models that are equally large, no weight alike."""
    return MLP(2, [16, 16, 1], seed=0), MLP(2, [16, 16, 1], seed=1)


def graphs():
    """Two graphs that are drawn alike, one number apart."""
    for x in (2.0, 3.0):
        y = (Value(x, label="x") * -3.0 + 1.0).tanh()
        y.backward()
        yield y


def drawing(root):
    return lambda path: draw_dot(root).render(outfile=path, cleanup=True, format="svg")


# For each kind of file: functions that write one to a path, each another content.
WRITERS = {
    "json": lambda: [model.save for model in models()],
    "svg": lambda: list(map(drawing, graphs())),
    "html": lambda: [step_through(root).html for root in graphs()],
}


def kills(path, kind, n, seed):
    """How many of n programs killed while writing left a whole file, and how many some litter."""
    rng, writers, contents = random.Random(seed), WRITERS[kind](), set()
    for write in writers:
        start = time.perf_counter()
        write(path)
        one_write = time.perf_counter() - start
        contents.add(path.read_bytes())
    whole = littered = 0
    for _ in range(n):
        before = len(os.listdir(path.parent))
        started, starts = os.pipe()
        writer = os.fork()
        if not writer:
            os.write(starts, b"!")
            for write in itertools.cycle(writers):
                write(path)
        os.read(started, 1)
        time.sleep(rng.uniform(0, 4 * one_write))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        os.close(started), os.close(starts)
        whole += path.read_bytes() in contents
        littered += len(os.listdir(path.parent)) > before
    return whole, littered


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize(
    "kind, short, long", [("json", 200, 5_000), ("svg", 30, 300), ("html", 30, 300)]
)
def test_killed_while_writing_the_file_is_the_old_or_the_new_one(
    kind, short, long, tmp_path, fresh_seed, score, tries
):
    n, path = tries(short, long), tmp_path / f"file.{kind}"
    whole, littered = in_a_fresh_process(kills, path, kind, n, fresh_seed)
    score(
        "kill -9 while writing weights, drawings and pages",
        "a whole file each time, old or new",
        f"{kind}: {whole} of {n}, {littered} of the kills within a write",
    )
    assert whole == n
    assert littered or kind == "svg", "no kill came within a write; to draw takes longer"

    for old in tmp_path.glob(".*"):
        os.utime(old, (time.time() - 2 * files.LEFT_OVER,) * 2)
    WRITERS[kind]()[0](path)
    assert os.listdir(tmp_path) == [path.name]


def writes_on_full_disks(path, kind, limits):
    """What a write says, and what is in the folder then, where a file may have `limit` bytes."""
    import resource

    write, found = WRITERS[kind]()[1], []
    for limit in limits:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write(path)
            error = None
        except OSError as caught:
            error = caught.errno, str(caught)
        found.append((error, {p.name: p.read_bytes() for p in path.parent.iterdir()}))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_the_old_one(kind, tmp_path, score):
    pytest.importorskip("resource", reason="the system has no limit for the size of a file")
    path = tmp_path / f"file.{kind}"
    WRITERS[kind]()[0](path)
    old = {path.name: path.read_bytes()}
    limits = [(len(old[path.name]) - 100) * i // 57 for i in range(57)]
    found = in_a_fresh_process(writes_on_full_disks, path, kind, limits)
    too_large = errno.EFBIG, f"[Errno {errno.EFBIG}] {os.strerror(errno.EFBIG)}: {str(path)!r}"
    score(
        f"writing weights, drawings and pages to a disk that is full, at {len(found)} sizes",
        "an OSError that names the file; the old file, nothing beside it",
        f"{kind}: {found.count((too_large, old))}",
    )
    assert found == [(too_large, old)] * 57


def test_a_program_that_is_still_saving_keeps_its_temporary_file(tmp_path):
    ours = [".w.json.0123abcd.tmp", ".w.json.backup.tmp", ".v.json.0123abcd.tmp", "w.json.tmp"]
    for name in ours:
        (tmp_path / name).touch()
    for name in ours[1:]:
        os.utime(tmp_path / name, (0, 0))
    models()[0].save(tmp_path / "w.json")
    assert set(ours) < set(os.listdir(tmp_path))


def test_savers_at_once_leave_a_whole_file(tmp_path):
    path, old_and_new = tmp_path / "w.json", models()
    threads = [
        threading.Thread(target=lambda: [model.save(path) for model in 10 * old_and_new])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = MLP(2, [16, 16, 1])
    reader.load(path)
    assert reader.state_dict() in [model.state_dict() for model in old_and_new]
    assert os.listdir(tmp_path) == ["w.json"]
