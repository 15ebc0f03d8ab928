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

TIMEOUT = 20  # seconds
LONGEST_REASON = 2000  # bytes
PNG_DPI = 192  # of files: twice the usual 96, sharp on dense screens and on paper

HOW_TO_FIX = f"""\
Put one in place with
    {sys.executable} -m pip install graphviz-pure
or install Graphviz (https://graphviz.org/download), or set MICROGRAD_DOT to a dot program."""


class DrawError(RuntimeError):
    """A drawing could not be made; the message says why."""


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


def picture(source: str, format: str, dpi: int = PNG_DPI) -> bytes:
    """The drawing of DOT text in a format of the dot program, such as "svg" or "png".

    Raises DrawError where the program is missing, fails, takes over 20 s, or writes half a picture.
    """
    program = dot_program()
    resolution = [f"-Gdpi={dpi}"] if format == "png" else []
    try:
        done = subprocess.run(
            [program, "-Kdot", f"-T{format}", *resolution],
            input=source.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DrawError(f"cannot draw: {program} did not finish within {TIMEOUT} s") from None
    except OSError as error:
        raise DrawError(f"cannot draw: {program} does not run: {error}") from None
    if done.returncode:
        reason = done.stderr[-LONGEST_REASON:].decode(errors="replace").strip()
        raise DrawError(
            f"cannot draw: {program} {ending(done.returncode)}: {reason or 'it gave no reason'}"
        )
    if not complete(done.stdout, format):
        raise DrawError(f"cannot draw: {program} wrote no complete {format.upper()}")
    return done.stdout


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
