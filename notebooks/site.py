"""The course as a static site: `python notebooks/site.py OUT`, which needs the extra `site`.

Pages load nothing from elsewhere, and work from a folder as well as from a server. The words of a
lesson cannot act; what its cells have put out as HTML, such as a player, is taken as it is.
"""

from __future__ import annotations

import base64
import html
import importlib
import inspect
import io
import json
import math
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import bleach
import jinja2
import nbformat
import pictures
from bleach.css_sanitizer import CSSSanitizer
from nbconvert import HTMLExporter
from PIL import Image, ImageStat
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import BashLexer, PythonConsoleLexer, PythonLexer

from micrograd import course, files, lab

FOLDER = Path(__file__).parent
PAGES = FOLDER / "pages"
README = FOLDER.parent / "README.md"

PARTS = {  # by the number of their first lesson
    0: ("Numbers", "A number, its history, and the way back through it."),
    9: ("Models", "Lines, fences, moons: what a few numbers learn together."),
    16: ("Scale", "The same numbers, found again as arrays."),
    17: ("Language", "Letters in, letters out."),
    19: ("Puzzles", "The rules of the way back, a line each."),
    21: ("From here", "What stays the same in the large frameworks."),
}
SCROLLS = 'tabindex="0" role="group" aria-label="{}"'  # where it is too wide, also by keys
COVER = 1.6  # width by height, of the picture that a lesson is shown by
GUESS = re.compile(r"(?:^|[\s(])\*[^*\s][^*]*[.?!]\*$")  # a question in italics ends the text above

MODULES = (
    "engine", "functional", "tensor", "nn", "optim", "train", "data", "film", "live", "plot", "viz",
    "player", "lab", "gradcheck", "function", "compiler", "names", "expression", "lesson", "puzzle",
)  # fmt: skip

TAGS = bleach.ALLOWED_TAGS | {  # what markdown makes, and the course writes in it
    "br", "del", "details", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "p", "pre",
    "span", "summary", "table", "tbody", "td", "th", "thead", "tr",
}  # fmt: skip
ATTRIBUTES = {
    "a": ["href", "title"],
    "img": ["alt", "src", "title"],
    **{tag: ["style"] for tag in ("td", "th")},
    **{tag: ["class"] for tag in ("code", "div", "pre", "span")},
}
STYLES = CSSSanitizer(allowed_css_properties=["text-align"])

ABOUT_THE_LAB = {
    "title": "Expression lab",
    "description": "Type an expression, move its numbers, and watch every gradient follow.",
}
ABOUT_THE_REFERENCE = {
    "title": "Reference",
    "description": "What each module of micrograd offers.",
}
NAMES = {"micrograd.engine": ("Value", "node", "topological_order")}  # the rest is for the house


class Page(NamedTuple):
    """A lesson as the front page and the lists of contents show it."""

    stem: str
    title: str
    question: str
    meta: str
    notebook: Any

    @property
    def number(self):
        return self.stem[:2]

    @property
    def short(self):
        return self.title.partition(":")[0]


@dataclass
class Part:
    title: str
    words: str
    lessons: list[Page] = field(default_factory=list)


def site(out: Path) -> list[Path]:
    """Write all pages into a folder, which is made if need be; return their paths."""
    lessons = [lesson(path) for path in course.lessons(FOLDER)]
    icon = (PAGES / "icon.svg").read_text("utf-8")
    written = Folder(out, {"parts": in_parts(lessons), "icon": icon})
    written.file("assets/site.css", (PAGES / "site.css").read_bytes())
    written.file("assets/icon.svg", icon)
    covers = {each.stem: cover(written, each) for each in lessons}
    written.page("index", kind="front", covers=covers, **front(lessons))
    exporter = cells_exporter()
    for before, each, after in zip([None, *lessons], lessons, [*lessons[1:], None]):
        write_lesson(written, exporter, before, each, after)
    written.page("lab", kind="lab", lab=lab.fragment(), **ABOUT_THE_LAB)
    written.page("api", kind="reading", modules=modules(), **ABOUT_THE_REFERENCE)
    return written.paths


def write_lesson(written, exporter, before, lesson, after):
    """The page of a lesson between two others, and the notebook as a learner begins it."""
    body = linked(exporter.from_notebook_node(folded(lesson.notebook))[0])
    notebook = json.loads((FOLDER / f"{lesson.stem}.ipynb").read_text("utf-8"))
    fresh = json.dumps(course.fresh(notebook), ensure_ascii=False, indent=1)
    written.file(f"lessons/{lesson.stem}.ipynb", fresh)
    written.page(
        lesson.stem,
        kind="reading",
        template="lesson",
        title=f"{lesson.number} {lesson.title}",
        description=html.unescape(text(lesson.question)),
        body=body,
        sections=sections(body),
        lesson=lesson,
        before=before,
        after=after,
    )


class Folder:
    """The folder of the site: what is written into it, whole or not at all."""

    def __init__(self, path: Path, common: dict[str, Any]) -> None:
        self.path, self.common, self.paths = path, common, []
        loader = jinja2.FileSystemLoader(PAGES)
        self.templates = jinja2.Environment(
            loader=loader, undefined=jinja2.StrictUndefined, autoescape=True
        )

    def file(self, name, content):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, content)

    def page(self, name, *, template="", **context):
        made = self.templates.get_template(f"{template or name.replace('index', 'front')}.html.j2")
        here = f"{name}.html"
        self.file(here, made.render(here=here, **self.common, **context) + "\n")
        self.paths.append(self.path / here)


# Lessons


def lesson(path):
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source
    bold = re.search(r"\*\*(.+?)\*\*", first, re.DOTALL)
    question = bold[1] if bold else first.split("\n\n")[1].partition("?")[0] + "?"
    title = first.partition("\n")[0].lstrip("# 0123456789")
    exercises = sum("exercise" in cell.metadata.get("tags", []) for cell in notebook.cells)
    minutes = re.search(r"(\d+|ten)\s+minutes", first)
    said = [f"{minutes[1].replace('ten', '10')} minutes"] if minutes else []
    said += [f"{exercises} exercises"] if exercises else []
    return Page(path.stem, title, inline(question), " · ".join(said), notebook)


def in_parts(lessons):
    """The parts of the course that have lessons."""
    parts = {first: Part(*words) for first, words in PARTS.items()}
    for each in lessons:
        parts[max(first for first in parts if first <= int(each.number))].lessons.append(each)
    return [part for part in parts.values() if part.lessons]


def cells_exporter():
    """What turns the cells of a notebook into HTML, by a template of ours."""
    exporter = HTMLExporter(
        template_name=PAGES.name, extra_template_basedirs=[str(FOLDER)], exclude_anchor_links=True
    )
    exporter.register_filter("drawing", drawing)
    exporter.register_filter("coloured", coloured)
    exporter.register_filter("harmless", harmless)
    return exporter


def harmless(body):
    """HTML made from markdown, what could act in it shown as text."""
    return bleach.clean(body, TAGS, ATTRIBUTES, css_sanitizer=STYLES)


def folded(notebook):
    """The notebook, with marks on each question, and on the cell whose outputs are its answer."""
    for above, cell in zip(notebook.cells, notebook.cells[1:]):
        asked = above.cell_type == "markdown" and GUESS.search(above.source.rstrip())
        above.metadata.asks = cell.metadata.folded = bool(asked and cell.cell_type == "code")
    return notebook


def drawing(svg, alt):
    """An SVG to stand within a page: without names that may be there twice, and in words."""
    svg = re.sub(r"^.*?(?=<svg)", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s(id|xlink:title)="[^"]*"', "", svg)
    svg = re.sub(r"<title>.*?</title>|</?a\b[^>]*>|<!--.*?-->", "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', 1)


def linked(body):
    """The HTML with links to notebooks led to their pages, and headings that can be linked to."""
    body = re.sub(r'href="([0-9]{2}_\w+)\.ipynb', r'href="\1.html', body)
    body = body.replace(
        '<div class="highlight">', f'<div class="highlight" {SCROLLS.format("Code")}>'
    )
    body = body.replace("<table>", f"<div class='table' {SCROLLS.format('Table')}><table>")
    body = body.replace("</table>", "</table></div>")
    return re.sub(
        r"<h([23])>(.*?)</h\1>", lambda m: f'<h{m[1]} id="{anchor(m[2])}">{m[2]}</h{m[1]}>', body
    )


def anchor(heading):
    """A heading as the end of an address, as notebooks have it on the web."""
    words = html.unescape(text(heading)).lower()
    return "-".join(re.sub(r"[^\w\s-]", "", words).split())


def sections(body):
    """The id and the text of each section of a lesson."""
    return re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', body)


def cover(written, lesson):
    """The name of the picture that a lesson is shown by, which is written."""
    outputs = [o for cell in lesson.notebook.cells for o in cell.get("outputs", [])]
    bundles = [o.data for o in outputs if "image/png" in o.get("data", {})]
    plots = [data for data in bundles if not data.keys() & {"image/svg+xml", "text/html"}]
    drawings = [data for data in bundles if "image/svg+xml" in data]
    best = max(plots or drawings or bundles, key=lambda data: worth(data["image/png"]))
    kind = "svg" if "image/svg+xml" in best else "png"
    content = best["image/svg+xml"] if kind == "svg" else base64.b64decode(best["image/png"])
    written.file(f"assets/{lesson.stem}.{kind}", content)
    return f"{lesson.stem}.{kind}"


def worth(png):
    """How good a cover a picture makes: colors count for it, a shape unlike that of one against."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA")
    saturation = ImageStat.Stat(image.convert("RGB").convert("HSV")).mean[1] / 255
    return 2 * saturation - max(0.5, abs(math.log(image.width / image.height / COVER)))


# The front page


def front(lessons):
    readme = README.read_text(encoding="utf-8")
    example, commands = (
        re.search(rf"```{language}\n(.*?)```", readme, re.DOTALL)[1]
        for language in ("python", "sh")
    )
    return {
        "title": "micrograd: how a neural network learns, one number at a time",
        "description": "How neural networks learn: a course, and an engine to read in an evening.",
        "count": len(lessons),
        "player": shown(pictures.neuron()),
        "example": coloured(example),
        "commands": coloured(commands.replace(" && ", "\n"), BashLexer()),
        "film": shown(pictures.moons()),
    }


def shown(thing):
    """What a notebook shows of a thing, as HTML."""
    return thing._repr_mimebundle_()[0]["text/html"]


# The reference


def modules():
    """The modules that there are, with what they offer."""
    made = []
    for name in MODULES:
        try:
            module = importlib.import_module(f"micrograd.{name}")
        except ModuleNotFoundError:
            continue
        entries = [entry(f"{name}.{key}", thing) for key, thing in offered(module)]
        if entries:
            made.append(
                {"name": f"micrograd.{name}", "doc": inline(doc(module)), "entries": entries}
            )
    return made


def offered(module):
    """The names that a module offers: those it lists, or else what it says the types of."""
    names = (
        NAMES.get(module.__name__)
        or getattr(module, "__all__", None)
        or [name for name, thing in vars(module).items() if own(thing, module) and described(thing)]
    )
    found = ((name, getattr(module, name)) for name in names)
    return [(name, thing) for name, thing in found if inspect.getdoc(thing) and callable(thing)]


def own(thing, module):
    return getattr(thing, "__module__", None) == module.__name__


def described(thing):
    """Whether a thing is for users: it has a docstring and, if it is a function, types."""
    return bool(thing.__doc__) and (inspect.isclass(thing) or "return" in thing.__annotations__)


def entry(name, thing):
    return {
        "id": name,
        "signature": signature(name.rpartition(".")[2], thing),
        "doc": paragraphs(doc(thing)),
        "members": members(name, thing) if inspect.isclass(thing) else [],
        "others": others(thing) if inspect.isclass(thing) else [],
    }


def members(owner, kind):
    """The methods and properties of a class that say what they are for."""
    return [
        {
            "id": f"{owner}.{name}",
            "signature": signature(name, member),
            "doc": paragraphs(doc(member)),
        }
        for name, member in vars(kind).items()
        if not name.startswith("_") and is_member(member) and inspect.getdoc(member)
    ]


def others(kind):
    """Signatures of the methods that need no words: operations, most of them."""
    return [
        signature(name, member)
        for name, member in vars(kind).items()
        if not name.startswith("_") and callable(member) and not inspect.getdoc(member)
    ]


def is_member(thing):
    return callable(thing) or isinstance(thing, (property, classmethod, staticmethod))


def signature(name, thing):
    """A name and what it takes, as HTML."""
    thing = getattr(thing, "__func__", thing)
    try:
        takes = "" if isinstance(thing, property) else str(inspect.signature(thing))
    except ValueError:
        takes = "(…)"
    takes = re.sub(r"(: |-> )'([^']*)'", r"\1\2", takes).replace(" -> None", "")
    takes = re.sub(r"^\((?:self|cls)(?:, )?", "(", takes)
    takes = re.sub(r"<function (\w+) at \w+>", r"\1", takes)
    return f"<b>{html.escape(name)}</b>{html.escape(takes)}"


def doc(thing):
    return inspect.getdoc(thing) or ""


def paragraphs(doc):
    """A docstring as HTML; its examples in colors."""
    blocks = re.split(r"\n\s*\n", doc)
    return "".join(
        f'<div class="source" {SCROLLS.format("Example")}>'
        f"{coloured(block, PythonConsoleLexer())}</div>"
        if block.startswith(">>>")
        else f"<p>{inline(block)}</p>"
        for block in blocks
        if block
    )


# Words


def inline(words):
    """A sentence with code in backticks as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(" ".join(words.split())))


def text(markup):
    return re.sub(r"<[^>]+>", "", markup)


def coloured(code, lexer=None):
    """Python, or what another lexer reads, as HTML in colors."""
    return highlight(code, lexer or PythonLexer(), HtmlFormatter(cssclass="highlight own"))


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        sys.exit("site.py needs one folder: python notebooks/site.py OUT")
    paths = site(Path(arguments[0]))
    print(f"{len(paths)} pages in {arguments[0]}; open {arguments[0]}/index.html")


if __name__ == "__main__":
    main(sys.argv[1:])
