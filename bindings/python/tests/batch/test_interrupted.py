"""A run that ends early loses nothing that was finished, and the next one makes the rest."""

from __future__ import annotations

import os
import pty
import re
import signal

import pytest

import pixart
from pixart.batch._folder import Folder

SOME, ALL = 3, 24


@pytest.fixture
def prompts(write_lines):
    return write_lines({"prompt": ("a cat", "a dog")[seed % 2], "seed": seed} for seed in range(ALL))


@pytest.fixture
def expected(command, prompts, tmp_path, images):
    assert command(prompts, tmp_path / "expected") == 0
    return images(tmp_path / "expected")


def until_some_are_made(start, *arguments):
    """Starts the command on a terminal. Returns the process when its line says that some images are made."""
    ours, theirs = pty.openpty()
    process = start(*arguments, stderr=theirs)
    os.close(theirs)
    shown = ""
    with open(ours, closefd=False, errors="replace") as terminal:
        while not any(int(count) >= SOME for count in re.findall(r"images: (\d+) made", shown)):
            text = terminal.read(1)
            assert text, shown
            shown += text
    return process, ours


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=lambda value: str(value),
)
def test_resumes(start, command, prompts, tmp_path, images, entries, expected, capsys, number, code):
    out = tmp_path / "out"
    process, terminal = until_some_are_made(start, prompts, out)
    process.send_signal(number)
    assert process.wait() == code
    os.close(terminal)
    found = images(out)
    times = {name: (out / name).stat().st_mtime_ns for name in found}
    assert SOME <= len(found) < ALL
    assert found.items() <= expected.items()
    if number != signal.SIGKILL:
        assert len(entries(out, "manifest.jsonl")) == len(found)
        assert not list(out.glob(".writing-*"))
    assert command(prompts, out) == 0
    assert (
        capsys.readouterr().err.splitlines()[-1] == f"pixart: {ALL} images: {ALL - len(found)} made, {len(found)} found"
    )
    assert images(out) == expected
    assert times == {name: (out / name).stat().st_mtime_ns for name in found}
    assert len(entries(out, "manifest.jsonl")) == ALL


def test_nothing_is_computed_twice(command, twelve, tmp_path, images, monkeypatch, capsys):
    assert command(twelve, tmp_path / "out") == 0
    for stage, method in ((pixart.Encoder, "encode"), (pixart.Denoiser, "denoise"), (pixart.Decoder, "decode")):
        monkeypatch.setattr(stage, method, None)
    assert command(twelve, tmp_path / "out") == 0
    assert capsys.readouterr().err.splitlines()[-1] == "pixart: 12 images: 0 made, 12 found"


def test_two_at_once(start, prompts, write_lines, tmp_path, images, entries, expected):
    """Two runs with the same images and others in one folder."""
    out = tmp_path / "out"
    more = write_lines(({"prompt": "a dog", "seed": seed} for seed in range(12)), "more.jsonl")
    processes = [start(prompts, out), start(prompts, out), start(more, out)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    found = images(out)
    assert expected.items() <= found.items()
    assert len(found) == ALL + 6  # a dog has the odd seeds in both
    assert len(entries(out, "manifest.jsonl")) == ALL + 12
    assert not list(out.glob(".writing-*"))


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    folder = Folder(str(tmp_path))

    def broken(_descriptor):
        raise OSError("broken disk")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="broken disk"):
        folder.write("image", b"data")
    assert not list(tmp_path.iterdir())


def test_a_file_is_complete_before_it_has_its_name(tmp_path, monkeypatch):
    folder, events = Folder(str(tmp_path)), []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(os, "replace", lambda old, new: (events.append(open(old, "rb").read()), replace(old, new))[1])
    folder.write("image", b"data")
    assert events == ["fsync", b"data", "fsync"]  # the contents, the name, and the folder that holds the name


def test_what_a_killed_process_left(tmp_path):
    old, new, other = tmp_path / ".writing-old", tmp_path / ".writing-new", tmp_path / "other"
    for path in (old, new, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (0, 0))
    Folder(str(tmp_path)).create()
    assert set(tmp_path.iterdir()) == {new, other}
