"""A Ray cluster of three machines, all of them on this one."""

from __future__ import annotations

import os

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # the tests reach nobody

import json
import pathlib
import subprocess
import sys
from typing import NamedTuple

import pytest
import ray
from ray.cluster_utils import Cluster

import pixart

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "emoji"
WORDS = ["a cat", "pizza", "a red apple", "a dog", "a fox", "a tree", "a heart", "a rocket", "a panda", "a house"]
STORE = 100 << 20
"""Bytes of the object store of a machine."""


class Batch(NamedTuple):
    """An input of a batch, and the images that one process makes of it."""

    input: pathlib.Path
    expected: dict[str, bytes]


@pytest.fixture(scope="session", autouse=True)
def package():
    """The workers of the cluster import this package, too."""
    os.environ["PYTHONPATH"] = str(pathlib.Path(pixart.__file__).parents[1])


@pytest.fixture
def cluster():
    """A cluster, and two machines that can be killed. The first one has the head."""
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False},
    )
    machines = [cluster.add_node(num_cpus=1, object_store_memory=STORE) for _ in range(2)]
    cluster.wait_for_nodes()
    yield cluster, machines
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="session")
def batch(tmp_path_factory):
    """Makes a batch of `count` images of 10 prompts."""

    def make(count):
        folder = tmp_path_factory.mktemp("batch")
        path = folder / "prompts.jsonl"
        lines = ({"prompt": WORDS[index % 10], "seed": index, "id": index} for index in range(count))
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert start(path, folder / "expected").wait() == 0
        return Batch(path, images(folder / "expected"))

    return make


def start(path, out, *flags, stderr=None):
    """Starts `pixart batch` as a process of its own."""
    command = [sys.executable, "-m", "pixart.batch", path, "--out", out, "--model", MODEL]
    options = ["--num-inference-steps", "4", "--threads", "1"]
    return subprocess.Popen([*map(str, command), *options, *flags], stderr=stderr)


def images(out):
    """The images of a folder: name -> bytes of the file."""
    return {path.name: path.read_bytes() for path in out.glob("*.png")}
