"""Machines and settings that nobody thinks of: the right answer, or one sentence."""

import decimal
import importlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from backends import HAS_CC, needs_a_c_compiler, needs_jax

from micrograd import course, engine, floats
from micrograd.__main__ import main
from micrograd.compiler import JitError, build, jit

THEME = "Mistakes"
PACKAGE = Path(engine.__file__).parent


@pytest.fixture
def held(score):
    """A function that asserts that a setting did no harm, and puts it on the scoreboard."""

    def scored(right):
        score(
            "odd machines: Decimals that raise, a copy in a zip or under a name of one's own, no "
            "lessons, no packages, JAX without its devices, settings that matplotlib refuses, "
            "Ctrl-C while a command loads, a disk mounted noexec",
            "the right answer, or one sentence that says what to do",
            "{right} of {n}",
            hurt="who runs it where nobody has run it yet",
            right=right,
            n=1,
        )
        assert right

    return scored


CONTEXTS = {  # of decimal, as their user set them
    "inexact": {"traps": [decimal.Inexact, decimal.Rounded]},
    "floats": {"traps": [decimal.FloatOperation]},
    "money": {"prec": 2, "rounding": decimal.ROUND_UP, "Emin": 0, "Emax": 0, "traps": []},
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_tanh_is_the_same_whatever_decimals_do(name, held):
    xs = [x / 16 for x in range(-40, 40)]
    wanted = [floats.tanh(x) for x in xs]
    floats.tanh_of_32nds.cache_clear()
    with decimal.localcontext(decimal.Context(**CONTEXTS[name])):
        held([floats.tanh(x) for x in xs] == wanted)


@pytest.mark.parametrize("command", [["lessons"], ["lessons", "--reset", "1"], ["progress"]])
def test_a_package_alone_says_where_its_lessons_are(command, held, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(course, "PACKAGE", tmp_path / "copied" / "micrograd")
    course.MINE.mkdir()
    code, said = main(command), capsys.readouterr().err
    held(code == 2 and said.endswith("lessons: pip install micrograd-lessons has them\n"))


def packed(folder):
    with zipfile.ZipFile(folder / "micrograd.zip", "w") as file:
        for path in PACKAGE.rglob("*"):
            if path.suffix != ".pyc":
                file.write(path, path.relative_to(PACKAGE.parent))
    return "micrograd", folder / "micrograd.zip"


def borrowed(folder):
    shutil.copytree(PACKAGE, folder / "mine/tiny", ignore=shutil.ignore_patterns("__pycache__"))
    return "mine.tiny", folder


COPIES = {"in a zip": packed, "under a name of one's own": borrowed}
TRAINED = """
from {name}.compiler import jit
from {name}.data import first_names, moons
from {name}.nn import MLP
from {name}.optim import SGD
from {name}.train import fit
X, y = moons(9, seed=1)
for backend in (False, *{backends}):
    model = MLP(2, [2, 1], seed=1)
    optimizer = SGD(model.parameters(), lr=0.1)
    print(fit(model, X, 2 * y - 1, optimizer, steps=3, jit=backend, progress=False).losses)
print(first_names()[0])
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", COPIES)
def test_a_copy_trains_wherever_it_is(where, held, tmp_path):
    name, path = COPIES[where](tmp_path)
    backends = ["numpy", "c"] if where == "in a zip" and HAS_CC else ["numpy"]
    done = subprocess.run(
        [sys.executable, "-c", TRAINED.format(name=name, backends=backends)],
        env={**os.environ, "PYTHONPATH": str(path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    first, *others, names = done.stdout.splitlines() or [done.stderr, ""]
    held(others == len(backends) * [first] and names == "james")


def test_code_in_a_folder_that_sounds_installed_is_the_users_own(held, tmp_path, monkeypatch):
    folder = tmp_path / "my-site-packages-copy"
    folder.mkdir()
    (folder / "scales.py").write_text("factor = 2.0\n")
    monkeypatch.syspath_prepend(folder)
    scales = importlib.import_module("scales")
    scaled = jit(lambda x: x * scales.factor)
    before = [scaled(3.0).data for _ in range(9)]
    scales.factor = 5.0
    held((before, scaled(3.0).data) == (9 * [6.0], 15.0))


ENDINGS = {  # of JAX at its start, and the words that are passed on
    AssertionError(): "does not start: AssertionError; with JAX_PLATFORMS=cpu",
    RuntimeError("Unable to initialize backend 'tpu': none.\nMore."): "'tpu': none; with JAX_PL",
}


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize("error", ENDINGS, ids=repr)
def test_jax_without_the_devices_it_is_to_use_gets_a_sentence(error, held, monkeypatch):
    import jax

    def devices():
        raise error

    monkeypatch.setattr(jax, "devices", devices)
    with pytest.raises(JitError) as refused:
        jit(lambda x: x * 2, backend="xla")(3.0)
    held(ENDINGS[error] in str(refused.value))


RAISING = """
import sys
class Finder:
    def find_spec(self, name, *_):
        if name == "matplotlib":
            raise {error}
sys.meta_path.insert(0, Finder())
from micrograd.__main__ import main
sys.exit(main(["progress"]))
"""
STARTS = {  # what comes while matplotlib is loaded, the exit code and what is said
    "KeyboardInterrupt": (130, ""),
    "ModuleNotFoundError('No module named matplotlib')": (
        2,
        "micrograd: what it is built on does not load: No module named matplotlib; where a package "
        "is missing, pip install micrograd-lessons brings all of them\n",
    ),
}


@pytest.mark.parametrize("error", STARTS)
def test_a_command_that_cannot_be_loaded_ends_as_any_other(error, held):
    program = [sys.executable, "-c", RAISING.format(error=error)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    held((done.returncode, done.stderr) == STARTS[error])


def test_a_setting_with_which_matplotlib_does_not_start_is_named(held):
    program = [sys.executable, "-m", "micrograd", "progress"]
    setting = {**os.environ, "MPLBACKEND": "nope"}
    done = subprocess.run(program, env=setting, capture_output=True, text=True, check=False)
    said = "micrograd: matplotlib does not start here: Key backend: 'nope' is not a valid value"
    held(done.returncode == 2 and done.stderr.startswith(said) and done.stderr.count("\n") == 1)


def mounted_noexec(monkeypatch, *folders):
    """Lets nothing be loaded from below these folders, and the system say so."""
    load = build.ctypes.CDLL

    def lies_there(path):
        return any(folder in Path(path).parents or folder == Path(path) for folder in folders)

    def loaded(name, *rest):
        if lies_there(name):
            raise OSError(f"{name}: failed to map segment from shared object")
        return load(name, *rest)

    flags = {True: os.ST_NOEXEC, False: 0}
    monkeypatch.setattr(
        build.os, "statvfs", lambda path: SimpleNamespace(f_flag=flags[lies_there(path)])
    )
    monkeypatch.setattr(build.ctypes, "CDLL", loaded)


@pytest.mark.skipif(not hasattr(os, "ST_NOEXEC"), reason="the system does not say so")
@needs_a_c_compiler
def test_a_home_of_which_nothing_can_be_run_is_done_without(held, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "users_folder", lambda: tmp_path)
    mounted_noexec(monkeypatch, tmp_path)
    held(jit(lambda x: x * 2 - 1, backend="c")(3.0).data == 5.0)
    mounted_noexec(monkeypatch, tmp_path, build.folder_of_this_run())
    with pytest.raises(JitError) as refused:
        jit(lambda x: x * 3 - 1, backend="c")(3.0)
    held(str(refused.value).endswith("; let $TMPDIR name a folder that is not noexec"))
