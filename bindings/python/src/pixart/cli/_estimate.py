"""`pixart estimate`: the memory that a checkpoint needs, stage by stage."""

from __future__ import annotations

import argparse
import json
from typing import Any, Literal

from .._checkpoint import memory_estimate
from .._models import default_model
from ._flags import Flags
from ._units import megabytes

STAGES: tuple[Literal["encode", "denoise", "decode"], ...] = ("encode", "denoise", "decode")
NOT_DECODING = ("weights", "compute", "residency", "attention", "adapters", "fuse_adapters", "controlnet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Estimates the memory of each stage, before anything is opened. A process with one stage open at a time needs "
        "the largest of them."
    )
    parser.add_argument("model", nargs="?", help="folder, file or Hub id of a checkpoint (default: emoji)")
    parser.add_argument("--json", action="store_true", help="bytes, as JSON")
    parser.set_defaults(flags=Flags(parser, "memory_estimate", "options", without=frozenset({"stage"})))


def run(arguments: argparse.Namespace) -> int:
    found = estimates(arguments.model or default_model(), arguments.flags.given(arguments))
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    keys = ("weights_mapped", "weights_resident", "activations", "peak")
    print(f"{'':9}" + "".join(f"{key.replace('_', ' '):>18}" for key in keys))
    for stage, use in found.items():
        print(f"{stage:9}" + "".join(f"{megabytes(use[key]):>18}" for key in keys))
    print(f"{'one stage at a time':27}{megabytes(max(use['peak'] for use in found.values())):>54}")
    return 0


def estimates(model: Any, options: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The estimates of all stages. A VAE has no int8 weights and is not streamed."""
    decoding = {name: value for name, value in options.items() if name not in NOT_DECODING}
    return {stage: memory_estimate(model, stage, **(decoding if stage == "decode" else options)) for stage in STAGES}
