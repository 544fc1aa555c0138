"""Inputs of batches, and the command."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys

import pytest

import pixart
from pixart import batch

STEPS = ["--num-inference-steps", "2"]
WORDS = ["a cat", "pizza", "a red apple", "a dog"]


@pytest.fixture
def write_lines(tmp_path):
    """Writes objects as an input file, and returns its path."""

    def write(lines, name="prompts.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return write


@pytest.fixture
def twelve(write_lines):
    """An input of 12 images of 4 prompts."""
    return write_lines({"prompt": WORDS[index % 4], "seed": index, "id": f"n{index}"} for index in range(12))


@pytest.fixture
def command(model):
    """Runs `pixart batch` in this process. Returns its exit code."""

    def run(path, out, *flags):
        parser = argparse.ArgumentParser()
        batch.add_arguments(parser)
        return batch.run(parser.parse_args([*map(str, (path, "--out", out, "--model", model)), *STEPS, *flags]))

    return run


@pytest.fixture
def start(model):
    """Starts `pixart batch` as a process of its own, on a terminal if one is given."""
    running = []

    def run(path, out, *flags, stderr=subprocess.PIPE):
        arguments = [*map(str, (path, "--out", out, "--model", model)), *STEPS, *flags]
        package = str(pathlib.Path(pixart.__file__).parents[1])
        environment = {**os.environ, "PYTHONPATH": package}
        process = subprocess.Popen(
            [sys.executable, "-m", "pixart.batch", *arguments], env=environment, stderr=stderr, text=True
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def entries():
    """Reads a list of an output folder."""

    def read(out, name):
        return [json.loads(line) for line in (out / name).read_text().splitlines()]

    return read


@pytest.fixture
def images():
    """Reads the images of an output folder: name -> bytes of the file."""

    def read(out):
        return {path.name: path.read_bytes() for path in out.glob("*.png")}

    return read
