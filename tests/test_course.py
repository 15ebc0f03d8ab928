"""The course as a whole: its files have their names for good, and every link leads on."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "notebooks"

# For good: learners keep copies and links. A lesson that is still to come has its place already.
COURSE = [
    "00_tour",
    "01_a_number_that_remembers",
    "02_nudge_it",
    "03_backprop_by_hand",
    "04_who_goes_first",
    "05_sums_over_paths",
    "06_write_your_own_op",
    "07_wiring",
    "08_gradcheck_detective",
    "09_a_line_through_noise",
    "10_a_fence_between_points",
    "11_neurons_layers_moons",
    "12_optimizers_and_seeds",
    "13_fresh_points",
    "14_many_classes_small_batches",
    "15_how_to_start",
    "16_tensors_are_what_a_compiler_finds",
    "17_a_model_that_writes_names",
    "18_a_gpt",
    "19_ten_gradient_puzzles",
    "20_ten_more_gradient_puzzles",
    "21_from_here_to_pytorch",
    "22_from_here_to_a_cluster",
]
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if path.stem != "00_tour"]
PAGES = [*NOTEBOOKS, ROOT / "README.md"]
LINK = re.compile(r"\]\(([^)]+)\)")


def prose(path):
    """The markdown of a notebook, or a file's text."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def title(path):
    return prose(path).partition("\n")[0].removeprefix("# ")


def sections(text):
    """What a link within a page may point at."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {"-".join(re.sub(r"[^\w\s-]", "", heading).lower().split()) for heading in headings}


def dead(page):
    """The links of a page that lead nowhere."""
    for link in LINK.findall(prose(page)):
        file, _, section = link.partition("#")
        target = (page.parent / file) if file else page
        if not link.startswith("https://") and not (
            target.exists() and (not section or section in sections(prose(target)))
        ):
            yield link


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_file_has_its_name_for_good(path):
    assert path.stem in COURSE
    assert path.stem == "00_tour" or title(path).startswith(path.stem[:2])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(page):
    assert list(dead(page)) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path):
    (tmp_path / "here.md").write_text("# One\n[a](there.md) [b](#one) [c](#two) [d](here.md#one)")
    assert list(dead(tmp_path / "here.md")) == ["there.md", "#two"]


@pytest.mark.parametrize("path, after", list(pairwise(LESSONS)), ids=lambda p: p.stem)
def test_a_lesson_ends_with_a_link_to_the_next(path, after):
    end = " ".join(prose(path).rpartition("##")[2].split())
    assert f"Next: [{title(after)}]({after.name})" in end


def test_the_readme_lists_the_course_in_its_order():
    text = prose(ROOT / "README.md")
    assert re.findall(r"\(notebooks/(\d\d_\w+)\.ipynb\)", text) == [p.stem for p in NOTEBOOKS]
