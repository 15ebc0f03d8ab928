"""The fast part of the tests on each Python that is here, with the newest and the oldest packages.

Run with: python tests/portability.py [3.10 3.13 …]. It needs git, and uv (pip install uv), which
makes the environments. Each run has a clone in a folder with a space in its name, an empty home, no
dot, no language and no terminal.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
RESOLUTIONS = ["highest", "lowest-direct"]  # of uv: the newest packages, the oldest allowed
OLDEST = PYTHONS[0]  # the only one for which all of the oldest packages have wheels
TESTS = ["-m", "pytest", "-q", "-n", "auto", "-m", "not slow"]
# Old packages warn of newer ones, and old linters know other rules.
MORE = {"highest": [], "lowest-direct": ["-W", "default", "-k", "not lint"]}


def main(pythons):
    if not shutil.which("uv"):
        sys.exit("uv is missing: pip install uv")
    failed = False
    for python in pythons or PYTHONS:
        for resolution in RESOLUTIONS if python == OLDEST else RESOLUTIONS[:1]:
            verdict, good = tried(python, resolution)
            failed |= not good
            print(f"{python:6}{resolution:15}{verdict}", flush=True)
    sys.exit(failed)


def tried(python, resolution):
    """What came of the tests in a line, and whether nothing failed."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        clone, home = Path(folder, "a clone"), Path(folder, "home")
        home.mkdir()
        git = ["git", "clone", "-q", "--depth", "1", ROOT.as_uri(), clone]
        venv = ["uv", "venv", "-q", "--no-python-downloads", "-p", python, clone / ".venv"]
        interpreter = clone / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        install = ["uv", "pip", "install", "-q", "-p", interpreter, "--resolution", resolution]
        run(git)
        if run(venv).returncode:
            return "not here", True
        installed = run([*install, "-e", f"{clone}[test]"])
        if installed.returncode:
            return last_line(installed.stderr), False
        tests = run([interpreter, *TESTS, *MORE[resolution]], cwd=clone, env=bare(home))
        seconds = time.monotonic() - start
        if tests.returncode:
            print(tests.stdout[-5000:], tests.stderr[-2000:], sep="\n")
        return (
            f"{last_line(tests.stdout)}; {seconds:.0f} s with the installation",
            not tests.returncode,
        )


def run(command, **options):
    quiet = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    return subprocess.run(list(map(str, command)), check=False, **quiet, **options)


def bare(home):
    """The least of an environment: programs but no dot, an empty home, no language, no terminal."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
    folders = os.environ["PATH"].split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if not shutil.which("dot", path=folder))
    return {**kept, "PATH": path, "HOME": str(home), "USERPROFILE": str(home), "LANG": "C"}


def last_line(text):
    return re.sub(r"\s+", " ", text.strip().rpartition("\n")[2]).strip("= ")


if __name__ == "__main__":
    main(sys.argv[1:])
