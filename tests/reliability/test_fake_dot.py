"""Drawing programs that are missing, hang, fail or write nonsense: a DrawError that says which."""

import signal
import sys

import pytest

import micrograd.functional as F
from micrograd import Value, layout
from micrograd.viz import DrawError, draw_dot

THEME = "Mistakes"


def ended(by):
    return f"was ended by signal {by} ({signal.strsignal(by)})"


NO_SVG = "wrote no complete SVG"
HANGS = "did not finish within {timeout} s"
WHOLE = '<svg xmlns="http://www.w3.org/2000/svg"><text>é</text></svg>'
BROKEN = {
    "failing": ("echo oh no >&2; exit 3", "failed with exit code 3: oh no"),
    "failing without a reason": ("exit 1", "failed with exit code 1: it gave no reason"),
    "failing with a picture": (f"echo '{WHOLE}'; exit 1", "failed with exit code 1: it gave no"),
    "failing at length": (
        "head -c 50000000 /dev/zero | tr '\\0' x >&2; echo 'the end' >&2; exit 1",
        "failed with exit code 1: xxx",
    ),
    "failing in no known script": ("printf '\\377\\376' >&2; exit 1", "exit code 1: \ufffd\ufffd"),
    "crashing": ("kill -SEGV $$", ended(11)),
    "killed": ("kill -KILL $$", ended(9)),
    "crashing with half": ("printf '<svg><g>'; kill -ABRT $$", ended(6)),
    "silent": ("exit 0", NO_SVG),
    "reading and silent": ("cat >/dev/null", NO_SVG),
    "half": ("printf '<svg><g>'", NO_SVG),
    "half a letter": (
        f"printf %s '{WHOLE[: WHOLE.index('é')]}'; printf '\\303'",
        NO_SVG,
    ),
    "a picture and a half": (f"echo '{WHOLE}{WHOLE[:20]}'", NO_SVG),
    "no xml": ("echo hello", NO_SVG),
    "xml that is no picture": ("echo '<html/>'", NO_SVG),
    "zeros": ("head -c 1000000 /dev/zero", NO_SVG),
    "latin-1": ("""printf '<?xml version="1.0" encoding="latin-1"?><svg>\\351</svg>'""", NO_SVG),
    "utf-16": (f"echo '{WHOLE}' | iconv -t utf-16", NO_SVG),
    "what it was given": ("cat", NO_SVG),
    "hanging": ("exec sleep 60", HANGS),
    "hanging after half": ("printf '<svg><g>'; exec sleep 60", HANGS),
    "hanging after a picture": (f"echo '{WHOLE}'; exec sleep 60", HANGS),
    "hanging in silence": ("exec <&- >&- 2>&-; exec sleep 60", HANGS),
    "hanging in a child": ("(sleep 30; touch out.ended); exit 0", HANGS),
    "hanging at its end": ("trap '' TERM INT HUP; while true; do sleep 0.1; done", HANGS),
}


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that puts a script, or bytes, in the place of the drawing program."""
    if sys.platform == "win32":
        pytest.skip("the programs are shell scripts")

    def program(content):
        path = tmp_path / "dot"
        path.write_bytes(content)
        path.chmod(0o755)
        monkeypatch.setenv("MICROGRAD_DOT", str(path))

    return program


def large_drawing():
    """A drawing with a text that is too long for the buffer of a pipe."""
    return draw_dot(F.sum([Value(1.0, label="x" * 60) for _ in range(300)]))


def assert_error_says(reason, drawing, folder):
    """Whether all ways to draw end first: a DrawError with the reason, and text in a notebook."""
    with pytest.raises(DrawError) as error:
        drawing.pipe("svg")
    with pytest.raises(DrawError):
        drawing.render(folder / "out", format="svg")
    bundle, _ = drawing._repr_mimebundle_()
    assert str(error.value).startswith("cannot draw: ") and reason in str(error.value)
    assert len(str(error.value)) < 5_000
    assert not [path for path in folder.iterdir() if path.name.startswith("out")]
    assert list(bundle) == ["text/plain"]
    assert reason in bundle["text/plain"] and "digraph" not in bundle["text/plain"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_program_is_a_draw_error_and_a_notebook_shows_text(
    name, program, tmp_path, monkeypatch, tries, score
):
    script, reason = BROKEN[name]
    monkeypatch.chdir(tmp_path)
    timeout = tries(0.3, 5 if name == "hanging" else 0.3) if reason == HANGS else 5
    monkeypatch.setattr(layout, "TIMEOUT", timeout)
    program(f"#!/bin/sh\n{script}\n".encode())
    assert_error_says(reason.format(timeout=timeout), large_drawing(), tmp_path)
    score(
        f"{len(BROKEN)} broken dot programs",
        "a DrawError with the cause; text in the notebook",
        "{n}",
        hurt="who has no Graphviz, or half of one",
        n=1,
    )


def test_a_drawing_takes_no_longer_than_5_s():
    assert layout.TIMEOUT == 5


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"echo hello\n", "does not run: [Errno 8] Exec format error"),
        (b"\x7fELF and no more", "does not run: [Errno 8] Exec format error"),
        (b"#!/no/such/shell\n", "does not run: [Errno 2] No such file"),
    ],
)
def test_a_file_that_does_not_run_is_a_draw_error(content, reason, program, tmp_path):
    program(content)
    assert_error_says(reason, large_drawing(), tmp_path)


@pytest.mark.parametrize("format, found", [("png", "\\211PNG\\r\\n\\032\\n"), ("plain", "graph 1")])
def test_half_a_picture_of_another_format_is_a_draw_error(format, found, program):
    program(f"#!/bin/sh\nprintf '{found}'\n".encode())
    with pytest.raises(DrawError, match=f"wrote no complete {format.upper()}"):
        layout.picture(large_drawing().source, format)


def test_a_program_that_is_slow_at_first_is_asked_for_a_compact_layout(program, monkeypatch):
    monkeypatch.setattr(layout, "TIMEOUT", 1)
    program(f"#!/bin/sh\ncase $* in *splines*) echo '{WHOLE}';; *) sleep 9;; esac\n".encode())
    assert WHOLE in large_drawing().pipe("svg", encoding="utf-8")


def test_a_format_that_the_program_does_not_offer_is_named(program):
    program(b"""#!/bin/sh\necho 'Format: "pdf" not recognized. Use one of: svg' >&2; exit 1""")
    with pytest.raises(DrawError, match=r"offers no 'pdf'; take 'svg' or 'png'$"):
        large_drawing().pipe("pdf")


def test_a_program_that_draws_svg_only_leaves_text_in_a_notebook(program):
    program(f"#!/bin/sh\necho '{WHOLE}'\n".encode())
    assert WHOLE in large_drawing().pipe("svg", encoding="utf-8")
    bundle, _ = large_drawing()._repr_mimebundle_()
    assert "wrote no complete PNG" in bundle["text/plain"]


ODD = [
    '<path d=""/>', "<polygon/>", '<polyline points="1..2,3"/>', '<text x="a"/>', "<text>x</text>",
    '<text x="1" y="1" font-size="-5">x</text>', '<text x="1e999" y="1" font-size="9">x</text>',
    '<ellipse cx="1" cy="1" rx="-4" ry="1" stroke="black"/>',
]  # fmt: skip


def test_a_picture_of_odd_numbers_is_taken_as_it_is_and_not_painted(program, tmp_path):
    pictures = [("0 0 9 9", shape) for shape in ODD] + [("0 0 0 0", ""), ("0 0 -1 1", "")]
    for box, shape in pictures:
        svg = f'<svg viewBox="{box}"><g class="node">{shape}</g></svg>'
        program(f"#!/bin/sh\necho '{svg}'\n".encode())
        drawing = draw_dot(Value(1.0))
        assert svg in drawing.svg()
        with pytest.raises(DrawError, match="wrote no complete PNG"):
            drawing.png(svg, 96)


@pytest.mark.parametrize("name", ["/no/such/dot", "no-such-dot", ".", __file__])
def test_a_program_that_is_not_there_is_named(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROGRAD_DOT", name)
    reason = f"MICROGRAD_DOT is {name!r}, which is no program"
    assert_error_says(reason, large_drawing(), tmp_path)


def test_without_any_program_the_error_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.delenv("MICROGRAD_DOT", raising=False)
    monkeypatch.setattr(layout, "graphviz_pure", lambda: None)
    monkeypatch.setenv("PATH", "")
    for reason in ("MICROGRAD_DOT", "pip install graphviz-pure", "graphviz.org", "PATH"):
        assert_error_says(reason, large_drawing(), tmp_path)
