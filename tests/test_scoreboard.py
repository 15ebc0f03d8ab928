"""What a new page of the scoreboard says of the one before."""

import pytest
from scoreboard import changes

PAGE = """\
## Numbers

| tried | bar | found | the others |
| --- | --- | --- | --- |
| 5,000 graphs<br>*who adds* | 1e-9 | at most 1e-13 | 1e-5 |

**Values at 9 points**<br>*who computes*

|  | value | slope |
| --- | --- | --- |
| `*` | 0.5 | 0.0 |

**Second derivatives**

|  | value |
| --- | --- |
| `*` | 0.1 |
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1e-13", "2e-13", "Numbers, 5,000 graphs: was at most 1e-13; is at most 2e-13"),
        ("5,000", "6,000", None),
        ("1e-5", "1e-6", None),
        ("| 0.0", "| 1.5", "Values at 9 points, `*`: was 0.5, 0.0; is 0.5, 1.5"),
        ("0.1", "0.2", "Second derivatives, `*`: was 0.1; is 0.2"),
        ("| `*` | 0.1 |\n", "", "Second derivatives, `*`: was 0.1; is not there"),
    ],
)
def test_a_figure_that_changed_is_named(old, new, said):
    assert PAGE.count(old) == 1
    assert list(changes(PAGE, PAGE.replace(old, new))) == [said] * (said is not None)
