"""What all tests share."""

import sys

import pytest

pytest_plugins = ["articles", "browser", "scoreboard"]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a second or so; left to the full run")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begins with what is slow, so that no process waits for another one in the end."""
    if vague := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(
            f"an address in the name of a test is another one each time: {vague}"
        )
    items.sort(
        key=lambda item: not (item.get_closest_marker("slow") or item.name.startswith("bench_"))
    )


@pytest.fixture(autouse=True)
def open_locks():
    """A trial of Ctrl-C between two bytecodes, where in fact none comes, may leave one held."""
    yield
    if locks := sys.modules.get("micrograd.compiler.locks"):
        for lock in locks.all_locks():
            while lock.held._is_owned():
                lock.held.release()
