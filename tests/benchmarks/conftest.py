"""The package from PyPI to compare with, and a place for figures that are printed at the end."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

FIGURES = []


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """Value and MLP of micrograd 0.1.0, from a side folder, loaded beside this package."""
    folder = tmp_path_factory.mktemp("original")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    done = subprocess.run(
        [*command, "micrograd==0.1.0"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip("micrograd 0.1.0 could not be installed: " + done.stderr.strip()[-200:])
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if is_micrograd(name)}
    sys.path.insert(0, str(folder))
    try:
        from micrograd import engine, nn
    finally:
        sys.path.remove(str(folder))
        for name in filter(is_micrograd, list(sys.modules)):
            del sys.modules[name]
        sys.modules.update(ours)
    assert engine.__file__.startswith(str(folder))
    return SimpleNamespace(Value=engine.Value, MLP=nn.MLP)


def is_micrograd(name):
    return name.split(".")[0] == "micrograd"


@pytest.fixture
def figure():
    """A function that keeps a line to be printed below the table."""
    return FIGURES.append


def pytest_terminal_summary(terminalreporter):
    for line in FIGURES:
        terminalreporter.write_line(line)
