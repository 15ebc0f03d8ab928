"""The player as HTML: a fragment for notebooks, which needs no kernel, and a page of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import shell
from ..expression import FUNCTIONS
from .replay import Step
from .scene import PADDING, ROW, Scene
from .words import Words, number, short, symbol

MOST_QUESTIONS = 4  # for one node, in predict mode

IN_A_NOTEBOOK = "Run this cell, or trust the notebook, to step through all of them."
IN_A_FILE = "This page steps through all of them where scripts may run; here none does."


def fragment(story: dict[str, Any], still: shell.Still, hint: str) -> str:
    """The HTML of a player, which is a picture with a hint where no script runs."""
    which = "first" if story["predict"] else "last"
    hint = f"The {which} of {len(story['steps'])} steps. {hint}"
    return shell.fragment("microgradPlayer", scripts(), asset("player.css"), story, still, hint)


def scripts() -> str:
    return shell.asset("functions.js") + asset("number.js") + asset("player.js")


def asset(name):
    return shell.asset(name, __package__)


def story(words: Words, steps: Sequence[Step], scene: Scene, predict: bool) -> dict[str, Any]:
    """All that the script shows."""
    return {
        "title": words.title(),
        "predict": predict,
        "most": MOST_QUESTIONS,
        "functions": sorted(FUNCTIONS),
        "size": [round(scene.w), round(scene.h)],
        "row": ROW,
        "padding": PADDING,
        "nodes": list(map(node, words.nodes, words.names, scene.boxes, scene.ops)),
        "flows": list(map(flow, scene.flows, scene.plates, scene.arrows)),
        "steps": [step(s, words.lines(s), grads) for s, grads in zip(steps, news(steps))],
    }


def node(node, name, box, op):
    return {
        "name": name,
        "labelled": bool(node.label),
        "constant": node.constant,
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


def news(steps):
    """The gradients that each step sets, all being 0 at first; of the last those that differ."""
    now: dict[int, float] = {}
    for step in steps:
        is_news = step.kind in ("seed", "backward")
        yield {i: g for i, g in step.grads.items() if is_news or repr(g) != repr(now.get(i, 0.0))}
        now |= step.grads


def step(step, lines, grads):
    grads = {i: [number(g), repr(g)] for i, g in grads.items()}
    return {"kind": step.kind, "node": step.node, "lines": lines, "grads": grads}


def corners(box):
    return [round(x, 1) for x in (box.x, box.y, box.w, box.h)]
