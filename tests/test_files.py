"""Files are written whole or not at all, whatever they replace and whatever comes between."""

import os
import re
import stat
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from processes import in_a_fresh_process

from micrograd import files
from micrograd.nn import MLP
from micrograd.player import step_through
from micrograd.viz import draw_dot

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and pipes of POSIX")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("content, found", [(b"\x00new", b"\x00new"), ("é\n", b"\xc3\xa9\n")])
def test_a_file_gets_the_content_and_nothing_else_is_left(content, found, tmp_path):
    path = tmp_path / "file"
    for _ in range(2):
        files.write(path, content)
        assert path.read_bytes() == found and os.listdir(tmp_path) == ["file"]


@posix
@pytest.mark.parametrize("wanted", [0o600, 0o640, 0o755, 0o666])
def test_the_mode_of_what_is_replaced_stays(wanted, tmp_path):
    path = tmp_path / "file"
    path.touch()
    path.chmod(wanted)
    files.write(path, "new")
    assert mode(path) == wanted


@posix
def test_a_new_file_has_the_mode_of_any_other(tmp_path):
    (tmp_path / "other").touch()
    files.write(tmp_path / "file", "new")
    assert mode(tmp_path / "file") == mode(tmp_path / "other")


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link_and_its_file_gets_the_content(exists, tmp_path):
    (tmp_path / "far").mkdir()
    target, link, second = tmp_path / "far" / "file", tmp_path / "link", tmp_path / "second"
    if exists:
        target.write_text("old")
    link.symlink_to(Path("far", "file"))
    second.symlink_to("link")
    files.write(second, "new")
    assert second.is_symlink() and link.is_symlink() and target.read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["far", "link", "second"]


@posix
def test_a_pipe_is_written_to(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    files.write(pipe, b"x" * 100_000)
    reader.join()
    assert got == [b"x" * 100_000] and stat.S_ISFIFO(pipe.stat().st_mode)


@posix
def test_a_device_is_written_to_and_stays_one():
    files.write("/dev/null", "new")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full device")
def test_a_full_device_is_an_error_that_names_it():
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        files.write("/dev/full", "new")


@pytest.mark.parametrize("path", ["folder", "missing/file", "missing/deep/file", "file/sub"])
def test_where_no_file_can_be_the_error_names_it(path, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=re.escape(repr(str(tmp_path / path)))):
        files.write(tmp_path / path, "new")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_name_as_long_as_the_system_takes(tmp_path):
    path = tmp_path / ("ü" * 100 + "x" * 50)
    files.write(path, "new")
    assert os.listdir(tmp_path) == [path.name]


def as_nobody(path):
    """The error of writing to a file as a user who owns nothing."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        files.write(path, "new")
    except OSError as error:
        return str(error)


@posix
@pytest.mark.parametrize(
    "folder_mode, file_mode, says",
    [(0o555, 0o666, "as its folder takes no temporary file"), (0o777, 0o444, "denied: ")],
)
def test_what_may_not_be_written_stays_and_a_sentence_says_so(folder_mode, file_mode, says):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "folder", "file")
        Path(name).chmod(0o755)
        path.parent.mkdir()
        path.write_text("old")
        path.chmod(file_mode)
        path.parent.chmod(folder_mode)
        error = in_a_fresh_process(as_nobody, path)
        path.parent.chmod(0o755)
        assert says in error and error.endswith(repr(str(path)))
        assert path.read_text() == "old" and os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_interrupted_nothing_is_left_and_the_old_file_stays(function, tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, function, interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write(path, "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def neuron():
    y = MLP(2, [1], seed=0)([1.0, 2.0]).tanh()
    y.backward()
    return y


WRITERS = {
    "weights": lambda path: MLP(2, [1], seed=0).save(path),
    "a drawing": lambda path: draw_dot(neuron()).render(outfile=path, cleanup=True, format="svg"),
    "a page": lambda path: step_through(neuron()).html(path),
    "an animation": lambda path: step_through(neuron()).gif(path),
    "a frame": lambda path: step_through(neuron()).frames(path.parent),
}


@pytest.mark.parametrize("name", WRITERS)
def test_whatever_the_package_writes_goes_through_one_function(name, tmp_path, monkeypatch):
    def refuse(path, content):
        raise OSError(28, "No space left on device", str(path))

    path = tmp_path / "step_000.png"
    path.write_text("old")
    monkeypatch.setattr(files, "write", refuse)
    with pytest.raises(OSError, match="No space left"):
        WRITERS[name](path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["step_000.png"]
