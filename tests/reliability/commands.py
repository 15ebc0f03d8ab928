"""Commands with streams of every kind, each in a fork, since to start takes longer than to run.

Run as a program, it reads the arguments of `ran` for each command, as JSON, and prints what became
of them: exit code, stdout and stderr.
"""

import gc
import io
import json
import os
import resource
import subprocess
import sys
import traceback
from pathlib import Path

import micrograd.commands  # noqa: F401 - loaded once, before the forks
from micrograd.__main__ import main

OUT, ERR = "stdout.txt", "stderr.txt"
UNFLUSHED = 120  # the exit code of Python where it cannot write what is left
FULL, GONE, FIRST, HUNG_UP = "full", "gone", "first line", "hung up"
STREAMS = {  # standard output and standard error
    "both files": (OUT, ERR),
    "of ASCII alone": (OUT, ERR),
    "stdout is full": (FULL, ERR),
    "stderr is full": (OUT, FULL),
    "both are full": (FULL, FULL),
    "stdout is closed": (None, ERR),
    "stderr is closed": (OUT, None),
    "both are closed": (None, None),
    "nobody reads stdout": (GONE, ERR),
    "nobody reads stderr": (OUT, GONE),
    "nobody reads either": (GONE, GONE),
    "the reader leaves after a line": (FIRST, ERR),
    "the terminal is gone": (HUNG_UP, ERR),
}


def opened(what):
    """A file descriptor of a stream to write to."""
    if what == FULL:
        return os.open("/dev/full", os.O_WRONLY)
    if what == GONE:
        reader, writer = os.pipe()
        os.close(reader)
        return writer
    if what == HUNG_UP:
        master, terminal = os.openpty()
        os.close(master)
        return terminal
    if what == FIRST:
        with open(OUT, "w") as file:
            reader = subprocess.Popen(["head", "-n", "1"], stdin=subprocess.PIPE, stdout=file)
        return os.dup(reader.stdin.fileno())
    return os.open(what, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def become(streams, unbuffered):
    """Gives this process its streams, and Python its own to them, as it has them at its start."""
    ready = [what and opened(what) for what in STREAMS[streams]]  # before one of them is closed
    for number, descriptor in zip((1, 2), ready):
        if descriptor is None:
            os.close(number)
        else:
            os.dup2(descriptor, number)
            os.close(descriptor)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        encoding = "ascii" if streams == "of ASCII alone" else "utf-8"
        setattr(sys, name, stream(number, unbuffered, encoding))


def stream(number, unbuffered, encoding):
    """What Python has for a file descriptor at its start: None where that is closed."""
    try:
        raw = open(number, "wb" if number else "rb", 0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    except OSError:
        return None
    settings = {"line_buffering": number == 2, "write_through": unbuffered}
    return io.TextIOWrapper(raw, encoding, "backslashreplace" if number == 2 else None, **settings)


def end(code):
    """Ends this process as Python does, which writes what is left to write, or complains."""
    for each in filter(None, (sys.stdout, sys.stderr)):
        try:
            each.flush()
        except OSError as error:
            os.write(2, f"Exception ignored in {each}: {error}".encode())
            code = UNFLUSHED
    os._exit(code)


def ran(arguments, streams, unbuffered, folder, disk=None):
    """Exit code, stdout and stderr of a command; no file may be larger than `disk`, in bytes."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    if not (child := os.fork()):
        code = 1
        try:
            os.setsid()
            os.chdir(folder)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            become(streams, unbuffered)
            if disk is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))
            code = main(arguments)
        except SystemExit as exit:
            code = exit.code
        except BaseException:
            traceback.print_exc()
        finally:
            end(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = (Path(folder, name) for name in (OUT, ERR))
    return [code, *(path.read_text() if path.exists() else "" for path in texts)]


if __name__ == "__main__":
    gc.freeze()  # or each fork would copy what its collector looks at
    print(json.dumps([ran(*trial) for trial in json.load(sys.stdin)]))
