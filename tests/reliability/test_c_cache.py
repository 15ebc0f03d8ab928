"""Programs in C are built and kept: whatever happens to compiler, disk and cache, the answer is
right, or there is one sentence."""

import ctypes
import glob
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from processes import forked, in_a_fresh_process, printed, started

from micrograd.compiler import JitError, build, jit

THEME = "The jit"
pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="needs a C compiler"
)
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="modes, links and forks of POSIX")
HURT = "who keeps a home on a small or shared disk, and a teacher's class that starts at once"
RIGHT = "the right answer, or one sentence; nothing is loaded that is not whole"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder that libraries go to, empty."""
    monkeypatch.setattr(build, "users_folder", lambda: tmp_path)
    return tmp_path / "micrograd" / "programs"


def doubled(x=3.0):
    return jit(lambda x: x * 2, backend="c")(x).data


def test_a_library_is_built_once_and_kept_for_the_user_alone(cache, monkeypatch):
    assert doubled() == 6.0
    (kept,) = cache.iterdir()
    assert os.name == "nt" or cache.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(build, "built", None)
    assert doubled() == 6.0
    assert [*cache.iterdir()] == [kept]


def for_another_processor(library):
    """A library of ELF with the number of an ARM, or of an x86."""
    arm, x86 = b"\x28\0", b"\x3e\0"
    return library[:18] + (arm if library[18:20] == x86 else x86) + library[20:]


DAMAGE = {  # a kept library, and what is found in its place
    "half": lambda library: library[: len(library) // 2],
    "empty": lambda library: b"",
    "a byte": lambda library: library[:-1] + b"x",
    "zeros": lambda library: bytes(len(library)),
    "another's": lambda library: Path(build.built.__code__.co_filename).read_bytes(),
    "another processor's": for_another_processor,
    "no library": lambda library: b"#!/bin/sh\n",
    "a folder": None,
}


# What the system itself refuses to load: that may also be named as its content says.
REFUSED = {"empty", "zeros", "another's", "another processor's", "no library"}


@pytest.mark.parametrize(
    "damage, own_name", [(d, own) for d in DAMAGE for own in (False, True)[: 1 + (d in REFUSED)]]
)
def test_what_is_damaged_is_not_loaded_but_built_again(damage, own_name, cache, score):
    doubled()
    (kept,) = cache.iterdir()
    whole, path = kept.read_bytes(), kept
    kept.unlink()
    if DAMAGE[damage] is None:
        (kept / "inner").mkdir(parents=True)
    else:
        content = DAMAGE[damage](whole)
        if own_name:
            path = cache / f"{kept.name.split('.')[0]}.{build.digest(content)}.so"
        path.write_bytes(content)
    right = doubled() == 6.0 and [x.read_bytes() for x in cache.iterdir()] == [whole]
    score(
        "the C cache: a library half-written, empty, changed, swapped, of another processor",
        "built again, and right",
        "{right} of {n}",
        hurt=HURT,
        right=right,
        n=1,
    )
    assert right


def foreign(folder):
    folder.mkdir(mode=0o700)
    if os.geteuid() != 0:
        pytest.skip("only the system's own user can give a folder away")
    os.chown(folder, 65534, 65534)


def linked(folder):
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


FOLDERS = {  # what stands where the cache should be
    "another's": foreign,
    "others may write": lambda folder: (folder.mkdir(), folder.chmod(0o777)),
    "a link": linked,
    "a link to nothing": lambda folder: folder.symlink_to("nothing"),
    "a link to itself": lambda folder: folder.symlink_to(folder.name),
    "a file": lambda folder: folder.write_text("mine"),
    "read-only": lambda folder: folder.mkdir(mode=0o500),
    "no folder above it": lambda folder: (folder.parent.rmdir(), folder.parent.write_text("mine")),
}


@posix
@pytest.mark.parametrize("why", FOLDERS)
def test_a_folder_that_cannot_be_trusted_is_left_alone(why, cache, score):
    cache.parent.mkdir(parents=True)
    FOLDERS[why](cache)
    before = {path: os.lstat(path).st_mtime for path in cache.parent.parent.rglob("*")}
    right = doubled() == 6.0
    after = {path: os.lstat(path).st_mtime for path in cache.parent.parent.rglob("*")}
    score(
        "the C cache: another's, open to others, a link, a file, read-only",
        "left alone, and the right answer",
        "{right} of {n}",
        hurt=HURT,
        right=right and before == after,
        n=1,
    )
    assert right and before == after


DOUBLED = """
from micrograd.compiler import jit
print(jit(lambda x: x * 2, backend="c")(3.0).data)
"""
HOMES = {  # what is set
    "no home": {"HOME": None, "XDG_CACHE_HOME": None},
    "an empty home": {"HOME": "", "XDG_CACHE_HOME": "{folder}"},
    "a home that is not there": {"HOME": "{folder}/not/there", "XDG_CACHE_HOME": None},
    "a home that is a device": {"HOME": "/dev/null", "XDG_CACHE_HOME": None},
    "a name with a line's end": {"XDG_CACHE_HOME": "{folder}/a\nb ü"},
    "a folder of where it runs": {"XDG_CACHE_HOME": "here"},
    "no folder for what is temporary": {"HOME": "/dev/null", "TMPDIR": "{folder}/none"},
}


@posix
@pytest.mark.slow
@pytest.mark.parametrize("home", HOMES)
def test_wherever_home_is_the_answer_is_right(home, tmp_path, monkeypatch, score):
    monkeypatch.chdir(tmp_path)
    for name, value in HOMES[home].items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value.format(folder=tmp_path))
    right = printed(DOUBLED) == "6.0\n"
    score(
        "the C cache: no HOME, an empty one, one that is not there or is none",
        "the right answer",
        "{right} of {n}",
        hurt="who runs it in a container, as a service, from cron",
        right=right,
        n=1,
    )
    assert right


def test_without_any_folder_there_is_a_sentence(monkeypatch, tmp_path):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(build, "users_folder", nowhere)
    assert doubled() == 6.0
    build.made_for.cache_clear()
    monkeypatch.setattr(build.tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(JitError, match="a program can be built nowhere: No such file"):
        doubled()
    build.made_for.cache_clear()


# Compilers

SENTENCES = {
    "none": (None, "needs a C compiler, and found none: install gcc or clang"),
    "not there": ("/no/such/cc", r"\$CC names a compiler that is not there: '/no/such/cc'"),
    "failing": ("#!/bin/sh\necho 'cc: error: I am broken' >&2; exit 3", "I am broken"),
    "failing later": (
        "#!/bin/sh\ncase \"$*\" in *-E*) exit 0;; esac; echo 'ld: error: disk full' >&2; exit 1",
        "could not compile a program: ld: error: disk full",
    ),
    "crashing": (
        '#!/bin/sh\ncase "$*" in *-E*) exit 0;; esac; kill -SEGV $$',
        "could not compile a program: exit code -11",
    ),
    "no words": ('gcc "', r"\$CC is not a command, no closing quotation: 'gcc \"'"),
    "writing nothing": ("#!/bin/sh\nexit 0", "my cc compiled nothing, without an error"),
    "another program": ("echo", "echo compiled nothing, without an error: is it a C compiler"),
    "writing nonsense": (
        '#!/bin/sh\ncase "$*" in *-E*) exit 0;; esac; echo nonsense > program.so',
        "cannot be loaded",
    ),
    "printing nonsense": (
        "#!/bin/sh\nhead -c 99999 /dev/urandom; head -c 99999 /dev/urandom >&2; exit 1",
        "my cc' does not work as a C compiler",
    ),
    "no program": ("\0\1", "cannot be run: Exec format error|could not|does not work"),
    "hanging": ("#!/bin/sh\nexec sleep 60", "did not end within 1 s"),
    "hanging later": (
        '#!/bin/sh\ncase "$*" in *-E*) exit 0;; esac; exec sleep 60',
        "did not end within 1 s",
    ),
}


@posix
@pytest.mark.parametrize("case", SENTENCES)
def test_without_a_working_compiler_there_is_a_sentence(case, cache, tmp_path, monkeypatch, score):
    compiler, words = SENTENCES[case]
    build.target.cache_clear()
    monkeypatch.setattr(build, "SECONDS", 1)
    if compiler is None:
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None)
    elif "\n" in compiler or "\0" in compiler:
        path = tmp_path / "my cc"
        path.write_text(compiler)
        path.chmod(0o755)
        monkeypatch.setenv("CC", f"'{path}'")
    else:
        monkeypatch.setenv("CC", compiler)
    with pytest.raises(JitError, match=words) as error:
        doubled()
    sentence = str(error.value).isprintable() and len(str(error.value)) < 600
    left = [path for path in cache.glob("*") if path.name.startswith("building")]
    score(
        "C compilers that are missing, hang, crash, print or write nonsense",
        "one sentence, and nothing left in the cache",
        "{right} of {n}",
        hurt=HURT,
        right=sentence and not left,
        n=1,
    )
    assert sentence and not left


# Several at once, and ended halfway: in forks, by programs of a line


def times(n):
    """What a program gives that multiplies by n, and the cache that it is in."""
    text = '__attribute__((visibility("default"))) double times(double x) {{ return x * {}; }}\n'
    function = build.library(text.format(n)).library.times
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double]
    return function(2.0)


def answer(n):
    try:
        return times(n)
    except JitError as error:
        return str(error)


def builders_at_once(folder, n, rounds):
    """How many of n processes that build the same at once have the right answer."""
    build.users_folder = lambda: folder
    right = 0
    for i in range(rounds):
        children = [started(require, i, 2.0 * i) for _ in range(n)]
        right += sum(os.waitpid(child, 0)[1] == 0 for child in children)
    return right, [path.name for path in build.cache().iterdir() if path.suffix != ".so"]


def require(n, wanted):
    assert times(n) == wanted


@posix
@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 8])
def test_builders_at_once_all_get_it_right(n, tmp_path, score, tries):
    rounds = tries(8 // n, 400 // n)
    right, left = in_a_fresh_process(builders_at_once, tmp_path, n, rounds)
    score(
        "the C cache: two and eight builders of one program at once",
        "the right answer for each, nothing half-built left",
        "{right} of {n}",
        hurt=HURT,
        right=right,
        n=n * rounds,
    )
    assert right == n * rounds and not left


def libraries(folder):
    """All in a folder and below, while others add to it and remove."""
    return {*glob.glob(f"{folder}/**/*.so", recursive=True)}


def killed_builders(folder, n, seed):
    """How often the next one is right where a builder and its compiler were killed halfway."""
    build.users_folder = lambda: folder
    start, rng, right = time.monotonic(), random.Random(seed), 0
    times(-1)
    seconds = time.monotonic() - start
    for i in range(n):
        before, late = libraries(folder), time.monotonic() + 10 * seconds
        if not (child := os.fork()):
            os.setsid()
            times(i)
            os._exit(0)
        if i % 2:
            time.sleep(rng.uniform(0, seconds))
        else:  # at once when there is a library, which the linker still writes to
            while libraries(folder) <= before and time.monotonic() < late:
                pass
        for end in (os.killpg, os.kill):  # it may be too early for a group of its own
            try:
                end(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(child, 0)
        right += answer(i) == 2.0 * i
    for left in build.cache().glob("building-*"):
        os.utime(left, (0, 0))
    times(n)
    return right, [path.name for path in build.cache().iterdir() if path.suffix != ".so"]


@posix
@pytest.mark.slow
def test_a_build_that_is_killed_leaves_nothing_that_is_loaded(tmp_path, score, tries, fresh_seed):
    n = tries(10, 400)
    right, left = in_a_fresh_process(killed_builders, tmp_path, n, fresh_seed)
    score(
        "the C cache: kill -9 of a builder and its compiler, at any moment and while it links",
        "the next one is right, and no litter for ever",
        f"{right} of {n}",
        hurt=HURT,
    )
    assert right == n and not left


def limited(n, limit):
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    return answer(n)


def builders_on_full_disks(folder, n, seed):
    """What went wrong where the disk is full after random bytes; how many of n had a sentence."""
    build.users_folder = lambda: folder
    times(-1)
    (kept,) = build.cache().iterdir()
    rng, wrong, sentences = random.Random(seed), [], 0
    for i in range(n):
        said = forked(limited, i, rng.randrange(kept.stat().st_size))
        sentence = isinstance(said, str) and said and "\n" not in said
        sentences += bool(sentence)
        if not (said == 2.0 * i or sentence) or answer(i) != 2.0 * i:
            wrong.append(said)
    return wrong, sentences, [p.name for p in build.cache().iterdir() if p.suffix != ".so"]


@posix
@pytest.mark.slow
def test_a_full_disk_gets_a_sentence_and_the_next_build_is_right(
    tmp_path, score, tries, fresh_seed
):
    n = tries(8, 300)
    wrong, sentences, left = in_a_fresh_process(builders_on_full_disks, tmp_path, n, fresh_seed)
    score(
        "the C cache: a disk that is full after a random byte of a build",
        RIGHT,
        f"{n - len(wrong)} of {n}, {sentences} by a sentence",
        hurt=HURT,
    )
    assert not wrong and not left and sentences > n // 2


FORKED = """
import os, sys
from micrograd.compiler import build, jit
def nowhere(): raise RuntimeError
build.users_folder = nowhere
print(jit(lambda x: x * 2, backend="c")(3.0).data, flush=True)
if not os.fork():
    sys.exit()
os.wait()
print(jit(lambda x: x * 2 + 1, backend="c")(3.0).data, os.path.isdir(build.cache()))
"""


@posix
def test_the_end_of_a_fork_takes_no_folder_from_its_parent():
    assert printed(FORKED) == "6.0\n7.0 True\n"


POOLED = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from micrograd.compiler import jit

def doubled(x):
    return jit(lambda x: x * 2, backend="c")(x).data

with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
    print(*pool.map(doubled, [1.0, 2.0, 3.0]))
print(doubled(4.0))
"""


@posix
def test_workers_without_a_home_leave_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", os.devnull)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert printed(POOLED) == "2.0 4.0 6.0\n8.0\n"
    assert not [*tmp_path.glob("micrograd-*")]


@posix
def test_a_folder_of_this_run_that_is_removed_is_made_again(monkeypatch):
    def nowhere():
        raise RuntimeError

    monkeypatch.setattr(build, "users_folder", nowhere)
    shutil.rmtree(build.cache())
    assert doubled() == 6.0
