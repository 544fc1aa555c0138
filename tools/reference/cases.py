"""The cases: small random checkpoints of many shapes, and runs over each."""

from __future__ import annotations

from typing import Any

import numpy as np

from .run import CAT, EMPTY, LONG, MESSY, MIXED, Model, Run, transformer
from .step_cache import MODULES

CHECKPOINT_RUNS = (
    *(Run(steps=20, seed=seed) for seed in range(3)),
    Run(steps=5, guidance=1.0),
    Run(steps=10, guidance=10.0, images=2, seed=(3, 4)),
    Run(steps=10, prompt=MIXED, negative=CAT),
    Run(steps=10, prompt=MESSY, clean_caption=False),
)
"""Runs over a checkpoint that was not made here."""


def scheduled(name: str, **changes: Any) -> Model:
    """A model with other scheduler settings."""
    return Model(f"scheduler: {name}", {"scheduler": changes}, (Run(), Run(steps=20)))


LCM = {
    "_class_name": "LCMScheduler",
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "beta_start": 0.0001,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "original_inference_steps": 50,
    "prediction_type": "epsilon",
    "set_alpha_to_one": True,
    "steps_offset": 0,
    "timestep_spacing": "leading",
    "trained_betas": None,
}
DMD = {
    "_class_name": "DDPMScheduler",
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "beta_start": 0.0001,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "trained_betas": None,
    "variance_type": "fixed_small",
}
"""Schedulers of the distilled checkpoints."""

FIRST_THREE = (CAT, MIXED, MESSY)

FEW_STEPS = (
    Model(
        "LCM",
        {"scheduler": LCM},
        (*(Run(steps=steps, guidance=0.0) for steps in (1, 2, 4, 8)), Run(guidance=0.0, images=2, seed=(3, 4))),
    ),
    Model(
        "DMD",
        {"scheduler": DMD},
        (Run(timesteps=(400,), guidance=0.0), Run(timesteps=(400,), guidance=0.0, images=2, seed=(5, 6))),
    ),
    Model(
        "v-prediction student",
        {"scheduler": {"prediction_type": "v_prediction", "timestep_spacing": "trailing"}},
        (Run(steps=1, guidance=0.0), Run(steps=2, guidance=0.0), Run(steps=4, guidance=1.0)),
    ),
)
"""Distilled models, as their authors use them."""

SIGMA = (
    Model(
        "Sigma",
        {"pipeline": "sigma"},
        (
            Run(),
            Run(steps=1),
            Run(steps=20, seed=3),
            Run(prompt=LONG, negative=MIXED, steps=2),
            Run(prompt=MESSY, images=2, seed=(1, 2)),
            Run(scheduler="EulerDiscreteScheduler", steps=5),
            Run(scheduler="DDPMScheduler", steps=1),
        ),
    ),
    Model(
        "Sigma, sample size 128",
        {"pipeline": "sigma", "transformer": transformer(sample_size=128, interpolation_scale=2)},
        (Run(height=64, width=96), Run(binning=True, height=1024, width=1024, steps=1)),
    ),
    Model(
        "Sigma, sample size 256",
        {
            "pipeline": "sigma",
            "transformer": transformer(1, 16, sample_size=256, interpolation_scale=4, num_layers=1),
            "vae": {"block_out_channels": [8, 8, 16, 16], "norm_num_groups": 4, "mid_block_add_attention": False},
        },
        (Run(height=64, width=96), Run(binning=True, height=1000, width=4000, steps=1, guidance=1.0)),
    ),
)

PAG_RUNS = (
    Run(pag_scale=3.0),
    Run(pag_scale=3.0, guidance=1.0),
    Run(pag_scale=2.0, pag_applied_layers=(0,), steps=10),
    Run(pag_scale=2.0, pag_applied_layers=(0, 1, 11)),
    Run(pag_scale=4.0, pag_adaptive_scale=0.008, steps=10),
    Run(pag_scale=4.0, pag_adaptive_scale=0.008, guidance=1.0),
    Run(pag_scale=3.0, images=2, seed=(3, 4), height=96, width=64),
    Run(pag_scale=3.0, prompt=FIRST_THREE, negative=(EMPTY, CAT, EMPTY), seed=(1, 2, 3)),
)

MORE_GUIDANCE = (
    Model("PAG", {"pipeline": "sigma", "transformer": transformer(num_layers=12)}, PAG_RUNS),
    Model("PAG, PixArt-alpha", {"transformer": transformer(num_layers=12)}, PAG_RUNS[:2]),
    Model(
        "guidance interval",
        runs=tuple(
            Run(steps=10, guidance_interval=interval)
            for interval in ((0.0, 1.0), (0.2, 0.8), (0.15, 0.99), (0.5, 0.5), (0.0, 0.31))
        )
        + (Run(steps=5, guidance_interval=(0.3, 0.9), scheduler="EulerDiscreteScheduler", images=2, seed=(3, 4)),),
    ),
)

MANY_PROMPTS = (
    Model(
        "many prompts",
        runs=(
            Run(prompt=FIRST_THREE, seed=(1, 2, 3)),
            Run(prompt=FIRST_THREE, negative=(EMPTY, CAT, LONG), seed=7),
            Run(prompt=(CAT, EMPTY), images=2, seed=(1, 2, 3, 4), guidance=1.0),
            Run(prompt=(LONG, CAT), images=3, seed=9, height=96, width=64),
            Run(prompt=(CAT, MIXED), seed=(5, 6), scheduler="EulerAncestralDiscreteScheduler"),
        ),
    ),
)

OTHER_SCHEDULERS = (
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
)

FROM_PICTURES = (
    Model(
        "image",
        runs=tuple(
            Run(steps=10, strength=strength, mask=mask, scheduler=scheduler, seed=3)
            for scheduler in (None, "EulerDiscreteScheduler", "DDIMScheduler")
            for strength in (0.3, 0.6, 1.0)
            for mask in (False, True)
        )
        + tuple(
            Run(steps=10, strength=strength, mask=mask, scheduler=scheduler, guidance=1.0)
            for scheduler in OTHER_SCHEDULERS
            for strength, mask in ((0.65, False), (0.65, True), (1.0, True))
        )
        + (
            Run(steps=7, strength=0.5, prompt=FIRST_THREE, seed=(1, 2, 3)),
            Run(steps=7, strength=0.5, mask=True, prompt=(CAT, MIXED), images=2, seed=8, height=96, width=64),
            Run(steps=6, strength=0.9, mask=True, guidance_interval=(0.2, 0.7)),
            Run(steps=1, strength=1.0),
        ),
    ),
    Model(
        "image, LCM",
        {"scheduler": LCM},
        tuple(
            Run(steps=8, guidance=0.0, strength=strength, mask=mask)
            for strength in (0.3, 0.6, 1.0)
            for mask in (False, True)
        ),
    ),
)


def schedule(steps: int, blocks: int) -> dict[str, Any]:
    """A random table that computes half of the modules."""
    computed = np.random.default_rng(steps).random((steps, blocks, len(MODULES))) < 0.5
    rows = [{str(block): dict(zip(MODULES, row)) for block, row in enumerate(step)} for step in computed.tolist()]
    return {"schedule": {f"{step:03d}": row for step, row in enumerate(rows)}}


PROMPT_STEPS = {"blocks": (0, 3), "steps": (4, 6), "prompt_steps": (5, 6), "guidance_start": 2}

STEP_CACHE = (
    Model(
        "step cache",
        {"transformer": transformer(num_layers=5)},
        (
            Run(steps=20, cache="half"),
            Run(steps=20, cache="third"),
            Run(steps=13, cache="third", images=2, seed=(3, 4)),
            Run(steps=10, cache={"interval": 3}, guidance=1.0),
            Run(steps=10, cache={"blocks": (0, 4), "steps": (3, 4, 8)}, images=2, seed=(3, 4)),
            Run(steps=10, cache={"blocks": (2, 2), "interval": 100}, prompt=FIRST_THREE, seed=7),
            Run(steps=10, cache=schedule(10, 5), images=2, seed=(3, 4)),
            Run(steps=10, cache=schedule(10, 5), prompt=(LONG, CAT), negative=(MIXED, EMPTY), seed=7),
            Run(steps=10, cache={"interval": 2}, guidance_interval=(0.3, 0.8)),
            Run(steps=10, cache=schedule(10, 5), guidance_interval=(0.3, 0.8), images=2, seed=(3, 4)),
            Run(steps=10, cache={"steps": (3, 6), "prompt_steps": (1, 4, 5, 8)}, images=2, seed=(3, 4)),
            Run(steps=10, cache=PROMPT_STEPS, prompt=(LONG, CAT), negative=(MIXED, EMPTY), seed=7),
            Run(steps=10, cache=PROMPT_STEPS, guidance_interval=(0.3, 0.8), images=2, seed=(3, 4)),
            Run(steps=10, cache=PROMPT_STEPS, strength=0.8),
            Run(steps=25, cache="half", strength=0.8),
            Run(steps=10, cache={"interval": 3}, strength=0.6, mask=True),
            Run(steps=10, cache=schedule(10, 5), strength=0.6),
            *(
                Run(steps=6, cache=cache, scheduler=scheduler)
                for scheduler in ("HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler")
                for cache in ("half", schedule(11, 5))
            ),
        ),
    ),
    Model(
        "step cache, PAG",
        {"pipeline": "sigma", "transformer": transformer(num_layers=12)},
        (Run(steps=10, pag_scale=3.0, cache="half"), Run(steps=10, pag_scale=3.0, cache=schedule(10, 12))),
    ),
)

TEXT_TO_IMAGE = (
    Model(
        "tiny",
        runs=(
            *(Run(steps=steps, seed=steps) for steps in (1, 2, 3, 4, 5, 14, 15, 16, 20, 30)),
            *(Run(guidance=guidance, seed=7) for guidance in (0.0, 1.0, 1.5, 10.0)),
            Run(steps=1, guidance=1.0, seed=2**32 - 1),
            Run(seed=2**53 + 12345),
            Run(images=3, seed=11),
            Run(images=3, seed=(5, 6, 7)),
            Run(images=2, guidance=1.0, seed=(1, 1)),
            Run(height=96, width=64),
            Run(height=96),
            Run(height=16, width=176, steps=3),
            Run(height=112, width=80, images=2),
            Run(prompt=MIXED, negative=CAT),
            Run(prompt=MIXED, negative=MESSY, clean_caption=False),
            Run(prompt=MESSY, negative=MIXED),
            Run(prompt=LONG, negative=LONG, steps=2),
            Run(prompt=LONG, max_sequence_length=300, steps=2),
            Run(prompt=MIXED, max_sequence_length=5, steps=2),
        ),
    ),
    Model("one head, one layer", {"transformer": transformer(1, 16, num_layers=1)}),
    Model("five heads, five layers", {"transformer": transformer(5, 12, num_layers=5)}),
    Model("heads of 72", {"transformer": transformer(2, 72, num_layers=2)}),
    Model(
        "heads of 20, wide captions",
        {
            "transformer": transformer(4, 20, caption_channels=100),
            "text": {"d_model": 100, "d_kv": 20, "num_heads": 5, "d_ff": 150, "num_layers": 3},
        },
    ),
    Model(
        "interpolation 0.5", {"transformer": transformer(interpolation_scale=0.5)}, (Run(), Run(height=48, width=80))
    ),
    Model("interpolation 2", {"transformer": transformer(interpolation_scale=2)}),
    Model(
        "8 latent channels", {"transformer": transformer(in_channels=8, out_channels=16), "vae": {"latent_channels": 8}}
    ),
    Model(  # 12 values of noise: torch draws fewer than 16 one by one
        "3 latent channels",
        {"transformer": transformer(in_channels=3, out_channels=6), "vae": {"latent_channels": 3}},
        (Run(height=16, width=16), Run(height=16, width=16, images=3, seed=(1, 2, 3))),
    ),
    Model(  # 20 values: not a multiple of 16
        "5 latent channels",
        {"transformer": transformer(in_channels=5, out_channels=10), "vae": {"latent_channels": 5}},
        (Run(height=16, width=16), Run(height=16, width=16, images=3), Run(height=16, width=48, images=2, seed=(8, 9))),
    ),
    Model("patches of 1", {"transformer": transformer(patch_size=1)}),
    Model(
        "patches of 4", {"transformer": transformer(patch_size=4, sample_size=16)}, (Run(), Run(height=96, width=32))
    ),
    Model("no attention bias", {"transformer": transformer(attention_bias=False)}),
    Model("larger epsilons", {"transformer": transformer(norm_eps=1e-3), "text": {"layer_norm_epsilon": 1e-3}}),
    Model("no learned sigma", {"transformer": transformer(out_channels=4)}, (Run(), Run(guidance=1.0))),
    Model("PixArtTransformer2DModel", {"transformer": transformer(_class_name="PixArtTransformer2DModel")}),
    Model("float16 weights", {"dtype": "float16"}, (Run(), Run(steps=20))),
    Model("bfloat16 weights", {"dtype": "bfloat16"}, (Run(), Run(steps=20))),
    Model("VAE without mid attention", {"vae": {"mid_block_add_attention": False}}),
    Model("VAE with old attention names", {"old_attention_names": True}),
    Model(
        "VAE of three levels",
        {
            "vae": {
                "block_out_channels": [32, 64, 96],
                "down_block_types": ["DownEncoderBlock2D"] * 3,
                "up_block_types": ["UpDecoderBlock2D"] * 3,
                "layers_per_block": 2,
                "scaling_factor": 0.13025,
            }
        },
    ),
    Model("VAE of 8 groups", {"vae": {"block_out_channels": [16, 32, 48, 64], "norm_num_groups": 8}}),
    Model("VAE without post-quant convolution", {"vae": {"use_post_quant_conv": False}}),
    Model("sharded text encoder", {"shard_bytes": 200_000}),
    Model("sharded text encoder, float16", {"shard_bytes": 200_000, "dtype": "float16"}),
    Model("fp16 variant, sharded", {"dtype": "float16", "variant": "fp16", "shard_bytes": 200_000}),
    Model(
        "T5 of few buckets",
        {"text": {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 20}},
        (Run(prompt=LONG, steps=1),),
    ),
    Model(
        "sample size 32",
        {"transformer": transformer(sample_size=32)},
        (
            Run(),
            Run(binning=True, height=256, width=256),
            Run(binning=True, height=200, width=344, images=2),
            Run(binning=True, height=512, width=128, steps=2),
        ),
    ),
    Model(
        "sample size 64",
        {"transformer": transformer(sample_size=64)},
        (
            Run(binning=True, height=512, width=512, steps=2),
            Run(binning=True, height=400, width=640, steps=2),
            Run(height=64, width=96),
        ),
    ),
    Model(
        "sample size 128",
        {"transformer": transformer(sample_size=128)},
        (
            Run(height=64, width=64),
            Run(height=128, width=48, images=2),
            Run(height=96, width=64, guidance=1.0, steps=20),
            Run(binning=True, height=1024, width=1024, steps=1),
            Run(binning=True, height=600, width=1000, steps=2),
        ),
    ),
    Model(
        "sample size 128, no size conditions",
        {"transformer": transformer(sample_size=128, use_additional_conditions=False)},
        (Run(height=64, width=96),),
    ),
    Model(
        "sample size 128, float16, heads of 72",
        {"transformer": transformer(2, 72, sample_size=128), "dtype": "float16"},
        (Run(height=80, width=112),),
    ),
    scheduled("order 1", solver_order=1),
    scheduled("heun", solver_type="heun"),
    scheduled("leading, offset 1", timestep_spacing="leading", steps_offset=1),
    scheduled("trailing", timestep_spacing="trailing"),
    scheduled("sigma_min at the end", final_sigmas_type="sigma_min"),
    scheduled("sigma_min, never of lower order", final_sigmas_type="sigma_min", lower_order_final=False),
    scheduled("sigma_min, Euler at the end", final_sigmas_type="sigma_min", euler_at_final=True),
    scheduled("v prediction", prediction_type="v_prediction"),
    scheduled("sample prediction", prediction_type="sample"),
    scheduled("scaled linear", beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
    scheduled("500 training steps", num_train_timesteps=500),
)

MODELS = (*TEXT_TO_IMAGE, *FEW_STEPS, *SIGMA, *MORE_GUIDANCE, *MANY_PROMPTS, *FROM_PICTURES, *STEP_CACHE)
