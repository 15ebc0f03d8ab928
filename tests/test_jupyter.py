"""A lesson's page in a live JupyterLab and Notebook 7: its kernel runs, its buttons work."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from browser import until
from nbformat import v4, write

CELL = """\
from micrograd import Value
from micrograd.player import step_through

x = Value(3.0, label="x")
step_through(x * x + x)"""
PATHS = {"jupyterlab": "lab/tree", "notebook": "notebooks"}


def written(path):
    """What is in a file of JSON, once it is whole."""
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        return json.loads(path.read_text())


@pytest.fixture
def served(tmp_path):
    """A function from the name of a program, and a cell, to the address of a notebook there."""
    servers, runtime = [], tempfile.mkdtemp()  # short: it is part of the names of sockets

    def served(program, cell=CELL):
        pytest.importorskip(program)
        pytest.importorskip("jupyterlab")  # whose server serves both
        kernel = {"kernelspec": {"display_name": "Python 3", "name": "python3"}}
        notebook = v4.new_notebook(cells=[v4.new_code_cell(cell)], metadata=kernel)
        write(notebook, tmp_path / "n.ipynb")
        folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA")}
        folders["JUPYTER_RUNTIME_DIR"] = runtime
        # A kernel that listens at files: a port may be taken by others before it gets there.
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command.append("--KernelManager.transport=ipc")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, **folders, "IPYTHONDIR": str(tmp_path / "ipython")}
        servers.append(subprocess.Popen(command, cwd=tmp_path, env=environment, **quiet))
        info = Path(runtime, f"jpserver-{servers[-1].pid}.json")
        server = until(lambda: written(info), f"{program} to start")
        return f"{server['url']}{PATHS[program]}/n.ipynb?token={server['token']}"

    yield served
    for server in servers:
        server.terminate()
        server.wait()
    shutil.rmtree(runtime)


def ran_the_cell(page):
    """How many pages the cell shows after Shift-Enter, for which it may still be too early."""
    page.run("all('.jp-Dialog .jp-mod-accept').forEach((button) => button.click())")
    page.click(".jp-InputArea-editor")
    page.press("Shift", "Enter")
    time.sleep(3)
    return page.run("return all('.forward').length")


@pytest.mark.slow
@pytest.mark.parametrize("program", PATHS)
def test_the_player_steps_in_a_live_notebook(program, served, browser):
    page = browser.open(served(program), width=1200, height=900)
    page.wait("all('.jp-Notebook-ExecutionIndicator[data-status=idle]').length")
    until(lambda: ran_the_cell(page), "the cell to run")
    page.click(".forward")
    page.wait("texts('.count').includes('2 / 7')")
    page.press("End")
    assert page.wait("texts('title').find((text) => text.endsWith('grad 7.0'))")
    for width in (1200, 400):
        page.resize(width, 900)
        assert min(size for _, size in page.letters(".view text")) >= 9
