#!/usr/bin/env python3
"""Writes the corpora of the targets that read forms of other programs, with the generator of the Python tests.

    Tests/fuzz/forms.py

An input of a target is what fuzz.c makes a file of: the lists of a GGUF file, the header of a safetensors file and the
first bytes of its tensors, or a whole pickle of a few small tensors."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bindings" / "python" / "tests" / "models"))

import forms  # noqa: E402
import pickle_files  # noqa: E402
from element_types import SIZES, Stored, read_safetensors, write_safetensors  # noqa: E402

LISTS = ["gguf-Q4_0", "gguf-Q8_0", "gguf-F16", "gguf-names-of-transformers", "gguf-transformer"]
HEADERS = {
    "quantized": [
        "bitsandbytes-int8",
        "bitsandbytes-nf4-nested",
        "bitsandbytes-fp4",
        "quanto-int8",
        "quanto-int4",
        "t5-scaled-e4m3-old",
        "t5-scaled-e5m2-new",
    ],
    "names": [
        "transformer-original-names",
        "transformer-diffusers-names",
        "vae-half",
        "vae-tiny-half",
        "t5-bundle",
    ],
}
SEEDS = range(60)
SMALL = 300
"""Tensors of at most this many bytes keep their content, such as the JSON of a quantization."""


def put(target, name, content):
    folder = ROOT / "Tests" / "fuzz" / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def files(name):
    """The single files of weights that a form has among the seeds."""
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            case = forms.make(name, seed, pathlib.Path(folder))
            found = [case.path] if case.path.is_file() else list(case.path.glob("*.safetensors"))
            if len(found) == 1:
                yield found[0]


def header_input(tensors):
    """The header of a file of tensors, a NUL, and the tensors whose content matters, which come first."""
    ordered = sorted(tensors, key=lambda name: len(tensors[name].data) > SMALL)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.safetensors"
        write_safetensors(path, {name: tensors[name] for name in ordered})
        content = path.read_bytes()
    size = 8 + int.from_bytes(content[:8], "little")
    kept = b"".join(tensors[name].data for name in ordered if len(tensors[name].data) <= SMALL)
    return content[8:size].rstrip() + b"\0" + kept


def smallest_header(name):
    found = [header_input(read_safetensors(path)) for path in files(name) if path.suffix == ".safetensors"]
    return min(found, key=len)


def lists(name):
    """The smallest file of a form without what its tensors hold."""
    whole = forms.gguf_files.contents

    def empty(tensors, *arguments, **options):
        zeros = {key: dataclasses.replace(item, data=bytes(len(item.data))) for key, item in tensors.items()}
        return whole(zeros, *arguments, **options)

    forms.gguf_files.contents = empty
    try:
        return min((path.read_bytes().rstrip(b"\0") for path in files(name)), key=len)
    finally:
        forms.gguf_files.contents = whole


def pickles():
    """Small checkpoints of PyTorch: (target, name, content)."""
    few = {"pos_embed.proj.weight": ("F32", (2, 1, 2, 2)), "caption_projection.linear_1.weight": ("F16", (2, 3))}
    own = {"x_embedder.proj.weight": ("BF16", (2, 1, 2, 2)), "y_embedder.y_proj.fc1.weight": ("F16", (2, 3))}
    for protocol in (2, 3, 4, 5):
        rng = np.random.default_rng(protocol)
        stored = [
            {
                name: Stored(kind, shape, rng.bytes(SIZES[kind] * int(np.prod(shape))))
                for name, (kind, shape) in tensors.items()
            }
            for tensors in (few, own)
        ]
        training = {"optimizer": pickle_files.opaque(rng), "epoch": 3}

        def wrap(body, average, training=training):
            return {"state_dict": body, "state_dict_ema": average, **training}

        yield "torch_zip", f"plain-{protocol}", pickle_files.checkpoint(rng, stored[:1], dict, protocol=protocol)
        yield "torch_zip", f"training-{protocol}", pickle_files.checkpoint(rng, stored, wrap, protocol=protocol)
        yield "torch_legacy", f"training-{protocol}", pickle_files.checkpoint(rng, stored, wrap, is_legacy=True)
    yield "torch_legacy", "plain", pickle_files.checkpoint(rng, stored[:1], dict, is_legacy=True)


def factors(module, kind):
    """Names and shapes of an update of a module of four inputs and four outputs."""
    shapes = {
        "peft": {"lora_A.weight": (2, 4), "lora_B.weight": (4, 2)},
        "peft-dora": {"lora_A.weight": (2, 4), "lora_B.weight": (4, 2), "lora_magnitude_vector": (4,)},
        "kohya": {"lora_down.weight": (2, 4), "lora_up.weight": (4, 2), "alpha": ()},
        "dora": {"lora_down.weight": (2, 4), "lora_up.weight": (4, 2), "alpha": (), "dora_scale": (1, 4)},
        "old": {"processor.to_q_lora.down.weight": (2, 4), "processor.to_q_lora.up.weight": (4, 2)},
        "loha": {f"hada_w{n}_{half}": (4, 2) if half == "a" else (2, 4) for n in (1, 2) for half in "ab"},
        "lokr": {"lokr_w1": (2, 2), "lokr_w2_a": (2, 1), "lokr_w2_b": (1, 2), "alpha": (), "scalar": ()},
    }[kind]
    return {f"{module}.{leaf}": Stored("F32", shape, bytes(4 * int(np.prod(shape)))) for leaf, shape in shapes.items()}


def adapters():
    """Adapters of each naming: (name, content)."""
    block, text = "transformer_blocks.0.attn1.to_q", "encoder.block.0.layer.0.SelfAttention.q"
    settings = {
        "r": 2,
        "lora_alpha": 4,
        "use_rslora": True,
        "rank_pattern": {"proj_out": 1},
        "alpha_pattern": {"^proj_out": 8},
        "use_dora": False,
        "bias": "none",
        "init_lora_weights": True,
        "peft_type": "LORA",
    }
    yield "peft", header_input(factors(f"base_model.model.{block}", "peft")) + json.dumps(settings).encode()
    yield "peft-dora", header_input(factors("base_model.model.proj_out", "peft-dora")) + b'{"use_dora": true}'
    yield "peft-loha", header_input(factors("base_model.model.proj_out", "loha")) + b'{"peft_type": "LOHA", "alpha": 2}'
    yield "script", header_input(factors(f"unet.base_model.model.{block}", "peft"))
    yield "diffusers", header_input({**factors(f"transformer.{block}", "peft"), **factors(f"text_encoder.{text}", "peft")})
    yield "old", header_input(factors("transformer_blocks.0.attn1", "old"))
    flat = block.replace(".", "_")
    yield "onetrainer", header_input({**factors(f"lora_transformer_{flat}", "dora"), **factors("bundle_emb.x", "kohya")})
    yield "kohya", header_input(factors("lora_unet_blocks_0_attn_qkv", "kohya") | factors(f"lora_te1_{text}", "kohya"))
    for kind in ("loha", "lokr", "dora"):
        yield f"lycoris-{kind}", header_input(factors(f"lycoris_{flat}", kind))
    yield "comfyui", header_input(factors("diffusion_model.blocks.0.cross_attn.kv_linear", "kohya"))
    yield "plain", header_input(factors("final_layer.linear", "peft"))


for name in LISTS:
    put("gguf", name, lists(name))
for target, names in HEADERS.items():
    for name in names:
        put(target, name, smallest_header(name))
for target, name, content in pickles():
    put(target, name, content)
for name, content in adapters():
    put("adapter", name, content.replace(b" ", b""))
