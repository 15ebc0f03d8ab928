"""Every command, whatever becomes of its streams and files: the right exit code, no traceback."""

import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

commands = pytest.importorskip("reliability.commands", reason="streams of POSIX")

THEME = "Files"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full device"),
]
COMMANDS = {  # exit code where all can be written
    ("--help",): 0,
    ("--version",): 0,
    ("draw", "--help"): 0,
    ("nonsense",): 2,
    ("draw", "a*", "a=1"): 2,
    ("draw", "a*b + tanh(c)", "a=2", "b=-3", "c=1"): 0,
    ("draw", "a*b", "a=2", "b=-3", "-o", "player.html"): 0,
    ("draw", "a*b", "a=2", "b=-3", "-o", "lab.html", "--lab"): 0,
    ("draw", "é*2", "é=1"): 0,
    ("demo", "line", "--steps", "3"): 0,
    ("demo", "square", "--steps", "3"): 0,
    ("demo", "--steps", "2", "--hidden", "2", "--save", "w.json"): 0,
    ("demo", "--steps", "2", "--hidden", "2", "--jit", "--data", "blobs"): 0,
    ("progress",): 2,
    ("progress", "."): 0,
    ("progress", ".", "--csv"): 0,
    ("lessons", "--reset", "3"): 2,
    ("lessons", "--port", "0"): 2,
}


def wanted(code, streams):
    """The exit codes that are right for a command whose own is `code`."""
    out, _ = commands.STREAMS[streams]
    if code:  # its sentence is lost with stderr, and stdout has none
        return {code}
    return {commands.FULL: {2}, commands.HUNG_UP: {2}, commands.GONE: {141}}.get(
        out, {0, 141} if out == commands.FIRST else {0}
    )


def ran(trials):
    """Exit code, stdout and stderr of each command, which are run by a process of their own."""
    done = subprocess.run(
        [sys.executable, commands.__file__],
        input=json.dumps(trials),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


NETWORK = ("demo", "--steps", "2", "--hidden", "2", "--save", "w.json")
ALWAYS = [  # what once was wrong
    (("--help",), "stdout is full", False),
    (("--help",), "stdout is full", True),
    (("nonsense",), "stderr is full", False),
    (("progress", "."), "of ASCII alone", False),
    (("draw", "é*2", "é=1"), "of ASCII alone", True),
    (NETWORK, "stderr is full", False),
    (NETWORK, "nobody reads stderr", True),
]


def drawn(rng, long):
    """Commands with streams and buffers: of each command, some drawn at random, or all."""
    kinds = list(itertools.product(commands.STREAMS, [False, True]))
    for arguments in COMMANDS:
        some = 1 if NETWORK[0] in arguments else 4  # that takes a second
        yield from ((arguments, *kind) for kind in (kinds if long else rng.sample(kinds, some)))


def test_every_command_ends_as_it_should_whatever_its_streams(tmp_path, score, tries, fresh_seed):
    chosen = [*ALWAYS, *drawn(random.Random(fresh_seed), tries(False, True))]
    trials = [(*each, str(tmp_path / str(i))) for i, each in enumerate(chosen)]
    wrong = []
    for (arguments, streams, _), ended in zip(chosen, ran(trials), strict=True):
        code, _, err = ended
        traced = "Traceback" in err or "Exception ignored" in err
        silent = code == 2 and not err and commands.STREAMS[streams][1] == commands.ERR
        if traced or silent or code not in wanted(COMMANDS[arguments], streams):
            wrong.append((arguments, streams, *ended))
    score(
        f"{len(COMMANDS)} commands, {len(commands.STREAMS)} kinds of streams, with buffers and "
        "without: full, closed, left, hung up, ASCII",
        "no traceback, the right exit code, a sentence where one can be read",
        f"{len(trials) - len(wrong)} of {len(trials)}",
        hurt="who pipes it into head, or runs it from cron",
        peer="a bar of tqdm, as it comes, ends the training where stderr is closed or full",
    )
    assert not wrong, "\n".join(map(str, wrong))


# What cannot be written

WRITING = {  # a command that writes a file, by the name of that
    "graph.png": ("draw", "a*b", "a=2", "b=3", "-o", "{path}"),
    "graph.svg": ("draw", "a*b", "a=2", "b=3", "-o", "{path}"),
    "player.html": ("draw", "a*b", "a=2", "b=3", "-o", "{path}"),
    "lab.html": ("draw", "--lab", "a*b", "a=2", "b=3", "-o", "{path}"),
    "line.png": ("demo", "line", "--steps", "2", "--out", "{folder}"),
    "moons.png": ("demo", "--steps", "1", "--hidden", "2", "--out", "{folder}"),
    "w.json": ("demo", "--steps", "1", "--hidden", "9", "--out", "other", "--save", "{path}"),
    "w.onnx": ("demo", "--steps", "1", "--hidden", "9", "--out", "other", "--save", "{path}"),
    "00_tour.ipynb": ("lessons", "--reset", "0"),
}
BACKUP = "micrograd-lessons/00_tour.ipynb.bak"  # what was done, before it is replaced
FULL = 600  # bytes: less than each of these files, more than each sentence
HINDRANCES = {  # what is done in a folder, before a file of that name is to be written there
    "the disk is full": lambda path: path.write_text("old"),
    "a folder is there": lambda path: path.mkdir(),
    "a link to itself is there": lambda path: path.symlink_to(path.name),
    "a link into a folder that is missing is there": lambda path: path.symlink_to("no/file"),
    "its folder is a file": lambda path: (path.parent.rmdir(), path.parent.write_text("old")),
    "its folder is a link to nothing": lambda path: (
        path.parent.rmdir(),
        path.parent.symlink_to("nothing"),
    ),
}


def files_in(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_what_cannot_be_written_is_named_in_a_sentence(tmp_path, score):
    trials, before = [], []
    for i, (name, hindrance) in enumerate(itertools.product(WRITING, HINDRANCES)):
        folder = tmp_path / str(i) / "micrograd-lessons"
        folder.mkdir(parents=True)
        HINDRANCES[hindrance](folder / name)
        disk = FULL if hindrance == "the disk is full" else None
        given = {"path": str(folder / name), "folder": str(folder)}
        arguments = [word.format(**given) for word in WRITING[name]]
        trials.append((arguments, "both files", False, str(tmp_path / str(i)), disk))
        before.append(files_in(folder.parent))
    wrong = []
    for (arguments, *_, folder, _), found, (code, out, err) in zip(trials, before, ran(trials)):
        said = err.splitlines()[-1:]
        named = all(line.startswith("micrograd: ") and "micrograd-lessons" in line for line in said)
        new = {path: x for path, x in files_in(Path(folder)).items() if path not in found}
        ours = {Path(folder, name) for name in (commands.OUT, commands.ERR, "other", BACKUP)}
        kept = files_in(Path(folder)) == {**found, **new} and new.keys() <= ours
        if code != 2 or "Traceback" in err or not (said and named and kept):
            wrong.append((arguments, code, out[-300:], err[-900:], [*new]))
    score(
        f"{len(WRITING)} commands that write, {len(HINDRANCES)} reasons why they cannot",
        "a sentence that names it, exit code 2; what was there is there",
        f"{len(trials) - len(wrong)} of {len(trials)}",
        hurt="who runs out of disk in the middle of a course",
    )
    assert not wrong, "\n".join(map(str, wrong))
