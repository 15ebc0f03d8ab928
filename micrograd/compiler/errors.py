"""What a jitted function may raise of its own."""

from ..engine import Refusal


class JitError(Refusal):
    """A function that cannot be replayed, and why."""


class TooDeepError(JitError):
    """A graph of so many levels that a replay would not pay."""
