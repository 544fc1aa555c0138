"""Batches on the real Ray make the images of one process, whatever dies."""

from __future__ import annotations

import functools
import json
import os
import pty
import re
import signal
import subprocess

import pytest
from conftest import MODEL, images, start

from pixart import batch as batches
from pixart.batch import _ray
from pixart.batch._run import LOST
from pixart.batch._stages import Denoise


def test_one_machine(batch, tmp_path):
    """Ray on this machine, started and ended by the command."""
    twelve, out = batch(12), tmp_path / "out"
    process = start(twelve.input, out, "--ray", "local", "--batch-size", "5", "--decoders", "2", stderr=subprocess.PIPE)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert b"12 images: 12 made, 0 found" in errors
    assert images(out) == twelve.expected


def test_a_machine_is_killed(batch, cluster, tmp_path):
    """200 images on three machines, one of which is killed in the middle."""
    many, out = batch(200), tmp_path / "out"
    cluster, machines = cluster
    flags = ("--ray", cluster.address, "--batch-size", "2", "--encoders", "2", "--decoders", "2")
    ours, theirs = pty.openpty()
    process = start(many.input, out, *flags, stderr=theirs)
    os.close(theirs)
    shown = _read_until(ours, 50)
    cluster.remove_node(machines[1], allow_graceful=False)
    before = {name: (out / name).stat().st_mtime_ns for name in images(out)}
    shown += _read_rest(ours)
    assert process.wait() == 0, shown
    assert 50 <= len(before) < 200
    assert images(out) == many.expected
    assert "pixart: 200 images: 200 made, 0 found" in shown

    after = {name: (out / name).stat().st_mtime_ns for name in images(out)}
    assert after.items() >= before.items()
    again = start(many.input, out, *flags, stderr=subprocess.PIPE)
    assert b"pixart: 200 images: 0 made, 200 found" in again.communicate()[1]
    assert again.returncode == 0
    assert {name: (out / name).stat().st_mtime_ns for name in images(out)} == after
    assert len((out / "manifest.jsonl").read_text().splitlines()) == 200
    assert not list(out.glob(".writing-*"))


@pytest.mark.parametrize("dies", [False, True], ids=["raises", "dies"])
def test_one_image_fails_each_time(batch, cluster, tmp_path, monkeypatch, dies):
    """A denoiser that raises an exception for one image, or whose process dies of it."""
    twelve, out = batch(12), tmp_path / "out"

    class Broken(Denoise):
        def work(self, stage, rows):
            if 7 in (json.loads(row["request"])["seed"] for row in rows):
                if dies:
                    os._exit(1)
                raise MemoryError("no memory")
            super().work(stage, rows)

    class BrokenActor(_ray._Denoise):
        stage = Broken

    monkeypatch.setattr(_ray, "_Denoise", BrokenActor)
    monkeypatch.setattr(_ray, "Denoise", Broken)
    summary = batches.run_batch(
        str(twelve.input),
        str(out),
        functools.partial(_ray.on_ray, address=cluster[0].address, batch_size=2),
        model=str(MODEL),
        opening={"threads": 1},
        defaults={"num_inference_steps": 4},
        retries=0,
    )
    assert list(summary.failed.values()) == [LOST if dies else "MemoryError: no memory"]
    found = images(out)
    assert len(found) == 11
    assert found.items() <= twelve.expected.items()
    (entry,) = map(json.loads, (out / "failed.jsonl").read_text().splitlines())
    assert entry["id"] == 7


def test_interrupted(batch, cluster, tmp_path):
    """Ctrl-C ends a run on a cluster, and one process makes the rest."""
    forty, out = batch(40), tmp_path / "out"
    ours, theirs = pty.openpty()
    process = start(forty.input, out, "--ray", cluster[0].address, stderr=theirs)
    os.close(theirs)
    shown = _read_until(ours, 5)
    process.send_signal(signal.SIGINT)
    shown += _read_rest(ours)
    assert process.wait() == 130, shown
    found = images(out)
    assert 5 <= len(found) < 40
    assert len((out / "manifest.jsonl").read_text().splitlines()) >= 5
    rest = start(forty.input, out, stderr=subprocess.PIPE)
    assert b"40 images: " in rest.communicate()[1]
    assert rest.returncode == 0
    assert images(out) == forty.expected


def test_too_many_threads(batch, cluster, tmp_path):
    twelve, flags = batch(12), ("--ray", cluster[0].address, "--threads", "2")
    process = start(twelve.input, tmp_path / "out", *flags, stderr=subprocess.PIPE)
    message = b"threads: 2; expected at most 1, the processors of the largest machine"
    assert message in process.communicate()[1]
    assert process.returncode == 2


def _read_until(terminal, count):
    """Reads a terminal until its line says that `count` images are made."""
    shown = ""
    while not any(int(made) >= count for made in re.findall(r"images: (\d+) made", shown)):
        shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


def _read_rest(terminal):
    shown = b""
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return shown.decode(errors="replace")
