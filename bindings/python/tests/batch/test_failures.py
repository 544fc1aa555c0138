"""Images that fail are tried again and reported, and the others are made."""

from __future__ import annotations

import pytest

import pixart


@pytest.fixture
def fails(monkeypatch):
    """Makes a method of a stage fail for some calls. Returns the list of those."""

    def install(stage, method, wanted):
        calls, works = [], getattr(stage, method)

        def call(self, *arguments, **options):
            if wanted(arguments, options):
                calls.append(options)
                raise pixart.OutOfMemoryError("no memory")
            return works(self, *arguments, **options)

        monkeypatch.setattr(stage, method, call)
        return calls

    return install


@pytest.mark.parametrize("size", ["1", "4", "12"])
def test_failed_images(command, twelve, tmp_path, images, entries, capsys, fails, size):
    out = tmp_path / "out"
    calls = fails(pixart.Denoiser, "denoise", lambda arguments, options: {3, 10} & set(options["seed"]))
    assert command(twelve, out, "--batch-size", size, "--retries", "1") == 1
    found = entries(out, "failed.jsonl")
    assert [(entry["line"], entry["id"]) for entry in found] == [(4, "n3"), (11, "n10")]
    assert {entry["error"] for entry in found} == {"OutOfMemoryError: no memory"}
    assert [call["seed"] for call in calls].count([3]) == 2
    assert len(images(out)) == 10
    assert "n3" not in {entry["id"] for entry in entries(out, "manifest.jsonl")}
    assert capsys.readouterr().err == (
        f"pixart: 12 images: 10 made, 0 found, 2 failed\npixart: 2 failed: {out / 'failed.jsonl'}\n"
    )


def test_next_run_makes_what_failed(command, twelve, tmp_path, images, fails, monkeypatch, capsys):
    out, expected = tmp_path / "out", tmp_path / "expected"
    with monkeypatch.context() as patch:
        patch.setattr(pixart.Decoder, "decode", lambda self, latents, **options: 1 / 0)
        assert command(twelve, out) == 1
    assert not images(out)
    assert command(twelve, out) == 0
    assert not (out / "failed.jsonl").exists()
    assert command(twelve, expected) == 0
    assert images(out) == images(expected)


def test_a_second_attempt_succeeds(command, twelve, tmp_path, images, fails):
    left = [None] * 12

    def once(arguments, options):
        return left and not left.pop()

    fails(pixart.Encoder, "encode", once)
    assert command(twelve, tmp_path / "out", "--retries", "12") == 0
    assert len(images(tmp_path / "out")) == 12


def test_full_disk(command, twelve, tmp_path, images, entries, monkeypatch):
    out = tmp_path / "out"
    command(twelve, out)
    removed = next(out.glob("*.png"))
    removed.unlink()
    folder = pixart.batch._folder.Folder

    def full(self, name, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "write", full)
    assert command(twelve, out) == 1
    assert [entry["error"] for entry in entries(out, "failed.jsonl")] == ["OSError: [Errno 28] No space left on device"]
    assert not removed.exists()
