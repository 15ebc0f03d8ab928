"""What all pages without a kernel share."""

import pytest
from stories import packed, story_of

from micrograd import shell

STILL = shell.Still(b"", 100, "a still")
SMALL = {"label": "</script> < \u2028 é", "numbers": [1.5, None, True]}
LARGE = {**SMALL, "numbers": [i % 50 / 4 for i in range(20_000)]}


def page(story):
    return shell.fragment("display", "", "", story, STILL, "a hint")


@pytest.mark.parametrize("story, is_packed", [(SMALL, False), (LARGE, True)])
def test_a_story_is_told_whole_and_packed_where_it_is_large(story, is_packed):
    assert story_of(page(story)) == story
    assert bool(packed(page(story))) == is_packed


def test_a_packed_story_takes_less_than_half_the_room():
    assert len(page(LARGE)) < len(shell.literal(LARGE)) / 2


@pytest.mark.parametrize("story", [SMALL, LARGE])
def test_no_text_of_a_story_ends_the_script(story):
    assert page(story).count("</script>") == 1


@pytest.mark.parametrize("story", [SMALL, LARGE])
def test_a_story_reaches_the_function_of_its_page(story, browser):
    script = """
    function display(host, css, story) {
      host.dataset.shown = "";
      host.textContent = story.label + story.numbers.length;
    }"""
    opened = browser.open(shell.fragment("display", script, "", story, STILL, "a hint"))
    opened.wait("document.querySelector('[data-shown]')")
    assert opened.texts("[data-shown]") == [f"{story['label']}{len(story['numbers'])}"]
