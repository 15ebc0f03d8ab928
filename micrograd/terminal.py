"""How a command ends: with an exit code and at most a sentence, whatever becomes of its output."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from .text import visible, visible_lines

REFUSED = 2
SIGNALLED = 128  # and the number of the signal, as shells count


def ended(command: Callable[[], int]) -> int:
    """The exit code of a command, which is what it returns unless it is stopped from outside.

    Nobody reads on, Ctrl-C or a polite signal: it ends without a word. What cannot be written is
    named in a sentence.
    """
    with present_streams(), polite_signals():
        try:
            code = left_with(command)
            sys.stdout.flush()
            return unheard(code)
        except BrokenPipeError:
            return unheard(SIGNALLED + 13)  # SIGPIPE, which not all systems have
        except KeyboardInterrupt:
            return unheard(SIGNALLED + signal.SIGINT)
        except OSError as error:
            what = visible(str(error.filename or "the output"))
            return unheard(refused(f"cannot write {what}: {error.strerror or error}"))


def refused(sentence: str) -> int:
    """The exit code, once the sentence is on stderr, if it can be there."""
    with contextlib.suppress(OSError):
        print(f"micrograd: {visible_lines(sentence)}", file=sys.stderr)
    return REFUSED


def left_with(command):
    """The exit code of a command, which it returns or leaves with."""
    try:
        return command()
    except SystemExit as end:
        return end.code or 0


@contextlib.contextmanager
def present_streams() -> Iterator[None]:
    """Streams that are closed lead nowhere; letters that a terminal lacks are spelt out."""
    with contextlib.ExitStack() as stack:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                setattr(sys, name, nowhere)
                stack.callback(setattr, sys, name, None)
            elif hasattr(getattr(sys, name), "reconfigure"):
                getattr(sys, name).reconfigure(errors="backslashreplace")
        yield


@contextlib.contextmanager
def polite_signals() -> Iterator[None]:
    """SIGTERM ends as an exception does, so that nothing half done is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(SIGNALLED + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def unheard(code):
    """The code, once what is still to be written leads nowhere."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            try:
                stream.flush()
            except OSError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code
