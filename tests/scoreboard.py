"""The scoreboard: what each probe found, shown below every run and written by `--scoreboard`.

All of it is a plugin, since the process that writes the summary may be none of those that test.
"""

import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest

README = Path(__file__).parent / "reliability" / "README.md"
HEAD = """\
# Proof

What the tests in this folder and those of the articles did to the package, and what they found.
Written by the run itself: `python -m pytest tests/reliability tests/seeds --scoreboard`, with
`--long` for the long run.

| probe | bar | found |
|---|---|---|
"""
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
def score(record_property):
    """A function that puts a line on the scoreboard: what was tried, the bar, what was found.

    Tests that name one probe share its line: `counts` are added up, and fill the places in `found`.
    """

    def line(probe, bar, found, **counts):
        record_property("score", (probe, str(bar), str(found), counts))

    return line


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
        for probe, bar, found, counts in scores:
            FOUND[probe].append((report.location[:2], bar, found, Counter(counts)))


def rows():
    """Each probe, its bar and what was found, in the order of the tests."""
    for probe, lines in sorted(FOUND.items(), key=lambda item: (min(item[1])[0], item[0])):
        _, bars, texts, counts = zip(*lines)
        total = sum(counts, Counter())
        found = {text.format_map(total) if total else text for text in texts}
        yield probe, bars[0], "; ".join(sorted(found))


def pytest_terminal_summary(terminalreporter, config):
    for probe, bar, found in rows():
        terminalreporter.write_line(f"{probe}: {found} (bar: {bar})")
    if FOUND:
        terminalreporter.write_line(f"repeat this run with --fuzz-seed {config.stash[SEED]}")
    if config.getoption("--scoreboard"):
        text = "".join(f"| {probe} | {bar} | {found} |\n" for probe, bar, found in rows())
        README.write_text(HEAD + text, encoding="utf-8")
