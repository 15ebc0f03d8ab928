"""What comes from somebody else, and what they can do with it: the tests of ATTACKS.md."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import nbformat
import pytest
from test_hostile_pages import NO_DIALOGS
from test_hostile_words import named

import micrograd
from micrograd import Value, course, files, lab, layout, nn, weights
from micrograd.__main__ import main
from micrograd.compiler import build, jit
from micrograd.compiler.errors import JitError
from micrograd.expression import ExpressionError, evaluate
from micrograd.player import step_through
from micrograd.viz import DrawError, draw_dot
from micrograd.weights import WeightsError

THEME = "Attacks"
HERE = Path(__file__).parent
PAGE = HERE / "ATTACKS.md"
PACKAGE = Path(micrograd.__file__).parent
posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="modes and owners as POSIX has them")


# The page itself

NAMED = r"`(?:([\w./]+\.py)::)?(test_\w+)`"


def sentences():
    """Each sentence of the page, with the tests that are named behind it."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## ")[2]
    for lines in re.findall(r"^- (.*(?:\n  .*)*)", text, re.MULTILINE):
        item = " ".join(lines.split())
        said = re.sub(rf"(?:,? {NAMED})+$", "", item)
        yield said, re.findall(NAMED, item)


@functools.cache
def tests_of(file):
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}


def test_each_sentence_of_the_page_has_tests_that_are_there(score):
    found = list(sentences())
    for said, tests in found:
        assert said[-1] == "." and said.count(". ") == 0, said
        assert tests, f"no test is named behind: {said}"
        for file, name in tests:
            assert name in tests_of(file or Path(__file__).name), (said, name)
    lines = PAGE.read_text(encoding="utf-8").partition("\n## ")[2].splitlines()[1:]
    assert [x for x in lines if x and x[:2] not in ("- ", "  ", "##")] == []
    score(
        "sentences on what an attacker can do, and cannot, each with its test",
        "all",
        f"{len(found)} of {len(found)}: [ATTACKS.md](ATTACKS.md)",
        hurt="who opens what somebody else has made",
        peer="no page of this kind",
    )


def test_each_test_here_stands_behind_a_sentence():
    own = {f for f in tests_of(__file__) if f.startswith("test_")}
    named = {name for _, tests in sentences() for _, name in tests}
    about = {f for f in own if f.startswith("test_each_")}
    assert own - about - named == set()


# A notebook


def lesson_that_says(source, verdict="Right: x = 1.", tag="check"):
    """A notebook in which a cell has a source, and a check was saved with a verdict."""
    output = {"output_type": "stream", "name": "stdout", "text": [verdict]}
    cell = {"cell_type": "code", "source": [source], "metadata": {"tags": [tag]}}
    return {"cells": [cell | {"outputs": [output]}], "metadata": {}}


@pytest.fixture
def classroom(tmp_path, monkeypatch):
    """A folder in which a learner has a folder of lessons, and the name of the first one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine", course.lessons(course.originals())[0].name


@pytest.mark.slow
def test_a_cell_that_is_run_does_what_it_says(tmp_path):
    nbclient = pytest.importorskip("nbclient")
    cell = nbformat.v4.new_code_cell("open('made', 'w').write('by a cell')")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}).execute()
    assert (tmp_path / "made").read_text() == "by a cell"


def test_progress_runs_nothing_and_believes_what_was_saved(classroom, capsys):
    folder, name = classroom
    notebook = lesson_that_says("open('made', 'w')")
    notebook["cells"][0]["outputs"][0]["text"].append("\x1b[2J")
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
    assert main(["progress", "mine"]) == 0
    told = capsys.readouterr().out
    assert "■" in told and "\x1b" not in told and [*Path.cwd().iterdir()] == [folder]


CELL = '{"cells": [{"cell_type": "code", "source": [], '
BROKEN = [
    "", "[]", "null", '{"cells": 1}', '{"cells": [1]}', '{"cells": [{}]}', "[" * 100_000, "{" * 9,
    CELL + '"metadata": 1}]}', CELL + '"metadata": {"tags": 1}}]}', "1" * 9999, "\udcff",
    CELL + '"metadata": {"tags": ["check"]}, "outputs": 1}]}',
    CELL + '"metadata": {"tags": ["check"]}, "outputs": ["x"]}]}',
    CELL + '"metadata": {"tags": "check"}, "outputs": [{"text": [1]}]}]}',
    '{"cells": {"cell_type": "code"}}', '{"cells": "' + "x" * 99 + '"}',
]  # fmt: skip


def test_a_notebook_that_is_none_is_a_mark_or_a_sentence(classroom, capsys):
    folder, name = classroom
    for text in BROKEN:
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        assert main(["progress", "mine"]) == 0, text[:50]
        told = capsys.readouterr()
        assert not told.err and ("?" in told.out or "□" in told.out)


@posix
def test_a_notebook_without_an_end_is_not_read(classroom):
    folder, names = classroom[0], [path.name for path in course.lessons(course.originals())]
    os.mkfifo(folder / names[1])  # first: who waits for it takes no memory for the others
    (folder / names[2]).symlink_to("/dev/zero")
    (folder / names[3]).touch()
    os.truncate(folder / names[3], 2**33)
    command = [sys.executable, "-m", "micrograd", "progress", folder.name]
    done = subprocess.run(command, text=True, capture_output=True, timeout=60, check=True)
    assert re.findall(r"(?m)^(\d+) .* \?+$", done.stdout) == ["01", "02", "03"]


@posix
def test_a_folder_of_a_class_is_no_formula_in_a_table(classroom, capsys):
    folder, name = classroom
    (folder / name).write_text(json.dumps(lesson_that_says("")), encoding="utf-8")
    for called, shown in {
        '=HYPERLINK("x","y")': '\'=HYPERLINK(""x"",""y"")',
        "-1+1": "'-1+1",
        "@a": "'@a",
        "＝1+1": "'＝1+1",
        "a;=1+1;b": "a;=1+1;b",
        "\t=1": "\\t=1",
        "a\x1b[2J\n": "a\\x1b[2J\\n",
        "ann": "ann",
    }.items():
        folder = folder.rename(folder.with_name(called))
        assert main(["progress", "--csv", "--", str(folder)]) == 0
        assert capsys.readouterr().out.splitlines()[1].startswith(f'"{shown}","00",')


# Weights, networks, data


def model():
    return nn.MLP(2, [2, 1], seed=0)


def test_a_weight_file_can_hold_any_numbers_with_a_checksum_of_its_own(tmp_path):
    state = dict.fromkeys(model().state_dict(), 1e300)
    weights.write(tmp_path / "w.json", state)
    mine = model()
    mine.load(tmp_path / "w.json")
    assert mine.state_dict() == state


@posix
def test_a_file_is_read_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"four")
    assert files.read(path, 4) == b"four"
    for odd, largest in ((path, 3), (Path("/dev/zero"), 9)):
        with pytest.raises(OSError) as error:
            files.read(odd, largest)
        assert error.value.filename == str(odd)


PROGRAMS = {"exec", "compile"}  # of our own making
CALLS = {"backends.py": PROGRAMS, "xla.py": PROGRAMS, "interpret.py": {"eval"}}


def test_no_file_that_is_read_is_unpickled_or_evaluated():
    for path in PACKAGE.glob("**/*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = {c.func for c in ast.walk(tree) if isinstance(c, ast.Call)}
        called = {f.id for f in calls if isinstance(f, ast.Name)}
        assert called & {"eval", "exec", "compile", "__import__"} <= CALLS.get(path.name, set()), (
            path
        )
        imports = {a.name for x in ast.walk(tree) if isinstance(x, ast.Import) for a in x.names}
        assert not imports & {"pickle", "marshal", "shelve", "dill", "joblib", "yaml"}, path
        text = path.read_text(encoding="utf-8")
        assert "allow_pickle" not in text and "shell=True" not in text and "mktemp(" not in text


@pytest.mark.parametrize("location", ["secret.bin", "../secret.bin", "/etc/passwd"])
def test_an_onnx_file_reads_no_other_file(location, tmp_path, monkeypatch):
    onnx = pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(bytes(32))
    mine = model()
    mine.save("m.onnx")
    made, before = onnx.load("m.onnx"), mine.state_dict()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    Path("m.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(WeightsError, match="weight stand in another file"):
        mine.load("m.onnx")
    assert mine.state_dict() == before


def test_an_onnx_file_holds_no_name_twice(tmp_path):
    onnx = pytest.importorskip("onnx")
    mine, path = model(), tmp_path / "m.onnx"
    mine.save(path)
    made, before = onnx.load(path), mine.state_dict()
    made.graph.initializer.add().CopyFrom(made.graph.initializer[0])
    path.write_bytes(made.SerializeToString())
    with pytest.raises(WeightsError, match="it holds a name twice"):
        mine.load(path)
    assert mine.state_dict() == before


@pytest.mark.slow
def test_a_damaged_onnx_file_is_refused_and_changes_nothing(tmp_path, tries):
    pytest.importorskip("onnx")
    mine, path = model(), tmp_path / "m.onnx"
    mine.save(path)
    whole, before, accepted = path.read_bytes(), mine.state_dict(), 0
    n = tries(300, 3_000)
    for i in range(n):
        at = (i * 7919) % len(whole)
        damaged = whole[:at] if i % 3 == 0 else whole[:at] + bytes([i % 256]) + whole[at + 1 :]
        path.write_bytes(damaged)
        try:
            mine.load(path)
            accepted += 1
            assert all(map(weights.is_finite, mine.state_dict().values()))
            mine.load_state_dict(before)
        except WeightsError:
            assert mine.state_dict() == before
    assert 0 < accepted < n


# An expression, a page, an address


REACHES = [
    "__import__('os').system('exit 1')", "().__class__", "x.__class__", "x.data", "open('y')",
    "f'{x}'", "lambda: x", "[x for y in z]", "x if x else x", "x := 1", "import os", "exec('1')",
    "x[0]", "*x", "x.tanh.__func__", "(lambda: 0)()", "print(x)", "x.backward()", "del x",
    "class A: pass", "await x",
]  # fmt: skip


@pytest.mark.parametrize("text", REACHES)
def test_an_expression_reaches_nothing_of_python(text):
    with pytest.raises(ExpressionError):
        evaluate(text, {"x": 2.0})


ENDLESS = [
    "(" * 10**6, "-" * 10**6 + "1", "x" + "**x" * 10**5, "1" * 10**6, "9" + "**9" * 300,
    "x." * 10**6, "x=" * 10**5 + "1", "x;" * 10**4, "tanh(" * 10**5, "[" * 99_999, "\\" * 10**5,
    "[0x" + "f" * 5000, "f(0x" + "f" * 5000 + ")", "y" * 90_000, "𝓎" * 9000, 
    "0o" + "7" * 9999 + "j", "'\\\x0e'", "0if 0else " * 9999 + "0",
]  # fmt: skip


def test_an_expression_ends_nothing_but_itself():
    program = """if True:
        import json, sys
        from micrograd.expression import ExpressionError, evaluate
        for text in json.load(sys.stdin):
            try:
                evaluate(text, {"x": 1.5})
            except ExpressionError as error:
                assert len(str(error)) < 400
        print("done")"""
    command, given = [sys.executable, "-c", program], json.dumps(ENDLESS)
    done = subprocess.run(command, input=given, text=True, capture_output=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)


@pytest.mark.slow
def test_a_page_of_somebody_else_can_hold_a_script(browser, tmp_path):
    path = step_through(Value(2.0) * 3.0).html(tmp_path / "x.html")
    path.write_text(path.read_text("utf-8") + "<script>window.ran = 1</script>", encoding="utf-8")
    assert browser.open(path).run("return window.ran") == 1


def test_a_script_in_one_page_reaches_what_stands_in_it(browser, tmp_path):
    page = browser.open(step_through(Value(2.0, label="a") * 3.0).html(tmp_path / "x.html"))
    assert page.run("return document.querySelector('[data-shown]').shadowRoot !== null")


def test_a_page_in_a_frame_is_closed_to_the_page_around_it(browser, tmp_path):
    step_through(Value(2.0, label="a") * 3.0).html(tmp_path / "x.html")
    (tmp_path / "around.html").write_text("<iframe src='x.html'></iframe>", encoding="utf-8")
    page = browser.open(tmp_path / "around.html", before=NO_DIALOGS)
    assert page.run("return document.querySelector('iframe').contentDocument") is None


def scripts():
    return {path: path.read_text(encoding="utf-8") for path in PACKAGE.glob("**/*.js")}


def test_no_script_of_ours_makes_markup_of_words_or_listens_to_other_pages():
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|DOMParser|"
        r"srcdoc|[\"']message[\"']|postMessage|localStorage|cookie|fetch\(|XMLHttp|WebSocket|import\("
    )
    assert len(scripts()) > 10
    assert {
        p.name: m[0] for p, text in scripts().items() if (m := re.search(forbidden, text))
    } == {}


@pytest.mark.slow
def test_a_script_that_came_into_a_page_of_ours_can_send_nothing_from_it(browser, tmp_path):
    page = browser.open(step_through(Value(2.0) * 3).html(tmp_path / "p.html"))
    asks = """
    const kept = [];
    document.addEventListener("securitypolicyviolation", (e) => kept.push(e.effectiveDirective));
    new Image().src = "http://127.0.0.1:9/x";
    fetch("http://127.0.0.1:9/x").catch(() => {});
    navigator.sendBeacon("http://127.0.0.1:9/x");
    document.body.append(Object.assign(document.createElement("script"), { src: "x.js" }));
    document.body.append(Object.assign(document.createElement("iframe"), { src: "x.html" }));
    const form = document.body.appendChild(document.createElement("form"));
    form.action = "http://127.0.0.1:9";
    form.submit();
    while (new Set(kept).size < 5) await new Promise((done) => setTimeout(done, 20));
    return [...new Set(kept)].sort();"""
    found = ["connect-src", "form-action", "frame-src", "img-src", "script-src-elem"]
    assert page.run(asks) == found


@pytest.mark.slow
def test_a_script_in_a_page_of_ours_can_lead_elsewhere(browser, tmp_path):
    (tmp_path / "other.html").write_text("<title>other</title>", encoding="utf-8")
    page = browser.open(step_through(Value(2.0) * 3).html(tmp_path / "p.html"))
    page.run("setTimeout(() => { location = 'other.html'; }, 0)")
    page.wait("document.title === 'other'")


@pytest.mark.slow
def test_our_pages_ask_nobody_for_anything(browser, tmp_path):
    asked = "return performance.getEntriesByType('resource').map((e) => e.name)"
    for path in (
        lab.html(tmp_path / "lab.html"),
        step_through(Value(2.0) * 3).html(tmp_path / "p.html"),
    ):
        page = browser.open(path)
        own = [name for name in page.run(asked) if not name.startswith(("data:", "blob:"))]
        assert own == [] and page.errors() == []


def test_an_address_of_the_lab_changes_what_is_computed(browser, tmp_path):
    path = lab.html(tmp_path / "lab.html")
    page = browser.open(f"{path.as_uri()}#e=a*b&a=16&b=2")
    assert page.texts(".result") == ["= 32"]


@pytest.mark.slow
def test_an_address_as_long_as_can_be_is_refused_at_once(browser, tmp_path):
    path = lab.html(tmp_path / "lab.html")
    for text in ("(" * 10**5, "x" + "*x" * 999, "-" * 1999, "y" * 900 + "(x)", "x" * 1999):
        page = browser.open(f"{path.as_uri()}#e={text}")
        said = page.texts(".note")[0]
        assert said or text == "x" * 1999
        wide = "return all('.frame, .note').every((e) => e.scrollWidth <= e.clientWidth)"
        assert page.run(wide)


MESSAGES = [
    {}, {"do": None}, {"do": []}, {"do": {}}, {"do": "__init__"}, {"do": "session"},
    {"do": "step", "with": 1}, {"do": "step", "with": [1, 2]}, {"do": "set"},
    {"do": "set", "with": ["toy", "x"]}, {"do": "set", "with": ["session", 1]},
    {"do": "set", "with": [[], []]}, {"do": "set", "with": [None, None]},
    {"do": "set", "with": ["lr", "nan"]}, {"do": "set", "with": ["lr", {}]},
    {"do": "set", "with": ["lr", "1e999"]}, {"do": "set", "with": ["points", "1e9"]},
    {"do": "set", "with": ["points", "9" * 5000]}, {"do": "set", "with": ["hidden", "9 " * 99]},
    {"do": "set", "with": ["hidden", "32, " * 10**5]}, {"do": "set", "with": ["noise", "nan"]},
    {"do": "set", "with": ["data", "__class__"]}, {"do": "set", "with": ["act", "__init__"]},
    {"do": "set", "with": ["optimizer", ["sgd"]]}, {"do": "speed", "with": [10**30]},
    {"do": "speed", "with": ["x"]}, {"do": "speed", "with": [None]},
    {"do": "restart", "with": ["x"]}, {"do": "close", "with": [1]}, {"do": "play", "with": [[]]},
]  # fmt: skip


def test_a_message_of_a_page_does_what_a_button_does_or_nothing():
    live = pytest.importorskip("micrograd.live").live
    view = live("moons", jit=False)
    before, script, sent = view.session.story(), view._esm, []
    view.send = lambda content, buffers=None: sent.append(content)
    for message in MESSAGES:
        view.asked(view, message, [])
    assert view.session.story() == before and 1 <= view.speed <= 1000
    assert view.task is None and [m for m in sent if "error" in m]
    for name in ("_esm", "story", "tooltip"):
        update = {"method": "update", "state": {name: {} if name == "story" else "x"}}
        view._handle_msg({"content": {"data": update}, "buffers": []})
    assert (view._esm, view.story, view.tooltip) == (script, before, None)


# A shared cache


PLANTED = """
#include <stdio.h>
__attribute__((constructor)) static void planted(void) { fclose(fopen(PLACE, "w")); }
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder that libraries in C are kept in, and what computes by one of them."""
    try:
        build.found_compiler()
    except JitError as error:
        pytest.skip(str(error))
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(build, "users_folder", lambda: tmp_path / "home")
    return tmp_path / "home" / "micrograd" / "programs"


def doubled(x=3.0):
    return jit(lambda x: x * 2, backend="c")(x).data


def planted(folder, key, marker):
    """A library of the attacker's that is made to be taken for one of ours."""
    text = PLANTED.replace("PLACE", json.dumps(str(marker)))
    source, made = marker.with_suffix(".c"), marker.with_suffix(".so")
    source.write_text(text)
    command = [*build.found_compiler(), "-shared", "-fPIC", "-o", str(made), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    content = made.read_bytes()
    path = folder / f"{key}.{build.digest(content)}.so"
    path.write_bytes(content)
    return path


@posix
def test_who_writes_as_you_can_put_a_library_into_the_cache(cache, tmp_path):
    assert doubled() == 6.0
    (kept,) = cache.iterdir()
    key, marker = kept.name.partition(".")[0], tmp_path / "ran"
    path = planted(cache, key, marker)
    kept.unlink()
    assert build.verified(path) is not None
    assert marker.exists()


@posix
@pytest.mark.parametrize("mode", [0o777, 0o757, 0o775, 0o1777])
def test_a_cache_below_a_folder_that_others_can_change_is_not_used(mode, cache, tmp_path):
    shared = tmp_path / "home"
    if mode == 0o775:
        if os.getuid():
            pytest.skip("only root may give a folder to another group")
        os.chown(shared, -1, 12345)
    shared.chmod(mode)
    assert doubled() == 6.0
    assert any(cache.glob("*.so")) == (mode == 0o1777)  # where nobody may rename what is not theirs


@posix
def test_a_cache_below_a_folder_of_somebody_else_is_not_used(cache, tmp_path):
    if os.getuid():
        pytest.skip("only root may give a folder away")
    os.chown(tmp_path / "home", 12345, 12345)
    assert doubled() == 6.0
    assert not any(cache.glob("*.so"))


@posix
def test_a_link_on_the_way_to_the_cache_is_followed_once(cache, tmp_path):
    (tmp_path / "home").rmdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "real")
    assert build.cache() == (tmp_path / "real" / "micrograd" / "programs").resolve()


@posix
def test_a_new_cache_is_yours_alone_whatever_the_umask(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "users_folder", lambda: tmp_path / "home" / "cache")
    before = os.umask(0)
    try:
        assert build.cache() == (tmp_path / "home" / "cache" / "micrograd" / "programs").resolve()
    finally:
        os.umask(before)
    assert [x.stat().st_mode & 0o777 for x in (tmp_path / "home").glob("**")] == [0o700] * 4


@posix
def test_a_folder_for_temporary_files_is_taken_as_it_is(tmp_path, monkeypatch):
    tmp_path.chmod(0o777)
    monkeypatch.setattr(build.tempfile, "tempdir", str(tmp_path))
    build.made_for.cache_clear()
    assert build.folder_of_this_run().parent == tmp_path
    build.made_for.cache_clear()


@posix
def test_without_a_cache_libraries_are_in_a_folder_that_nobody_else_looks_into():
    folder = build.folder_of_this_run()
    assert folder.stat().st_mode & 0o777 == 0o700 and folder.lstat().st_uid == os.getuid()
    assert re.fullmatch(r"micrograd-\w{8}", folder.name)


# Files that are written


@posix
def test_a_link_put_in_the_place_of_a_file_being_written_gets_neither_mode_nor_owner(
    tmp_path, monkeypatch
):
    victim, target = tmp_path / "victim", tmp_path / "graph.svg"
    victim.write_text("mine")
    victim.chmod(0o600)
    target.write_text("old")
    target.chmod(0o666)
    created = files.created

    def swapped(temporary, mode):
        file = created(temporary, mode)
        temporary.unlink()
        temporary.symlink_to(victim)
        return file

    monkeypatch.setattr(files, "created", swapped)
    files.write(target, "new")
    assert victim.stat().st_mode & 0o777 == 0o600 and victim.read_text() == "mine"


@posix
def test_a_file_that_waits_where_we_would_write_first_is_not_written_to(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: "0" * 2 * n)
    (tmp_path / ".x.svg.00000000.tmp").symlink_to(victim)
    with pytest.raises(OSError):
        files.write(tmp_path / "x.svg", "new")
    assert victim.read_text() == "mine"


@posix
def test_a_link_where_a_file_is_to_be_written_is_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("old")
    (tmp_path / "x.svg").symlink_to(tmp_path / "elsewhere")
    files.write(tmp_path / "x.svg", "new")
    assert (tmp_path / "elsewhere").read_text() == "new"


# Programs and the environment


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_jupyter_is_opened_as_it_comes(tmp_path, monkeypatch):
    pytest.importorskip("jupyterlab")
    commands = []

    def run(command, check, cwd, env):
        commands.append([*command, *Path(env["JUPYTER_CONFIG_PATH"]).rglob("*.json")])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    monkeypatch.setattr(course.subprocess, "run", run)
    course.open_in_jupyter(tmp_path)
    (command,) = commands
    told = [str(x) for x in command if str(x).startswith("-") and str(x) != "-m"]
    assert {x.partition("=")[0] for x in told} <= {"--LabApp.default_url", "--allow-root"}
    assert [x.name for x in command if isinstance(x, Path)] == ["page_config.json"]


def test_a_matplotlibrc_in_this_folder_counts_for_notebooks_and_for_no_command(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    demo = ["demo", "line", "--steps", "1"]
    assert main(demo) == 0
    usual = Path("line.png").read_bytes()
    Path("matplotlibrc").write_text("text.usetex: True\nfont.size: 20")
    with matplotlib.rc_context(fname=matplotlib.matplotlib_fname()):
        assert matplotlib.rcParams["text.usetex"]
        assert main(demo) == 0
    assert Path("line.png").read_bytes() == usual


def test_a_module_in_this_folder_is_not_imported_by_what_we_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("jupyterlab", "ziglang"):
        Path(f"{name}.py").write_text("open('ran', 'w')")
    started, run = [], subprocess.run

    def run_what_is_here(command, **settings):
        started.append(command[2])
        module = command[2] if command[2] == "ziglang" else "jupyterlab.none"
        return run([command[0], "-m", module], **settings)

    monkeypatch.setattr(subprocess, "run", run_what_is_here)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(course.CourseError):
        course.open_in_jupyter(tmp_path)
    with pytest.raises(JitError):
        build.target(build.found_compiler())
    assert {*started} == {"jupyterlab", "ziglang"} and not Path("ran").exists()


@posix
def test_the_program_named_in_the_environment_is_run(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROGRAD_DOT", str(program(tmp_path / "dot", f"touch {tmp_path}/dot-ran")))
    with pytest.raises(DrawError):
        draw_dot(Value(1.0)).svg()
    monkeypatch.setenv("CC", str(program(tmp_path / "cc", f"touch {tmp_path}/cc-ran; exit 1")))
    with pytest.raises(JitError):
        build.library("int x;")
    assert (tmp_path / "dot-ran").exists() and (tmp_path / "cc-ran").exists()


@posix
@pytest.mark.parametrize("name", ["CC", "MICROGRAD_DOT"])
def test_the_environment_is_no_shell(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "cc; touch ran; $(touch ran) `touch ran` | touch ran")
    with pytest.raises((DrawError, JitError)):
        draw_dot(Value(1.0)).svg() if name == "MICROGRAD_DOT" else build.library("int x;")
    assert [*tmp_path.iterdir()] == []


@posix
def test_a_program_in_this_folder_is_not_run_unless_the_path_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("dot", "cc", "gcc", "clang", "graphviz-pure"):
        program(tmp_path / name, f": > {tmp_path}/ran")
    monkeypatch.setattr(layout, "graphviz_pure", lambda: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DrawError):
        draw_dot(Value(1.0)).svg()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DrawError):
        draw_dot(Value(1.0)).svg()
    assert (tmp_path / "ran").exists()


@posix
def test_dot_on_the_path_comes_after_the_one_that_was_installed_with_us(tmp_path, monkeypatch):
    if not layout.graphviz_pure():
        pytest.skip("graphviz-pure is not installed")
    program(tmp_path / "dot", f"touch {tmp_path}/ran")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("MICROGRAD_DOT", raising=False)
    assert draw_dot(Value(1.0)).svg() and not (tmp_path / "ran").exists()


@posix
def test_what_a_dot_program_draws_is_taken_as_it_is(tmp_path, monkeypatch):
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>1</script></svg>'
    monkeypatch.setenv("MICROGRAD_DOT", str(program(tmp_path / "dot", f"echo '{svg}'")))
    assert "<script>" in draw_dot(Value(1.0)).svg()


def test_a_long_name_is_cut_before_it_is_put_in_quotes():
    assert len(draw_dot(Value(1.0, label="\\" * 3000)).source) < 2000


def test_a_name_is_no_code_in_a_program():
    compiled = jit(named("f(); exit(1) #", lambda x: x * 2))
    assert compiled(2.0).data == 4.0 and "exit" not in compiled.program
