"""The configurations of PixArt-alpha and PixArt-Sigma as published, and of tiny networks of the same kind."""

from __future__ import annotations

from typing import Any

SIZES = ("tiny", "256", "512", "1024")
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
"""The differences of PixArt-Sigma's configurations from PixArt-alpha's of the same size. PixArt-Sigma's checkpoints of
2048 pixels have sample_size 256 and interpolation_scale 4."""


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
