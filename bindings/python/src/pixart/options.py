"""The options of each verb as types, for annotations: `options: DenoiseOptions = {"seed": 1}`.

Made by `make docs` from the schemas of the library. Options are passed to C as JSON,
and these types check nothing at run time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict


SchedulerName = Literal[
    "DPMSolverMultistepScheduler",
    "DPMSolverMultistep",
    "DPMSolverSinglestepScheduler",
    "DPMSolverSinglestep",
    "DPMSolverSDEScheduler",
    "DPMSolverSDE",
    "DDIMScheduler",
    "DDIM",
    "DDPMScheduler",
    "DDPM",
    "PNDMScheduler",
    "PNDM",
    "LMSDiscreteScheduler",
    "LMSDiscrete",
    "EulerDiscreteScheduler",
    "EulerDiscrete",
    "EulerAncestralDiscreteScheduler",
    "EulerAncestralDiscrete",
    "HeunDiscreteScheduler",
    "HeunDiscrete",
    "KDPM2DiscreteScheduler",
    "KDPM2Discrete",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2AncestralDiscrete",
    "DEISMultistepScheduler",
    "DEISMultistep",
    "UniPCMultistepScheduler",
    "UniPCMultistep",
    "SASolverScheduler",
    "SASolver",
    "EDMEulerScheduler",
    "EDMEuler",
    "LCMScheduler",
    "LCM",
    "TCDScheduler",
    "TCD",
]
"""A class of diffusers, with or without "Scheduler"."""


class _RequiredAdapter(TypedDict):
    """Keys that Adapter must have."""

    path: str


class Adapter(_RequiredAdapter, total=False):
    """An object within an option."""

    name: str
    scale: float


class ResidualCache(TypedDict, total=False):
    """An object within an option."""

    blocks: Sequence[int]
    guidance_start: int
    interval: int
    minimum_steps: int
    preset: Literal["half", "third"]
    prompt_steps: Sequence[int]
    steps: Sequence[int]


class ScheduledCache(TypedDict):
    """An object within an option."""

    schedule: Mapping[str, Mapping[str, Mapping[str, bool]]]


class EncoderOpenOptions(TypedDict, total=False):
    """Options of pixart_encoder_open."""

    adapters: Sequence[str | Adapter]
    """Adapters (LoRA, DoRA, LoHa, LoKr) of the part, as an array of paths or objects: {"path": "style.safetensors",
    "scale": 0.8, "name": "style"}. "path" is a file, a folder as PEFT or diffusers saves it, or an id in the Hub's
    cache. "scale" (default 1) multiplies the change that the file itself scales by its alpha. "name" (default: the name
    of the file or folder without its extension) must be unique. Names and scales of PEFT, diffusers, OneTrainer, kohya,
    LyCORIS and ComfyUI are recognized. The report of a handle lists tensors that change nothing; if no tensor changes
    the part, the call fails. Default: []."""

    compute: Literal["auto", "float32", "bfloat16", "int8"]
    """Precision of matrix multiplications. Sums are float32. "auto": int8 if the weights are int8 or int4, float32
    otherwise. "bfloat16" works with all weights. "int8" quantizes activations with one scale for each token. It needs
    int8 or int4 weights; if "weights" is "auto", floating-point weights of 16 or 32 bits are converted to int8, and
    those of 8 bits or fewer (fp8, blocks of GGUF) stay in the file and are rounded to int8 on their way into a
    multiplication. With "bfloat16" and "int8", results on processors with AVX-512 BF16 or arm64's BF16 differ from
    those of others by about the rounding error, unless "reproducible" is true. Default: "auto"."""

    config: Mapping[str, object]
    """Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of PixArt-Sigma.
    Default: {}."""

    fuse_adapters: bool
    """true: merge adapters into floating-point weights before they are converted, which costs no time in a call. LoRA
    on weights that are stored in fewer bits (int8, int4, fp8, blocks of GGUF) is multiplied separately, so that nothing
    is rounded twice. false: multiply all LoRA separately. The option "adapter_scales" of a run can then change scales.
    DoRA, LoHa and LoKr are always merged. Default: true."""

    instructions: Literal[
        "auto",
        "amx",
        "avx512_bf16",
        "avx512_vnni",
        "avx512",
        "avx_vnni",
        "avx2",
        "neon_bf16",
        "neon_i8mm",
        "neon_dotprod",
        "neon",
        "portable",
    ]
    """Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for tests
    and comparisons. If the processor does not support the one that is named, the call fails and lists those that it
    supports. Default: "auto"."""

    preset: Literal["exact", "balanced", "fast", None]
    """Values for options that are not given: "exact" sets {"compute": "float32"}, "balanced" sets {"compute": "int8"},
    "fast" sets {"compute": "int8"}. null sets nothing. An option that is given keeps its value, and presets do not set
    "compute" to "int8" if "weights" is given. docs/presets.md compares the presets. Default: null."""

    reproducible: bool
    """Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds it
    is much slower. Default: false."""

    residency: Literal["resident", "streamed"]
    """"resident": all weights are held in memory while the encoder is open. "streamed": one layer is held at a time,
    and each prompt reads and converts all layers again. This takes little memory and more time. Default: "resident"."""

    state_dict: Literal["auto", "ema"]
    """Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    "state_dict_ema". Default: "auto"."""

    threads: int
    """Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    OpenBLAS, which the portable instruction set uses, takes at most 128. Default: 0."""

    tokenizer: str | None
    """Path of the tokenizer: a spiece.model, a tokenizer.json, or a folder that has one. null means the one of the
    checkpoint, the one inside a GGUF file, or the one beside a single file of weights. Default: null."""

    unexpected_tensors: Literal["error", "ignore"]
    """What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null caption
    of published transformers, are always skipped. Tensors that only another architecture has are always an error.
    Default: "error"."""

    variant: str | None
    """Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    names. null selects the files without a variant. Default: null."""

    weights: Literal["auto", "float32", "bfloat16", "int8", "int4"]
    """Precision in which weights are held in memory. "auto": as they are stored. They stay in the memory-mapped file,
    and opening converts nothing. The other values convert floating-point weights layer by layer while the part is
    opened: "int8" with one scale for each output, "int4" with one scale for each block of 4 outputs and 16 inputs.
    Layers that would lose too much accuracy keep a higher precision. Weights that pixart_convert stored as int8 or int4
    are held as stored. Default: "auto"."""


class EncodeOptions(TypedDict, total=False):
    """Options of pixart_encode."""

    clean_caption: bool
    """true: clean the prompt as the diffusers pipeline does by default, which removes HTML and URLs, repairs mojibake,
    and more. false: only lower-case and strip it. Default: true."""

    max_sequence_length: int | None
    """Maximum number of tokens, including the end-of-sequence token. The rest of the prompt is dropped. null means 120,
    or 300 if the checkpoint is of PixArtSigmaPipeline. Default: null."""

    preset: Literal["exact", "balanced", "fast", None]
    """Accepted so that all stages can take the same preset. It sets no option of this verb. Default: null."""


class EncoderMemoryOptions(TypedDict, total=False):
    """Options of pixart_encoder_memory."""

    tokens: int | None
    """Number of tokens of each prompt, including the end-of-sequence token. null means the default of
    "max_sequence_length". Default: null."""


class DenoiserOpenOptions(TypedDict, total=False):
    """Options of pixart_denoiser_open."""

    adapters: Sequence[str | Adapter]
    """Adapters (LoRA, DoRA, LoHa, LoKr) of the part, as an array of paths or objects: {"path": "style.safetensors",
    "scale": 0.8, "name": "style"}. "path" is a file, a folder as PEFT or diffusers saves it, or an id in the Hub's
    cache. "scale" (default 1) multiplies the change that the file itself scales by its alpha. "name" (default: the name
    of the file or folder without its extension) must be unique. Names and scales of PEFT, diffusers, OneTrainer, kohya,
    LyCORIS and ComfyUI are recognized. The report of a handle lists tensors that change nothing; if no tensor changes
    the part, the call fails. Default: []."""

    attention: Literal["auto", "bfloat16", "int8"]
    """Precision of self-attention. "auto": that of "compute". "int8" quantizes queries, keys, values and the weights of
    the softmax, and gives the same bits on all instruction sets. "bfloat16" is for compute "bfloat16" and "int8".
    Cross-attention takes little time and is not quantized. Default: "auto"."""

    compute: Literal["auto", "float32", "bfloat16", "int8"]
    """Precision of matrix multiplications. Sums are float32. "auto": int8 if the weights are int8 or int4, float32
    otherwise. "bfloat16" works with all weights. "int8" quantizes activations with one scale for each token. It needs
    int8 or int4 weights; if "weights" is "auto", floating-point weights of 16 or 32 bits are converted to int8, and
    those of 8 bits or fewer (fp8, blocks of GGUF) stay in the file and are rounded to int8 on their way into a
    multiplication. With "bfloat16" and "int8", results on processors with AVX-512 BF16 or arm64's BF16 differ from
    those of others by about the rounding error, unless "reproducible" is true. Default: "auto"."""

    config: Mapping[str, object]
    """Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of PixArt-Sigma.
    Default: {}."""

    controlnet: str | None
    """ControlNet of PixArt-delta to open with the transformer: a folder, a file of weights, or the id of a repository
    in the Hub's cache. It may be the adapter of diffusers (PixArtControlNetAdapterModel), or a .pth file with the names
    of the original repository, with or without the transformer in it. A run then needs a control image, by
    pixart_sampler_set_control. weights, compute and unexpected_tensors are as for the transformer; variant, config and
    state_dict are for the transformer alone. null means no ControlNet. Default: null."""

    fuse_adapters: bool
    """true: merge adapters into floating-point weights before they are converted, which costs no time in a call. LoRA
    on weights that are stored in fewer bits (int8, int4, fp8, blocks of GGUF) is multiplied separately, so that nothing
    is rounded twice. false: multiply all LoRA separately. The option "adapter_scales" of a run can then change scales.
    DoRA, LoHa and LoKr are always merged. Default: true."""

    instructions: Literal[
        "auto",
        "amx",
        "avx512_bf16",
        "avx512_vnni",
        "avx512",
        "avx_vnni",
        "avx2",
        "neon_bf16",
        "neon_i8mm",
        "neon_dotprod",
        "neon",
        "portable",
    ]
    """Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for tests
    and comparisons. If the processor does not support the one that is named, the call fails and lists those that it
    supports. Default: "auto"."""

    preset: Literal["exact", "balanced", "fast", None]
    """Values for options that are not given: "exact" sets {"compute": "float32"}, "balanced" sets {"compute": "int8"},
    "fast" sets {"compute": "int8"}. null sets nothing. An option that is given keeps its value, and presets do not set
    "compute" to "int8" if "weights" is given. docs/presets.md compares the presets. Default: null."""

    reproducible: bool
    """Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds it
    is much slower. Default: false."""

    residency: Literal["resident", "streamed"]
    """"resident": all weights are held in memory while the denoiser is open. "streamed": the pages of a block's
    memory-mapped weights are given back to the system once the block is computed. The next step takes them from the
    system's file cache, or reads them from the file again if they are no longer there. Results are the same. Weights
    that were converted while the denoiser was opened are not mapped, and stay in memory: convert the checkpoint with
    pixart_convert first. Default: "resident"."""

    state_dict: Literal["auto", "ema"]
    """Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    "state_dict_ema". Default: "auto"."""

    threads: int
    """Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    OpenBLAS, which the portable instruction set uses, takes at most 128. Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null caption
    of published transformers, are always skipped. Tensors that only another architecture has are always an error.
    Default: "error"."""

    variant: str | None
    """Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    names. null selects the files without a variant. Default: null."""

    weights: Literal["auto", "float32", "bfloat16", "int8", "int4"]
    """Precision in which weights are held in memory. "auto": as they are stored. They stay in the memory-mapped file,
    and opening converts nothing. The other values convert floating-point weights layer by layer while the part is
    opened: "int8" with one scale for each output, "int4" with one scale for each block of 4 outputs and 16 inputs.
    Layers that would lose too much accuracy keep a higher precision. Weights that pixart_convert stored as int8 or int4
    are held as stored. Default: "auto"."""


class DenoiseOptions(TypedDict, total=False):
    """Options of pixart_denoise."""

    adapter_scales: Mapping[str, float]
    """Scales of adapters in this run, by their names, such as {"style": 0.5}. The others keep the scale that the
    denoiser was opened with. Only adapters that are not merged into the weights have a scale that can change: open the
    denoiser with "fuse_adapters": false. Default: {}."""

    cache: Literal["half", "third"] | ResidualCache | ScheduledCache | None
    """Results of earlier steps that later ones add again instead of computing them. "half" computes about every second
    step and "third" about every fourth, in about 60% and 37% of the time; in runs of 20 steps from noise, they leave
    guidance out of the first 3 or 4. {"preset": "half"} is the same. An object with "steps" lists the steps that are
    computed, from 0 on, and one with "interval": n computes each n-th; the first and the last are always computed. The
    others add again what the blocks from the first to the second number of "blocks" added in all (default: all blocks
    but the first and the last of the checkpoint). With "steps", "prompt_steps" lists steps that compute the prompt's
    prediction only, which the negative prompt's follows, and "guidance_start" is the first step with classifier-free
    guidance. With "minimum_steps", runs of fewer steps compute all of every step. An object with "schedule" is a table
    of step, block and module, such as {"000": {"0": {"attn1": true, "attn2": true, "ff": true}}}, for all steps of the
    scheduler: with false, the module's last output is added again. null computes all of every step. docs/caching.md has
    the definitions, and the quality of the presets. Default: null."""

    control_guidance_end: float
    """Fraction of the run at which the ControlNet ends. Default: 1.0."""

    control_guidance_start: float
    """Fraction of the run at which the ControlNet starts. Of N steps, counted from 0, it guides those for which i / N
    is not below the start, and (i + 1) / N not above control_guidance_end. The other steps do not run it. Default:
    0.0."""

    controlnet_conditioning_scale: float
    """Weight of the ControlNet: what it adds is multiplied by this. With 0 it is not run, and the run needs no control
    image. Used if the denoiser was opened with a "controlnet". Default: 1.0."""

    eta: float
    """Noise that each step adds, as a fraction of the noise of DDPM. DDIM and TCD use it. Default: 0.0."""

    guidance_interval: Sequence[float]
    """Part of the run that uses classifier-free guidance, as fractions [start, stop] of its N steps: from step
    int(start * N) to the one before int(stop * N), as in the guiders of diffusers. The other steps do not compute the
    prediction for the negative prompt, which saves its time. Default: [0.0, 1.0]."""

    guidance_scale: float
    """Weight of classifier-free guidance. Guidance is used if this is above 1, and doubles the computation. Default:
    4.5."""

    height: int | None
    """Height of the images in pixels. null means the size of the checkpoint. Without resolution binning it must be a
    multiple of 8 times the patch size (16). Default: null."""

    num_images_per_prompt: int
    """Number of images for each prompt, computed in one batch. Default: 1."""

    num_inference_steps: int
    """Number of denoising steps, at most the training timesteps of the scheduler (1000 in all published models).
    Solvers of higher order take at most one fewer, unless their timestep_spacing is "trailing". LCM and TCD take at
    most their original_inference_steps. Default: 20."""

    pag_adaptive_scale: float
    """Subtracted from pag_scale for each timestep below 1000. Once nothing is left, the perturbed prediction is no
    longer computed. Default: 0.0."""

    pag_applied_layers: Sequence[int] | None
    """Blocks, counted from 0, in which the perturbed prediction skips self-attention. null means those that the default
    of diffusers, "blocks.1", matches: all whose number begins with 1, such as 1 and 10 to 19. Default: null."""

    pag_scale: float
    """Weight of perturbed-attention guidance, as in PixArtSigmaPAGPipeline, with or without classifier-free guidance:
    the prediction moves away from one that is computed without self-attention. It is used if this is above 0, and adds
    the computation of one prediction. Default: 0.0."""

    preset: Literal["exact", "balanced", "fast", None]
    """Values for options that are not given: "exact" sets {"cache": null}, "balanced" sets {"cache":
    {"minimum_steps":15,"preset":"half"}}, "fast" sets {"cache": {"minimum_steps":10,"preset":"third"}}. null sets
    nothing. An option that is given keeps its value, and presets do not set "compute" to "int8" if "weights" is given.
    docs/presets.md compares the presets. Default: null."""

    result: Literal["auto", "sample", "predicted_original"]
    """Latents after the last step. "sample": the sample that the scheduler computes. "predicted_original": the latents
    without noise that it predicts. "auto": "predicted_original" for a run of one step from noise unless the checkpoint
    is of PixArtSigmaPipeline, "sample" otherwise, as in diffusers. Default: "auto"."""

    scheduler: SchedulerName | Mapping[str, object] | None
    """Scheduler of the run: the name of a diffusers class, with or without "Scheduler", or an object with "_class_name"
    and fields of its configuration. Missing fields are those of the checkpoint's scheduler_config.json, or else the
    defaults of the class. null means the scheduler of the checkpoint. The whole `config` of a diffusers scheduler is
    accepted, and read as from_config reads it: fields of other diffusers schedulers are ignored, fields in
    "_use_default_values" have the default of the class, and a "solver_type" or "algorithm_type" of a related class is
    replaced as in diffusers. Default: null."""

    seed: int | Sequence[int]
    """Seed of the noise, drawn as torch.Generator().manual_seed(seed) draws it on the CPU: one seed for the whole
    batch, or an array with one seed for each image, in the order of the prompts. Default: 0."""

    sigmas: Sequence[float] | None
    """Noise levels of the run in falling order, including the last one, which is usually 0. num_inference_steps is then
    one less than their number. Supported by EulerDiscrete. Default: null."""

    strength: float | None
    """How far a run departs from the image of pixart_sampler_set_image_latents. The run does the last
    int(num_inference_steps * strength) of num_inference_steps steps. null means a run that starts from noise. Default:
    null."""

    timesteps: Sequence[int] | None
    """Timesteps of the run in falling order, in place of those of the scheduler. num_inference_steps is then their
    number. Supported by DPMSolverMultistep, DPMSolverSinglestep, DDPM, EulerDiscrete, HeunDiscrete, LCM and TCD.
    Default: null."""

    use_resolution_binning: bool | None
    """Denoise at the nearest aspect ratio that the checkpoint was trained on. To get images of the requested size, pass
    height and width to pixart_decode as well. null means true if the checkpoint has such sizes (sample_size 32, 64, 128
    and 256). Default: null."""

    width: int | None
    """Width of the images in pixels. null and multiples are as for the height. Default: null."""


class DenoiserMemoryOptions(TypedDict, total=False):
    """Options of pixart_denoiser_memory."""

    cache: Literal["half", "third"] | ResidualCache | ScheduledCache | None
    """Results of earlier steps that later ones add again instead of computing them. "half" computes about every second
    step and "third" about every fourth, in about 60% and 37% of the time; in runs of 20 steps from noise, they leave
    guidance out of the first 3 or 4. {"preset": "half"} is the same. An object with "steps" lists the steps that are
    computed, from 0 on, and one with "interval": n computes each n-th; the first and the last are always computed. The
    others add again what the blocks from the first to the second number of "blocks" added in all (default: all blocks
    but the first and the last of the checkpoint). With "steps", "prompt_steps" lists steps that compute the prompt's
    prediction only, which the negative prompt's follows, and "guidance_start" is the first step with classifier-free
    guidance. With "minimum_steps", runs of fewer steps compute all of every step. An object with "schedule" is a table
    of step, block and module, such as {"000": {"0": {"attn1": true, "attn2": true, "ff": true}}}, for all steps of the
    scheduler: with false, the module's last output is added again. null computes all of every step. docs/caching.md has
    the definitions, and the quality of the presets. Default: null."""

    guidance_scale: float
    """Weight of classifier-free guidance. Guidance is used if this is above 1, and doubles the computation. Default:
    4.5."""

    height: int | None
    """Height of the images in pixels. null means the size of the checkpoint. Without resolution binning it must be a
    multiple of 8 times the patch size (16). Default: null."""

    num_images_per_prompt: int
    """Number of images for each prompt, computed in one batch. Default: 1."""

    pag_scale: float
    """Weight of perturbed-attention guidance, as in PixArtSigmaPAGPipeline, with or without classifier-free guidance:
    the prediction moves away from one that is computed without self-attention. It is used if this is above 0, and adds
    the computation of one prediction. Default: 0.0."""

    preset: Literal["exact", "balanced", "fast", None]
    """Values for options that are not given: "exact" sets {"cache": null}, "balanced" sets {"cache":
    {"minimum_steps":15,"preset":"half"}}, "fast" sets {"cache": {"minimum_steps":10,"preset":"third"}}. null sets
    nothing. An option that is given keeps its value, and presets do not set "compute" to "int8" if "weights" is given.
    docs/presets.md compares the presets. Default: null."""

    prompts: int
    """Number of prompts, as in pixart_sampler_create_batch. Default: 1."""

    strength: float | None
    """How far a run departs from the image of pixart_sampler_set_image_latents. The run does the last
    int(num_inference_steps * strength) of num_inference_steps steps. null means a run that starts from noise. Default:
    null."""

    tokens: int | None
    """Number of tokens of each prompt, including the end-of-sequence token. null means the default of
    "max_sequence_length". Default: null."""

    use_resolution_binning: bool | None
    """Denoise at the nearest aspect ratio that the checkpoint was trained on. To get images of the requested size, pass
    height and width to pixart_decode as well. null means true if the checkpoint has such sizes (sample_size 32, 64, 128
    and 256). Default: null."""

    width: int | None
    """Width of the images in pixels. null and multiples are as for the height. Default: null."""


class SamplerPreviewOptions(TypedDict, total=False):
    """Options of pixart_sampler_preview."""

    rgb_bias: Sequence[float] | None
    """Red, green and blue of latents that are 0. null means the bias that belongs to the factors: "latent_rgb_bias" of
    vae/config.json, or 0 without this key, if the factors are those of that file; [0.1084, -0.0175, -0.0011] for the
    factors of the SDXL VAE; 0 for all others. Default: null."""

    rgb_factors: Sequence[Sequence[float]] | None
    """Red, green and blue of each latent channel, [C][3], from -1 to 1. null means "latent_rgb_factors" of the
    checkpoint's vae/config.json. If this key is missing, null means the factors of the Stable Diffusion VAE if the
    scaling_factor in that file is 0.18215, and of the SDXL VAE if it is 0.13025. In all other cases the pipeline of the
    checkpoint decides between the two. Default: null."""


class DecoderOpenOptions(TypedDict, total=False):
    """Options of pixart_decoder_open."""

    compute: Literal["auto", "float32"]
    """Precision of the computation. It is float32: with Winograd convolutions, float32 is faster than a lower
    precision. Default: "auto"."""

    config: Mapping[str, object]
    """Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of PixArt-Sigma.
    Default: {}."""

    instructions: Literal[
        "auto",
        "amx",
        "avx512_bf16",
        "avx512_vnni",
        "avx512",
        "avx_vnni",
        "avx2",
        "neon_bf16",
        "neon_i8mm",
        "neon_dotprod",
        "neon",
        "portable",
    ]
    """Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for tests
    and comparisons. If the processor does not support the one that is named, the call fails and lists those that it
    supports. Default: "auto"."""

    preset: Literal["exact", "balanced", "fast", None]
    """Accepted so that all stages can take the same preset. It sets no option of this verb. Default: null."""

    reproducible: bool
    """Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds it
    is much slower. Default: false."""

    state_dict: Literal["auto", "ema"]
    """Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    "state_dict_ema". Default: "auto"."""

    threads: int
    """Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    OpenBLAS, which the portable instruction set uses, takes at most 128. Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null caption
    of published transformers, are always skipped. Tensors that only another architecture has are always an error.
    Default: "error"."""

    variant: str | None
    """Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    names. null selects the files without a variant. Default: null."""

    weights: Literal["auto", "float32", "bfloat16"]
    """Precision in which weights are held in memory. "auto": as they are stored. The other values convert the weights
    while the part is opened. A VAE is small and supports no lower precision. Default: "auto"."""


class _DecodeOptions(TypedDict, total=False):
    """Options of pixart_decode besides output_type."""

    height: int | None
    """Height in pixels that images are resized (bilinear) and centre-cropped to. It needs a width. null keeps the size
    of the decoded image. Default: null."""

    low_memory: bool
    """true: compute the largest feature maps of a VAE strip by strip, again for every use. The images are the same. At
    1024 pixels, decoding takes 0.7 GiB instead of 1.1, and a third more time. Smaller images save less. A tiny
    autoencoder ignores it. false: hold these maps. Default: false."""

    preset: Literal["exact", "balanced", "fast", None]
    """Accepted so that all stages can take the same preset. It sets no option of this verb. Default: null."""

    width: int | None
    """Width in pixels that images are resized (bilinear) and centre-cropped to. It needs a height. null keeps the size
    of the decoded image. Default: null."""


class DecodeOptions(_DecodeOptions, total=False):
    """Options of pixart_decode."""

    output_type: Literal["uint8", "float32"]
    """Element type of the images: "uint8" from 0 to 255, or "float32" from 0 to 1, before rounding. Default:
    "uint8"."""


class DecodeBytesOptions(_DecodeOptions, total=False):
    """Options of pixart_decode, for results of uint8."""

    output_type: Literal["uint8"]


class DecodeFloatOptions(_DecodeOptions):
    """Options of pixart_decode, for results of float32."""

    output_type: Literal["float32"]


class DecoderMemoryOptions(TypedDict, total=False):
    """Options of pixart_decoder_memory."""

    height: int | None
    """Height of the images in pixels, before any resizing. null means the size of the checkpoint, or 512 if it is not
    known. Default: null."""

    low_memory: bool
    """true: compute the largest feature maps of a VAE strip by strip, again for every use. The images are the same. At
    1024 pixels, decoding takes 0.7 GiB instead of 1.1, and a third more time. Smaller images save less. A tiny
    autoencoder ignores it. false: hold these maps. Default: false."""

    num_images_per_prompt: int
    """Number of images for each prompt, computed in one batch. Default: 1."""

    width: int | None
    """Width of the images in pixels. null is as for the height. Default: null."""


class ImageEncoderOpenOptions(TypedDict, total=False):
    """Options of pixart_image_encoder_open."""

    compute: Literal["auto", "float32"]
    """Precision of the computation. It is float32: with Winograd convolutions, float32 is faster than a lower
    precision. Default: "auto"."""

    config: Mapping[str, object]
    """Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of PixArt-Sigma.
    Default: {}."""

    instructions: Literal[
        "auto",
        "amx",
        "avx512_bf16",
        "avx512_vnni",
        "avx512",
        "avx_vnni",
        "avx2",
        "neon_bf16",
        "neon_i8mm",
        "neon_dotprod",
        "neon",
        "portable",
    ]
    """Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for tests
    and comparisons. If the processor does not support the one that is named, the call fails and lists those that it
    supports. Default: "auto"."""

    preset: Literal["exact", "balanced", "fast", None]
    """Accepted so that all stages can take the same preset. It sets no option of this verb. Default: null."""

    reproducible: bool
    """Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds it
    is much slower. Default: false."""

    state_dict: Literal["auto", "ema"]
    """Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    "state_dict_ema". Default: "auto"."""

    threads: int
    """Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    OpenBLAS, which the portable instruction set uses, takes at most 128. Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null caption
    of published transformers, are always skipped. Tensors that only another architecture has are always an error.
    Default: "error"."""

    variant: str | None
    """Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    names. null selects the files without a variant. Default: null."""

    weights: Literal["auto", "float32", "bfloat16"]
    """Precision in which weights are held in memory. "auto": as they are stored. The other values convert the weights
    while the part is opened. A VAE is small and supports no lower precision. Default: "auto"."""


class ImageEncodeOptions(TypedDict, total=False):
    """Options of pixart_image_encode."""

    preset: Literal["exact", "balanced", "fast", None]
    """Accepted so that all stages can take the same preset. It sets no option of this verb. Default: null."""

    sample_mode: Literal["sample", "argmax"]
    """Latents of the distribution that a VAE encodes an image into. "sample" draws them, "argmax" takes the mean. A
    tiny autoencoder has no distribution, and its latents are the same in both modes. Default: "sample"."""

    seed: int | Sequence[int]
    """Seed of the noise, drawn as torch.Generator().manual_seed(seed) draws it on the CPU: one seed for the whole
    batch, or an array with one seed for each image. Default: 0."""


class ImageEncoderMemoryOptions(TypedDict, total=False):
    """Options of pixart_image_encoder_memory."""

    height: int | None
    """Height of the images in pixels, before any resizing. null means the size of the checkpoint, or 512 if it is not
    known. Default: null."""

    num_images_per_prompt: int
    """Number of images for each prompt, computed in one batch. Default: 1."""

    width: int | None
    """Width of the images in pixels. null is as for the height. Default: null."""


class ImageReadOptions(TypedDict, total=False):
    """Options of pixart_image_read."""

    channels: Literal[1, 3, 4]
    """Channels of the image: 1 is grey, 3 is RGB, 4 is RGBA. Alpha is dropped if it is not requested, and is 255 if the
    file has none. Colours are converted to grey by ITU-R 601. Default: 3."""


class ImageWriteOptions(TypedDict, total=False):
    """Options of pixart_image_write."""

    text: Mapping[str, str]
    """Text chunks of the file by keyword, such as {"prompt": "...", "seed": "7"}. A keyword has 1 to 79 Latin-1
    characters. Default: {}."""


class ImageResizeOptions(TypedDict, total=False):
    """Options of pixart_image_resize."""

    height: int | None
    """Height in pixels to resize to. null keeps the height. pixart_image_encode needs multiples of 8. Default: null."""

    resize_mode: Literal["default", "crop"]
    """"default" stretches the image. "crop" keeps its aspect ratio: it resizes the image to cover height and width, and
    cuts out the centre. Default: "default"."""

    width: int | None
    """Width in pixels to resize to. null keeps the width. pixart_image_encode needs multiples of 8. Default: null."""


class ImageEdgesOptions(TypedDict, total=False):
    """Options of pixart_image_edges."""

    instructions: Literal[
        "auto",
        "amx",
        "avx512_bf16",
        "avx512_vnni",
        "avx512",
        "avx_vnni",
        "avx2",
        "neon_bf16",
        "neon_i8mm",
        "neon_dotprod",
        "neon",
        "portable",
    ]
    """Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for tests
    and comparisons. If the processor does not support the one that is named, the call fails and lists those that it
    supports. Default: "auto"."""

    reproducible: bool
    """Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds it
    is much slower. Default: false."""

    threads: int
    """Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    OpenBLAS, which the portable instruction set uses, takes at most 128. Default: 0."""


class ConvertOptions(TypedDict, total=False):
    """Options of pixart_convert."""

    adapters: Sequence[str | Adapter]
    """Adapters (LoRA, DoRA, LoHa, LoKr) of the part, as an array of paths or objects: {"path": "style.safetensors",
    "scale": 0.8, "name": "style"}. "path" is a file, a folder as PEFT or diffusers saves it, or an id in the Hub's
    cache. "scale" (default 1) multiplies the change that the file itself scales by its alpha. "name" (default: the name
    of the file or folder without its extension) must be unique. Names and scales of PEFT, diffusers, OneTrainer, kohya,
    LyCORIS and ComfyUI are recognized. The report of a handle lists tensors that change nothing; if no tensor changes
    the part, the call fails. Default: []."""

    config: Mapping[str, object]
    """Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of PixArt-Sigma.
    Default: {}."""

    parts: Sequence[Literal["text_encoder", "transformer", "vae", "controlnet"]] | None
    """Parts to write. The tokenizer is written with the text encoder, and the scheduler with the transformer. null
    means all parts of the checkpoint. Default: null."""

    state_dict: Literal["auto", "ema"]
    """Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    "state_dict_ema". Default: "auto"."""

    threads: int
    """Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    OpenBLAS, which the portable instruction set uses, takes at most 128. Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null caption
    of published transformers, are always skipped. Tensors that only another architecture has are always an error.
    Default: "error"."""

    variant: str | None
    """Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    names. null selects the files without a variant. Default: null."""

    weights: Literal["float32", "bfloat16", "int8", "int4"]
    """Precision in which weights are stored. Layers that would lose too much accuracy keep a higher precision. Biases,
    norms and tables stay as they are, but "float32" widens them. The converted checkpoint, opened with default options,
    computes the same bits as the original opened with the same "weights". "int8" and "int4" copy the VAE unchanged: it
    is small and supports nothing below bfloat16. Default: "int8"."""


class MemoryEstimateOptions(TypedDict, total=False):
    """Options of pixart_memory_estimate."""

    adapters: Sequence[str | Adapter]
    """Adapters (LoRA, DoRA, LoHa, LoKr) of the part, as an array of paths or objects: {"path": "style.safetensors",
    "scale": 0.8, "name": "style"}. "path" is a file, a folder as PEFT or diffusers saves it, or an id in the Hub's
    cache. "scale" (default 1) multiplies the change that the file itself scales by its alpha. "name" (default: the name
    of the file or folder without its extension) must be unique. Names and scales of PEFT, diffusers, OneTrainer, kohya,
    LyCORIS and ComfyUI are recognized. The report of a handle lists tensors that change nothing; if no tensor changes
    the part, the call fails. Default: []."""

    attention: Literal["auto", "bfloat16", "int8"]
    """Precision of self-attention. "auto": that of "compute". "int8" quantizes queries, keys, values and the weights of
    the softmax, and gives the same bits on all instruction sets. "bfloat16" is for compute "bfloat16" and "int8".
    Cross-attention takes little time and is not quantized. Default: "auto"."""

    cache: Literal["half", "third"] | ResidualCache | ScheduledCache | None
    """Results of earlier steps that later ones add again instead of computing them. "half" computes about every second
    step and "third" about every fourth, in about 60% and 37% of the time; in runs of 20 steps from noise, they leave
    guidance out of the first 3 or 4. {"preset": "half"} is the same. An object with "steps" lists the steps that are
    computed, from 0 on, and one with "interval": n computes each n-th; the first and the last are always computed. The
    others add again what the blocks from the first to the second number of "blocks" added in all (default: all blocks
    but the first and the last of the checkpoint). With "steps", "prompt_steps" lists steps that compute the prompt's
    prediction only, which the negative prompt's follows, and "guidance_start" is the first step with classifier-free
    guidance. With "minimum_steps", runs of fewer steps compute all of every step. An object with "schedule" is a table
    of step, block and module, such as {"000": {"0": {"attn1": true, "attn2": true, "ff": true}}}, for all steps of the
    scheduler: with false, the module's last output is added again. null computes all of every step. docs/caching.md has
    the definitions, and the quality of the presets. Default: null."""

    compute: Literal["auto", "float32", "bfloat16", "int8"]
    """Precision of matrix multiplications. Sums are float32. "auto": int8 if the weights are int8 or int4, float32
    otherwise. "bfloat16" works with all weights. "int8" quantizes activations with one scale for each token. It needs
    int8 or int4 weights; if "weights" is "auto", floating-point weights of 16 or 32 bits are converted to int8, and
    those of 8 bits or fewer (fp8, blocks of GGUF) stay in the file and are rounded to int8 on their way into a
    multiplication. With "bfloat16" and "int8", results on processors with AVX-512 BF16 or arm64's BF16 differ from
    those of others by about the rounding error, unless "reproducible" is true. Default: "auto"."""

    config: Mapping[str, object]
    """Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of PixArt-Sigma.
    Default: {}."""

    controlnet: str | None
    """ControlNet of PixArt-delta to open with the transformer: a folder, a file of weights, or the id of a repository
    in the Hub's cache. It may be the adapter of diffusers (PixArtControlNetAdapterModel), or a .pth file with the names
    of the original repository, with or without the transformer in it. A run then needs a control image, by
    pixart_sampler_set_control. weights, compute and unexpected_tensors are as for the transformer; variant, config and
    state_dict are for the transformer alone. null means no ControlNet. Default: null."""

    fuse_adapters: bool
    """true: merge adapters into floating-point weights before they are converted, which costs no time in a call. LoRA
    on weights that are stored in fewer bits (int8, int4, fp8, blocks of GGUF) is multiplied separately, so that nothing
    is rounded twice. false: multiply all LoRA separately. The option "adapter_scales" of a run can then change scales.
    DoRA, LoHa and LoKr are always merged. Default: true."""

    guidance_scale: float
    """Weight of classifier-free guidance. Guidance is used if this is above 1, and doubles the computation. Default:
    4.5."""

    height: int | None
    """Height of the images in pixels. null means the size of the checkpoint. Without resolution binning it must be a
    multiple of 8 times the patch size (16). Default: null."""

    instructions: Literal[
        "auto",
        "amx",
        "avx512_bf16",
        "avx512_vnni",
        "avx512",
        "avx_vnni",
        "avx2",
        "neon_bf16",
        "neon_i8mm",
        "neon_dotprod",
        "neon",
        "portable",
    ]
    """Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for tests
    and comparisons. If the processor does not support the one that is named, the call fails and lists those that it
    supports. Default: "auto"."""

    low_memory: bool
    """true: compute the largest feature maps of a VAE strip by strip, again for every use. The images are the same. At
    1024 pixels, decoding takes 0.7 GiB instead of 1.1, and a third more time. Smaller images save less. A tiny
    autoencoder ignores it. false: hold these maps. Default: false."""

    num_images_per_prompt: int
    """Number of images for each prompt, computed in one batch. Default: 1."""

    pag_scale: float
    """Weight of perturbed-attention guidance, as in PixArtSigmaPAGPipeline, with or without classifier-free guidance:
    the prediction moves away from one that is computed without self-attention. It is used if this is above 0, and adds
    the computation of one prediction. Default: 0.0."""

    preset: Literal["exact", "balanced", "fast", None]
    """Values for options that are not given: "exact" sets {"cache": null, "compute": "float32"}, "balanced" sets
    {"cache": {"minimum_steps":15,"preset":"half"}, "compute": "int8"}, "fast" sets {"cache":
    {"minimum_steps":10,"preset":"third"}, "compute": "int8"}. null sets nothing. An option that is given keeps its
    value, and presets do not set "compute" to "int8" if "weights" is given. docs/presets.md compares the presets.
    Default: null."""

    prompts: int
    """Number of prompts, as in pixart_sampler_create_batch. Default: 1."""

    reproducible: bool
    """Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds it
    is much slower. Default: false."""

    residency: Literal["resident", "streamed"]
    """Residency of the weights, as pixart_encoder_open and pixart_denoiser_open have it. Default: "resident"."""

    state_dict: Literal["auto", "ema"]
    """Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    "state_dict_ema". Default: "auto"."""

    strength: float | None
    """How far a run departs from the image of pixart_sampler_set_image_latents. The run does the last
    int(num_inference_steps * strength) of num_inference_steps steps. null means a run that starts from noise. Default:
    null."""

    threads: int
    """Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    OpenBLAS, which the portable instruction set uses, takes at most 128. Default: 0."""

    tokens: int | None
    """Number of tokens of each prompt, including the end-of-sequence token. null means the default of
    "max_sequence_length". Default: null."""

    unexpected_tensors: Literal["error", "ignore"]
    """What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null caption
    of published transformers, are always skipped. Tensors that only another architecture has are always an error.
    Default: "error"."""

    use_resolution_binning: bool | None
    """Denoise at the nearest aspect ratio that the checkpoint was trained on. To get images of the requested size, pass
    height and width to pixart_decode as well. null means true if the checkpoint has such sizes (sample_size 32, 64, 128
    and 256). Default: null."""

    variant: str | None
    """Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    names. null selects the files without a variant. Default: null."""

    weights: Literal["auto", "float32", "bfloat16", "int8", "int4"]
    """Precision in which weights are held in memory. "auto": as they are stored. They stay in the memory-mapped file,
    and opening converts nothing. The other values convert floating-point weights layer by layer while the part is
    opened: "int8" with one scale for each output, "int4" with one scale for each block of 4 outputs and 16 inputs.
    Layers that would lose too much accuracy keep a higher precision. Weights that pixart_convert stored as int8 or int4
    are held as stored. Default: "auto"."""

    width: int | None
    """Width of the images in pixels. null and multiples are as for the height. Default: null."""


class InspectOptions(TypedDict, total=False):
    """Options of pixart_inspect."""

    config: Mapping[str, object]
    """Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of PixArt-Sigma.
    Default: {}."""

    state_dict: Literal["auto", "ema"]
    """Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    "state_dict_ema". Default: "auto"."""

    unexpected_tensors: Literal["error", "ignore"]
    """What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null caption
    of published transformers, are always skipped. Tensors that only another architecture has are always an error.
    Default: "error"."""

    variant: str | None
    """Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    names. null selects the files without a variant. Default: null."""
