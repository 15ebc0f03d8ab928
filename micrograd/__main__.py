"""Runs a command: `python -m micrograd`, or `micrograd` where it is installed."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from . import terminal


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 2 after a sentence on stderr when a command could not be carried out."""
    return terminal.ended(lambda: carried_out(argv))


def carried_out(argv):
    try:
        from . import commands  # takes a while, in which somebody may press Ctrl-C
    except ImportError as error:  # nothing is installed, or a random.py of the user's is in the way
        return terminal.refused(
            f"what it is built on does not load: {error}; where a package is missing, "
            "pip install micrograd-lessons brings all of them"
        )
    except ValueError as error:  # matplotlib's, of MPLBACKEND or a matplotlibrc
        return terminal.refused(f"{package_of(error)} does not start here: {error}")
    return commands.carried_out(argv)


def package_of(error):
    """The name of the package that raised an error."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals["__name__"].partition(".")[0]


if __name__ == "__main__":
    sys.exit(main())
