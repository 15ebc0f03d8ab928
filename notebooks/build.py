"""Run notebooks afresh and store their outputs: `python notebooks/build.py [NOTEBOOK ...]`.

A cell tagged `needs-torch` or `needs-jax` keeps its outputs where that package is not installed.
"""

from __future__ import annotations

import base64
import io
import itertools
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image
from traitlets.config import Config

from micrograd import files

FOLDER = Path(__file__).parent
SMALL = 40_000  # characters of base64
SECONDS = 120  # for one cell; a lesson as a whole takes less than 20


def executed(notebook: NotebookNode) -> NotebookNode:
    """The notebook after a run in a fresh kernel, without anything that differs from run to run.

    Raises nbclient's CellExecutionError where a cell does.
    """
    notebook = nbformat.from_dict(notebook)
    cells = notebook.cells
    notebook.cells = [cell for cell in cells if not missing(cell)]
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": FOLDER}},
            config=Config(KernelManager=sockets(folder)),
        )
        client.execute(env={**os.environ, "TQDM_DISABLE": "1"})  # bars are for those who watch
    notebook.cells = cells
    return normalized(notebook)


def missing(cell):
    """The packages that a cell's tags say it needs, and that are not installed."""
    tags = [tag for tag in cell.metadata.get("tags", []) if tag.startswith("needs-")]
    return [tag[6:] for tag in tags if not find_spec(tag[6:])]


def sockets(folder):
    """Where a kernel listens: at a port, another program may come first; at a file, none can."""
    return {"transport": "ipc", "ip": f"{folder}/kernel"} if os.name == "posix" else {}


def normalized(notebook: NotebookNode) -> NotebookNode:
    """The notebook without times, versions and names of a machine, its cells numbered."""
    kept = {"micrograd": notebook.metadata["micrograd"]} if "micrograd" in notebook.metadata else {}
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **kept,
        }
    )
    count = itertools.count(1)
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i:02}"
        for key in ("execution", "collapsed", "scrolled"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            timed = "timed" in cell.metadata.get("tags", [])  # no two runs say the same
            cell.outputs = [] if timed else merged(cell.outputs)
            cell.execution_count = next(count)
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count
                if "image/png" in output.get("data", {}):
                    picture(output, cell.metadata.get("alt"))
    return notebook


def merged(outputs):
    """Outputs with the pieces of a stream joined, however the kernel happened to cut them."""
    joined = []
    for output in outputs:
        if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def picture(output, alt):
    """Give a picture the alternative text of its cell, and 256 colors: a third of the size.

    A small one with a transparent ground keeps all colors, which would become too few: such as the
    tint of a drawing's inputs.
    """
    if alt:
        output.metadata["image/png"] = {"alt": alt}
    image = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    opaque = image.convert("RGBA").getextrema()[3] == (255, 255)
    if image.mode != "P" and (opaque or len(output.data["image/png"]) > SMALL):
        small = io.BytesIO()
        image = image.convert("RGB" if opaque else "RGBA")
        image.quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
        output.data["image/png"] = base64.b64encode(small.getvalue()).decode()


def texts(notebook: NotebookNode) -> list[str]:
    """What the notebook's cells print and show as text, cell by cell."""
    return [
        "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def main(paths: list[str]) -> None:
    for path in map(Path, paths) if paths else sorted(FOLDER.glob("*.ipynb")):
        notebook = executed(nbformat.read(path, as_version=4))
        files.write(path, nbformat.writes(notebook) + "\n")
        left = sorted({package for cell in notebook.cells for package in missing(cell)})
        without = f", without those that need {' and '.join(left)}" if left else ""
        print(
            f"{path.name}: {len(notebook.cells)} cells{without}, {path.stat().st_size // 1000} kB"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
