"""A program run in a Python of its own."""

import os
import subprocess
import sys


def printed(program, hash_seed="random"):
    """What a program prints, in a fresh interpreter with the given hash seed."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout
