"""The learner's own copy of the lessons: fresh, never overwritten, and read for what is done."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from micrograd import course
from micrograd.__main__ import main

TOUR = "--LabApp.default_url=/lab/tree/00_tour.ipynb"
SAID = ["Right: x = 5.\n", "Not right: x is 4.\n", "Not yet: fill in the cell above.\n", ""]


def notebook(title, *said):
    """A lesson with a check for each thing said; an exercise shows its wrong answers here."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"# {title}\n", "**Why?**"]},
        {
            "cell_type": "code", "metadata": {"tags": ["exercise"], "wrong": ["x = 4"]},
            "source": ["x = ..."], "outputs": [{"text": "5"}], "execution_count": 7,
        },
    ]  # fmt: skip
    for text in said:
        outputs = [{"output_type": "stream", "name": "stdout", "text": [text]}] if text else []
        tags = {"tags": ["check"]}
        cells.append(
            {"cell_type": "code", "metadata": tags, "source": ["check('x', 5)"],
             "outputs": outputs, "execution_count": 8}
        )  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def store(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def wheel(tmp_path, monkeypatch):
    """An installed copy with two lessons, and an empty folder to work in."""
    package = tmp_path / "site-packages" / "micrograd"
    store(package / "notebooks", "00_tour.ipynb", notebook("A tour"))
    store(package / "notebooks", "01_first.ipynb", notebook("01 First: é", *SAID))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("micrograd.course.PACKAGE", package)
    return package


@pytest.fixture
def jupyter(monkeypatch):
    """The commands that would have been run, and how they end."""
    commands = []

    def run(command, check, cwd, env):
        commands.append(command)
        settings = Path(env["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0])
        assert "announcements" in (settings / "labconfig" / "page_config.json").read_text()
        return subprocess.CompletedProcess(command, code.pop() if code else 0)

    code = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setattr("subprocess.run", run)
    return commands, code


def test_the_tour_opens_in_a_copy_without_outputs_and_without_news(jupyter, capsys):
    assert main(["lessons", "--no-browser", "--port", "8899"]) == 0
    command = jupyter[0][0]
    assert command[:4] == [sys.executable, "-m", "jupyterlab", str(course.MINE.absolute())]
    assert {"--no-browser", "--port=8899", TOUR} <= set(command)
    mine = load(course.MINE / "01_first.ipynb")
    code = [cell for cell in mine["cells"] if cell["cell_type"] == "code"]
    assert {(*c["outputs"], c["execution_count"]) for c in code} == {(None,)} and len(code) == 5
    assert "wrong" not in code[0]["metadata"] and code[0]["source"] == ["x = ..."]
    folded = [cell["metadata"].get("jupyter") for cell in code]
    assert folded == [None, *[{"source_hidden": True}] * 4]
    assert code[1]["source"].splitlines()[0] == "# Run this cell to check your answer."
    assert "2 new lessons" in capsys.readouterr().out


def test_a_second_run_adds_what_is_new_and_leaves_the_rest(wheel):
    course.copy_new(course.MINE)
    store(course.MINE, "01_first.ipynb", "mine")
    store(wheel / "notebooks", "02_second.ipynb", notebook("02 Second"))
    assert course.copy_new(course.MINE) == ["02_second.ipynb"]
    assert (course.MINE / "01_first.ipynb").read_text() == "mine"
    assert course.copy_new(course.MINE) == []


def test_a_reset_keeps_every_older_one(capsys):
    course.copy_new(course.MINE)
    for text in ("one", "two"):
        store(course.MINE, "01_first.ipynb", text)
        assert main(["lessons", "--reset", "1"]) == 0
    assert (course.MINE / "01_first.ipynb.bak").read_text() == "one"
    assert (course.MINE / "01_first.ipynb.bak1").read_text() == "two"
    assert load(course.MINE / "01_first.ipynb")["cells"][1]["outputs"] == []
    assert "kept: micrograd-lessons/01_first.ipynb.bak1" in capsys.readouterr().out


PAGE = """\
00  A tour
01  First: é  ■▨□□
1 of 4 exercises are right (■), 1 not right (▨)
next: lesson 01, exercise 2
"""


def test_progress_shows_what_the_saved_notebooks_say(capsys):
    course.copy_new(course.MINE)
    store(course.MINE, "01_first.ipynb", notebook("01 First, as I call it", *SAID))
    assert main(["progress"]) == 0
    assert capsys.readouterr().out == PAGE


def test_a_class_is_a_table(tmp_path, capsys):
    store(tmp_path / "ada", "01_first.ipynb", notebook("01 First", *SAID))
    store(tmp_path / "ben", "01_first.ipynb", "{torn")
    store(tmp_path / "eve", "02_other.ipynb", notebook("02 Other", *SAID))
    assert (
        main(["progress", "--csv", *(str(tmp_path / name) for name in ("ada", "ben", "eve"))]) == 0
    )
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["verdict"] for row in rows[:4]] == ["right", "not right", "not yet", "not run"]
    assert [row["verdict"] for row in rows[4:]] == ["cannot be read"] * 4 + ["not run"] * 4
    assert list(rows[1].values()) == ["ada", "01", "2", "not right"] and len(rows) == 12


def test_all_done_is_said(wheel, capsys):
    store(course.MINE, "01_first.ipynb", notebook("01 First", SAID[0]))
    store(wheel / "notebooks", "01_first.ipynb", notebook("01 First", SAID[0]))
    assert main(["progress", str(course.MINE)]) == 0
    assert capsys.readouterr().out.endswith("1 of 1 exercises are right (■)\nall done\n")


def test_without_jupyter_the_lessons_are_copied_and_say_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["lessons"]) == 2
    assert "-m pip install jupyterlab" in capsys.readouterr().err
    assert (course.MINE / "00_tour.ipynb").exists()


def test_where_nothing_can_be_written_a_sentence_says_so(tmp_path, monkeypatch, jupyter, capsys):
    (tmp_path / "work" / "micrograd-lessons").write_text("a file")
    assert main(["lessons"]) == 2
    assert capsys.readouterr().err.startswith("micrograd: cannot write micrograd-lessons/00_tour")


def test_jupyters_own_failure_is_passed_on(jupyter, capsys):
    jupyter[1].append(3)
    assert main(["lessons"]) == 2
    assert "JupyterLab ended with exit code 3" in capsys.readouterr().err


def test_the_checkout_has_the_whole_course(monkeypatch):
    monkeypatch.undo()
    assert (course.originals() / "00_tour.ipynb").is_file()
