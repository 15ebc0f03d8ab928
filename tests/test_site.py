"""The course as a static site: all is there, works from a folder, and asks nobody for anything."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser import until

ROOT = Path(__file__).parent.parent
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
pytestmark = pytest.mark.slow
OUTSIDE = re.compile(r"""(?:src|srcset|action|data)=["']?https?:|url\(["']?https?:|@import|//cdn""")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, made once by whichever process of the run comes first."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "site"
    try:
        folder.mkdir()
    except FileExistsError:
        until((folder / "api.html").exists, "another process to make the site")
        return folder
    command = [sys.executable, "-W", "error", str(ROOT / "notebooks/site.py"), str(folder)]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The script that checks whether everybody can use a page; skips where it cannot be had."""
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "pack", "--silent", "axe-core@4.10.3"]
    if not shutil.which("npm"):
        pytest.skip("there is no npm to bring axe-core")
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True)
    if done.returncode:
        pytest.skip("npm cannot bring axe-core")
    shutil.unpack_archive(next(folder.glob("*.tgz")), folder)
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


def pages(site):
    return sorted(site.glob("*.html"))


def ids(page):
    return set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))


def test_every_lesson_has_a_page_and_a_place_in_the_course(site):
    assert {p.stem for p in pages(site)} == {"index", "lab", "api", *LESSONS}
    front = (site / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<a class="card" href="(\w+)\.html"', front) == LESSONS
    for before, stem, after in zip(["", *LESSONS], LESSONS, [*LESSONS[1:], ""]):
        page = (site / f"{stem}.html").read_text(encoding="utf-8")
        assert re.findall(r'rel="prev" href="(\w*)', page) == [before] * bool(before)
        assert re.findall(r'rel="next" href="(\w*)', page) == [after] * bool(after)


def test_every_link_leads_to_what_is_there(site):
    found = {page: ids(page) for page in pages(site)}
    for page in found:
        text = re.sub(r"<script>.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.S)
        for link in re.findall(r'\b(?:href|src)="([^"]+)"', text):
            if link.startswith(("data:", "https:")):
                continue
            name, _, anchor = unquote(link).partition("#")
            target = site / name if name else page
            assert target.is_file(), (page.name, link)
            assert not anchor or anchor in found[target], (page.name, link)


def test_pages_name_nothing_that_would_be_loaded_from_elsewhere(site):
    for page in [*pages(site), *site.glob("assets/*.css")]:
        assert not OUTSIDE.search(page.read_text(encoding="utf-8")), page.name


def test_the_reference_names_what_there_is_and_no_address_in_memory(site):
    text = (site / "api.html").read_text(encoding="utf-8")
    assert "<b>Value</b>(data: Any" in text and "= hinge_loss" in text and " at 0x" not in text


def opened(browser, page, **options):
    """A page that is cut off from all networks before it is loaded."""
    shown = browser.open("about:blank", **options)
    shown.call("Network.enable")
    shown.offline()
    return shown.go(page)


def test_every_page_works_without_a_network_and_asks_for_none(site, browser):
    for path in pages(site):
        page = opened(browser, path, width=390)
        asked = [e["request"]["url"] for e in page.seen("Network.requestWillBeSent")]
        assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
        assert page.errors() == [], path.name
        assert page.run("return document.documentElement.scrollWidth") <= 390, path.name
        players = page.run("return document.querySelectorAll('.micrograd-page:not([data-shown])')")
        assert not players, path.name
        browser.close_pages()


def test_the_film_and_the_player_of_the_front_page_step_at_once(site, browser):
    page = opened(browser, site / "index.html")
    page.wait("document.querySelectorAll('[data-shown]').length === 2")
    assert page.texts(".count") == ["step 120 / 120", "1 / 9"]
    page.click(".back")
    page.run("all('.forward')[1].click()")
    assert page.texts(".count") == ["step 119 / 120", "2 / 9"]


def test_a_guess_comes_before_the_answer(site, browser):
    page = opened(browser, site / "03_backprop_by_hand.html")
    shown = "return document.querySelector('.guess .text').checkVisibility()"
    assert not page.run(shown)
    page.click(".guess summary")
    assert until(lambda: page.run(shown), "the answer")
    assert "(-2.0, 4.0)" in page.texts(".guess .text")[0]
    assert "Not yet" not in page.run("return document.body.innerText")


def test_the_lab_of_the_site_follows_what_is_typed(site, browser):
    page = opened(browser, site / "lab.html")
    page.click(".try", "x*x + x")
    assert page.texts(".result") == ["= 12"] and page.texts(".gradient") == ["grad 7"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_the_pages(theme, site, browser, axe):
    for name in ("index", "lab", LESSONS[-1], *["api"] * (theme == "light")):
        page = opened(browser, site / f"{name}.html", width=1280 if theme == "light" else 390)
        wish = {"name": "prefers-color-scheme", "value": theme}
        page.call("Emulation.setEmulatedMedia", features=[wish])
        page.run("for (const d of document.querySelectorAll('details')) d.open = true")
        page.call("Runtime.evaluate", expression=axe)
        found = page.run("""const { violations } = await axe.run({
                preload: false, resultTypes: ['violations'] });
            return violations.map((v) => [v.id, v.nodes.map((n) => n.target.join(" "))]);""")
        assert found == [], name
        browser.close_pages()
