"""Every notebook runs afresh to the outputs it is stored with, and its exercises grade rightly."""

import re
from pathlib import Path

import build
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from micrograd.lesson import NOT_RIGHT, NOT_YET, RIGHT

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if path.stem != "00_tour"]
MACHINE = re.compile(r"0x[0-9a-f]{6}|/home/|/root/|/tmp/|/Users/|[A-Z]:\\|it/s\b|step/s\b")
SOLUTION = re.compile(r"```python\n(.*?)```", re.DOTALL)


def read(path):
    return nbformat.read(path, as_version=4)


def tagged(cell, tag):
    return tag in cell.metadata.get("tags", [])


def exercises(notebook):
    """Where each exercise's check is, and its solution, its wrong answers and the stub again."""
    cells = notebook.cells
    for i, cell in enumerate(cells):
        if tagged(cell, "exercise") and not build.missing(cell):
            assert tagged(cells[i + 1], "check") and tagged(cells[i + 2], "solution"), cell.source
            solution = SOLUTION.search(cells[i + 2].source).group(1)
            yield i + 1, (solution, *cell.metadata["wrong"], cell.source)


def with_answers(notebook):
    """A copy in which each check runs again after the solution, each wrong answer, and the stub."""
    cells = list(notebook.cells)
    for at, answers in reversed(list(exercises(notebook))):
        cells[at + 1 : at + 1] = [
            new_code_cell(source) for answer in answers for source in (answer, cells[at].source)
        ]
    return new_notebook(cells=cells, metadata=notebook.metadata)


def verdicts(notebook):
    """The first words of what each run of a check says."""
    said = [text for text in build.texts(notebook) if text.startswith((RIGHT, NOT_YET, NOT_RIGHT))]
    return [text.partition(":")[0] for text in said]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_fresh_run_prints_what_is_stored_and_grades_every_answer(path):
    stored = read(path)
    run = build.executed(with_answers(stored))
    sources = [cell.source for cell in stored.cells if cell.cell_type == "code"]
    texts, kept = build.texts(run), []
    positions = iter(enumerate(c.source for c in run.cells if c.cell_type == "code"))
    for source in sources:
        kept.append(texts[next(i for i, s in positions if s == source)])
    assert kept == build.texts(stored)
    given = [len(answers) - 2 for _, answers in exercises(stored)]
    expected = [[NOT_YET, RIGHT, *[NOT_RIGHT] * wrong, NOT_YET] for wrong in given]
    assert verdicts(run) == [each for exercise in expected for each in exercise]
    refusals = iter(text for text in texts if text.startswith(NOT_RIGHT))
    for wrong in given:
        first, second, *others = [next(refusals) for _ in range(wrong)]
        assert "Hint: " not in first and "Hint: " in second and "Wanted is" not in second
        assert all("Hint: " in text and "Wanted is" in text for text in others)


@pytest.mark.slow
def test_a_cell_is_left_out_where_what_it_needs_is_not_installed():
    stored = [new_output("stream", text="as it was")]
    cells = [
        new_code_cell("x = 1"),
        new_code_cell("x = 2", metadata={"tags": ["needs-no_such_package"]}, outputs=stored),
        new_code_cell("x", metadata={"tags": ["needs-pytest"]}),
    ]
    run = build.executed(new_notebook(cells=cells, metadata={"micrograd": {"kB": 300}, "x": 1}))
    assert build.texts(run) == ["", "as it was", "1"]
    assert [cell.execution_count for cell in run.cells] == [1, 2, 3]
    assert run.cells[2].outputs[0].execution_count == 3
    assert set(run.metadata) == {"kernelspec", "language_info", "micrograd"}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_exercises_and_a_picture_and_is_small(path):
    stored = read(path)
    assert len(list(exercises(stored))) >= 2
    assert all(len(answers) >= 6 for _, answers in exercises(stored))  # four of them wrong
    assert any("image/png" in o.get("data", {}) for c in stored.cells for o in c.get("outputs", []))
    assert path.stat().st_size < 1000 * stored.metadata.get("micrograd", {}).get("kB", 200)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_was_stored_by_the_command_that_builds_it(path):
    stored = read(path)
    nbformat.validate(stored)
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert build.normalized(nbformat.from_dict(stored)) == read(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_warning_no_bar_and_no_machine_is_stored(path):
    stored = read(path)
    for cell in stored.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr" and output.output_type != "error", cell.source
    assert not [text for text in build.texts(stored) if MACHINE.search(text)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_picture_has_an_alternative_text(path):
    pictures = [
        output.metadata.get("image/png", {}).get("alt")
        for cell in read(path).cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert pictures and all(pictures)
