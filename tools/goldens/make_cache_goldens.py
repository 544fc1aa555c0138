#!/usr/bin/env python3
"""Writes the latents of cached runs that the Python tests compare with: those of diffusers' pipeline with hooks on its
blocks (tools/reference/step_cache.py), or of a loop over its parts if predictions of a step differ.

    make_cache_goldens.py [OUT]      default: bindings/python/tests/stages/cached-latents.safetensors

Needs torch, diffusers, transformers, sentencepiece, safetensors.
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "bindings" / "python" / "tests" / "stages" / "cached-latents.safetensors"
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bindings" / "python" / "tests" / "stages")]

from cached_runs import PROMPT, RUNS, SEEDS, STEPS  # noqa: E402

from reference.diffusers_side import Reference, quiet  # noqa: E402
from reference.loops import run_loop  # noqa: E402
from reference.run import Run  # noqa: E402
from reference.step_cache import makes_parts  # noqa: E402


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    quiet()
    reference = Reference(ROOT / "models" / "emoji")
    golden = {}
    for name, cache in RUNS.items():
        run = Run(prompt=PROMPT, steps=STEPS, images=len(SEEDS), seed=SEEDS, cache=cache)
        result = run_loop(reference, run) if makes_parts(cache, STEPS) else reference.run(run)
        golden[name] = torch.from_numpy(result.latents[-1])
    save_file(golden, out)


if __name__ == "__main__":
    main()
