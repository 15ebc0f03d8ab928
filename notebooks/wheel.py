"""What of this folder goes into the wheel: the lessons, without their outputs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LessonsHook(BuildHookInterface):
    """Puts each lesson beside the package; an editable install reads them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self.folder = tempfile.TemporaryDirectory()
        for path in sorted(Path(self.root, "notebooks").glob("[0-9][0-9]_*.ipynb")):
            bare = Path(self.folder.name, path.name)
            bare.write_text(without_outputs(path), encoding="utf-8")
            build_data["force_include"][str(bare)] = f"micrograd/notebooks/{path.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact: str) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


def without_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
