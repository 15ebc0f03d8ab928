"""A real browser for tests: Chromium, driven by its DevTools protocol.

A test asks for the fixture `browser`, and is skipped where there is none:

    page = browser.open(path_or_url_or_html, width=1000, height=800)
    page.click(".forward")
    page.type("form input", "0.786")
    page.press("Enter")
    page.wait("document.querySelector('.done')")
    assert page.run("return document.title") == "neuron"
    assert min(size for text, size in page.letters("svg text")) >= 9

Nothing but this machine can be reached from a page.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-sync", "--disable-background-networking", "--disable-component-update",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]  # fmt: skip
PATIENCE = 60  # seconds until something that does not come is an error
KEYS = {
    "Backspace": 8, "Tab": 9, "Enter": 13, "Escape": 27, "Space": 32, "PageUp": 33, "PageDown": 34,
    "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
    "Delete": 46,
}  # fmt: skip
TYPED = {"Enter": "\r", "Space": " "}
MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}


def executable():
    """The Chromium, Chrome or Edge of this machine, if there is one."""
    found = [*map(shutil.which, NAMES), *filter(os.path.exists, PLACES)]
    return next(filter(None, found), None)


def until(answer, what):
    """The first answer that counts as true; TimeoutError where none comes."""
    end = time.monotonic() + PATIENCE
    while not (found := answer()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE} s for {what}")
        time.sleep(0.02)
    return found


class BrowserError(Exception):
    """What the browser says went wrong, or the error a script of the test raised."""


class Chromium:
    """A running browser; `open` shows a page as somebody sees it who comes for the first time."""

    def __init__(self, folder):
        import websocket

        command = [executable(), *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process, self.folder = subprocess.Popen(command, **quiet), folder
        port = until(lambda: self.written("DevToolsActivePort"), "the browser to start")
        address = "ws://127.0.0.1:{}{}".format(*port.split())
        self.socket = websocket.create_connection(address, PATIENCE, suppress_origin=True)
        self.calls, self.events, self.pages = 0, [], {}

    def written(self, name):
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / name).read_text()

    def call(self, method, session=None, **parameters):
        """What the browser answers to a command of the DevTools protocol."""
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while (answer := json.loads(self.socket.recv())).get("id") != self.calls:
            self.events.append(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def seen(self, session, event):
        own = [e for e in self.events if e.get("sessionId") == session]
        return [e["params"] for e in own if e["method"] == event]

    def open(self, page, *, width=1000, height=800, before="", motion=False):
        """A page from a file, an address or a text of HTML, when it is loaded.

        `before` is a script that runs before those of the page. Without `motion`, the page is told
        that its reader wants none.
        """
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.pages[target] = Page(self, session, width, height, before, motion)
        return self.pages[target].go(page)

    def close_pages(self):
        """Closes all pages; nothing that they stored is left."""
        while self.pages:
            target, page = self.pages.popitem()
            page.call("Storage.clearDataForOrigin", origin="*", storageTypes="all")
            self.call("Target.closeTarget", targetId=target)
        self.events.clear()

    def quit(self):
        with contextlib.suppress(Exception):
            self.call("Browser.close")
        self.socket.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()


class Page:
    """A page in the browser, for a test to look at and to use as a person would."""

    def __init__(self, chromium, session, width, height, before, motion):
        self.chromium, self.session = chromium, session
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.bringToFront")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.resize(width, height)
        wish = {"name": "prefers-reduced-motion", "value": "" if motion else "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[wish])
        self.call("Page.addScriptToEvaluateOnNewDocument", source=before)

    def call(self, method, **parameters):
        return self.chromium.call(method, self.session, **parameters)

    def seen(self, event):
        """What the page has told by the events of a name until now."""
        self.call("Runtime.evaluate", expression="0")  # so that they are read
        return self.chromium.seen(self.session, event)

    def go(self, page):
        """Shows a file, an address or a text of HTML; returns itself when that is loaded."""
        if isinstance(page, str) and page.lstrip().startswith("<"):
            text, page = page, self.chromium.folder / f"{self.session}.html"
            page.write_text(text, encoding="utf-8")
        address = page.absolute().as_uri() if isinstance(page, Path) else page
        failed = self.call("Page.navigate", url=address).get("errorText")
        if failed:
            raise BrowserError(f"{address}: {failed}")
        self.wait("document.readyState === 'complete'")
        return self

    def resize(self, width, height):
        """Gives the page a window of this size, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def run(self, script, *arguments):
        """What the body of an async function returns: as JSON, with the rest as its `arguments`."""
        call = f"(async function () {{{HELPERS}{script}}})(...{json.dumps(arguments)})"
        options = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", expression=call, **options)
        if "exceptionDetails" in answer:
            raise BrowserError(words(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait(self, expression):
        """The first value of an expression that counts as true; true for an element."""
        script = f"const found = {expression}; return found instanceof Node || found"
        return until(lambda: self.run(script), expression)

    def texts(self, selector):
        """The texts of all elements that a CSS selector finds."""
        return self.run("return texts(arguments[0])", selector)

    def letters(self, selector):
        """(text, height in CSS pixels) of every visible element, when there are any."""
        found = until(lambda: self.run(LETTERS, selector), f"letters of {selector}")
        return [tuple(pair) for pair in found]

    def middle(self, selector, text=None):
        """Where an element can be clicked, when it has come, stands still and nothing covers it."""
        places = [None]

        def still():
            places.append(self.run(MIDDLE, selector, text))
            return places[-1] if places[-1] == places[-2] else None

        return until(still, f"{selector} {text or ''}".strip() + " to be seen")

    def click(self, selector, text=None):
        """Presses the left button of the mouse on the first element, or the first of that text."""
        x, y = self.middle(selector, text)
        for what in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if what == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=what, x=x, y=y, **button)

    def type(self, selector, text):
        """Clicks on a field and writes a text into it."""
        self.click(selector)
        self.call("Input.insertText", text=text)

    def press(self, *keys):
        """Presses a key, after those that are held down with it: "Shift", "Enter"."""
        *held, key = keys
        code = KEYS.get(key) or ord(key.upper())
        event = {
            "key": " " if key == "Space" else key,
            "code": key if key in KEYS else f"Key{key.upper()}",
            "windowsVirtualKeyCode": code,
            "modifiers": sum(MODIFIERS[name] for name in held),
        }
        text = TYPED.get(key, "" if key in KEYS or set(held) - {"Shift"} else key)
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def skip(self, seconds):
        """Lets the timers of the page run as if so much time had passed."""
        over, budget = "Emulation.virtualTimeBudgetExpired", 1000 * seconds
        before = len(self.seen(over))
        self.call("Emulation.setVirtualTimePolicy", policy="advance", budget=budget)
        until(lambda: len(self.seen(over)) > before, "the time to be skipped")

    def offline(self, offline=True):
        """Cuts the page off from this machine too, or connects it again."""
        speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.call("Network.emulateNetworkConditions", offline=offline, **speed)

    def screenshot(self, path):
        """Writes a PNG of what is seen; returns its path."""
        png = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(png))
        return path

    def errors(self):
        """What the page has complained about: errors of its scripts, and what it did not get."""
        thrown = [words(e["exceptionDetails"]) for e in self.seen("Runtime.exceptionThrown")]
        logged = [e["entry"] for e in self.seen("Log.entryAdded")]
        return thrown + [entry["text"] for entry in logged if entry["level"] == "error"]


def words(details):
    """What the browser says of an exception."""
    return details.get("exception", {}).get("description") or details["text"]


# What scripts of tests may use; shadow roots are looked into.
HELPERS = """
const roots = (root) => [root, ...[root, ...root.querySelectorAll("*")]
  .flatMap((e) => e.shadowRoot ? roots(e.shadowRoot) : [])];
const all = (selector, root = document) =>
  roots(root).flatMap((r) => [...r.querySelectorAll(selector)]);
const texts = (selector, root) => all(selector, root).map((e) => e.textContent);
"""
MIDDLE = """
const element = all(arguments[0])
  .find((e) => arguments[1] === null || e.textContent.trim() === arguments[1]);
if (!element) return null;
element.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
const box = element.getBoundingClientRect();
const at = [box.x + box.width / 2, box.y + box.height / 2];
const over = (root) => {
  const top = root.elementFromPoint(...at);
  if (!top || top.shadowRoot === root) return [];
  return [top, ...(top.shadowRoot ? over(top.shadowRoot) : [])];
};
const near = (top) => element.contains(top) || top.contains(element);
return box.width && box.height && over(document).some(near) ? at : null;
"""
LETTERS = """
return all(arguments[0]).filter((e) => e.textContent.trim() && e.checkVisibility()).map((e) => {
  const scale = e.getScreenCTM ? e.getScreenCTM().d : 1;
  return [e.textContent.trim(), scale * parseFloat(getComputedStyle(e).fontSize)];
});
"""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    if not executable():
        pytest.skip(f"none of {', '.join(NAMES)} is here")
    running = Chromium(tmp_path_factory.mktemp("chromium"))
    yield running
    running.quit()


@pytest.fixture
def browser(chromium):
    """The browser, whose pages are closed after the test."""
    yield chromium
    chromium.close_pages()
