"""Pages without a kernel: what a script shows of a story, in a notebook or in a file of its own."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{policy}">
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

# All is in the page: its browser is told to ask nobody for anything, whatever the page says.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)

# The script finds its elements by a hash of their story: the same on every run, and two elements
# with one story on one page are both found.
FRAGMENT = """\
<div class="micrograd-page" data-story="{key}">
<img src="data:image/png;base64,{png}" alt="{alt}" width="{width}" style="max-width: 100%">
<p>{hint}</p>
</div>
<script>
(function () {{
{js}
const css = {css};
const tell = (story) =>
  document
    .querySelectorAll('[data-story="{key}"]:not([data-shown])')
    .forEach((host) => {function}(host, css, story));
{telling}
}})();
</script>
"""

PLAIN = "const story = {story};\ntell(story);"

# Half the size in a notebook; a browser from before 2023 keeps the still.
PACKED = """\
const packed = Uint8Array.from(atob("{packed}"), (c) => c.charCodeAt(0));
const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
new Response(unpacked).json().then(tell);"""

LARGE = 60_000  # characters of a story


@dataclass(frozen=True)
class Still:
    """The picture that stands where no script runs, its width in CSS pixels, and it in words."""

    png: bytes
    width: int
    alt: str


def page(title: str, fragment: str) -> str:
    """A page of its own that holds a fragment."""
    return PAGE.format(title=html.escape(title), policy=POLICY, fragment=fragment)


def fragment(function: str, js: str, css: str, story: Mapping, still: Still, hint: str) -> str:
    """The HTML in which a function of JavaScript shows a story; the still where no script runs.

    `function` is called with the element, a style sheet and the story; `js` and `css` come behind
    what all such pages share. `hint` says how to come from the still to the story.
    """
    told = literal(story)
    return FRAGMENT.format(
        function=function,
        js=compact(asset("shell.js") + js),
        css=literal(compact(asset("shell.css") + css)),
        telling=telling(told),
        key=hashlib.sha256(told.encode()).hexdigest()[:16],
        png=base64.b64encode(still.png).decode(),
        alt=html.escape(still.alt),
        width=still.width,
        hint=html.escape(hint),
    )


def telling(story: str) -> str:
    """The script that shows a story, which is packed where it is large."""
    if len(story) < LARGE:
        return PLAIN.format(story=story)
    return PACKED.format(packed=base64.b64encode(zlib.compress(story.encode(), 9)).decode())


def compact(text: str) -> str:
    """A script or a style sheet without comments and indents, for every player carries its own."""
    lines = map(str.strip, re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def literal(content: Any) -> str:
    """JSON that may stand in a script element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def asset(name: str, package: str = __package__) -> str:
    """The text of a file that lies beside the modules of a package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


@functools.cache
def colours() -> dict[str, str]:
    """The colours of the light theme by name, as in #1f2328."""
    return dict(reversed(re.findall(r"--([a-z-]+): (#\w+)", asset("shell.css"))))
