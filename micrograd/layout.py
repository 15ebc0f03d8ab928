"""Graphviz as a program: DOT text in, a checked picture out; nothing to install beside pip."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

from . import columns

IN_A_BROWSER = sys.platform == "emscripten"  # where no program can be run
TIMEOUT = 5  # seconds, for all attempts at one picture
FIRST = 0.4  # of that time, for the ordinary layout
# Then lines are straight, and their crossings as they come: a tenth of the time, or less.
COMPACT = ("-Gsplines=line", "-Gnslimit=0.01", "-Gnslimit1=0.01", "-Gmclimit=0.01")
LONGEST_REASON = 2000  # bytes

HOW_TO_FIX = f"""\
Put one in place with
    {sys.executable} -m pip install graphviz-pure
or install Graphviz (https://graphviz.org/download), or set MICROGRAD_DOT to a dot program."""


class DrawError(RuntimeError):
    """A drawing could not be made; the message says why."""


class TooTangledError(DrawError):
    """The dot program did not finish in time."""


def dot_program() -> str:
    """The path of the program that draws: $MICROGRAD_DOT, else graphviz-pure, else dot on PATH.

    Raises DrawError, saying how to get one, where there is none.
    """
    chosen = os.environ.get("MICROGRAD_DOT")
    if chosen:
        found = shutil.which(chosen)
        if not found:
            raise DrawError(f"cannot draw: MICROGRAD_DOT is {chosen!r}, which is no program")
        return found
    found = graphviz_pure() or shutil.which("dot")
    if not found:
        raise DrawError(
            "cannot draw: MICROGRAD_DOT is not set, the package graphviz-pure is not installed, "
            f"and there is no dot on PATH. {HOW_TO_FIX}"
        )
    return found


def graphviz_pure() -> str | None:
    """The program inside the graphviz-pure wheel, which need not be on PATH."""
    try:
        files = metadata.files("graphviz-pure") or []
    except metadata.PackageNotFoundError:
        return None
    paths = [Path(str(f.locate())) for f in files if Path(f).stem == "graphviz-pure"]
    return next((str(path.resolve()) for path in paths if path.is_file()), None)


def picture(source: str, format: str, dpi: float = 96) -> bytes:
    """The drawing of DOT text in a format of the dot program, such as "svg" or "png".

    What takes too long is laid out anew, compactly. In a browser, it stands in columns. Raises
    DrawError where the program is missing, fails, writes half a picture, or took 5 s in all.
    """
    if IN_A_BROWSER:
        return in_columns(source, format)
    program = dot_program()
    resolution = [f"-Gdpi={dpi:g}"] if format == "png" else []
    command = [program, "-Kdot", f"-T{format}", *resolution]
    try:
        output = finished(command, source, FIRST * TIMEOUT)
    except subprocess.TimeoutExpired:
        try:
            output = finished([*command, *COMPACT], source, (1 - FIRST) * TIMEOUT)
        except subprocess.TimeoutExpired:
            raise TooTangledError(
                f"cannot draw: {program} did not finish within {TIMEOUT} s; "
                "draw a part of the graph, such as one neuron or the loss of one sample"
            ) from None
    if not complete(output, format):
        raise DrawError(f"cannot draw: {program} wrote no complete {format.upper()}")
    return output


def in_columns(source, format):
    """The drawing by a layout of our own, which knows "svg" only."""
    if format != "svg":
        raise DrawError(f"cannot draw: a browser draws 'svg', not {format!r}")
    try:
        return columns.svg(source).encode()
    except columns.UnknownError as error:
        raise DrawError(f"cannot draw: without Graphviz, {error}") from None


def finished(command, source, seconds):
    """What a dot program writes; TimeoutExpired where it takes longer."""
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=seconds, check=False
        )
    except OSError as error:
        raise DrawError(f"cannot draw: {command[0]} does not run: {error}") from None
    if not done.returncode:
        return done.stdout
    reason = done.stderr[-LONGEST_REASON:].decode(errors="replace").strip()
    if "not recognized" in reason:
        format = command[2].removeprefix("-T")
        raise DrawError(f"cannot draw: {command[0]} offers no {format!r}; take 'svg' or 'png'")
    raise DrawError(
        f"cannot draw: {command[0]} {ending(done.returncode)}: {reason or 'it gave no reason'}"
    )


def ending(code: int) -> str:
    """An exit code in words; a negative one is the signal that ended the program."""
    if code < 0:
        return f"was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"failed with exit code {code}"


def complete(output: bytes, format: str) -> bool:
    if format == "png":
        return output.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND" in output[-12:]
    if format == "svg":
        try:
            return ElementTree.fromstring(output.decode()).tag.endswith("svg")
        except (ElementTree.ParseError, UnicodeDecodeError):
            return False
    if format == "plain":
        return output.endswith(b"stop\n")
    return bool(output)
