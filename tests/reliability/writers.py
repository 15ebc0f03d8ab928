"""What writes files, and what may happen to a file meanwhile; all of it in forks of one process."""

import contextlib
import errno
import functools
import gc
import importlib.util
import io
import itertools
import os
import random
import signal
import stat
import sys
import tempfile
import time
from pathlib import Path

import build
import nbformat
import pictures
from processes import forked, started

from micrograd import Value, course, data, files, film, lab, layout, nn, optim, plot, raster, train
from micrograd.player import step_through
from micrograd.viz import draw_dot

NOBODY = 65534
ODD_NAMES = (" a b ", "ü", "日本", "a\nb", "-rf", "'\"$(x)", "%s", "a.b.c", ".hidden", "x" * 200)


def graphs():
    """Two graphs that are drawn alike, one number apart."""
    for x in (2.0, 3.0):
        y = (Value(x, label="x") * -3.0 + 1.0).tanh()
        y.backward()
        yield y


def models():
    """Two models that are equally large, no weight alike."""
    return [nn.MLP(2, [16, 16, 1], seed=seed) for seed in (0, 1)]


def drawing(root):
    return lambda path: draw_dot(root).render(outfile=path, cleanup=True)


def animation(player):
    images = list(player._images(1))
    player._images = lambda scale: images
    return player.gif


def films():
    X, y = data.moons(20, seed=0)
    for seed in (0, 1):
        model = nn.MLP(2, [2, 1], seed=seed)
        adam = optim.Adam(model.parameters())
        settings = {"steps": 1, "progress": False, "film": True}
        yield train.fit(model, X, 2 * y - 1, adam, **settings).film


def curves():
    """Figures, which draw themselves each time that they are saved."""
    return [plot.loss_curve(losses).figure for losses in ([3.0, 1.0], [3.0, 2.0])]


def built(text):
    """A run of build.py over a notebook, which is not executed but gets a text."""

    def write(path):
        cells = [nbformat.v4.new_markdown_cell(text, id="one")]
        build.executed = lambda _: nbformat.v4.new_notebook(cells=cells)
        with contextlib.redirect_stdout(io.StringIO()):
            build.main([path])

    return write


def on_the_site(text):
    path = Path(pictures.__file__).with_name("site.py")  # Python has a module of this name
    spec = importlib.util.spec_from_file_location("pages_of_the_site", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda path: module.Folder(path.parent, {}).file(path.name, text)


SLOW = (
    (layout, "picture"),
    (raster, "png"),
    (lab, "fragment"),
    (film.Film, "_figure"),
    (film, "picture"),
)

# For each writer: the end of its files' names, and functions that write to a path, each another
# content.
WRITERS = {
    "weights": (".json", lambda: [model.save for model in models()]),
    "ONNX": (".onnx", lambda: [model.save for model in models()]),
    "an SVG": (".svg", lambda: list(map(drawing, graphs()))),
    "a PNG": (".png", lambda: list(map(drawing, graphs()))),
    "DOT text": (".gv", lambda: [draw_dot(root).save for root in graphs()]),
    "a figure": (".png", lambda: [functools.partial(plot.save, f, dpi=30) for f in curves()]),
    "a player's page": (".html", lambda: [step_through(root).html for root in graphs()]),
    "a player's GIF": (".gif", lambda: [animation(step_through(root)) for root in graphs()]),
    "a film's page": (".html", lambda: [film.html for film in films()]),
    "a film's GIF": (".gif", lambda: [film.gif for film in films()]),
    "a lab's page": (
        ".html",
        lambda: [lambda path, x=x: lab.html(path, "x*x", {"x": x}) for x in (2.0, 3.0)],
    ),
    "a notebook": (".ipynb", lambda: [built(text * 100) for text in ("one", "two")]),
    "the site": (".html", lambda: [on_the_site(text * 100) for text in ("one", "two")]),
}


def of_pytorch():
    """Not by a path, whose name would be in the file."""
    import torch

    def saver(x):
        def save(path):
            with path.open("wb") as file:
                torch.save({"w": torch.full((150,), x)}, file)

        return save

    return [saver(0.5), saver(1.5)]


PEERS = {"PyTorch": (".pt", of_pytorch)}


@functools.cache
def ready(name):
    """The end of a writer's file names, and its functions, which think only once."""
    gc.freeze()  # or each fork would copy what its collector looks at
    for owner, function in SLOW:
        remember(owner, function)
    suffix, made = (WRITERS | PEERS)[name]
    return suffix, made()


def remember(owner, name):
    """Lets a function keep what it returned: what leads to a file's content is not on trial."""
    function, kept = getattr(owner, name), {}

    def remembered(*arguments, **settings):
        key = repr([x if isinstance(x, (str, dict)) else hash(x) for x in arguments]), *settings
        if key not in kept:
            kept[key] = function(*arguments, **settings)
        return kept[key]

    if not hasattr(function, "kept"):
        remembered.kept = kept
        setattr(owner, name, remembered)


def contents(name, folder):
    """What each function of a writer writes."""
    suffix, writers = ready(name)
    path = Path(folder, f"content{suffix}")
    if name == "a notebook":
        path.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    found = []
    for write in writers:
        write(path)
        found.append(path.read_bytes())
    path.unlink()
    assert len(set(found)) == len(found)
    return found


def said(write, path):
    """The OSError of a write, or the sentence of a CourseError; None where there is none."""
    try:
        write(path)
    except OSError as error:
        return error.errno, error.filename, str(error)
    except course.CourseError as error:
        return str(error)


def names_it(error, path):
    return error is not None and error[1] == str(path) and repr(str(path)) in error[2]


# Trials: each is given a writer's name and an empty folder, and returns what failed, which is
# nothing, and how often it tried.


def killed_at_any_time(name, folder, n, rng):
    """SIGKILL from outside, at a random moment of a program that writes and writes."""
    path, writers, whole = old_file(name, folder)
    start = time.perf_counter()
    writers[0](path)
    one_write = time.perf_counter() - start
    torn = []
    for i in range(n):
        started, starts = os.pipe()
        if not (writer := os.fork()):
            os.write(starts, b"!")
            for write in itertools.cycle(writers):
                write(path)
        os.read(started, 1)
        time.sleep(rng.uniform(0, 4 * one_write))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        os.close(started), os.close(starts)
        torn += [i] * (path.read_bytes() not in whole)
    return torn + litter_that_stays(path, writers), n


def killed_at_any_byte(name, folder, n, rng):
    """A signal of the system itself, which ends a program after so many bytes of a file."""
    path, writers, whole = old_file(name, folder)
    torn, within = [], 0
    for _ in range(n):
        limit = rng.randrange(len(whole[1]))
        code = forked(limited, limit, signal.SIG_DFL, writers[1], path)
        within += code == -signal.SIGXFSZ
        torn += [(limit, code)] * (path.read_bytes() != whole[0] or code != -signal.SIGXFSZ)
    return torn + litter_that_stays(path, writers), n


def litter_that_stays(path, writers):
    """What of killed programs is still there after the next write, once it is old enough."""
    for left in path.parent.glob(".*.tmp"):
        os.utime(left, (time.time() - 2 * files.LEFT_OVER,) * 2)
    writers[0](path)
    return [left for left in os.listdir(path.parent) if left != path.name]


def limited(limit, then, write, path):
    """What a write says where no file may be larger than `limit` bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, then)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    return said(write, path)


def full_disk(name, folder, n, rng):
    path, writers, (old, new) = old_file(name, folder)
    failed = []
    for limit in sorted(rng.sample(range(len(new)), n)):
        error = forked(limited, limit, signal.SIG_IGN, writers[1], path)
        kept = {each.name: each.read_bytes() for each in path.parent.iterdir()}
        if kept != {path.name: old} or error[0] != errno.EFBIG or not names_it(error, path):
            failed.append((limit, error))
    return failed, n


def as_nobody(write, path):
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    return said(write, path)


def read_only_folder(name, folder, *_):
    path, writers, (old, _) = old_file(name, folder)
    path.chmod(0o666)
    failed = []
    for target in (path, path.with_name(f"new{path.suffix}")):
        folder.chmod(0o555)
        error = forked(as_nobody, writers[1], target)
        folder.chmod(0o755)
        read = name == "a notebook" and target != path  # which is read before it is written
        wanted = errno.ENOENT if read else errno.EACCES
        failed += [error] * (not names_it(error, target) or error[0] != wanted)
    return failed + [1] * (listing(folder) != {path.name: old}), 2


def link(name, folder, *_):
    path, writers, (_, new) = old_file(name, folder)
    (folder / "far").mkdir()
    target, first = folder / "far" / path.name, path.with_name(f"link{path.suffix}")
    path.rename(target)
    first.symlink_to(Path("far", path.name))
    path.symlink_to(first.name)
    writers[1](path)
    linked = path.is_symlink() and first.is_symlink() and target.read_bytes() == new
    left = {path.name, first.name, "far"} == {*os.listdir(folder)}
    return [linked, left].count(False) * ["link"], 1


def dangling_link(name, folder, *_):
    suffix, writers = ready(name)
    _, new = contents(name, folder)
    (folder / "far").mkdir()
    path, target = folder / f"file{suffix}", folder / "far" / f"file{suffix}"
    path.symlink_to(target)
    if name == "a notebook":
        return ([] if names_it(said(writers[1], path), path) else ["no error"]), 1
    writers[1](path)
    return ([] if path.is_symlink() and target.read_bytes() == new else ["link"]), 1


def modes(name, folder, *_):
    path, writers, _ = old_file(name, folder)
    failed = []
    for mode in (0o600, 0o640, 0o664, 0o755):
        path.chmod(mode)
        writers[1](path)
        failed += [oct(mode)] * (stat.S_IMODE(path.stat().st_mode) != mode)
    return failed, 4


def writers_at_once(name, folder, n, _):
    """Eight programs write to one path, while somebody reads it."""
    path, writers, whole = old_file(name, folder)

    def write(i):
        for k in range(n):
            writers[(i + k) % 2](path)

    children, ended, torn = [started(write, i) for i in range(8)], [], 0
    while children:
        torn += path.read_bytes() not in whole
        done, status = os.waitpid(-1, os.WNOHANG)
        if done:
            children.remove(done)
            ended.append(status)
        time.sleep(0.0005)
    failed = [1] * torn + [status for status in ended if status]
    return failed + [1] * (os.listdir(folder) != [path.name]), 8 * n


def folder_missing(name, folder, *_):
    """A folder that is not there: the error names the file, or the folder is made."""
    suffix, writers = ready(name)
    _, new = contents(name, folder)
    path = folder / "missing" / "deep" / f"file{suffix}"
    error = said(writers[1], path)
    right = path.read_bytes() == new if error is None else names_it(error, path)
    return [error] * (not right), 1


def folder_in_the_place(name, folder, *_):
    suffix, writers = ready(name)
    contents(name, folder)
    path = folder / f"file{suffix}"
    path.mkdir()
    error = said(writers[1], path)
    return [error] * (not names_it(error, path) or os.listdir(folder) != [path.name]), 1


def odd_names(name, folder, *_):
    _, _, (_, new) = old_file(name, folder)
    suffix, writers = ready(name)
    failed = []
    for odd in ODD_NAMES:
        path = folder / (odd + suffix)
        path.write_bytes((folder / f"file{suffix}").read_bytes())
        writers[1](path)
        failed += [odd] * (path.read_bytes() != new)
        path.unlink()
    return failed + [1] * (len(os.listdir(folder)) != 1), len(ODD_NAMES)


def old_file(name, folder):
    """A path with the first content, the functions of a writer, and what each of them writes."""
    suffix, writers = ready(name)
    whole = contents(name, folder)
    path = Path(folder, f"file{suffix}")
    path.write_bytes(whole[0])
    return path, writers, whole


def listing(folder):
    return {each.name: each.read_bytes() for each in folder.iterdir()}


TRIALS = {
    "kill -9 at a random moment of a loop of writes": killed_at_any_time,
    "ended by the system after a random byte of a write": killed_at_any_byte,
    "a disk that is full, after a random byte": full_disk,
    "a folder that is read-only, with the file and without": read_only_folder,
    "a link to a link": link,
    "a link to no file yet": dangling_link,
    "modes of the file that is replaced": modes,
    "8 programs write to one path, and one reads it": writers_at_once,
    "a folder that is missing": folder_missing,
    "a folder in the place of the file": folder_in_the_place,
    f"{len(ODD_NAMES)} odd names": odd_names,
}


def tried(trial, name, folder, n, seed):
    """What failed in a trial of a writer, and how often was tried."""
    return TRIALS[trial](name, Path(folder), n, random.Random(f"{seed} {trial} {name}"))


def caught(way, folder):
    """For each trial, what fails in it where all is written in a way of one's own.

    Four times 12 tries, since when a signal comes is chance.
    """
    files.write = way
    rounds = ((trial, (failed(trial, folder, seed) for seed in range(4))) for trial in TRIALS)
    return {trial: next(filter(None, found), []) for trial, found in rounds}


def failed(trial, folder, seed):
    room = Path(tempfile.mkdtemp(dir=folder))
    room.chmod(0o755)
    try:
        return tried(trial, "weights", room, 12, seed)[0]
    except OSError as error:
        return [error]


def lessons_kept(folder, n, seed):
    """What failed where a lesson is begun anew, and how often was tried: what was done stays.

    The disk is full, the program is killed, eight do it at once.
    """
    rng, mine, done = random.Random(seed), Path(folder, "00_tour.ipynb"), b"done " * 9999
    fresh = course.as_text(course.fresh(course.read(course.originals() / mine.name))).encode()
    failed = []
    for i in range(n):
        mine.write_bytes(done)
        if i % 3 == 2:
            for child in [started(lambda _: course.reset(mine.parent, 0), k) for k in range(8)]:
                os.waitpid(child, 0)
        else:
            limit, then = rng.randrange(len(done)), (signal.SIG_IGN, signal.SIG_DFL)[i % 3]
            code = forked(limited, limit, then, lambda _: course.reset(mine.parent, 0), mine)
            if i % 3 == 0 and not (isinstance(code, str) and mine.read_bytes() == done):
                failed.append((limit, code))
        now = {path.name: path.read_bytes() for path in mine.parent.glob("*.ipynb*")}
        if now.get(mine.name) not in (done, fresh) or done not in now.values():
            failed.append(i)
        for path in mine.parent.iterdir():
            path.unlink()
    return failed, n
