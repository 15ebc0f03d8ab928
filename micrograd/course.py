"""The learner's own copy of the lessons, and how far they have come in it."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from . import files
from .lesson import NOT_RIGHT, NOT_YET, RIGHT
from .text import visible

PACKAGE = Path(__file__).parent
MINE = Path("micrograd-lessons")
TOUR = "00_tour.ipynb"
LARGEST = 2**26  # bytes of a notebook
NOT_RUN, NOT_READ = "Not run", "Cannot be read"
MARKS = {RIGHT: "■", NOT_RIGHT: "▨", NOT_YET: "□", NOT_RUN: "□", NOT_READ: "?"}
FORMULA = *"=+-@", *"＝＋－＠"  # how one begins
NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


class CourseError(Exception):
    """The lessons cannot be copied or read; the sentence says why."""


class Lesson(NamedTuple):
    """A lesson as its learner left it: a verdict for each exercise."""

    number: str
    title: str
    verdicts: list[str]


def originals() -> Path:
    """The folder of the lessons with their outputs: of the checkout, or of the installed copy.

    Raises CourseError where only the package itself is there.
    """
    folders = PACKAGE.parent / "notebooks", PACKAGE / "notebooks"
    found = next((folder for folder in folders if (folder / TOUR).is_file()), None)
    if found is None:
        raise CourseError(
            f"the micrograd in {PACKAGE} is without its lessons: pip install micrograd-lessons "
            "has them"
        )
    return found


def copy_new(folder: Path) -> list[str]:
    """Copy the lessons that a folder lacks into it, ready to be done; returns their names."""
    new = [path for path in lessons(originals()) if not (folder / path.name).exists()]
    for path in new:
        write(folder / path.name, as_text(fresh(read(path))))
    return [path.name for path in new]


def reset(folder: Path, number: int) -> tuple[Path, Path]:
    """Begin a lesson anew: the path of the fresh copy, and of the old one, which is kept."""
    found = [path for path in lessons(originals()) if path.name.startswith(f"{number:02}_")]
    if not found:
        raise CourseError(f"there is no lesson {number:02}")
    mine = folder / found[0].name
    if not mine.exists():
        raise CourseError(f"{mine} is not there; `micrograd lessons` puts it there")
    done = content(mine)  # first: who replaces it from here on has kept it under one of the names
    names = (mine.with_name(f"{mine.name}.bak{i or ''}") for i in count())
    old = next(name for name in names if not name.exists())
    write(old, done)
    write(mine, as_text(fresh(read(found[0]))))
    return mine, old


def fresh(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook as a learner begins it: without outputs, and with its checks folded."""
    for cell in notebook["cells"]:
        cell["metadata"].pop("wrong", None)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    for cell in checks(notebook):  # their hints are for those who have tried
        cell["metadata"]["jupyter"] = {"source_hidden": True}
        cell["source"] = "# Run this cell to check your answer.\n" + "".join(cell["source"])
    return notebook


def progress(folder: Path) -> list[Lesson]:
    """What a learner has done, lesson by lesson, as the notebooks in their folder were saved."""
    if not folder.is_dir():
        raise CourseError(f"there is no folder {folder}; `micrograd lessons` makes one")
    return [lesson(folder, path) for path in lessons(originals())]


def lesson(folder, path):
    original, mine = read(path), folder / path.name
    try:
        verdicts = list(map(verdict, checks(read(mine)))) if mine.exists() else []
    except (CourseError, PermissionError):  # which a locked folder already is to exists()
        verdicts = [NOT_READ] * len(checks(original))
    return Lesson(path.name[:2], title(original), verdicts or [NOT_RUN] * len(checks(original)))


def checks(notebook):
    return [cell for cell in notebook["cells"] if "check" in cell["metadata"].get("tags", [])]


def verdict(cell):
    """The verdict that a check was saved with."""
    said = "".join("".join(output.get("text", "")) for output in cell.get("outputs", []))
    return next((each for each in (RIGHT, NOT_RIGHT, NOT_YET) if said.startswith(each)), NOT_RUN)


def title(notebook):
    return "".join(notebook["cells"][0]["source"]).partition("\n")[0].lstrip("# 0123456789")


def page(course: list[Lesson]) -> str:
    """The course with what is done in it, and what comes next, as lines of text."""
    width = max(len(lesson.title) for lesson in course)
    lines = [
        f"{each.number}  {each.title:{width}}  {''.join(MARKS[v] for v in each.verdicts)}"
        for each in course
    ]
    verdicts = [each for lesson in course for each in lesson.verdicts]
    lines.append(f"{verdicts.count(RIGHT)} of {len(verdicts)} exercises are right (■)")
    if NOT_RIGHT in verdicts:
        lines[-1] += f", {verdicts.count(NOT_RIGHT)} not right (▨)"
    open_ones = (
        f"next: lesson {lesson.number}, exercise {i}"
        for lesson in course
        for i, each in enumerate(lesson.verdicts, 1)
        if each != RIGHT
    )
    return "\n".join(line.rstrip() for line in [*lines, next(open_ones, "all done")])


def table(folders: Iterable[Path]) -> str:
    """The verdicts of several learners as CSV: a row for each learner, lesson and exercise."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)  # some part cells at a ;
    rows.writerow(("learner", "lesson", "exercise", "verdict"))
    for folder in folders:
        for lesson in progress(folder):
            for i, each in enumerate(lesson.verdicts, 1):
                rows.writerow((called(folder), lesson.number, i, each.lower()))
    return text.getvalue()


def called(folder):
    """What a folder is called in a table; a spreadsheet would compute what begins as a formula."""
    name = visible(folder.resolve().name)
    return f"'{name}" if name.startswith(FORMULA) else name


def open_in_jupyter(folder: Path, browser: bool = True, port: int | None = None) -> None:
    """Run JupyterLab on the tour in a folder of lessons, without its news, until it is closed."""
    if not importlib.util.find_spec("jupyterlab"):
        raise CourseError(
            "the lessons open in JupyterLab, which is not installed here; "
            f"install it with: {sys.executable} -m pip install jupyterlab"
        )
    command = [sys.executable, "-m", "jupyterlab", str(folder.absolute())]
    command += [f"--LabApp.default_url=/lab/tree/{TOUR}"]
    command += ["--no-browser"] * (not browser) + [f"--port={port}"] * (port is not None)
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container, where Jupyter asks for it
        command += ["--allow-root"]
    try:
        with TemporaryDirectory(ignore_cleanup_errors=True) as settings:
            environment = with_settings(settings)  # and there, no module waits to be imported
            code = subprocess.run(command, check=False, cwd=settings, env=environment).returncode
    except KeyboardInterrupt:  # the usual way to end a server
        return
    if code:
        raise CourseError(f"JupyterLab ended with exit code {code}")


def with_settings(folder):
    """The environment in which JupyterLab asks nobody about its news."""
    config = Path(folder) / "labconfig" / "page_config.json"
    config.parent.mkdir()
    config.write_text(json.dumps(NO_NEWS), encoding="utf-8")
    paths = filter(None, [folder, os.environ.get("JUPYTER_CONFIG_PATH")])
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def lessons(folder):
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def read(path):
    try:
        notebook = json.loads(content(path))
        require_cells(notebook)
        return notebook
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise CourseError(f"{path} is not a notebook") from None


def content(path):
    try:
        return files.read(path, LARGEST)
    except OSError as error:
        raise CourseError(f"cannot read {path}: {error.strerror}") from None


def require_cells(notebook):
    """Raise LookupError, TypeError or AttributeError where this has no cells that can be read."""
    for cell in notebook["cells"]:
        cell["cell_type"], cell["source"], cell["metadata"].get("tags")
    for cell in checks(notebook):
        verdict(cell)


def as_text(notebook):
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def write(path, content):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, content)
    except OSError as error:
        raise CourseError(f"cannot write {path}: {error.strerror}") from None
