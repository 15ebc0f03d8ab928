"""What a jitted function may raise of its own."""

from ..engine import Refusal


class JitError(Refusal):
    """A function that cannot be replayed, and why."""


class TooDeepError(JitError):
    """A graph of so many levels that a replay would not pay."""


class PlainIntError(JitError):
    """An integer of an array was wanted as a plain int, which an input is not.

    `arrays` are the numbers of the arrays, among those of the arguments, that it came from.
    """

    def __init__(self, arrays: frozenset[int]) -> None:
        super().__init__(
            "a jitted function computed with an integer of an array as only a plain int can: "
            "use + - * with it, compare it with < or >, or let F.take() select by it"
        )
        self.arrays = arrays


class ElementsError(JitError):
    """An element of an array was wanted, of which a trace had only columns.

    `arrays` are the numbers of such arrays, among those of the arguments.
    """

    def __init__(self, arrays: frozenset[int]) -> None:
        super().__init__(
            "a jitted function met an array that was passed to another call of it: compute with "
            "what is passed to this one"
        )
        self.arrays = arrays


class ExamplesError(JitError):
    """One example of a batch does not tell what the others do."""

    def __init__(self) -> None:
        super().__init__("the examples of a batch go different ways through a jitted function")
