"""Letters as pixels, from the fonts that come with matplotlib, else from those of the system."""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SAMPLE = 100  # pixels, the size of letters that are measured
GUESSED = [(0.35, "ijlftrI.,:;'|()[]{}! "), (0.96, "mwMW@%—…")]  # where none can be, of that size
USUAL = 0.66


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is, in the unit of the size of its letters."""
    return size * sum(letter_width(letter, bold) for letter in text)


@functools.cache
def letter_width(letter: str, bold: bool) -> float:
    if not drawable():
        return next((w for w, letters in GUESSED if letter in letters), USUAL) * (
            1.1 if bold else 1
        )
    return sum(font(path, SAMPLE).getlength(c) for path, c in known_letters(letter, bold)) / SAMPLE


@functools.cache
def drawable() -> bool:
    """Whether there is a Pillow to draw and measure letters; a browser may have none."""
    try:
        import PIL.ImageFont  # noqa: F401
    except ImportError:
        return False
    return True


def write(
    draw: Any, at: tuple[float, float], text: str, size: float, ink: Any, anchor: str, bold: bool
) -> None:
    """Draw a text by Pillow; the anchor is l, m or r, then m for the middle or s for the line."""
    x, y = at
    x -= {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] * text_width(text, size, bold)
    for path, piece in pieces(text, bold):
        draw.text((x, y), piece, ink, font(path, size), "l" + anchor[1])
        x += font(path, size).getlength(piece)


@functools.cache
def font(path: str, size: float) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


@functools.cache
def pieces(text: str, bold: bool) -> list[tuple[str, str]]:
    """The text in pieces, each with the file of a font that has its letters."""
    known = [(path, c) for letter in text for path, c in known_letters(letter, bold)]
    groups = itertools.groupby(known, key=lambda pair: pair[0])
    return [(path, "".join(c for _, c in group)) for path, group in groups]


@functools.cache
def known_letters(letter: str, bold: bool) -> list[tuple[str, str]]:
    """A letter with the first font that has it; its code point where none has."""
    if has(own(bold), letter) or unicodedata.category(letter) in ("Mn", "Cf", "Zs"):
        return [(own(bold), letter)]
    found = next((path for path in system() if has(path, letter)), None)
    return [(found, letter)] if found else [(own(bold), f"U+{ord(letter):04X}")]


def own(bold: bool) -> str:
    """The file of the font to begin with; none for Pillow's own, where matplotlib is absent."""
    try:
        import matplotlib
    except ImportError:
        return ""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", name))


@functools.cache
def system() -> list[str]:
    """The files of the system's fonts that can be drawn at any size, in a fixed order."""
    from matplotlib.font_manager import findSystemFonts

    return sorted(filter(usable, findSystemFonts()))


def usable(path):
    if "LastResort" in path:  # it has a box for every letter there is
        return False
    try:
        font(path, SAMPLE)
        letters(path)
    except (OSError, RuntimeError):  # such as letters that are pictures, of one size
        return False
    return True


def has(path: str, letter: str) -> bool:
    return not path or letters(path).get_char_index(ord(letter)) != 0


@functools.cache
def letters(path):
    from matplotlib.ft2font import FT2Font

    return FT2Font(path)


def lines(text: str, width: float, size: float, bold: bool = False) -> Iterator[str]:
    """The text in lines no wider than `width`, broken at spaces."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}".lstrip()
        if line and text_width(longer, size, bold) > width:
            yield line
            line = word
        else:
            line = longer
    if line:
        yield line
