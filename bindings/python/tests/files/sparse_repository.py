"""Published repositories as sparse files: configurations, headers, and holes of the true size.

The facts are in networks.json of the package, from the reference's classes, and in Tests/published/repositories.json,
by hand with sources.
"""

from __future__ import annotations

import json
import math
import pathlib
import struct
from typing import Any

from pixart.cli._published import FILES, networks, size, tensors, write_sparse

ROOT = next(folder for folder in pathlib.Path(__file__).resolve().parents if (folder / "Tests" / "published").is_dir())
NETWORKS = networks()
REPOSITORIES: dict[str, Any] = json.loads((ROOT / "Tests" / "published" / "repositories.json").read_text())[
    "repositories"
]
TOKENIZER = ROOT / "Tests" / "PixArtFormatsTests" / "Resources" / "t5-tokenizer" / "spiece.model"
SHARD_BYTES = 5_000_000_000

SCHEDULERS: dict[str, dict[str, Any]] = {
    "DPMSolverMultistepScheduler": {
        "_class_name": "DPMSolverMultistepScheduler", "_diffusers_version": "0.22.0.dev0",
        "algorithm_type": "dpmsolver++", "beta_end": 0.02, "beta_schedule": "linear", "beta_start": 0.0001,
        "dynamic_thresholding_ratio": 0.995, "euler_at_final": False, "lambda_min_clipped": float("-inf"),
        "lower_order_final": True, "num_train_timesteps": 1000, "prediction_type": "epsilon",
        "sample_max_value": 1.0, "solver_order": 2, "solver_type": "midpoint", "steps_offset": 0,
        "thresholding": False, "timestep_spacing": "linspace", "trained_betas": None,
        "use_karras_sigmas": False, "use_lu_lambdas": False, "variance_type": None,
    },
    "LCMScheduler": {
        "_class_name": "LCMScheduler", "_diffusers_version": "0.22.0.dev0", "beta_end": 0.02,
        "beta_schedule": "linear", "beta_start": 0.0001, "clip_sample": False, "clip_sample_range": 1.0,
        "original_inference_steps": 50, "prediction_type": "epsilon", "num_train_timesteps": 1000,
        "set_alpha_to_one": True, "steps_offset": 0, "thresholding": False, "timestep_spacing": "leading",
    },
    "DDPMScheduler": {
        "_class_name": "DDPMScheduler", "_diffusers_version": "0.22.0.dev0", "beta_end": 0.02,
        "beta_schedule": "linear", "beta_start": 0.0001, "clip_sample": False, "num_train_timesteps": 1000,
        "prediction_type": "epsilon", "timestep_spacing": "leading", "variance_type": "fixed_small",
    },
}  # fmt: skip


def pickled(shapes: dict[str, list[int]]) -> bytes:
    """The pickle of a state_dict of float32 tensors, as torch.save writes it: a storage for each tensor."""
    ordered = b"ccollections\nOrderedDict\n)R"

    def integer(number: int) -> bytes:
        return b"J" + struct.pack("<i", number)

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()

    program = b"\x80\x02" + ordered + b"("
    for key, (name, shape) in enumerate(shapes.items()):
        strides = [math.prod(shape[index + 1 :]) for index in range(len(shape))]
        storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(str(key)) + text("cpu")
        storage += integer(math.prod(shape)) + b"tQ"
        dimensions = b"".join(b"(" + b"".join(map(integer, numbers)) + b"t" for numbers in (shape, strides))
        arguments = b"(" + storage + integer(0) + dimensions + b"\x89" + ordered + b"t"
        program += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"
    return program + b"u."


def write_sparse_pickle(path: pathlib.Path, shapes: dict[str, list[int]]) -> int:
    """Writes a PyTorch checkpoint (a ZIP archive of stored entries) whose storages are holes. Returns its size."""
    entries = [("data.pkl", pickled(shapes), 0), ("version", b"3\n", 0)]
    entries += [(f"data/{key}", b"", size(shape, "F32")) for key, shape in enumerate(shapes.values())]
    directory = b""
    with path.open("wb") as file:
        for name, content, hole in entries:
            encoded = f"archive/{name}".encode()
            # Data are aligned to 64 bytes by an extra field.
            extra = b"FB" + struct.pack("<H", padding := -(file.tell() + 34 + len(encoded)) % 64) + bytes(padding)
            count = len(content) + hole
            fields = struct.pack("<HHHHIII", 0, 0, 0, 0, 0, count, count)
            offset = file.tell()
            file.write(b"PK\x03\x04\x14\x00" + fields + struct.pack("<HH", len(encoded), len(extra)) + encoded + extra)
            file.write(content)
            file.seek(hole, 1)
            directory += (
                b"PK\x01\x02\x14\x00\x14\x00" + fields + struct.pack("<HHHHHII", len(encoded), 0, 0, 0, 0, 0, offset)
            )
            directory += encoded
        start = file.tell()
        file.write(directory)
        count = len(entries)
        file.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), start, 0))
        return file.tell()


def write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    """As diffusers writes it."""
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def write_weights(folder: pathlib.Path, part: str, network: str, type: str, variant: str | None = None) -> list[int]:
    """Writes a part's weights in shards of at most 5 GB, as save_pretrained does. Returns the sizes of the files."""
    shards: list[dict[str, list[int]]] = [{}]
    filled = 0
    for name, shape in tensors(network).items():
        if filled + size(shape, type) > SHARD_BYTES:
            shards.append({})
            filled = 0
        shards[-1][name] = shape
        filled += size(shape, type)
    dotted = f".{variant}" if variant else ""
    if len(shards) == 1:
        return [write_sparse(folder / f"{FILES[part]}{dotted}.safetensors", shards[0], type)]
    places, sizes = {}, []
    for number, shapes in enumerate(shards, 1):
        file = f"{FILES[part]}{dotted}-{number:05}-of-{len(shards):05}.safetensors"
        sizes.append(write_sparse(folder / file, shapes, type))
        places.update(dict.fromkeys(shapes, file))
    total = sum(size(shape, type) for shape in tensors(network).values())
    index = f"{FILES[part]}.safetensors.index{dotted}.json"
    write_json(folder / index, {"metadata": {"total_size": total}, "weight_map": places})
    return sizes


def write_repository(folder: pathlib.Path, name: str) -> dict[str, list[int]]:
    """Writes a repository of repositories.json into `folder`. Returns the sizes of each part's weight files."""
    facts = REPOSITORIES[name]
    sizes = {}
    if "pipeline" in facts:
        write_json(folder / "model_index.json", {"_class_name": facts["pipeline"]})
    if "scheduler" in facts:
        (folder / "scheduler").mkdir()
        write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULERS[facts["scheduler"]["class"]])
    for part in FILES:
        if part not in facts:
            continue
        (folder / part).mkdir()
        network = facts[part]["network"]
        write_json(folder / part / "config.json", NETWORKS[network]["config"] | facts[part]["config"])
        if facts[part].get("pickle"):
            sizes[part] = [write_sparse_pickle(folder / part / f"{FILES[part]}.bin", tensors(network))]
            continue
        sizes[part] = write_weights(folder / part, part, network, "F32")
        for variant in facts[part].get("variants", []):
            sizes[f"{part}.{variant}"] = write_weights(folder / part, part, network, "F16", variant)
    if "text_encoder" in facts:
        (folder / "tokenizer").mkdir()
        (folder / "tokenizer" / "spiece.model").symlink_to(TOKENIZER)
    return sizes
