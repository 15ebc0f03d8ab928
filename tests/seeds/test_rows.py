"""Every row of the five articles has a test that bears its number."""

import re
from pathlib import Path

import pytest

ROWS = {0: 8, 1: 11, 2: 10, 3: 4, 4: 9}


@pytest.mark.parametrize("article", ROWS)
def test_no_row_is_left_out(article):
    (path,) = Path(__file__).parent.glob(f"test_s{article}_*.py")
    names = re.findall(rf"def test_s{article}_(\d+)_", path.read_text(encoding="utf-8"))
    assert {int(n) for n in names} == set(range(1, ROWS[article] + 1))
