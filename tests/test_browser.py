"""The harness that drives a browser: what a person does to a page arrives, errors are seen."""

import pytest
from browser import BrowserError
from PIL import Image

PAGE = """<!doctype html><html><body>
<button onclick="this.textContent = 'clicked'">click me</button>
<input value="a"><p style="font-size: 12px">twelve</p>
<svg width="200" viewBox="0 0 100 10"><text y="9" font-size="8">sixteen</text></svg>
<script>
window.keys = [];
document.addEventListener("keydown", (e) => keys.push([e.key, e.shiftKey, e.ctrlKey].join()));
setTimeout(() => { document.title = "an hour later"; }, 3600_000);
</script></body></html>"""


def test_what_a_person_does_arrives(browser):
    page = browser.open(PAGE)
    page.click("button")
    assert page.wait("document.activeElement.closest('button')") is True
    page.type("input", "b√")
    page.press("Shift", "Tab")
    page.press("x")
    page.press("Control", "End")
    assert page.texts("button") == ["clicked"]
    assert page.run("return document.querySelector('input').value.length") == 3
    assert page.run("return keys") == ["Tab,true,false", "x,false,false", "End,false,true"]
    assert page.errors() == []


def test_letters_are_as_large_as_they_are_drawn(browser):
    page = browser.open(PAGE)
    assert page.letters("p, text") == [("twelve", 12), ("sixteen", 16)]


def test_what_is_in_a_shadow_root_is_found_and_clicked(browser):
    page = browser.open("""<div id="host"></div><p id="other">b</p><script>
    const shadow = document.getElementById("host").attachShadow({ mode: "open" });
    shadow.innerHTML = "<button onclick='this.textContent += 1'>a</button>";</script>""")
    page.click("button")
    page.click("#host")
    page.click("body")
    assert (page.texts("button, p"), page.letters("button")) == (["b", "a1"], [("a1", 13.3333)])


def test_time_can_be_skipped(browser):
    page = browser.open(PAGE)
    page.skip(4000)
    assert page.run("return document.title") == "an hour later"


def test_a_covered_element_is_not_clicked(browser, monkeypatch):
    page = browser.open("<button>a</button><div style='position: fixed; inset: 0'>cover</div>")
    monkeypatch.setattr("browser.PATIENCE", 0.2)
    with pytest.raises(TimeoutError, match="button to be seen"):
        page.click("button")


def test_errors_of_a_page_and_of_a_script_are_seen(browser):
    page = browser.open("<script>missing()</script><img src='nowhere.png'>")
    assert ["missing is not defined" in page.errors()[0], len(page.errors())] == [True, 2]
    with pytest.raises(BrowserError, match="Error: no"):
        page.run("throw new Error('no')")
    with pytest.raises(BrowserError, match="ERR_NAME_NOT_RESOLVED"):
        page.go("http://example.org")


def test_without_a_network_nothing_is_fetched(browser, tmp_path):
    (tmp_path / "a.html").write_text("<p>a</p>")
    page = browser.open(tmp_path / "a.html")
    page.offline()
    assert page.run("return navigator.onLine") is False


def test_a_picture_shows_the_page_in_its_size(browser, tmp_path):
    page = browser.open("<body style='background: rgb(1, 2, 3)'>", width=300, height=200)
    with Image.open(page.screenshot(tmp_path / "page.png")) as image:
        assert (image.size, image.getpixel((5, 5))[:3]) == ((300, 200), (1, 2, 3))


def test_what_a_page_stored_is_gone_when_it_is_closed(browser):
    script = "const old = localStorage.old ?? 'none'; localStorage.old = 'some'; return old"
    assert [browser.open(PAGE).run(script) for _ in range(2)] == ["none", "some"]
    browser.close_pages()
    assert browser.open(PAGE).run(script) == "none"
