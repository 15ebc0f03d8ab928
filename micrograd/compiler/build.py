"""Build: C compiled by the system's compiler into libraries, which are kept for the next time.

The compiler is $CC, else the first found of cc, gcc, clang and the package ziglang. Libraries are
kept in a folder of the user's alone, each named by what it was made from and by its own content:
what is half-written, or somebody else's, is not loaded. Where there can be no such folder, or
nothing can be loaded from it, they last as long as the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import importlib.util
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ..text import shortened
from .errors import JitError

# Nothing here reorders a sum, joins a product with it, or changes the state of the process.
FLAGS = (
    *("-fno-fast-math", "-fno-unsafe-math-optimizations", "-fno-finite-math-only"),  # of $CC
    *("-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fno-builtin-pow"),
    *("-shared", "-fPIC", "-fvisibility=hidden", "-w"),
    *(["-nostartfiles"] if sys.platform == "linux" else []),  # which $CC="gcc -Ofast" would add to
)
EFFORT = ("-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic", "-fno-tree-slp-vectorize")
LESS_EFFORT = ("-O1",)
LONG = 2_000  # lines for which more effort would take too long
LONGEST_LINE = 200  # letters of what a compiler says
NATIVE = ("-march=native", "-mcpu=native")  # which of them, if any, differs by compiler
SECONDS, MOST_KEPT, LEFT_OVER = 120, 512, 3600
NO_COMPILER = (
    "jit with backend='c' needs a C compiler, and found none: install gcc or clang (Debian and "
    "Ubuntu: apt install gcc; macOS: xcode-select --install; anywhere: pip install ziglang), or "
    "name one in $CC; backend='numpy' needs none"
)


class Built(NamedTuple):
    library: ctypes.CDLL
    how: str  # it was come by


def library(*texts: str) -> Built:
    """A program in C, compiled side by side and loaded. Raises JitError where it cannot be."""
    compiler = found_compiler()
    flags, macros = target(compiler)
    lines = sum(text.count("\n") for text in texts)
    flags = (*flags, *(LESS_EFFORT if lines > LONG else EFFORT))
    key = digest("\0".join([*compiler, *flags, macros, *texts]).encode())
    folder, start = cache(), time.monotonic()
    for path in folder.glob(f"{key}.*"):
        if (loaded := verified(path)) is not None:
            return Built(loaded, f"found in {folder}")
    made = built(texts, [*compiler, *flags], folder, key)
    return Built(made, f"{shlex.join(compiler)}, {time.monotonic() - start:.2f} s")


def found_compiler() -> tuple[str, ...]:
    """The words of a command. Raises JitError where there is no compiler."""
    if words := words_of(os.environ.get("CC", "")):
        if shutil.which(words[0]) is None:
            raise JitError(f"$CC names a compiler that is not there: {os.environ['CC']!r}")
        return (os.path.abspath(words[0]), *words[1:]) if os.path.dirname(words[0]) else words
    if path := next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None):
        return (path,)
    if importlib.util.find_spec("ziglang"):
        return (sys.executable, "-m", "ziglang", "cc")
    raise JitError(NO_COMPILER)


def words_of(command):
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise JitError(f"$CC is not a command, {str(error).lower()}: {command!r}") from None


@functools.cache
def target(compiler):
    """The flags for this processor, and all that a compiler says of itself and of it with them."""
    home = Path(sys.executable).parent  # not where a module may wait to be taken for ziglang
    for native in (*([flag] for flag in NATIVE), []):
        flags = [*FLAGS, *native]
        asked = ran([*compiler, *flags, "-dM", "-E", "-x", "c", os.devnull], cwd=home)
        if asked.returncode == 0:
            return flags, asked.stdout
    raise JitError(f"{shlex.join(compiler)} does not work as a C compiler: {said(asked)}")


def ran(command, **options):
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
            **options,
        )
    except subprocess.TimeoutExpired:
        raise JitError(f"{command[0]} did not end within {SECONDS} s") from None
    except OSError as error:
        raise JitError(f"{command[0]} cannot be run: {error.strerror}") from None


def said(process):
    """The line in which a compiler says what went wrong."""
    lines = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
    line = next((line for line in lines if "error" in line), lines[-1])
    return shortened(line.strip(), LONGEST_LINE)


def built(texts, command, folder, key):
    """Compiles in a folder of its own, and puts what comes of it into its place at once."""
    try:
        with tempfile.TemporaryDirectory(prefix="building-", dir=folder) as room:
            sources = [f"program{i}.c" for i in range(len(texts))]
            for source, text in zip(sources, texts):
                Path(room, source).write_text(text, encoding="utf-8")
            if len(texts) > 1:
                with ThreadPoolExecutor() as pool:
                    compiling = (pool.submit(compiled, ["-c", x], command, room) for x in sources)
                    for future in list(compiling):
                        future.result()
                sources = [source.replace(".c", ".o") for source in sources]
            compiled(["-o", "program.so", *sources, "-lm"], command, room)
            made = Path(room, "program.so")
            if not made.exists():
                raise JitError(
                    f"{command[0]} compiled nothing, without an error: is it a C compiler?"
                )
            path = folder / f"{key}.{digest(made.read_bytes())}.so"
            os.replace(made, path)
    except OSError as error:
        raise JitError(f"a program could not be built in {folder}: {error.strerror}") from None
    make_room(folder)
    return loaded_from(path)


def compiled(arguments, command, room):
    process = ran([*command, *arguments], cwd=room)
    if process.returncode:
        raise JitError(f"{command[0]} could not compile a program: {said(process)}")


def verified(path):
    """The library of a file, if that holds what its name says."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
            return None
        if digest(path.read_bytes()) != path.name.split(".")[1]:
            path.unlink()
            return None
        os.utime(path)  # used just now
        return loaded_from(path)
    except OSError:
        return None
    except JitError:  # such as: built on another system that has the same home
        with contextlib.suppress(OSError):
            path.unlink()
        return None


def loaded_from(path):
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        hint = "" if can_run(path.parent) else "; let $TMPDIR name a folder that is not noexec"
        raise JitError(f"a compiled program cannot be loaded: {error}{hint}") from None


def digest(content):
    return hashlib.sha256(content).hexdigest()[:32]


def cache() -> Path:
    """The folder of libraries: the user's, if it is nobody else's to write to, or of this run."""
    with contextlib.suppress(OSError, RuntimeError):  # such as: there is no home
        folder = users_folder() / "micrograd" / "programs"
        for place in (*reversed(folder.parents), folder):  # parents=True would leave out the mode
            place.mkdir(mode=0o700, exist_ok=True)
        real = folder.resolve()
        if is_private(folder, real) and os.access(real, os.W_OK | os.X_OK) and can_run(real):
            return real
    return folder_of_this_run()


def can_run(folder):
    """Whether programs in a folder can be loaded, as they cannot from a disk mounted noexec."""
    return not hasattr(os, "ST_NOEXEC") or not os.statvfs(folder).f_flag & os.ST_NOEXEC


def users_folder():
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def is_private(folder, real):
    """Whether a folder is the user's own, and no link, and theirs alone to look into or replace."""
    if not hasattr(os, "getuid"):
        return True
    return is_own(folder) and all(map(keeps_what_is_in_it, real.parents))


def is_own(folder):
    """Whether a folder is there, the user's, and no link, and theirs alone to look into."""
    if not hasattr(os, "getuid"):
        return folder.is_dir()
    found = os.lstat(folder)
    return found.st_uid == os.getuid() and found.st_mode == stat.S_IFDIR | 0o700


def keeps_what_is_in_it(folder):
    """Whether nobody but the user and the system can rename what the user has in a folder.

    A group with the number of the user is taken for theirs alone.
    """
    found, trusted = os.stat(folder), (0, os.getuid())
    group = 0 if found.st_gid in trusted else stat.S_IWGRP
    others = found.st_mode & (group | stat.S_IWOTH)
    return found.st_uid in trusted and bool(not others or found.st_mode & stat.S_ISVTX)


def folder_of_this_run():
    """A folder that lasts as long as the process; another one where somebody removed it."""
    try:
        with contextlib.suppress(OSError):
            if is_own(made := made_for(os.getpid())):
                return made
        made_for.cache_clear()
        return made_for(os.getpid())
    except OSError as error:
        raise JitError(f"a program can be built nowhere: {error.strerror}") from None


@functools.cache
def made_for(process):
    """A new folder that is removed when this process ends, and not when a fork of it does."""
    from multiprocessing.util import Finalize  # atexit would do nothing in a worker of a pool

    made = tempfile.mkdtemp(prefix="micrograd-")
    Finalize(None, shutil.rmtree, (made, True), exitpriority=0)
    return Path(made)


def make_room(folder):
    """Removes what builds that were killed have left, and the libraries not used for longest."""
    try:
        old = [x for x in folder.glob("building-*") if x.stat().st_mtime < time.time() - LEFT_OVER]
        kept = sorted(folder.glob("*.so"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[MOST_KEPT:]:
            path.unlink()
    except OSError:  # another process does the same
        return
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
