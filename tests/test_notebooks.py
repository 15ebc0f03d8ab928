"""Every notebook runs afresh to the outputs it is stored with, and holds nothing of a machine."""

import re
from pathlib import Path

import build
import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MACHINE = re.compile(
    r"0x[0-9a-f]{6}|/home/|/root/|/tmp/|[A-Z]:\\|\d it/s|\d step/s|https?://(?!\w)"
)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def stored(request):
    return nbformat.read(request.param, as_version=4)


def test_a_fresh_run_prints_what_is_stored(stored):
    assert build.texts(build.executed(stored)) == build.texts(stored)


def test_it_was_stored_by_the_command_that_builds_it(stored):
    nbformat.validate(stored)
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert build.normalized(nbformat.from_dict(stored)) == stored


def test_no_warning_no_bar_and_no_machine_is_stored(stored):
    for cell in stored.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr" and output.output_type != "error", cell.source
    assert not [text for text in build.texts(stored) if MACHINE.search(text)]


def test_every_picture_has_an_alternative_text(stored):
    pictures = [
        output.metadata.get("image/png", {}).get("alt")
        for cell in stored.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert pictures and all(pictures)
