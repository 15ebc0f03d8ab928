"""Saving weights: kill -9 at any moment and a full disk leave the old file, or the new one."""

import errno
import itertools
import os
import random
import signal
import threading
import time

import pytest
from processes import in_a_fresh_process

from micrograd import files
from micrograd.nn import MLP


def models():
    """The model of the old file and the one of the new file: equally large, no weight alike."""
    return MLP(2, [16, 16, 1], seed=0), MLP(2, [16, 16, 1], seed=1)


def kills(path, n, seed):
    """How many of n programs killed while saving left a whole file, and how many some litter."""
    rng, old_and_new, reader = random.Random(seed), models(), MLP(2, [16, 16, 1])
    old_and_new[0].save(path)
    start = time.perf_counter()
    old_and_new[1].save(path)
    one_save = time.perf_counter() - start
    states = [model.state_dict() for model in old_and_new]
    whole = littered = 0
    for _ in range(n):
        before = len(os.listdir(path.parent))
        saver = os.fork()
        if not saver:
            for model in itertools.cycle(old_and_new):
                model.save(path)
        time.sleep(rng.uniform(0, 4 * one_save))
        os.kill(saver, signal.SIGKILL)
        os.waitpid(saver, 0)
        reader.load(path)
        whole += reader.state_dict() in states
        littered += len(os.listdir(path.parent)) > before
    return whole, littered


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_killed_while_saving_the_file_is_the_old_or_the_new_one(tmp_path, fresh_seed, score, tries):
    n, path = tries(200, 5_000), tmp_path / "w.json"
    whole, littered = in_a_fresh_process(kills, path, n, fresh_seed)
    score(
        f"kill -9 while saving weights, {n} times",
        f"{n} whole files, old or new",
        f"{whole}; {littered} of the kills came within a write",
    )
    assert whole == n
    assert littered > n / 20, "too few kills came within a write to say anything"

    for old in tmp_path.glob(".*"):
        os.utime(old, (time.time() - 2 * files.LEFT_OVER,) * 2)
    models()[0].save(path)
    assert os.listdir(tmp_path) == ["w.json"]


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


def saves_on_full_disks(path, limits):
    """The error of a save, and what is in the folder then, where a file may have `limit` bytes."""
    import resource

    found = []
    for limit in limits:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            models()[1].save(path)
            error = None
        except OSError as caught:
            error = caught.errno, str(caught)
        folder = {p.name: p.read_bytes() for p in path.parent.iterdir()}
        found.append((error, folder))
    return found


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_the_old_one(tmp_path, score):
    pytest.importorskip("resource", reason="the system has no limit for the size of a file")
    path = tmp_path / "w.json"
    models()[0].save(path)
    old = {"w.json": path.read_bytes()}
    limits = range(0, len(old["w.json"]) - 2000, 250)
    found = in_a_fresh_process(saves_on_full_disks, path, limits)
    score(
        f"saving weights to a disk that is full, at {len(limits)} sizes",
        "an OSError that names the file; the old file",
        f"{found.count(found[0])} times {found[0][0][1].replace(str(tmp_path), '')}",
    )
    too_large = errno.EFBIG, f"[Errno {errno.EFBIG}] {os.strerror(errno.EFBIG)}: {str(path)!r}"
    assert found == [(too_large, old)] * len(limits)
