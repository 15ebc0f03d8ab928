"""Python in a browser, as it comes, without NumPy: lessons run there, draw and step."""

import functools
import http.server
import json
import shutil
import subprocess
import threading
from importlib import resources
from pathlib import Path

import pytest
from browser import until

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow
PAGE = """<!doctype html><meta charset="utf-8"><script>
window.said = [];
window.run = (codes) => {
  const worker = new Worker("worker.mjs", { type: "module" });
  worker.onmessage = ({ data }) => said.push(data);
  worker.postMessage(codes);
};
</script>"""
WORKER = """import { loadPyodide } from "./pyodide/pyodide.mjs";
onmessage = async ({ data }) => {
  const python = await loadPyodide({ indexURL: "./pyodide/" });
  for (const name of ["micrograd", "graphviz"])
    python.unpackArchive(await (await fetch(`${name}.zip`)).arrayBuffer(), "zip");
  for (const code of data) {
    try {
      postMessage(String(python.runPython(code)));
    } catch (error) {
      postMessage(String(error));
    }
  }
};"""
CELLS = """
import ast, builtins, json, linecache
def lesson(cells):
    scope, shown = {"__name__": "__main__"}, []
    def show(x):
        bundle = x._repr_mimebundle_() if hasattr(x, "_repr_mimebundle_") else {"text/plain": ""}
        shown.extend(bundle[0] if isinstance(bundle, tuple) else bundle)
    for i, source in enumerate(cells):
        linecache.cache[f"<cell {i}>"] = len(source), None, source.splitlines(True), f"<cell {i}>"
        body = ast.parse(source).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), f"<cell {i}>", "exec"), scope)
        if last is not None:
            x = eval(compile(ast.Expression(last.value), f"<cell {i}>", "eval"), scope)
            show(x)
    return json.dumps([len(cells), shown.count("image/svg+xml"), shown.count("text/html")])
"""
HOUSE = """
from micrograd import Value
from micrograd.gradcheck import gradcheck
from micrograd.nn import MLP
from micrograd.optim import SGD
model = MLP(2, [3, 1], act="tanh", seed=0)
optimizer = SGD(model.parameters(), 0.1)
for _ in range(20):
    loss = (model([1.0, -1.0]) - 0.5) ** 2
    optimizer.zero_grad(); loss.backward(); optimizer.step()
str([loss.data < 1e-3, gradcheck(lambda x: x.tanh() * x, 0.3)])
"""
DEEP = """
import micrograd.lesson
def total(v):
    return 1 + sum(map(total, v))
deep = []
for _ in range(900): deep = [deep]
try: total(deep)
except RecursionError as error: said = "RecursionError"
said
"""


def code_cells(name):
    cells = json.loads((ROOT / "notebooks" / name).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path):
    """Where a page is served that runs Python in a worker; skips where there is no Pyodide."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm to bring Pyodide")
    command = ["npm", "pack", "--silent", "pyodide@314.0.7"]
    if subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode:
        pytest.skip("npm cannot bring Pyodide")
    shutil.unpack_archive(next(tmp_path.glob("*.tgz")), tmp_path)
    (tmp_path / "package").rename(tmp_path / "pyodide")
    for name in ("micrograd", "graphviz"):
        folder = Path(str(resources.files(name)))
        shutil.make_archive(str(tmp_path / name), "zip", folder.parent, name)
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "worker.mjs").write_text(WORKER)
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


def test_lessons_run_draw_and_step_in_a_browser(address, browser):
    cells = code_cells("03_backprop_by_hand.ipynb")
    page = browser.open(address)
    codes = [HOUSE, CELLS, f"lesson({cells!r})", DEEP]
    page.run("run(arguments[0])", codes)
    until(lambda: page.run("return said.length") == len(codes), "Python in the browser")
    said = page.run("return said")
    assert said[0] == "[True, True]"
    assert json.loads(said[2]) == [len(cells), 2, 2]
    assert said[3] == "RecursionError"
