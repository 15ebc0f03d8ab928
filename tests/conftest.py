"""Options of the proof bench in tests/reliability."""


def pytest_addoption(parser):
    group = parser.getgroup("reliability")
    group.addoption("--long", action="store_true", help="the long run: 100,000 graphs and so on")
    group.addoption("--fuzz-seed", type=int, help="instead of the fresh seed of this run")
    group.addoption("--scoreboard", action="store_true", help="write tests/reliability/README.md")
