"""Checkpoints in the diffusers folder layout with seeded random weights; tensor names come from the reference's classes."""

from __future__ import annotations

import json
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from diffusers import AutoencoderKL, PixArtTransformer2DModel
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel

from .environment import ROOT
from .published_configurations import (
    MODEL_INDEX,
    PIPELINES,
    SCHEDULER,
    SIGMA_TRANSFORMER,
    SIGMA_VAE,
    text_config,
    transformer_config,
    vae_config,
)

TOKENIZER = ROOT / "Tests" / "PixArtFormatsTests" / "Resources" / "t5-tokenizer" / "spiece.model"
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
METADATA = {"format": "pt"}  # of safetensors files; transformers demands it

OLD_ATTENTION_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
"""VAE attention as files from before diffusers 0.12 name it."""

UNCHANGED: Mapping[str, Any] = {}


def write_checkpoint(
    folder: pathlib.Path,
    *,
    size: str = "tiny",
    transformer: Mapping[str, Any] | None = UNCHANGED,
    vae: Mapping[str, Any] | None = UNCHANGED,
    text: Mapping[str, Any] | None = UNCHANGED,
    scheduler: Mapping[str, Any] = UNCHANGED,
    pipeline: str = "alpha",
    dtype: str = "float32",
    seed: int = 0,
    old_attention_names: bool = False,
    shard_bytes: int = 5_000_000_000,
    variant: str | None = None,
) -> None:
    """Writes a checkpoint into `folder`.

    `transformer`, `vae`, `text` and `scheduler` change keys of the config of `size`; None leaves the part out. A
    `scheduler` with another class than the usual one is its whole config. `pipeline` is "alpha" or "sigma". Text
    encoders over `shard_bytes` are sharded as on the Hub: model-00001-of-0000N.safetensors with an index. A `variant`
    goes into the names of the weight files, as in `save_pretrained(variant="fp16")`.
    """
    dotted = f".{variant}" if variant else ""
    weights_name = f"diffusion_pytorch_model{dotted}.safetensors"
    sigma = pipeline == "sigma"
    is_usual = scheduler.get("_class_name", SCHEDULER["_class_name"]) == SCHEDULER["_class_name"]
    scheduler_config = {**SCHEDULER, **scheduler} if is_usual else dict(scheduler)
    index = {"_class_name": PIPELINES[pipeline], "scheduler": ["diffusers", scheduler_config["_class_name"]]}
    write_json(folder / "model_index.json", MODEL_INDEX | index)
    write_json(folder / "scheduler" / "scheduler_config.json", scheduler_config)
    if transformer is not None:
        config = transformer_config(size) | (SIGMA_TRANSFORMER if sigma else {}) | dict(transformer)
        with torch.device("meta"):
            module = PixArtTransformer2DModel.from_config(config)
        write_json(folder / "transformer" / "config.json", config)
        save_file(dict(weights(module, dtype, seed)), folder / "transformer" / weights_name, metadata=METADATA)
    if vae is not None:
        config = vae_config(size) | (SIGMA_VAE if sigma else {}) | dict(vae)
        with torch.device("meta"):
            module = AutoencoderKL.from_config(config)
        write_json(folder / "vae" / "config.json", config)
        tensors = dict(weights(module, dtype, seed + 1))
        if old_attention_names:
            tensors = {old_attention_name(name): tensor for name, tensor in tensors.items()}
        save_file(tensors, folder / "vae" / weights_name, metadata=METADATA)
    if text is not None:
        config = text_config(size) | dict(text) | {"torch_dtype": dtype}
        with torch.device("meta"):
            module = T5EncoderModel(T5Config(**config))
        write_json(folder / "text_encoder" / "config.json", config)
        write_shards(folder / "text_encoder", weights(module, dtype, seed + 2), shard_bytes, dotted)
        (folder / "tokenizer").mkdir(exist_ok=True)
        shutil.copyfile(TOKENIZER, folder / "tokenizer" / "spiece.model")


def write_json(path: pathlib.Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def old_attention_name(name: str) -> str:
    """A VAE tensor's name before diffusers 0.12."""
    if ".attentions." in name:
        for new, old in OLD_ATTENTION_NAMES.items():
            name = name.replace(f".{new}.", f".{old}.")
    return name


def weights(module: torch.nn.Module, dtype: str, seed: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Seeded values for every parameter of `module`, in the order of their names."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(dict(module.named_parameters()).items()):
        yield name, random_values(name, tuple(parameter.shape), generator).to(DTYPES[dtype]).contiguous()


def random_values(name: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Values at a scale that keeps activations in a trained network's range."""
    values = torch.randn(shape, generator=generator)
    if name.endswith("scale_shift_table"):
        return values / shape[-1] ** 0.5
    if len(shape) == 1:
        return values * 0.02 + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
    if name.startswith("shared") or "embed_tokens" in name or "relative_attention_bias" in name:
        return values
    if name.endswith("SelfAttention.q.weight"):
        gain = 0.125  # T5 scales its queries at initialisation, not its scores
    elif name.endswith((".o.weight", ".wo.weight")):
        gain = 0.3  # T5 has no norm behind its residual branches
    else:
        gain = 1.0
    fan_in = values[0].numel()
    return values * gain * fan_in**-0.5


def write_shards(
    folder: pathlib.Path, tensors: Iterator[tuple[str, torch.Tensor]], shard_bytes: int, dotted: str
) -> None:
    """Writes tensors in shards, one of them in memory at a time; `dotted` is the variant with its dot, or empty."""
    shards: list[list[str]] = []
    shard: dict[str, torch.Tensor] = {}
    total = size = 0

    def flush() -> None:
        save_file(shard, folder / f"shard-{len(shards)}", metadata=METADATA)
        shards.append(list(shard))
        shard.clear()

    for name, tensor in tensors:
        if shard and size + tensor.nbytes > shard_bytes:
            flush()
            size = 0
        shard[name] = tensor
        size += tensor.nbytes
        total += tensor.nbytes
    flush()
    if len(shards) == 1:
        (folder / "shard-0").rename(folder / f"model{dotted}.safetensors")
        return
    index = {}
    for number, names in enumerate(shards):
        file = f"model{dotted}-{number + 1:05d}-of-{len(shards):05d}.safetensors"
        (folder / f"shard-{number}").rename(folder / file)
        index.update(dict.fromkeys(names, file))
    weight_map = dict(sorted(index.items()))
    content = {"metadata": {"total_size": total}, "weight_map": weight_map}
    write_json(folder / f"model.safetensors.index{dotted}.json", content)
