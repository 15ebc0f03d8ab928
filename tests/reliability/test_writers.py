"""All that writes a file, on trial: the file is the old one or the new one, whatever happens."""

import os
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from reliability import writers
from reliability.peers import pytorch

from micrograd import files
from micrograd.nn import MLP

THEME = "Files"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

# For each trial: how often, in a short run and in a long one, the bar, and whom it would hurt.
BARS = {
    "kill -9 at a random moment of a loop of writes": (
        (6, 500),
        "the old file or the new one, and no litter for ever",
        "who trains overnight on a machine that is switched off",
    ),
    "ended by the system after a random byte of a write": (
        (6, 300),
        "the old file, and no litter for ever",
        "who runs into a quota",
    ),
    "a disk that is full, after a random byte": (
        (4, 57),
        "an OSError that names the file; the old file, nothing beside it",
        "who saves the best model last",
    ),
}
OTHERS = {
    "a folder that is read-only, with the file and without": "an OSError that names the file",
    "a link to a link": "both are kept, the file behind them is written",
    "a link to no file yet": "it is kept, the file behind it is written",
    "modes of the file that is replaced": "kept: 0600 stays private",
    "8 programs write to one path, and one reads it": "a whole file at each look",
    "a folder that is missing": "made, or an OSError that names the file",
    "a folder in the place of the file": "an OSError that names the file",
    f"{len(writers.ODD_NAMES)} odd names": "a file of that name",
}


MISSED = {  # by the names of writers below, which are broken: what does not show that they are
    "in_place": {
        "a link to a link",
        "a link to no file yet",
        "modes of the file that is replaced",
        "a folder that is missing",
        "a folder in the place of the file",
        f"{len(writers.ODD_NAMES)} odd names",
    },
    "by_a_rename": {
        "kill -9 at a random moment of a loop of writes",
        "ended by the system after a random byte of a write",
    },
}


@pytest.fixture(scope="module")
def apart():
    """A function that calls another one, in a Python with one thread and nothing of this run."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        yield lambda f, *arguments: fresh.submit(f, *arguments).result()


@pytest.fixture
def folder():
    """An empty folder, to which other users find their way."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "here").mkdir()
        yield str(Path(name) / "here")


def named(trial):
    """The names of the writers, where they are on the scoreboard for the first time."""
    return f" ({', '.join(writers.WRITERS)})" if trial == next(iter(writers.TRIALS)) else ""


@pytest.mark.slow
@pytest.mark.parametrize("name", writers.WRITERS)
@pytest.mark.parametrize("trial", writers.TRIALS)
def test_whatever_happens_the_file_is_whole(trial, name, apart, folder, fresh_seed, score, tries):
    often, bar, hurt = BARS.get(trial, ((2, 50), OTHERS.get(trial), ""))
    times = tries(*often) * (3 if name == "weights" else 1)  # what is lost with them is hours
    failed, n = apart(writers.tried, trial, name, folder, times, fresh_seed)

    def whole(_):
        with tempfile.TemporaryDirectory() as other:
            lost, tries = apart(writers.tried, trial, "PyTorch", other, times, fresh_seed)
        return f"{tries - len(lost)} of {tries} by torch.save"

    score(
        f"{len(writers.WRITERS)} writers of files{named(trial)}: {trial}",
        bar,
        "{held} of {n}",
        hurt=hurt,
        **(pytorch(whole) if name == "weights" and trial in BARS else {}),
        held=n - len(failed),
        n=n,
    )
    assert not failed


@pytest.mark.slow
def test_a_lesson_begun_anew_keeps_what_was_done(apart, folder, fresh_seed, score, tries):
    failed, n = apart(writers.lessons_kept, folder, tries(12, 600), fresh_seed)
    score(
        "a lesson begun anew: the disk is full, the program killed, eight do it at once",
        "what was done is there, whole; so is the lesson",
        f"{n - len(failed)} of {n}",
        hurt="a learner's evening",
    )
    assert not failed


def in_place(path, content):
    """A writer as anybody writes it first."""
    with open(path, "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)


def by_a_rename(path, content):
    """A writer as anybody writes it next."""
    beside = os.path.join(os.path.dirname(path), 2 * os.path.basename(path))
    in_place(beside, content)
    os.replace(beside, path)


@pytest.mark.slow
@pytest.mark.parametrize("way", [in_place, by_a_rename])
def test_the_trials_catch_a_writer_of_ones_own(way, apart, folder):
    found = apart(writers.caught, way, folder)
    assert {trial for trial, failed in found.items() if not failed} == MISSED[way.__name__]


def test_a_program_that_is_still_saving_keeps_its_temporary_file(tmp_path):
    ours = [".w.json.0123abcd.tmp", ".w.json.backup.tmp", ".v.json.0123abcd.tmp", "w.json.tmp"]
    for name in ours:
        (tmp_path / name).touch()
    for name in ours[1:]:
        os.utime(tmp_path / name, (0, 0))
    MLP(2, [1]).save(tmp_path / "w.json")
    assert set(ours) < set(os.listdir(tmp_path))


def test_threads_that_save_at_once_leave_a_whole_file(tmp_path):
    path, contents = tmp_path / "file", ["old" * 9999, "new" * 9999]

    def save():
        for content in 10 * contents:
            files.write(path, content)

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in contents and os.listdir(tmp_path) == ["file"]
