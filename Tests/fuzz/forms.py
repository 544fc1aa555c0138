#!/usr/bin/env python3
"""Writes the corpus of the targets that read forms of other programs, with the generator of the Python tests.

    Tests/fuzz/forms.py

The files are as small as the generator makes them: the smallest of some seeds."""

from __future__ import annotations

import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bindings" / "python" / "tests" / "models"))

import forms  # noqa: E402

TARGETS = {
    "gguf": ["gguf-Q4_0", "gguf-Q8_0", "gguf-F16", "gguf-names-of-transformers"],
    "torch_zip": ["pickle-zip", "pickle-training"],
    "torch_legacy": ["pickle-legacy"],
    "quantized": [
        "bitsandbytes-int8",
        "bitsandbytes-nf4-nested",
        "bitsandbytes-fp4",
        "quanto-int8",
        "quanto-int4",
        "t5-scaled-e4m3-old",
        "t5-scaled-e5m2-new",
    ],
    "names": ["transformer-original-names", "vae-half", "vae-tiny-half", "t5-bundle"],
}
SEEDS = range(100)


def smallest(name):
    """The content of the smallest single file of weights that a form has among the seeds."""
    found = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            case = forms.make(name, seed, pathlib.Path(folder))
            files = [case.path] if case.path.is_file() else list(case.path.glob("*.safetensors"))
            found += [file.read_bytes() for file in files if len(files) == 1]
    return min(found, key=len)


for target, names in TARGETS.items():
    folder = ROOT / "Tests" / "fuzz" / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(smallest(name))
