"""The memory that published checkpoints need on this machine, estimated from files that have the names and shapes of
their tensors, but no contents."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import tempfile
from typing import Any

from .._checkpoint import memory_estimate
from .._core.schema import options_schema
from ._estimate import estimates

PIPELINES: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "PixArtAlphaPipeline": {
        "PixArt-alpha/PixArt-XL-2-512x512": ("transformer-alpha", {}),
        "PixArt-alpha/PixArt-XL-2-1024-MS": ("transformer-alpha-1024", {}),
    },
    "PixArtSigmaPipeline": {
        "PixArt-alpha/PixArt-Sigma-XL-2-512-MS": ("transformer-sigma", {"sample_size": 64, "interpolation_scale": 1}),
        "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS": ("transformer-sigma", {"sample_size": 128, "interpolation_scale": 2}),
        "PixArt-alpha/PixArt-Sigma-XL-2-2K-MS": ("transformer-sigma", {"sample_size": 256, "interpolation_scale": 4}),
    },
}
"""The transformers of the checkpoints by their pipelines: network, and what the configuration has instead."""

SHARED = {"text_encoder": "t5-xxl", "vae": "vae"}
"""The networks of the other parts."""

FILES = {"transformer": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
"""The names of the parts' weight files."""

TYPES = {"F32": 4, "F16": 2}
"""Bytes of an element."""


@functools.cache
def networks() -> dict[str, Any]:
    """The configurations of published networks, and names and shapes of their tensors."""
    return dict(json.loads((pathlib.Path(__file__).parent / "networks.json").read_text()))


def tensors(network: str) -> dict[str, list[int]]:
    """Names and shapes, in the order of the class."""
    groups: dict[str, list[Any]] = {}
    for row in networks()[network]["tensors"]:
        groups.setdefault(row[0].partition("#")[0] if "#" in row[0] else row[0], []).append(row)
    shapes = {}
    for rows in groups.values():
        for number in range(max(count for _, count, _ in rows)):
            for name, count, shape in rows:
                if number < count:
                    shapes[name.replace("#", str(number))] = shape
    return shapes


def size(shape: list[int], type: str) -> int:
    """Bytes of a tensor."""
    count = TYPES[type]
    for dimension in shape:
        count *= dimension
    return count


def write_sparse(path: pathlib.Path, shapes: dict[str, list[int]], type: str) -> int:
    """Writes a safetensors file whose tensors are holes, in the order of the safetensors library. Returns its size."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, shape in sorted(shapes.items()):
        end = offset + size(shape, type)
        header[name] = {"dtype": type, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)
    return 8 + len(text) + offset


def sparse_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory if the system has one, because a file system on disk reads ahead into the holes."""
    return tempfile.TemporaryDirectory(prefix="pixart-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def published_memory() -> dict[str, dict[str, dict[str, int]]]:
    """The peak memory in bytes of the published checkpoints, for each preset and with one stage open at a time:
    "resident", and "streamed" if the text encoder is."""
    presets = [name for name in options_schema("memory_estimate")["properties"]["preset"]["enum"] if name]
    found: dict[str, dict[str, dict[str, int]]] = {}
    for pipeline, checkpoints in PIPELINES.items():
        for name, (network, config) in checkpoints.items():
            with sparse_folder() as folder:
                _write(pathlib.Path(folder), pipeline, network, config)
                found[name] = {preset: _peaks(folder, preset) for preset in presets}
    return found


def _peaks(folder: str, preset: Any) -> dict[str, int]:
    resident = estimates(folder, {"preset": preset})
    streamed = {**resident, "encode": memory_estimate(folder, "encode", preset=preset, residency="streamed")}
    ways = {"resident": resident, "streamed": streamed}
    return {way: max(use["peak"] for use in stages.values()) for way, stages in ways.items()}


def _write(folder: pathlib.Path, pipeline: str, network: str, config: dict[str, Any]) -> None:
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    for part, own, changed in [("transformer", network, config), *((part, each, {}) for part, each in SHARED.items())]:
        (folder / part).mkdir()
        (folder / part / "config.json").write_text(json.dumps(networks()[own]["config"] | changed))
        write_sparse(folder / part / f"{FILES[part]}.safetensors", tensors(own), "F32")
