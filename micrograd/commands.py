"""The command line: `micrograd demo`, `draw "a*b" a=2 b=-3`, `lessons` and `progress`."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from . import compiler, course, demos, files, lab, plot, terminal, viz
from .expression import ExpressionError, evaluate
from .optim import NonFiniteError
from .player import step_through
from .text import visible, visible_lines

PACKAGE = "micrograd"
PICTURES = (".png", ".svg", ".html", ".pdf")  # of a graph; .html steps through it
DIVERGED = 2  # times the first loss


class Refusal(Exception):
    """The sentence with which a command ends when it cannot do what was asked."""


class Parser(argparse.ArgumentParser):
    def print_help(self, file=None):
        print(self.format_help(), end="", file=file)  # argparse would not say that it cannot

    def error(self, message):
        self.exit(2, f"{self.prog}: {visible_lines(message)} (see {self.prog} --help)\n")


def carried_out(argv: Sequence[str] | None) -> int:
    """The exit code of a command: 0, or 2 after a sentence on stderr."""
    arguments = parsed(argv)
    try:
        arguments.command(arguments)
    except (
        Refusal,
        course.CourseError,
        viz.DrawError,
        viz.GraphTooLargeError,
        compiler.JitError,
        ExpressionError,
    ) as error:
        return terminal.refused(str(error))
    return 0


def parsed(argv):
    """The arguments; numbers of an expression may follow an option, too, as argparse has it not."""
    top = parser()
    arguments, rest = top.parse_known_args(argv)
    try:
        if arguments.command is draw and not any(word.startswith("-") for word in rest):
            arguments.variables += map(assignment, rest)
            rest = []
    except argparse.ArgumentTypeError as error:
        top.error(f"argument name=number: {error}")
    if rest:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments


def version() -> str:
    """The version of the distribution that holds this package, whatever its name."""
    holders = metadata.packages_distributions().get(PACKAGE, [])
    return f"micrograd {metadata.version(holders[0]) if holders else '(not installed)'}"


class Version(argparse.Action):
    """Prints the version; it is looked up only when asked for."""

    def __call__(self, parser, *_):
        print(version())
        parser.exit()


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="micrograd", description="Neural networks, one number at a time.")
    top.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = top.add_subparsers(required=True, metavar="demo | draw | lessons | progress")

    p = commands.add_parser("demo", help="train a small network and draw what happened")
    p.set_defaults(command=demo)
    p.add_argument(
        "what",
        nargs="?",
        choices=("network", "line", "square"),
        default="network",
        help="an MLP on --data; a line through points; or a line that splits the unit square",
    )
    network = p.add_argument_group("of the network")
    network.add_argument("--data", choices=demos.DATASETS, help="the points (moons)")
    network.add_argument("--hidden", type=sizes, help="neurons in each hidden layer (16,16)")
    network.add_argument("--optimizer", choices=demos.OPTIMIZERS, help="(adam)")
    network.add_argument(
        "--jit",
        nargs="?",
        const="numpy",
        choices=("numpy", "c", "xla"),
        help="compile the step: much faster; in C faster still; xla is for large networks (numpy)",
    )
    network.add_argument(
        "--save", type=Path, metavar="FILE", help="write the weights: .json or .onnx"
    )
    p.add_argument("--steps", type=positive_int, help="(network 100, line 40, square 300)")
    p.add_argument("--lr", type=positive, help="learning rate (adam 0.05, sgd 1; 0.1; 0.01)")
    p.add_argument("--seed", type=seed, default=0, help="of the points and first weights (0)")
    p.add_argument("--out", type=Path, default=Path(), help="folder of the pictures (this one)")

    p = commands.add_parser(
        "draw",
        help="draw an expression with its gradients",
        epilog='example: micrograd draw "e = a*b; d = e + c; d * f" a=2 b=-3 c=10 f=-2; '
        "an expression that begins with a minus sign goes after --",
    )
    p.set_defaults(command=draw)
    p.add_argument("expression", help="numbers, names, + - * / ** and functions such as tanh(x)")
    p.add_argument("variables", nargs="*", metavar="name=number", type=assignment, default=[])
    p.add_argument(
        "-o",
        "--out",
        type=picture,
        default=Path("graph.png"),
        help="a picture, or a page to step through it (graph.png)",
    )
    p.add_argument(
        "--lab", action="store_true", help="a page to type on, with a slider for each name"
    )

    p = commands.add_parser("lessons", help=f"open your copy of the lessons, in {course.MINE}")
    p.set_defaults(command=lessons)
    p.add_argument("--no-browser", action="store_true", help="start the server only")
    p.add_argument("--port", type=port, help="of the server")
    p.add_argument(
        "--reset", type=lesson, metavar="NN", help="begin this lesson anew; keep the old"
    )

    p = commands.add_parser("progress", help="show which exercises of the lessons are right")
    p.set_defaults(command=progress)
    p.add_argument("folders", nargs="*", type=Path, help=f"of notebooks ({course.MINE})")
    p.add_argument("--csv", action="store_true", help="a row for each learner and exercise")
    return top


def demo(arguments: argparse.Namespace) -> None:
    """Train a model on toy data; print how it went, write its pictures and say where they are."""
    given = {k: v for k, v in vars(arguments).items() if v is not None}
    settings = {
        k: given[k] for k in ("hidden", "steps", "optimizer", "lr", "seed", "jit") if k in given
    }
    try:
        with plot.usual_style():
            if arguments.what == "network":
                network(arguments.data or "moons", settings, arguments.out, arguments.save)
            elif others := given.keys() & {"data", "hidden", "optimizer", "jit", "save"}:
                raise Refusal(f"--{min(others)} is for the network, not for {arguments.what}")
            else:
                regression(arguments.what, settings, arguments.out)
    except NonFiniteError as error:
        raise Refusal(f"the training went out of bounds, try a smaller --lr: {error}") from None


def network(dataset: str, settings: dict, folder: Path, save: Path | None) -> None:
    pictures = f"{dataset}.png", "training.html", "graph.png"
    training, film, graph = (writable(folder / name) for name in pictures)
    save = save and writable(save)
    if save and os.path.realpath(save) in map(os.path.realpath, (training, film, graph)):
        raise Refusal(f"cannot write the weights to {save}: a picture goes there")
    run = demos.classifier(dataset, **settings)
    losses, accuracies = run.history.losses, run.history.accuracies
    if not losses:
        raise Refusal("interrupted before the first step")
    layers = "-".join(str(len(layer.neurons)) for layer in run.model.layers)
    stopped = ", then interrupted" if run.history.interrupted else ""
    print(f"data      {len(run.X)} points of {dataset}")
    print(f"model     MLP 2-{layers}, {len(run.model.parameters())} parameters")
    print(f"training  {len(losses)} steps of {run.optimizer}{stopped}")
    print(f"loss      {losses[0]:.4f} at first, {losses[-1]:.4f} at last")
    print(f"accuracy  {accuracies[0]:.0%} at first, {run.accuracy:.0%} after training")
    refuse_divergence(losses[0], losses[-1])
    if save:
        try:
            run.model.save(save)
        except ModuleNotFoundError as error:  # that for .onnx
            raise Refusal(f"cannot write {save}: {error}") from None
        print(f"wrote     {shown(save)} (weights)")
    demos.training_picture(run, training)
    print(f"wrote     {shown(training)} (data, decision boundary, loss)")
    if run.history.film:
        run.history.film.html(film)
        print(f"wrote     {shown(film)} (the training as a film: open it in a browser)")
    demos.neuron_picture(run, graph)
    print(f"wrote     {shown(graph)} (one neuron, after backward)")


def refuse_divergence(first, last):
    if not last <= DIVERGED * first:
        raise Refusal(
            f"the training diverged, its loss went from {first:.4g} to {last:.4g}; "
            "try a smaller --lr"
        )


def regression(what: str, settings: dict, folder: Path) -> None:
    picture = writable(folder / f"{what}.png")
    run = getattr(demos, what)(**settings)
    print(*run.log, sep="\n")
    refuse_divergence(run.losses[0], run.losses[-1])
    plot.save(run.picture(), picture)
    print(f"wrote {shown(picture)}")


def draw(arguments: argparse.Namespace) -> None:
    """Draw an expression after backward, and print the value and the gradient of every name."""
    out = writable(arguments.out)
    if arguments.lab and out.suffix != ".html":
        raise Refusal("--lab needs a page: -o lab.html")
    variables = dict(arguments.variables)
    if len(variables) < len(arguments.variables):
        raise Refusal("a name was given two numbers")
    result, names = evaluate(arguments.expression, variables)
    result.backward()
    if arguments.lab:
        lab.html(out, arguments.expression, variables)
    elif out.suffix == ".html":
        step_through(result).html(out)
    else:
        files.write(out, viz.draw_dot(result, out.suffix[1:]).pipe())
    rows = [(name, repr(v.data), repr(v.grad)) for name, v in names.items() if v is not result]
    rows = [
        ("name", "data", "gradient"),
        *rows,
        (result.label or "result", repr(result.data), "1.0"),
    ]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths)))
    print(f"wrote {shown(out)}")


def lessons(arguments: argparse.Namespace) -> None:
    """Open the learner's own copy of the lessons, or begin one of them anew."""
    if arguments.reset is not None:
        fresh, kept = map(shown, course.reset(course.MINE, arguments.reset))
        print(f"fresh: {fresh}\nkept: {kept}")
        return
    new = course.copy_new(course.MINE)
    found = f"{len(new)} new lessons" if new else "your lessons"
    print(f"{found} in {shown(course.MINE.resolve())}")
    course.open_in_jupyter(course.MINE, not arguments.no_browser, arguments.port)


def progress(arguments: argparse.Namespace) -> None:
    """Print what was done of the course, by one learner or, as a table, by several."""
    folders = arguments.folders or [course.MINE]
    if arguments.csv:
        print(course.table(folders), end="")
    else:
        print(*(course.page(course.progress(folder)) for folder in folders), sep="\n\n")


def shown(path: Path) -> str:
    """A path as it is told."""
    return visible(str(path))


def writable(path: Path) -> Path:
    """The path, once it is sure that a file can be written there."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"cannot make the folder {folder}: {error.strerror}") from None
    if path.is_dir():
        raise Refusal(f"cannot write {path}: it is a folder")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise Refusal(f"cannot write {path}: permission denied")
    return path


def assignment(text):
    name, _, number = text.partition("=")
    try:
        if not name.strip().isidentifier():
            raise ValueError
        return name.strip(), float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not name=number, such as a=2") from None


def picture(text):
    if Path(text).suffix not in PICTURES:
        raise argparse.ArgumentTypeError(f"{text!r} ends in none of {', '.join(PICTURES)}")
    return Path(text)


def sizes(text):
    try:
        return [positive_int(part) for part in text.split(",")]
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of sizes, such as 16,16"
        ) from None


def positive_int(text):
    return whole(text, range(1, 10**9 + 1), "from 1 to 10**9")


def port(text):
    return whole(text, range(1, 2**16), "from 1 to 65535")


def lesson(text):
    return whole(text, range(100), "from 0 to 99")


def seed(text):
    return whole(text, range(2**32), "from 0 to 2**32 - 1")


def whole(text, numbers, limits):
    digits = text.strip()
    if not digits.isdecimal() or len(digits) > 10 or int(digits) not in numbers:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {limits}")
    return int(digits)


def positive(text):
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number
