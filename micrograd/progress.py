"""A progress bar for a loop: on stderr, or in a notebook quiet, and gone when the loop is done."""

from __future__ import annotations

import contextlib
import html
import io
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress_bar(rows: Iterable, show: bool, **settings: Any) -> tqdm:
    """A bar of tqdm over rows; none unless `show`, or where TQDM_DISABLE is set."""
    hidden = {} if show and sys.stderr is not None else {"disable": True}
    return (NotebookBar if in_a_notebook() else TerminalBar)(rows, **settings, **hidden)


def in_a_notebook() -> bool:
    """Whether this is a kernel, which shows HTML."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")


class TerminalBar(tqdm):
    """A bar on stderr, which goes where that cannot be written to: the loop is worth more."""

    def display(self, *args: Any, **kwargs: Any) -> bool:
        try:
            return super().display(*args, **kwargs)
        except (OSError, ValueError):  # such as: the disk is full, the stream is closed
            self.disable = True
            return False

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().close()


class NotebookBar(tqdm):
    """A bar in the output of its cell, which holds nothing any more when the bar is closed."""

    DELAY = 0.3  # seconds: what is done sooner needs no bar
    WORDS = "{desc} {n_fmt} / {total_fmt}{postfix}, {remaining} left"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.handle: Any = None
        quiet = {"file": io.StringIO(), "leave": False, "delay": self.DELAY}
        super().__init__(*args, bar_format=self.WORDS, **quiet, **kwargs)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        from IPython.display import display

        share = self.n / self.total if self.total else 0
        words = html.escape(str(self) if msg is None else msg)
        bar = f'<progress value="{share:.3f}" aria-label="progress"></progress> {words}'
        content = {"text/html": bar} if words else {}
        if self.handle:
            self.handle.update(content, raw=True)
        else:
            self.handle = display(content, raw=True, display_id=True)
        return True
