"""The scoreboard: what each probe found, shown below every run and written by `--scoreboard`."""

import random
from pathlib import Path

import pytest

FIGURES: dict[str, tuple[str, str]] = {}
README = Path(__file__).parent / "README.md"
HEAD = """\
# Proof

What the tests in this folder did to the package, and what they found. Written by the run itself:
`python -m pytest tests/reliability --scoreboard`, with `--long` for the long run.

| probe | bar | found |
|---|---|---|
"""


@pytest.fixture
def score():
    """A function that puts a line on the scoreboard: what was tried, the bar, what was found."""

    def line(probe, bar, found):
        FIGURES[probe] = str(bar), str(found)

    return line


@pytest.fixture
def tries(request):
    """A function that says how often to try: the first number, the second one in a long run."""
    return lambda short, long: long if request.config.getoption("--long") else short


@pytest.fixture(scope="session")
def fresh_seed(request):
    """A seed that no run had before, printed below it; --fuzz-seed repeats one."""
    given = request.config.getoption("--fuzz-seed")
    seed = random.SystemRandom().randrange(2**32) if given is None else given
    request.config.stash[SEED] = seed
    return seed


SEED = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter, config):
    if SEED in config.stash:
        terminalreporter.write_line(f"repeat this run with --fuzz-seed {config.stash[SEED]}")
    for probe, (bar, found) in FIGURES.items():
        terminalreporter.write_line(f"{probe}: {found} (bar: {bar})")
    if config.getoption("--scoreboard"):
        rows = [f"| {probe} | {bar} | {found} |\n" for probe, (bar, found) in FIGURES.items()]
        README.write_text(HEAD + "".join(rows), encoding="utf-8")
