"""Files, written whole or not at all: whoever looks finds the old content, or the new one."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import secrets
import stat
import time
from pathlib import Path

LEFT_OVER = 3600  # seconds after which a temporary file is one of a program that was killed
LONGEST_STEM = 200  # bytes of a temporary file's name; systems allow 255 in all
LARGEST = 2**30  # bytes of a file that is read


def read(path: str | os.PathLike, largest: int = LARGEST) -> bytes:
    """The content of a file. Raises OSError, naming it, where it cannot be read.

    Nor can a pipe or a device, which might have no end, or what has more than `largest` bytes.
    """
    name = os.fspath(path)
    with open(name, "rb", opener=at_once) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "a pipe or a device is no file", name)
        if found.st_size > largest:
            raise OSError(errno.EFBIG, f"it has more than {largest:,} bytes", name)
        return file.read(found.st_size)


def at_once(name, flags):
    """Open a file as `os.open` does, a pipe also where nobody writes to it yet."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def write(path: str | os.PathLike, content: bytes | str) -> None:
    """Give a file new content, text as UTF-8, in one step; links to it and its mode are kept.

    A pipe or a device is written to as it is. Raises OSError, naming the file, where that cannot
    be done; the old content is still there then, and nothing is left beside it.
    """
    content = content.encode() if isinstance(content, str) else content
    try:
        old = status(path)
        if old and stat.S_ISREG(old.st_mode):
            replace(Path(os.path.realpath(path)), content, old)
        elif old:
            Path(path).write_bytes(content)
        else:
            replace(Path(os.path.realpath(path)), content, None)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def status(path):
    """What the system says of the file behind all links; None where there is none."""
    with contextlib.suppress(FileNotFoundError):
        return os.stat(path)
    return None


def replace(path, content, old):
    """Put the content beside the file, and then the one in the place of the other."""
    if old and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    remove_leftovers(path)
    temporary = path.with_name(f".{stem(path)}.{secrets.token_hex(4)}.tmp")
    try:
        with created(temporary, stat.S_IMODE(old.st_mode) if old else 0o666) as file:
            if old:
                take_after(file, old)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def created(temporary, mode):
    """A new file, never readable for more people than the one it stands for."""
    try:
        return open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode))
    except PermissionError as error:
        reason = f"{error.strerror}, as its folder takes no temporary file"
        raise PermissionError(error.errno, reason) from None


def take_after(file, old):
    """Give an open file the mode and, as far as the system lets us, the owner of an older one.

    Not by its name, in the place of which somebody may have put a link by now.
    """
    at = file.fileno() if os.chmod in os.supports_fd else file.name
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(at, old.st_uid, old.st_gid)
    os.chmod(at, stat.S_IMODE(old.st_mode))


def stem(path):
    return os.fsdecode(os.fsencode(path.name)[:LONGEST_STEM])


def remove_leftovers(path):
    """Remove the temporary files of programs that were killed while they wrote to `path`."""
    with contextlib.suppress(OSError):
        for old in path.parent.glob(f".{glob.escape(stem(path))}.{'[0-9a-f]' * 8}.tmp"):
            if old.stat().st_mtime < time.time() - LEFT_OVER:
                old.unlink()
