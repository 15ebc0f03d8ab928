"""The scoreboard: what each probe found, shown below every run and written by `--scoreboard`.

All of it is a plugin, since the process that writes the summary may be none of those that test.
"""

import random
import re
from collections import defaultdict
from itertools import groupby
from pathlib import Path

import pytest

from micrograd import files

README = Path(__file__).parent / "reliability" / "README.md"
FIELD, HERE = "2026-11-21", "this run"  # where a peer's figure was measured
HEAD = f"""\
# Proof

What the tests in this folder and those of the articles did to the package, and what they found.
Written by the run itself: `python -m pytest tests/reliability tests/seeds --scoreboard`, with
`--long` for the long run. Below each probe stands who would be hurt if it failed.

What the others do, and where that was measured: *{HERE}*, PyTorch, the best of them, beside ours on
the same machine, if it is installed; *{FIELD}*, what was seen on that day on the field's engines:
micrograd's original, microgpt and others of their size, and PyTorch. A dash: nobody measured it.
"""
THEMES = {
    "Numbers": "What is computed, and what goes back.",
    "The jit": "A function recorded, compiled and replayed, against the same function in the "
    "engine.",
    "Memory and depth": "Long runs and large graphs.",
    "Interrupts": "Ctrl-C at any moment, before a bytecode drawn at random or from a timer.",
    "Threads and processes": "Several at once.",
    "Files": "What is written, and what is read again.",
    "Mistakes": "What a learner types, and what is answered.",
    "Attacks": "What comes from somebody else: [what it can do, and cannot](ATTACKS.md).",
    "More": "",
}
FOUND = defaultdict(list)
SEED = pytest.StashKey[int]()


def pytest_addoption(parser):
    group = parser.getgroup("reliability")
    group.addoption("--long", action="store_true", help="the long run: 100,000 graphs and so on")
    group.addoption("--fuzz-seed", type=int, help="instead of the fresh seed of this run")
    group.addoption(
        "--scoreboard", action="store_true", help=f"write {README.parent.name}/README.md"
    )


@pytest.fixture
def score(record_property, request):
    """A function that puts a line on the scoreboard: what was tried, the bar, what was found.

    `hurt` is whom it would hurt if it failed; `peer` is what the best of the others does, and
    `measured` where that was seen. The theme is the THEME of the test's module, or `theme`.

    Tests that name one probe share its line: `counts` are added up, of `most` the largest is taken,
    and these fill the places in `found`.
    """
    of_module = getattr(request.module, "THEME", "More")

    def line(
        probe, bar, found, *, theme=of_module, hurt="", peer="", measured=FIELD, most=None, **counts
    ):
        assert theme in THEMES, theme
        others = f"{peer} ({measured})" if peer else ""
        said = {"bar": str(bar), "hurt": hurt, "peer": others}
        record_property("score", (theme, probe, said, str(found), most, counts))

    return line


@pytest.fixture
def cells(record_property, request):
    """A function that puts a row into a table at the end of the scoreboard: title, row, cells.

    `hurt` is whom it would hurt if one of them failed.
    """
    theme = getattr(request.module, "THEME", "More")

    def row(title, name, *, hurt="", **columns):
        assert theme in THEMES, theme
        filled = {column.replace("_", " "): str(x) for column, x in columns.items()}
        title += f"<br>*{hurt}*" if hurt else ""
        record_property("score", (theme, title, filled, name, None, {}))

    return row


@pytest.fixture
def tries(request):
    """A function that says how often to try: the first number, the second one in a long run."""
    return lambda short, long: long if request.config.getoption("--long") else short


@pytest.fixture(scope="session")
def fresh_seed(request):
    """A seed that no run had before, printed below it; --fuzz-seed repeats one."""
    return request.config.stash[SEED]


def pytest_configure(config):
    given = config.getoption("--fuzz-seed")
    shared = getattr(config, "workerinput", {}).get(
        "fuzz_seed", random.SystemRandom().randrange(2**32)
    )
    config.stash[SEED] = shared if given is None else given


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Gives each process of pytest-xdist the seed of the run."""
    node.workerinput["fuzz_seed"] = node.config.stash[SEED]


def pytest_runtest_logreport(report):
    if report.when == "call":
        scores = [what for name, what in report.user_properties if name == "score"]
        for theme, title, *line in scores:
            FOUND[theme, title].append((report.location[:2], *line))


def titles():
    """Theme, title and lines of each probe and table: by theme, then in the order of the tests."""
    order = list(THEMES)
    for theme, title in sorted(
        FOUND, key=lambda at: (order.index(at[0]), min(line[0] for line in FOUND[at]), at[1])
    ):
        yield theme, title, sorted(FOUND[theme, title], key=lambda line: (line[0], line[2]))


def is_probe(lines):
    return "bar" in lines[0][1] and "peer" in lines[0][1]


def found_by(lines):
    """What all tests of a probe found."""
    *_, most, counts = zip(*lines)
    total = defaultdict(int)
    for name, n in (item for each in counts for item in each.items()):
        total[name] += n
    if largest := [x for x in most if x is not None]:
        total["most"] = max(largest)
    texts = {text.format_map(total) if total else text for _, _, text, *_ in lines}
    return "; ".join(sorted(texts))


def probe_row(title, lines):
    said = {key: next((each[key] for _, each, *_ in lines if each[key]), "") for key in lines[0][1]}
    who = f"<br>*{said['hurt']}*" if said["hurt"] else ""
    return row(f"{title}{who}", said["bar"], found_by(lines), said["peer"] or "–")


def row(*texts):
    return f"| {' | '.join(text.replace('|', '&#124;') for text in texts)} |\n"


def head(*texts):
    return row(*texts) + row(*["---"] * len(texts))


def page():
    """The scoreboard as a page: the probes of each theme, then the tables."""
    found = [(theme, (title, lines)) for theme, title, lines in titles()]
    text = HEAD
    probes = [item for item in found if is_probe(item[1][1])]
    for theme, group in groupby(probes, key=lambda item: item[0]):
        text += f"\n## {theme}\n\n" + (f"{THEMES[theme]}\n\n" if THEMES[theme] else "")
        text += head("tried", "bar", "found", "the others")
        text += "".join(probe_row(*item) for _, item in group)
    tables = [item for _, item in found if not is_probe(item[1])]
    if tables:
        text += "\n## In detail\n"
    return text + "".join(f"\n{bold(title)}\n\n{table(lines)}" for title, lines in tables)


def bold(title):
    name, *who = title.split("<br>")
    return "<br>".join([f"**{name}**", *who])


def table(lines):
    columns = [*dict.fromkeys(name for _, each, *_ in lines for name in each)]
    rows = (row(name, *(each.get(c, "–") for c in columns)) for _, each, name, *_ in lines)
    return head("", *columns) + "".join(rows)


def figures(text):
    """What a page says was tried and found: by its table and what was tried, however often."""
    found, title, column = {}, "", slice(1, None)
    for line in text.splitlines():
        cells = line[2:-2].split(" | ")
        if line.startswith(("#", "**")):
            title, column = line.split("<br>")[0].strip("#* "), slice(1, None)
        elif "found" in cells:
            column = slice(cells.index("found"), cells.index("found") + 1)
        elif line.startswith("| ") and cells[0] not in ("", "---"):
            tried = f"{title}, {cells[0].split('<br>')[0]}"
            found[re.sub(r"[\d,]+", "", tried)] = tried, ", ".join(cells[column])
    return found


def changes(before, after):
    """In a line each: what another page said, where that was not the same."""
    was, now = figures(before), figures(after)
    for key in {**was, **now}:
        tried, new = now.get(key, (was.get(key, ("",))[0], "not there"))
        _, old = was.get(key, (tried, "not there"))
        if old != new:
            yield f"{tried}: was {old}; is {new}"


def pytest_terminal_summary(terminalreporter, config):
    if hasattr(config, "workerinput"):  # of a process of pytest-xdist, which has but its part
        return
    for _, title, lines in titles():
        if is_probe(lines):
            terminalreporter.write_line(f"{title}: {found_by(lines)} (bar: {lines[0][1]['bar']})")
        for _, columns, name, *_ in lines if not is_probe(lines) else []:
            said = ", ".join(f"{column} {x}" for column, x in columns.items())
            terminalreporter.write_line(f"{title}: {name}: {said}")
    if FOUND:
        terminalreporter.write_line(f"repeat this run with --fuzz-seed {config.stash[SEED]}")
    if config.getoption("--scoreboard"):
        before, after = README.read_text(encoding="utf-8"), page()
        for line in changes(before, after):
            terminalreporter.write_line(f"since the last scoreboard: {line}")
        files.write(README, after)
