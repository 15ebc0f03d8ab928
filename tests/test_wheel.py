"""The wheel: what is in it, and that every command works from it alone."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


def test_it_holds_the_package_and_bare_lessons(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = [name for name in file.namelist() if ".dist-info/" not in name]
        lessons = [name for name in names if name.startswith("micrograd/notebooks/")]
        assert sorted(Path(name).name for name in lessons) == LESSONS
        cells = [c for name in lessons for c in json.loads(file.read(name))["cells"]]
    assert not [cell for cell in cells if cell.get("outputs")]
    tracked = {str(path.relative_to(ROOT)) for path in (ROOT / "micrograd").rglob("*.*")}
    assert set(names) - set(lessons) <= tracked
    assert wheel.name.startswith("micrograd_lessons-")


COMMANDS = """
from micrograd import course
from micrograd.__main__ import main
course.open_in_jupyter = lambda folder, *_: print("opened", len(course.lessons(folder)))
for line in (
    "draw a*b a=2 b=3", "draw a*b a=2 b=3 -o a.html", "draw a*b a=2 b=3 --lab -o l.html",
    "demo --steps 2 --hidden 3 --jit", "demo line", "lessons", "progress", "lessons --reset 05",
):
    assert main(line.split()) == 0, line
print(course.__file__)
"""


def test_every_command_works_from_it(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "packages")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "packages")}
    command = [sys.executable, "-c", COMMANDS]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    said = done.stdout.splitlines()
    assert Path(said[-1]).parts[-3:-1] == ("packages", "micrograd")
    assert f"opened {len(LESSONS)}" in said
    assert {"a.html", "l.html", "graph.png", "moons.png", "line.png"} <= {*os.listdir(tmp_path)}
