"""A program run in a Python of its own."""

import contextlib
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def printed(program, hash_seed="random"):
    """What a program prints, in a fresh interpreter with the given hash seed."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def in_a_fresh_process(f, *args):
    """What a function of a module returns, in a Python with one thread and nothing of this run."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(f, *args).result()


def forked(function, *arguments):
    """What a function returns, in a fork; the number of the signal that ended it, negative."""
    read, write = os.pipe()
    if not (child := os.fork()):
        with contextlib.suppress(BaseException), open(write, "wb") as to:
            pickle.dump(function(*arguments), to)
        os._exit(0)
    os.close(write)
    with open(read, "rb") as answers:
        answer = answers.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return pickle.loads(answer) if answer else code


def started(function, *arguments):
    """The number of a process that calls a function; its exit code is 0 if nothing raises."""
    if not (child := os.fork()):
        code = 1
        with contextlib.suppress(BaseException):
            function(*arguments)
            code = 0
        os._exit(code)
    return child
