"""A report at the end of the run: the rows of the five articles, and which of them are green."""

import re
from collections import defaultdict

ARTICLES = {
    0: "tinytorch 01",
    1: "autodiff in 200 lines",
    2: "TinyPytorch, steps 1-10",
    3: "micrograd",
    4: "metagrad",
}
RESULTS = defaultdict(lambda: defaultdict(set))


def pytest_runtest_logreport(report):
    row = re.search(r"::test_s(\d)_(\d+)_", report.nodeid)
    if row and (report.when == "call" or report.outcome != "passed"):
        RESULTS[int(row[1])][int(row[2])].add(report.outcome)


def pytest_terminal_summary(terminalreporter):
    for article, rows in sorted(RESULTS.items()):
        green = [n for n, outcomes in sorted(rows.items()) if outcomes == {"passed"}]
        others = [f"{article}.{n} {'/'.join(sorted(rows[n]))}" for n in sorted(rows.keys() - green)]
        terminalreporter.write_line(
            f"S{article} {ARTICLES[article]}: rows {' '.join(map(str, green))} green"
            + (f"; not {', '.join(others)}" if others else "")
        )
