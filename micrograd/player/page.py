"""The player as HTML: a fragment for notebooks, which needs no kernel, and a page of its own."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Sequence
from importlib import resources

from .replay import Step
from .scene import PADDING, ROW, Scene
from .words import Words, number, short, symbol

MOST_QUESTIONS = 4  # for one node, in predict mode

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 1200px; margin: 16px auto; padding: 0 8px; }}
</style>
</head>
<body>
{fragment}
</body>
</html>
"""

# The script finds its players by a hash of their story: the same on every run, and two players
# with one story on one page are both found.
FRAGMENT = """\
<style>{css}</style>
<div class="micrograd-player" data-story="{key}">
<img src="data:image/png;base64,{png}" alt="{alt}" width="{width}">
<p>{hint}</p>
</div>
<script>
(function () {{
{js}
const story = {story};
document
  .querySelectorAll('[data-story="{key}"]:not([data-step])')
  .forEach((root) => microgradPlayer(root, story));
}})();
</script>
"""

HINT = "The last of {n} steps. Run this cell, or trust the notebook, to step through all of them."


def page(title: str, fragment: str) -> str:
    return PAGE.format(title=html.escape(title), fragment=fragment)


def fragment(story: str, png: bytes, width: int, alt: str, steps: int) -> str:
    """The HTML of a player, which is the picture `png` with a hint where no script runs."""
    return FRAGMENT.format(
        css=asset("player.css"),
        js=asset("player.js"),
        story=story,
        key=hashlib.sha256(story.encode()).hexdigest()[:16],
        png=base64.b64encode(png).decode(),
        alt=html.escape(alt),
        width=width,
        hint=HINT.format(n=steps),
    )


def asset(name):
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def story(words: Words, steps: Sequence[Step], scene: Scene, predict: bool) -> str:
    """All that the script shows, as JSON that may stand in a script element."""
    content = {
        "title": words.title(),
        "predict": predict,
        "most": MOST_QUESTIONS,
        "size": [round(scene.w), round(scene.h)],
        "row": ROW,
        "padding": PADDING,
        "nodes": list(map(node, words.nodes, words.names, scene.boxes, scene.ops)),
        "flows": list(map(flow, scene.flows, scene.plates, scene.arrows)),
        "steps": [step(s, words.lines(s)) for s in steps],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def node(node, name, box, op):
    return {
        "name": name,
        "labelled": bool(node.label),
        "data": number(node.data),
        "exact": repr(node.data),
        "box": corners(box),
        "op": symbol(node.op),
        "circle": op and corners(op),
    }


def flow(flow, plate, arrow):
    return {
        "child": flow.child,
        "parent": flow.parent,
        "added": flow.added if math.isfinite(flow.added) else None,
        "text": short(flow),
        "plate": corners(plate),
        "curve": [[round(x, 1), round(y, 1)] for x, y in arrow],
    }


def step(step, lines):
    grads = {i: [number(g), repr(g)] for i, g in step.grads.items()}
    return {"kind": step.kind, "node": step.node, "lines": lines, "grads": grads}


def corners(box):
    return [round(x, 1) for x in (box.x, box.y, box.w, box.h)]
