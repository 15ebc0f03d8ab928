"""Run notebooks afresh and store their outputs: `python notebooks/build.py [NOTEBOOK ...]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
SECONDS = 120  # for one cell; a lesson as a whole takes less than 20


def executed(notebook: NotebookNode) -> NotebookNode:
    """The notebook after a run in a fresh kernel, without anything that differs from run to run.

    Raises nbclient's CellExecutionError where a cell does.
    """
    notebook = nbformat.from_dict(notebook)
    os.environ["TQDM_DISABLE"] = "1"  # progress bars are for those who watch
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": FOLDER}}
    )
    client.execute()
    return normalized(notebook)


def normalized(notebook: NotebookNode) -> NotebookNode:
    """The notebook without times, versions and names of a machine, its cells numbered."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i:02}"
        for key in ("execution", "collapsed", "scrolled"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = merged(cell.outputs)
            describe(cell)
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


def describe(cell):
    """Give a cell's pictures the "alt" of its metadata as alternative text."""
    for output in cell.outputs:
        if "alt" in cell.metadata and "image/png" in output.get("data", {}):
            output.metadata["image/png"] = {"alt": cell.metadata["alt"]}


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
        nbformat.write(notebook, path)
        print(f"{path.name}: {len(notebook.cells)} cells, {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
