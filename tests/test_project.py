"""The project itself: what imports what, what importing costs, lint, types, the top level."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from processes import printed

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "micrograd"

# A new arrow is a decision: add it here first. Arrows point to what stands above.
ARROWS = {
    "floats": set(),
    "files": set(),
    "text": set(),
    "terminal": {"text"},
    "atomic": set(),
    "optim": {"atomic", "floats"},
    "data": set(),
    "shell": set(),
    "fonts": set(),
    "raster": {"fonts"},
    "layered": set(),
    "columns": {"fonts", "layered"},
    "layout": {"columns"},
    "engine": {"floats"},
    "functional": {"engine", "floats"},
    "function": {"engine", "text"},
    "operations": {"engine"},
    "names": {"operations"},
    "gradcheck": {"engine", "names", "text"},
    "lesson": {"engine", "text"},
    "course": {"files", "lesson", "text"},
    "regression": {"engine", "functional", "optim"},
    "weights": {"engine", "files"},
    "arrays": {"text", "weights"},
    "export": {"files", "operations", "text", "weights"},
    "expression": {"engine", "operations"},
    "viz": {"engine", "files", "fonts", "functional", "layout", "names", "raster", "text"},
    "plot": {"engine", "files"},
    "puzzle": {"engine", "lesson", "viz"},
    "player": {
        "engine",
        "expression",
        "files",
        "floats",
        "fonts",
        "function",
        "functional",
        "layered",
        "layout",
        "names",
        "operations",
        "raster",
        "shell",
        "text",
        "viz",
    },
    "lab": {"expression", "files", "layered", "operations", "player", "shell"},
    "tensor": {"engine", "functional"},
    "film": {"engine", "files", "operations", "plot", "shell", "text"},
    "nn": {
        "arrays",
        "atomic",
        "engine",
        "export",
        "film",
        "functional",
        "operations",
        "text",
        "weights",
    },
    "compiler": {
        "atomic",
        "engine",
        "floats",
        "function",
        "functional",
        "nn",
        "operations",
        "optim",
        "tensor",
        "text",
    },
    "progress": set(),
    "train": {"compiler", "engine", "film", "functional", "optim", "progress"},
    "demos": {
        "data",
        "engine",
        "files",
        "film",
        "functional",
        "nn",
        "optim",
        "plot",
        "regression",
        "train",
        "viz",
    },
    "live": {
        "compiler",
        "data",
        "engine",
        "film",
        "functional",
        "nn",
        "optim",
        "shell",
        "text",
        "train",
    },
    "__init__": {"engine"},
    "commands": {
        "compiler",
        "course",
        "demos",
        "expression",
        "files",
        "lab",
        "optim",
        "player",
        "plot",
        "terminal",
        "text",
        "viz",
    },
    "__main__": {"commands", "terminal"},
}


def imported(path):
    """The modules of micrograd that a file of it imports."""
    found, level = set(), len(path.relative_to(PACKAGE).parts)
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.ImportFrom) and statement.level == level:
            names = [statement.module] if statement.module else [a.name for a in statement.names]
            found |= {name.split(".")[0] for name in names}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("**/*.py")), ids=lambda p: p.stem)
def test_imports_point_down(path):
    rooms = list(ARROWS)
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert imported(path) <= ARROWS[room]
    assert all(rooms.index(below) < rooms.index(room) for below in ARROWS[room])


def test_the_compiler_has_no_locks_that_a_fork_leaves_closed():
    """As cached_property has one for all threads, in 3.11: its own are opened in the child."""
    others = re.compile(r"cached_property|threading\.(R?Lock|Condition|Semaphore|Event)\b")
    files = sorted(PACKAGE.glob("compiler/**/*.py"))
    found = [path.name for path in files if others.search(path.read_text(encoding="utf-8"))]
    assert found == ["locks.py"]


def test_the_example_of_the_readme_gives_what_its_comments_say(capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL).group(1)
    names = {}
    exec(code, names)
    said = re.findall(r"print.*# (-?[\d.]+)", code)
    assert capsys.readouterr().out.split() == said and len(said) == 2
    numbers = [f"{names[name].data:.4f}" for name in ("out", "loss")]
    assert re.findall(r"= .*# .*?(\d\.\d+)", code)[:2] == numbers


def test_importing_micrograd_imports_nothing_heavy():
    loaded = printed("import micrograd, sys; print(*sys.modules)").split()
    assert "micrograd.engine" in loaded
    assert not {"numpy", "matplotlib", "graphviz", "torch", "tqdm"} & set(loaded)


@pytest.mark.parametrize(
    ("absent", "code"),
    [
        (
            "matplotlib",
            "from micrograd.player import step_through; "
            "print('image/png' in step_through(Value(2) ** 2)._repr_mimebundle_()[0])",
        ),
        (
            "numpy",
            "from micrograd.gradcheck import gradcheck; print(gradcheck(lambda x: x * x, 3.0))",
        ),
    ],
)
def test_what_does_not_need_a_package_works_without_it(absent, code):
    block = f"import sys; sys.modules[{absent!r}] = None; from micrograd import Value; "
    assert printed(block + code).strip() == "True"


def test_the_top_level_holds_what_was_agreed():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    command = ["git", "ls-files"]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {name.split("/")[0] for name in files.splitlines()}
    assert {name for name in top if not name.startswith(".")} == {
        "LICENSE", "README.md", "micrograd", "notebooks", "pyproject.toml", "tests",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["engine", "function", "tensor", "compiler.examples", "compiler.derivatives"]
)
def test_the_examples_in_docstrings_are_true(name):
    results = doctest.testmod(importlib.import_module(f"micrograd.{name}"))
    assert results.attempted > 3 and not results.failed


@pytest.mark.parametrize(
    "command",
    ["ruff check", "ruff format --check", pytest.param("mypy", marks=pytest.mark.slow)],
)
def test_lint_format_and_types(command):
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
