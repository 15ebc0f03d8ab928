"""Every command, with streams that are full, closed or left: no traceback, the right exit code."""

import itertools
import json
import os
import random
import subprocess
import sys

import pytest
from reliability import commands

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


NETWORK = ("demo", "--steps", "2", "--hidden", "2", "--save", "w.json")
ALWAYS = [  # what once was wrong
    (("--help",), "stdout is full", False),
    (("--help",), "stdout is full", True),
    (("nonsense",), "stderr is full", False),
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
    done = subprocess.run(
        [sys.executable, commands.__file__],
        input=json.dumps(trials),
        capture_output=True,
        text=True,
        check=True,
    )
    wrong = []
    for (arguments, streams, _), ended in zip(chosen, json.loads(done.stdout), strict=True):
        code, _, err = ended
        traced = "Traceback" in err or "Exception ignored" in err
        silent = code == 2 and not err and commands.STREAMS[streams][1] == commands.ERR
        if traced or silent or code not in wanted(COMMANDS[arguments], streams):
            wrong.append((arguments, streams, *ended))
    score(
        f"{len(COMMANDS)} commands, {len(commands.STREAMS)} kinds of streams, with buffers and "
        "without: full, closed, left, hung up",
        "no traceback, the right exit code, a sentence where one can be read",
        f"{len(trials) - len(wrong)} of {len(trials)}",
        hurt="who pipes it into head, or runs it from cron",
        peer="a bar of tqdm, as it comes, ends the training where stderr is closed or full",
    )
    assert not wrong
