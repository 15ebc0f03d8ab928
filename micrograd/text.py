"""Words that come from elsewhere, such as a name in a file, made fit for a screen."""

from __future__ import annotations


def visible(words: str) -> str:
    """The words, with what does not print, such as a line break, written as Python escapes it."""
    if words.isprintable():
        return words
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)


def visible_lines(words: str) -> str:
    """The same, where lines may end."""
    return "\n".join(map(visible, words.split("\n")))


def shortened(words: str, longest: int) -> str:
    """The words, visible, and their end left out where they are longer than so many letters."""
    words = visible(words)
    return words if len(words) <= longest else words[: longest - 1] + "…"
