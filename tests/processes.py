"""A program run in a Python of its own."""

import os
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
