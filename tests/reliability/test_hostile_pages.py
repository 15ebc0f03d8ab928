"""Words that act somewhere, in every page, in a real browser: they stand there; nothing runs."""

import base64
import importlib.util
import sys
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from hostile import SCRIPT, TEXTS, prints
from test_hostile_words import drawing, forest, line, shown

import micrograd
from micrograd import Value, lab, nn, shell
from micrograd.compiler import jit
from micrograd.film import snapshot
from micrograd.player import NO_PICTURE, step_through
from micrograd.text import visible, visible_lines

THEME = "Attacks"
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NO_DIALOGS = "for (const f of ['alert', 'confirm', 'prompt']) window[f] = () => { hacked = f; };"
ACTIVE = """
const acts = (e) => [...e.attributes].some(({ name, value }) =>
  name.startsWith("on") || name === "srcdoc" ||
  (/href$|^(src|action|formaction|data)$/.test(name) && /^\\s*javascript:/i.test(value)));
const asked = performance.getEntriesByType("resource").map((e) => e.name);
return [
  ...("hacked" in window ? [window.hacked] : []),
  ...all("*").filter(acts).map((e) => e.outerHTML.slice(0, 99)),
  ...asked.filter((name) => !/^(data|file|blob):/.test(name)),
];"""


@pytest.fixture
def opened(browser):
    """Opens a page; afterwards, nothing of it has acted."""
    pages = []

    def opened(page, **settings):
        pages.append(browser.open(page, before=NO_DIALOGS, **settings))
        return pages[-1]

    yield opened
    for page in pages:
        assert page.run(ACTIVE) == [] and page.errors() == []
        assert not page.seen("Page.javascriptDialogOpening")


def test_a_script_that_runs_would_be_seen(browser):
    page = browser.open(f"<p>{SCRIPT}<img src=x onerror=hacked=2><a href='javascript:hacked=3'>")
    page.wait("hacked === 2")
    found = page.run(ACTIVE)
    assert found[0] == 2 and len(found) == 3
    dialog = browser.open("<script>alert(1)</script>", before=NO_DIALOGS)
    assert dialog.run(ACTIVE) == ["alert"]


@pytest.mark.slow
def test_a_player_shows_the_words(opened, tmp_path, score):
    root, known = forest()
    page = opened(step_through(root, names=known, predict=True).html(tmp_path / "p.html"))
    wanted = [shown(text.strip(), 24) for text in TEXTS]
    page.middle(".last")  # when the player is there
    assert {*wanted} - {""} <= {*page.texts(".name")}
    assert {shown(text, 24) for text in TEXTS} <= {*page.texts(".symbol")}
    page.click(".last")
    page.click(".back")
    assert page.texts(".say")[0]
    page.run(
        "all('svg [data-node]').forEach((node, i) => i % 9 || node.dispatchEvent("
        "new MouseEvent('click', { bubbles: true })))"
    )
    titles = page.texts("svg title")
    assert [text for text in wanted if not any(text in title for title in titles)] == []
    line(score, 4)


@pytest.mark.parametrize("kind", ["film", "player"])
def test_a_page_of_its_own_has_the_words_in_its_title(kind, opened, tmp_path, score):
    text = f"</title>{SCRIPT}\u202e\"'<img src=x onerror=hacked=1>"
    if kind == "player":
        root = Value(2.0, label=text) * 3.0
        root.label = text
        page = opened(step_through(root).html(tmp_path / "x.html"))
        assert page.run("return document.title") == shown(text, 24) + ", step by step"
    else:
        film = snapshot(nn.MLP(2, [2, 1], seed=0), [[0.0, 1.0], [1.0, 0.0]], [1, -1])
        film.network.__class__ = type("N", (type(film.network),), {"__str__": lambda n: text})
        page = opened(film.html(tmp_path / "x.html"))
        assert text[:8] in page.run("return document.title")
    line(score)


def test_the_live_view_shows_the_words_of_an_error(opened, score):
    live, session = pytest.importorskip("micrograd.live"), micrograd.live.session
    view = live.script().replace("export default", "window.view =")
    story = live.live("moons").session.story()
    story["choices"]["optimizer"] = TEXTS
    page = opened(f"<div></div><script>{view}</script>")
    page.run(
        """
        const story = arguments[0];
        window.heard = () => {};
        const model = { get: () => story, on: (_, f) => { heard = f; }, off() {}, send() {} };
        view.render({ model, el: document.querySelector("div") });""",
        story,
    )
    assert page.texts("[aria-label=optimizer] option") == TEXTS
    for text in TEXTS:
        page.run("heard({ error: arguments[0] })", session.sentence(ValueError(text)))
        assert page.texts(".error") == [f"ValueError: {visible_lines(text)}"]
    line(score, 2)


# The lab


@pytest.fixture
def lab_page(opened, tmp_path):
    return opened(lab.html(tmp_path / "lab.html", "__proto__ * x", {"__proto__": 3.0, "x": 2.0}))


def test_a_name_of_the_language_is_a_name_in_the_lab(lab_page):
    assert lab_page.texts(".result") == ["= 6"]
    lab_page.run(
        "const f = all('.expression')[0]; f.value = 'constructor + toString*2';"
        "f.dispatchEvent(new Event('input'))"
    )
    assert lab_page.texts(".result") == ["= 3"]
    assert lab_page.texts(".called") == ["constructor", "toString"]


@pytest.mark.slow
def test_an_address_of_the_lab_is_read_and_not_obeyed(lab_page, score):
    typed = """
    const seen = [];
    for (const [text, hash] of arguments[0]) {
      location.hash = hash;
      await new Promise((done) => window.addEventListener("hashchange", done, { once: true }));
      seen.push([all(".expression")[0].value, all(".note")[0].textContent]);
    }
    return seen;"""
    texts = [t for t in TEXTS if t.encode("utf-8", "replace").decode() == t]
    rows = [[t, f"e={quote(t, safe='')}&{quote(t, safe='')}=1&x=2"] for t in texts]
    seen = lab_page.run(typed, rows)
    one_line = [t.replace("\r", "").replace("\n", "") for t in texts]  # as a field has it
    assert [value for value, _ in seen] == one_line
    assert all(prints(note) and len(note) < 3000 for _, note in seen)
    line(score, 2)


# The site


def site_of(folder, monkeypatch):
    """The module that makes the site, of the lessons in a folder and without its pictures."""
    monkeypatch.syspath_prepend(str(NOTEBOOKS))
    spec = importlib.util.spec_from_file_location("site_of_lessons", NOTEBOOKS / "site.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "site_of_lessons", module)
    spec.loader.exec_module(module)
    (folder / "pages").symlink_to(NOTEBOOKS / "pages")
    monkeypatch.setattr(module, "FOLDER", folder)
    front = dict.fromkeys(("title", "description", "player", "example", "commands", "film"), "")
    monkeypatch.setattr(module, "front", lambda lessons: {**front, "count": 1})
    monkeypatch.setattr(module, "modules", list)
    return module


TITLE = f"A </title>{SCRIPT} \"'<img src=x onerror=hacked=1> & {{{{7*7}}}}"


def notebook():
    """A lesson that says all of it, in every place of a notebook."""
    texts = [t for t in TEXTS if t.encode("utf-8", "replace").decode() == t]
    v4, png = nbformat.v4, base64.b64encode(NO_PICTURE).decode()
    cells = [v4.new_markdown_cell(f"# 00 {TITLE}\n\n**What is {TITLE}?** Ten minutes.")]
    cells += [
        v4.new_markdown_cell(f"## {text}\n\n{text}\n\n| a |\n|---|\n| {text} |") for text in texts
    ]
    outputs = [v4.new_output("stream", text=text) for text in texts]
    outputs += [v4.new_output("display_data", {"text/plain": text}) for text in texts]
    outputs += [
        v4.new_output("display_data", {"image/png": png}, metadata={"image/png": {"alt": text}})
        for text in texts
    ]
    outputs.append(v4.new_output("display_data", {"text/html": "<script>ran = true</script>"}))
    code = "\n".join(f"# {text}" for text in texts)
    cells.append(v4.new_code_cell(code, outputs=outputs))
    svg = {"image/svg+xml": drawing().svg()}
    alt = {"image/svg+xml": {"alt": TITLE}}
    cells.append(v4.new_code_cell("x", outputs=[v4.new_output("display_data", svg, metadata=alt)]))
    return v4.new_notebook(cells=cells), texts


@pytest.mark.slow
def test_a_lesson_of_the_site_shows_the_words(opened, tmp_path, monkeypatch, score):
    pytest.importorskip("nbconvert")
    made, texts = notebook()
    site = site_of(tmp_path, monkeypatch)
    nbformat.write(made, tmp_path / "00_x.ipynb")
    site.site(tmp_path / "out")
    front = opened(tmp_path / "out" / "index.html")
    assert front.texts(".card .name") == [f"00 {TITLE.partition(':')[0]}"]
    assert front.texts(".card .question") == [f"What is {TITLE}?"]
    page = opened(tmp_path / "out" / "00_x.html")
    assert page.run("return document.title") == f"00 {TITLE}"
    description = page.run("return all('meta[name=description]')[0].content")
    assert description == f"What is {TITLE}?"
    code = page.texts(".source pre")[0].split("\n")
    printable = [t for t in texts if t.isprintable() and t.strip() == t]
    assert [t for t in printable if f"# {t}" not in code] == []
    out = page.texts("pre.text")
    assert [t for t in printable if out.count(t) < 2] == []
    alts = page.run("return all('.plot img').map((img) => img.alt)")
    assert [t for t in printable if t not in alts] == []
    assert page.run("return all('.drawing svg')[0].getAttribute('aria-label')") == TITLE
    assert page.run("return window.ran"), "what cells have put out is published as it is"
    line(score, 9)


def test_a_page_around_a_fragment_shows_its_title(opened, tmp_path):
    for title in (TITLE, "".join(map(visible, TEXTS[:60]))):
        path = tmp_path / "x.html"
        path.write_text(shell.page(title, "<p>x</p>"), encoding="utf-8")
        assert opened(path).run("return document.title").split() == title.split()


def test_a_notebook_shows_the_words_of_a_program(opened):
    w = Value(2.0, label=SCRIPT)
    compiled = jit(lambda x: x * w)
    compiled(1.0)
    assert SCRIPT not in compiled.program + compiled.explain()
