#!/usr/bin/env python3
"""Measures what an adapter costs on each form of stored weights, and prints two tables for docs/adapters.md.

    PIXART_LIBRARY=... tools/benchmark/adapters.py FOLDER [--rank 64] [--px 512] [--runs 2] [--count 10]

FOLDER has the transformer in float32: tools/make_checkpoint.py FOLDER --size 512 --parts transformer. Adapters are LoRA
with random weights on every linear layer, with the names of PEFT. The reference is the float32 transformer with the
adapter merged. Errors are relative, in the Euclidean norm, of the latents after one step without guidance.
"""

import argparse
import json
import pathlib
import struct
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bindings" / "python" / "src"), str(ROOT / "tools")]

import numpy as np  # noqa: E402

import pixart  # noqa: E402
from benchmark.ours import embedding  # noqa: E402
from benchmark.workloads import TOKENS  # noqa: E402

WEIGHTS = "diffusion_pytorch_model.safetensors"
PEFT = "base_model.model."


def linear_layers(folder):
    """Name and shape of each matrix in the transformer's file."""
    with open(folder / "transformer" / WEIGHTS, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    header.pop("__metadata__", None)
    matrices = {name: entry["shape"] for name, entry in header.items() if name.endswith(".weight")}
    return {name.removesuffix(".weight"): shape for name, shape in matrices.items() if len(shape) == 2}


def write_adapter(folder, layers, rank, seed):
    """A PEFT folder whose LoRA changes each layer's output by about a tenth."""
    folder.mkdir()
    noise, tensors = np.random.default_rng(seed), {}
    for name, (outputs, inputs) in layers.items():
        down = noise.standard_normal((rank, inputs), dtype=np.float32) / np.float32(inputs**0.5)
        up = noise.standard_normal((outputs, rank), dtype=np.float32) * np.float32(0.1 / rank**0.5)
        tensors |= {f"{PEFT}{name}.lora_A.weight": down, f"{PEFT}{name}.lora_B.weight": up}
    pixart.save_tensors(str(folder / "adapter_model.safetensors"), tensors)
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "target_modules": list(layers)}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return {"path": str(folder)}


class Measurement:
    """One transformer, opened with options: the latents of one pass, and seconds of a step with guidance."""

    def __init__(self, folder, px, **options):
        self.denoiser = pixart.Denoiser(str(folder), **options)
        self.size = {"height": px, "width": px, "use_resolution_binning": False}
        self.prompt, self.negative = embedding(TOKENS), embedding(1)

    def latents(self, **options):
        run = {"num_inference_steps": 1, "guidance_scale": 1.0, "seed": 0, **self.size, **options}
        return self.denoiser.denoise(self.prompt, None, **run)

    def seconds(self, runs):
        with self.denoiser.sampler(self.prompt, self.negative, num_inference_steps=100, **self.size) as sampler:
            sampler.step()
            start = time.perf_counter()
            for _ in range(runs):
                sampler.step()
            return (time.perf_counter() - start) / runs


def error(result, reference):
    return float(np.linalg.norm(result - reference) / np.linalg.norm(reference))


def bases(folder, temporary):
    """Title and folder of each form of stored weights."""
    yield "float32", folder
    for weights in ("bfloat16", "int8", "int4"):
        out = pathlib.Path(temporary) / weights
        pixart.convert(str(folder), str(out), weights=weights, parts=["transformer"])
        yield weights, out


def print_by_base(folder, temporary, adapter, args):
    print("| weights | error without | error with | step without | merged | separate |\n|---|--:|--:|--:|--:|--:|")
    plain = Measurement(folder, args.px).latents()
    merged = Measurement(folder, args.px, adapters=[adapter]).latents()
    for title, base in bases(folder, temporary):
        without = Measurement(base, args.px)
        separate = Measurement(base, args.px, adapters=[adapter], fuse_adapters=False)
        cells = [f"{error(without.latents(), plain):.1e}", f"{error(separate.latents(), merged):.1e}"]
        base_seconds = without.seconds(args.runs)
        fused = "" if title.startswith("int") else Measurement(base, args.px, adapters=[adapter])
        fused_ratio = f"{fused.seconds(args.runs) / base_seconds:.2f}" if fused else ""
        ratio = separate.seconds(args.runs) / base_seconds
        print(f"| {title} | {' | '.join(cells)} | {base_seconds:.2f} s | {fused_ratio} | {ratio:.2f} |", flush=True)


def print_many(folder, temporary, layers, args):
    rows = [write_adapter(pathlib.Path(temporary) / f"many{i}", layers, 4, i + 1) for i in range(args.count)]
    adapters = [{**row, "name": f"a{i}", "scale": 0.3 + 0.1 * i} for i, row in enumerate(rows)]
    merged = Measurement(folder, args.px, adapters=adapters).latents()
    separate = Measurement(folder, args.px, adapters=adapters, fuse_adapters=False)
    zero = separate.latents(adapter_scales={row["name"]: 0.0 for row in adapters})
    print(f"\n{args.count} adapters of rank 4, separate against merged: {error(separate.latents(), merged):.1e}")
    print(f"all scales 0 in a run, against none: {error(zero, Measurement(folder, args.px).latents()):.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--px", type=int, default=512)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--count", type=int, default=10)
    args = parser.parse_args()
    layers = linear_layers(args.folder)
    with tempfile.TemporaryDirectory() as temporary:
        adapter = write_adapter(pathlib.Path(temporary) / "adapter", layers, args.rank, 0)
        print_by_base(args.folder, temporary, adapter, args)
        print_many(args.folder, temporary, layers, args)


if __name__ == "__main__":
    main()
