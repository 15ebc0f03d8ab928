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


@pytest.fixture(scope="module")
def installed(wheel):
    """A function from the arguments of `micrograd` to what it prints, run from the wheel alone."""
    with zipfile.ZipFile(wheel) as file:
        file.extractall(wheel.parent / "packages")
    environment = {**os.environ, "PYTHONPATH": str(wheel.parent / "packages")}

    def run(folder, *arguments):
        command = [sys.executable, *arguments]
        options = {"capture_output": True, "text": True, "env": environment}
        return subprocess.run(command, check=True, cwd=folder, **options).stdout

    return run


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


def test_every_command_works_from_it(installed, tmp_path):
    own = ("-m", "micrograd")
    where = installed(tmp_path, "-c", "import micrograd; print(micrograd.__file__)")
    assert Path(where.strip()).parts[-3:-1] == ("packages", "micrograd")
    assert installed(tmp_path, *own, "--version").startswith("micrograd ")
    assert "wrote" in installed(tmp_path, *own, "draw", "a*b", "a=2", "b=3", "-o", "a.html")
    assert "accuracy" in installed(tmp_path, *own, "demo", "--steps", "2", "--hidden", "3")
    in_c = "from micrograd.compiler.backends import prelude; print('double' in prelude())"
    assert installed(tmp_path, "-c", in_c) == "True\n"
    copy = "from micrograd import course; print(len(course.copy_new(course.MINE)))"
    assert installed(tmp_path, "-c", copy) == f"{len(LESSONS)}\n"
    assert "0 of " in installed(tmp_path, *own, "progress")
    assert "fresh" in installed(tmp_path, *own, "lessons", "--reset", "05")
