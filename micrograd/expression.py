"""Text such as "e = a*b; (e + c) * f" computed with Values: parsed with `ast`, never evaluated."""

from __future__ import annotations

import ast
import keyword
import operator
import re
from collections.abc import Mapping

from .engine import Value
from .operations import OPERATIONS

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
NESTING = re.compile(
    r"[-+*/(\[{~!<>=&|^%@]|\.[^\W\d]|\b(?:not|lambda|if|await)\b"
)  # one level each
MOST_NESTED = 1000
MOST_LETTERS = 100_000
WARNED = re.compile(  # of these, Python would warn on the terminal, letters as they are
    r"\\(?!\r?\n)|(?<!\w)\d[\d.a-fA-FxXoOjJ_]*?(?:and|else|for|if|in|is|not|or)\b"
)
PRODUCT = re.compile(r"(?<![\w.])([\d.]+) ?([a-zA-Z]\w*)")  # as on paper: 2x
LONGEST = 80  # characters of a text that is quoted
FUNCTIONS = {row.name: row.method for row in OPERATIONS if not row.notation}


class ExpressionError(ValueError):
    """The text is no expression of numbers, names, + - * / ** and the functions of a Value."""


def evaluate(text: str, variables: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """The result of an expression, and the Value of each name, which is also its label.

    Semicolons or lines separate statements; the last one gives the result. Raises ExpressionError.
    """
    if not isinstance(text, str):
        raise TypeError(f"evaluate() needs a text, got {type(text).__name__} {text!r}")
    if not isinstance(variables, Mapping):
        raise TypeError(
            f"evaluate() needs a mapping of names to numbers, got {type(variables).__name__} "
            f"{variables!r}"
        )
    names = {named(name): Value(x, label=name) for name, x in variables.items()}
    try:
        results = [executed(statement, names) for statement in parsed(text)]
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deeply") from None
    if not results:
        raise ExpressionError("the expression is empty")
    return results[-1], names


def named(name):
    if not (isinstance(name, str) and name.isidentifier()) or keyword.iskeyword(name):
        raise ExpressionError(f"{quoted(str(name))} cannot be the name of a number")
    return name


def parsed(text):
    if len(NESTING.findall(text)) > MOST_NESTED:  # Python's own parser would fall, or the process
        raise ExpressionError(f"the expression is nested too deeply: {quoted(text)}")
    if len(text) > MOST_LETTERS:
        raise ExpressionError(f"cannot read {quoted(text)}: it has over {MOST_LETTERS:,} letters")
    if odd := WARNED.search(text):
        raise ExpressionError(f"cannot read {quoted(text)}: {quoted(odd[0])} is no part of it")
    try:
        return ast.parse(text.strip()).body
    except (SyntaxError, ValueError) as error:  # ValueError for a null byte
        product = PRODUCT.search(text)
        said = error.reason if isinstance(error, UnicodeError) else error.args[0]
        factors = map(cut, product.groups() if product else ())
        reason = "for a product write {}*{}".format(*factors) if product else said
        raise ExpressionError(f"cannot read {quoted(text)}: {reason}") from None


def quoted(text):
    """The text in quotes, its middle left out where it is long."""
    return repr(cut(text))


def cut(text):
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"


def written(part):
    """A parsed part in quotes, as Python would write it."""
    try:
        return quoted(ast.unparse(part))
    except ValueError:
        return "a number with more digits than Python writes"


def executed(statement, names):
    """The result of a statement; an assignment puts it into names as well."""
    match statement:
        case ast.Expr(value=expression):
            return computed(expression, names)
        case ast.Assign(targets=[ast.Name(id=name)], value=expression):
            names[name] = result = computed(expression, names)
            result.label = result.label or name
            return result
    raise ExpressionError(f"cannot use {written(statement)}: write an expression, or name = one")


def computed(part, names):
    """The Value of a parsed expression."""
    match part:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return constant(number)
        case ast.Name(id=name):
            if name not in names:
                raise ExpressionError(
                    f"{quoted(name)} has no value; add one, such as {cut(name)}=1"
                )
            return names[name]
        case ast.BinOp(op=ast.Pow(), left=base, right=ast.Constant(value=int() | float() as power)):
            constant(power)  # refuses what is too large
            return computed(base, names) ** power
        case ast.BinOp(op=op, left=left, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](computed(left, names), computed(right, names))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](computed(operand, names))
        case ast.Call(func=ast.Name(id=name), args=[operand], keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](computed(operand, names))
        case ast.Call(func=ast.Attribute(value=operand, attr=name), args=[], keywords=[]) if (
            name in FUNCTIONS
        ):
            return FUNCTIONS[name](computed(operand, names))
    raise ExpressionError(f"cannot use {written(part)}: {advice(part)}")


def advice(part):
    """What to write instead of a part that is none of an expression."""
    match part:
        case ast.BinOp(op=ast.BitXor()):
            return "a power is written **"
        case ast.Call(func=ast.Constant() | ast.BinOp()):
            return "a product is written *"
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return f"{name}() takes one number, got {len(args)}"
    functions = ", ".join(sorted(FUNCTIONS))
    return f"an expression has numbers, names, + - * / ** and {functions}"


def constant(number):
    try:
        return Value(number)
    except OverflowError:
        raise ExpressionError("a number in the expression is too large for a float") from None
