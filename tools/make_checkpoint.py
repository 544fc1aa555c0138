#!/usr/bin/env python3
"""Writes a PixArt-alpha or PixArt-Sigma checkpoint in the diffusers folder layout with seeded random weights.

The architectures are the real ones, so that memory, speed and agreement can be measured without trained weights:

    make_checkpoint.py OUT --size tiny                    about 4 MB, for tests
    make_checkpoint.py OUT --size 512 --dtype bfloat16    the shapes of PixArt-XL-2-512x512
    make_checkpoint.py OUT --size 1024 --parts transformer vae
    make_checkpoint.py OUT --size tiny --pipeline sigma   with what sets PixArt-Sigma apart

Needs torch, diffusers, transformers and safetensors. Tensor names come from the reference's own classes. As a module,
write_checkpoint() makes the variations on these that tools/compare_reference.py runs on.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from diffusers import AutoencoderKL, PixArtTransformer2DModel
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel

ROOT = pathlib.Path(__file__).resolve().parents[1]
TOKENIZER = ROOT / "Tests" / "PixArtFormatsTests" / "Resources" / "t5-tokenizer" / "spiece.model"
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
SIZES = ("tiny", "256", "512", "1024")
METADATA = {"format": "pt"}  # of safetensors files; transformers demands it
DIFFUSERS_VERSION = "0.22.0.dev0"  # what the published files say

SCHEDULER = {  # of PixArt-XL-2-512x512 and -1024-MS, where -Infinity is bare: not JSON, but published
    "_class_name": "DPMSolverMultistepScheduler",
    "_diffusers_version": DIFFUSERS_VERSION,
    "algorithm_type": "dpmsolver++",
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "beta_start": 0.0001,
    "dynamic_thresholding_ratio": 0.995,
    "euler_at_final": False,
    "lambda_min_clipped": float("-inf"),
    "lower_order_final": True,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "solver_order": 2,
    "solver_type": "midpoint",
    "steps_offset": 0,
    "thresholding": False,
    "timestep_spacing": "linspace",
    "trained_betas": None,
    "use_karras_sigmas": False,
    "use_lu_lambdas": False,
    "variance_type": None,
}

MODEL_INDEX = {
    "_class_name": "PixArtAlphaPipeline",
    "_diffusers_version": DIFFUSERS_VERSION,
    "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
    "text_encoder": ["transformers", "T5EncoderModel"],
    "tokenizer": ["transformers", "T5Tokenizer"],
    "transformer": ["diffusers", "Transformer2DModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}

PIPELINES = {"alpha": "PixArtAlphaPipeline", "sigma": "PixArtSigmaPipeline"}

SIGMA_TRANSFORMER = {"use_additional_conditions": False}
SIGMA_VAE = {"scaling_factor": 0.13025, "force_upcast": False}
"""What sets the configurations of PixArt-Sigma apart from those of PixArt-alpha of the same size; its checkpoints of 2048
pixels have sample_size 256 and interpolation_scale 4."""

OLD_ATTENTION_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
"""VAE attention as files from before diffusers 0.12 name it."""

UNCHANGED: Mapping[str, Any] = {}


def transformer_config(size: str) -> dict[str, Any]:
    """config.json of a published transformer, or of a tiny one."""
    config: dict[str, Any] = {
        "_class_name": "Transformer2DModel",
        "_diffusers_version": DIFFUSERS_VERSION,
        "activation_fn": "gelu-approximate",
        "attention_bias": True,
        "attention_head_dim": 72,
        "attention_type": "default",
        "caption_channels": 4096,
        "cross_attention_dim": 1152,
        "dropout": 0.0,
        "in_channels": 4,
        "norm_elementwise_affine": False,
        "norm_eps": 1e-6,
        "norm_num_groups": 32,
        "norm_type": "ada_norm_single",
        "num_attention_heads": 16,
        "num_embeds_ada_norm": 1000,
        "num_layers": 28,
        "out_channels": 8,
        "patch_size": 2,
        "sample_size": 128,
        "upcast_attention": False,
    }
    changes: dict[str, dict[str, Any]] = {
        "tiny": {
            "attention_head_dim": 8,
            "num_attention_heads": 3,
            "caption_channels": 32,
            "cross_attention_dim": 24,
            "num_layers": 2,
            "sample_size": 8,
        },
        "256": {"sample_size": 32, "interpolation_scale": 0.5},
        "512": {"sample_size": 64},
        "1024": {},
    }
    return config | changes[size]


def vae_config(size: str) -> dict[str, Any]:
    """config.json of the SD VAE, or of a tiny one."""
    tiny = size == "tiny"
    return {
        "_class_name": "AutoencoderKL",
        "_diffusers_version": DIFFUSERS_VERSION,
        "act_fn": "silu",
        "block_out_channels": [32, 32, 64, 64] if tiny else [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 1 if tiny else 2,
        "norm_num_groups": 32,
        "out_channels": 3,
        "sample_size": 32 if tiny else 256,
        "scaling_factor": 0.18215,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
    }


def text_config(size: str) -> dict[str, Any]:
    """config.json of T5 v1.1 XXL, or of a tiny one."""
    config: dict[str, Any] = {
        "architectures": ["T5EncoderModel"],
        "d_ff": 10240,
        "d_kv": 64,
        "d_model": 4096,
        "decoder_start_token_id": 0,
        "dense_act_fn": "gelu_new",
        "dropout_rate": 0.1,
        "eos_token_id": 1,
        "feed_forward_proj": "gated-gelu",
        "initializer_factor": 1.0,
        "is_encoder_decoder": True,
        "is_gated_act": True,
        "layer_norm_epsilon": 1e-06,
        "model_type": "t5",
        "num_decoder_layers": 24,
        "num_heads": 64,
        "num_layers": 24,
        "output_past": True,
        "pad_token_id": 0,
        "relative_attention_max_distance": 128,
        "relative_attention_num_buckets": 32,
        "tie_word_embeddings": False,
        "transformers_version": "4.21.1",
        "use_cache": True,
        "vocab_size": 32128,
    }
    tiny = {"d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}
    return config | (tiny if size == "tiny" else {})


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"text_encoder": "text", "transformer": "transformer", "vae": "vae"}
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--pipeline", choices=PIPELINES, default="alpha")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--parts", nargs="+", default=list(parts), choices=list(parts))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    without = {argument: None for part, argument in parts.items() if part not in args.parts}
    write_checkpoint(
        args.out, size=args.size, pipeline=args.pipeline, dtype=args.dtype, seed=args.seed, **without
    )


if __name__ == "__main__":
    main()
