"""How the command ends: an exit code and at most a sentence, whatever becomes of its output."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

MICROGRAD = [sys.executable, "-m", "micrograd"]
DRAW = [*MICROGRAD, "draw", "a*b + tanh(c)", "a=2", "b=-3", "c=1"]
DEMO = [*MICROGRAD, "demo", "--steps", "3", "--hidden", "3"]
pytestmark = pytest.mark.slow
posix = pytest.mark.skipif(sys.platform == "win32", reason="streams and signals of POSIX")


def ended(command, folder, shell="", **environment):
    """Exit code and both outputs of a command, with redirections as in a shell."""
    line = f'"$@" {shell}'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command] if shell else command,
        cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_version_is_that_of_the_distribution(tmp_path):
    code, out, err = ended([*MICROGRAD, "--version"], tmp_path)
    assert (code, err) == (0, "") and re.fullmatch(
        r"micrograd (\d+\.\d+\.\d+|\(not installed\))\n", out
    )


@posix
def test_a_reader_who_leaves_ends_it_without_a_word(tmp_path):
    _, *said = ended(DRAW, tmp_path, "2>err | true; cat err >&2")
    assert said == ["", ""]


@posix
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full device")
def test_an_output_that_is_full_is_named(tmp_path):
    code, _, err = ended(DRAW, tmp_path, ">/dev/full")
    assert (code, err) == (2, "micrograd: cannot write the output: No space left on device\n")


@posix
@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-"])
def test_streams_that_are_closed_stop_nothing(closed, tmp_path):
    code, _, err = ended(DRAW, tmp_path, closed)
    assert code == 0 and "Traceback" not in err
    assert (tmp_path / "graph.png").exists()


@posix
def test_a_file_of_two_lines_is_named_in_one(tmp_path):
    (tmp_path / "a\nb.png").symlink_to("a\nb.png")
    code, _, err = ended([*DRAW, "-o", "a\nb.png"], tmp_path)
    assert code == 2 and err.startswith("micrograd: cannot write a\\nb.png: ")
    assert err.count("\n") == 1


def test_a_terminal_of_ascii_gets_letters_spelt_out(tmp_path):
    command = [*MICROGRAD, "draw", "é*2", "é=1"]
    code, out, err = ended(command, tmp_path, PYTHONIOENCODING="ascii")
    assert code == 0 and "\\xe9" in out and err == ""


@posix
@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_without_a_word_and_leaves_nothing(number, code, tmp_path):
    slow = tmp_path / "dot"
    slow.write_text("#!/bin/sh\ntouch begun\nexec sleep 9\n")
    slow.chmod(0o755)
    environment = {**os.environ, "MICROGRAD_DOT": str(slow)}
    run = subprocess.Popen(DRAW, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    run.send_signal(number)
    assert (run.communicate()[1], run.returncode) == (b"", code)
    assert sorted(os.listdir(tmp_path)) == ["begun", "dot"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["line", "--lr", "1"],
        ["--optimizer", "sgd", "--lr", "1e5", "--steps", "9"],
        ["--lr", "1e5", "--steps", "9", "--jit"],
        ["--data", "blobs", "--optimizer", "sgd", "--lr", "1e5", "--steps", "9"],
    ],
    ids=" ".join,
)
def test_a_training_that_diverges_says_so_and_draws_nothing(arguments, tmp_path):
    code, out, err = ended([*MICROGRAD, "demo", *arguments], tmp_path)
    assert code == 2 and "loss" in out and os.listdir(tmp_path) == []
    assert re.search(r"^micrograd: the training diverged, .* try a smaller --lr$", err, re.M)


def test_the_demo_says_its_result_before_a_missing_dot_stops_it(tmp_path):
    code, out, err = ended(DEMO, tmp_path, MICROGRAD_DOT="no-such-program")
    assert code == 2 and "accuracy" in out and "wrote     moons.png" in out
    assert err.splitlines()[-1].startswith("micrograd: cannot draw: MICROGRAD_DOT is")
    assert sorted(os.listdir(tmp_path)) == ["moons.png", "training.html"]


def test_an_expression_becomes_a_page_to_step_through(tmp_path):
    code, out, _ = ended([*DRAW, "-o", "x.html"], tmp_path)
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert code == 0 and "wrote x.html" in out
    assert page.startswith("<!doctype html>") and "microgradPlayer" in page
