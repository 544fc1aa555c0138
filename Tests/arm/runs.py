#!/usr/bin/env python3
"""The runs of bindings/python/tests/stages/reproducible_runs.py for runs.c, and a comparison of their results.

    runs.py lines ADAPTER WORKER          writes the adapter, and prints a line for each run; WORKER has options of opening
    runs.py compare EXPECTED FOUND SET    compares two folders of results; the second has been made with the kernels SET

A result is equal to the bit. With neon_bf16, which is not reproducible, runs in float32 are; others are close to it.
"""

from __future__ import annotations

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "bindings" / "python" / "tests"
sys.path[:0] = [str(ROOT / "bindings" / "python" / "src"), str(TESTS / "stages"), str(TESTS / "models")]

import numpy as np  # noqa: E402
from reproducible_runs import PROMPT, RUNS, SHORT, opening_options, write_adapter  # noqa: E402

SIZE = {"height": 64, "width": 96}
"""QEMU is slow."""

CLOSE, CLOSE_ROUNDED = 3e-2, 2e-1
"""The largest relative distance of latents that bfloat16 instructions may make: 1.4e-2 was measured. If activations are
rounded to int8 too, that amplifies it: 8.8e-2 was measured, and 1.1e-1 with those of x86-64."""


def lines(adapter: pathlib.Path, worker: dict) -> None:
    write_adapter(adapter)
    for name, (_, options) in RUNS.items():
        encoder, denoiser = opening_options(name, worker, adapter)
        run = {**SHORT, **SIZE, **options}
        print("\t".join([name, PROMPT, *map(json.dumps, (encoder, denoiser, worker, run))]))


def difference(expected: pathlib.Path, found: pathlib.Path) -> float:
    first, second = (np.frombuffer(path.read_bytes(), np.float32) for path in (expected, found))
    return float(np.linalg.norm(second - first) / np.linalg.norm(first))


def compare(expected: pathlib.Path, found: pathlib.Path, kernels: str) -> int:
    reports = [json.loads(line)["kernels"]["instructions"] for line in (found / "reports").read_text().splitlines()]
    failed = 0
    for number, name in enumerate(RUNS):
        files = [(folder / f"{name}.latents", folder / f"{name}.png") for folder in (expected, found)]
        if not all(path.is_file() for pair in files for path in pair):
            result, passed = "no result", False
        elif reports[number] != kernels:
            result, passed = f"the kernels were {reports[number]}", False
        elif all(first.read_bytes() == second.read_bytes() for first, second in zip(*files)):
            result, passed = "equal to the bit", True
        else:
            error = difference(files[0][0], files[1][0])
            bound = CLOSE if name == "bfloat16" else CLOSE_ROUNDED
            passed = kernels == "neon_bf16" and RUNS[name][0] != {} and error < bound
            result = f"latents {error:.1e} apart"
        failed += not passed
        print(f"{'ok  ' if passed else 'FAIL'} arm images: {kernels}, {name}: {result}")
    print(f"{len(RUNS) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "lines":
        lines(pathlib.Path(sys.argv[2]), json.loads(sys.argv[3]))
    else:
        sys.exit(compare(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]) != 0)
