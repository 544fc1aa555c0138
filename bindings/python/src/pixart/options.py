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


class EncoderOpenOptions(TypedDict, total=False):
    """Options of pixart_encoder_open."""

    compute: Literal["auto", "float32", "bfloat16", "int8"]
    """What products are computed in, summed in float32. "auto": int8 for weights of int8 and int4, float32 for others.
    "bfloat16" goes with all weights. "int8" rounds what goes into a product to one scale for each token; it takes
    weights of int8 or int4, and if "weights" is "auto" it makes floating-point ones int8. Between instruction sets,
    "bfloat16" and "int8" give numbers that differ by a part of what they lose anyway: rounding amplifies differences in
    the last bits of its input. Default: "auto"."""

    instructions: Literal["auto", "avx512_bf16", "avx512", "avx2", "portable"]
    """Instruction set that is computed with. "auto" is the best that this processor has; the others are there for tests
    and comparisons, and an error that names those at hand where the processor lacks one. Default: "auto"."""

    residency: Literal["resident", "streamed"]
    """"resident": weights are held while the encoder is open. "streamed": one layer at a time, made ready again for
    each prompt: little memory, for the time that reading and converting the file takes. Default: "resident"."""

    threads: int
    """Threads that work for this handle; 0 stands for one on each processor that the process may use, 128 at most.
    Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What becomes of tensors that the network does not use. Those that are known to be harmless, such as the learned
    null caption of published transformers, are always ignored, and those that only another architecture has are always
    refused. Of others, "error" refuses the checkpoint and names one; "ignore" passes them over. Default: "error"."""

    variant: str | None
    """Which files of the checkpoint to use, as in from_pretrained(variant=...): "fp16" takes those with .fp16. in their
    names. Default: null."""

    weights: Literal["auto", "float32", "bfloat16", "int8", "int4"]
    """How weights are held. "auto": as they are stored, in the mapped file, which opens at once. Others are made from
    floating-point weights when the part is opened, layer by layer: "int8" with a scale for each output, "int4" with one
    for four outputs and sixteen inputs; layers that would suffer stay higher. What pixart_convert stored as int8 or
    int4 is held as that. The default keeps results as exact as the files are. Default: "auto"."""


class EncodeOptions(TypedDict, total=False):
    """Options of pixart_encode."""

    clean_caption: bool
    """Clean the prompt as diffusers' pipeline does by default: HTML, URLs, mojibake and more are taken out. Otherwise
    it is only lower-cased and stripped. Default: true."""

    max_sequence_length: int | None
    """Most tokens that are encoded, the closing one included; the rest of the prompt is dropped. null stands for 120,
    and for 300 with a checkpoint of PixArtSigmaPipeline. Default: null."""


class EncoderMemoryOptions(TypedDict, total=False):
    """Options of pixart_encoder_memory."""

    tokens: int | None
    """Tokens of a prompt, the closing one included; null stands for the most that "max_sequence_length" allows by
    itself. Default: null."""


class DenoiserOpenOptions(TypedDict, total=False):
    """Options of pixart_denoiser_open."""

    compute: Literal["auto", "float32", "bfloat16", "int8"]
    """What products are computed in, summed in float32. "auto": int8 for weights of int8 and int4, float32 for others.
    "bfloat16" goes with all weights. "int8" rounds what goes into a product to one scale for each token; it takes
    weights of int8 or int4, and if "weights" is "auto" it makes floating-point ones int8. Between instruction sets,
    "bfloat16" and "int8" give numbers that differ by a part of what they lose anyway: rounding amplifies differences in
    the last bits of its input. Default: "auto"."""

    instructions: Literal["auto", "avx512_bf16", "avx512", "avx2", "portable"]
    """Instruction set that is computed with. "auto" is the best that this processor has; the others are there for tests
    and comparisons, and an error that names those at hand where the processor lacks one. Default: "auto"."""

    threads: int
    """Threads that work for this handle; 0 stands for one on each processor that the process may use, 128 at most.
    Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What becomes of tensors that the network does not use. Those that are known to be harmless, such as the learned
    null caption of published transformers, are always ignored, and those that only another architecture has are always
    refused. Of others, "error" refuses the checkpoint and names one; "ignore" passes them over. Default: "error"."""

    variant: str | None
    """Which files of the checkpoint to use, as in from_pretrained(variant=...): "fp16" takes those with .fp16. in their
    names. Default: null."""

    weights: Literal["auto", "float32", "bfloat16", "int8", "int4"]
    """How weights are held. "auto": as they are stored, in the mapped file, which opens at once. Others are made from
    floating-point weights when the part is opened, layer by layer: "int8" with a scale for each output, "int4" with one
    for four outputs and sixteen inputs; layers that would suffer stay higher. What pixart_convert stored as int8 or
    int4 is held as that. The default keeps results as exact as the files are. Default: "auto"."""


class DenoiseOptions(TypedDict, total=False):
    """Options of pixart_denoise."""

    eta: float
    """Noise that each step adds, as a share of DDPM's. DDIM and TCD look at it. Default: 0.0."""

    guidance_interval: Sequence[float]
    """Part of the run that has classifier-free guidance, as fractions [start, stop] of its N steps: those from
    int(start * N) to before int(stop * N), as diffusers' guiders have it. In the others the negative prompt is left
    out, and so is its time. Default: [0.0, 1.0]."""

    guidance_scale: float
    """Weight of classifier-free guidance. It is used, and doubles the work, where it is above 1. Default: 4.5."""

    height: int | None
    """Height of the picture in pixels; null stands for the checkpoint's own. Without binning it must be divisible by 8
    times the patch size (16). Default: null."""

    num_images_per_prompt: int
    """Pictures made at once, of each prompt. Default: 1."""

    num_inference_steps: int
    """Denoising steps of the run, at most the scheduler's training timesteps (1000 in all published models). Solvers of
    higher order take one fewer, unless their timestep_spacing is "trailing"; LCM and TCD at most their
    original_inference_steps. Default: 20."""

    pag_adaptive_scale: float
    """What is taken from pag_scale for each timestep below 1000, until nothing is left and the prediction is left out.
    Default: 0.0."""

    pag_applied_layers: Sequence[int] | None
    """Blocks, counted from 0, in which perturbed-attention guidance leaves self-attention out. null stands for those
    that diffusers' default "blocks.1" matches: all whose number begins with 1, such as 1 and 10 to 19. Default:
    null."""

    pag_scale: float
    """Weight of perturbed-attention guidance, as of PixArtSigmaPAGPipeline, with or without classifier-free guidance:
    away from what the prompt makes without self-attention. It is used, and adds the work of one more prediction, where
    it is above 0. Default: 0.0."""

    result: Literal["auto", "sample", "predicted_original"]
    """Latents after the last step: "sample" is what the scheduler goes on to, "predicted_original" its estimate of the
    latents without noise. "auto" is the latter in runs of one step from noise, but for checkpoints of
    PixArtSigmaPipeline, and else the former: as in diffusers. Default: "auto"."""

    scheduler: SchedulerName | Mapping[str, object] | None
    """Scheduler of the run: the name of diffusers' class, with or without "Scheduler", or an object with "_class_name"
    and fields of its configuration. Fields that are left out are those of the checkpoint's file, else the class's
    defaults; null stands for the checkpoint's own scheduler. The whole `config` of a diffusers scheduler is understood
    as from_config understands it: fields of diffusers' other schedulers make no difference, fields in
    "_use_default_values" are the class's defaults, and a sister class's "solver_type" or "algorithm_type" is replaced
    as in diffusers. Default: null."""

    seed: int | Sequence[int]
    """Seed of the noise, drawn as torch.Generator().manual_seed(seed) does on the CPU: one for the whole batch, or an
    array with one for each picture, in the order of the prompts. Default: 0."""

    sigmas: Sequence[float] | None
    """Noise levels of the run, falling, the last one (mostly 0) included; num_inference_steps is then one less than
    they are. For EulerDiscrete. Default: null."""

    strength: float | None
    """How far a run goes away from the picture that pixart_sampler_set_image_latents gives: of num_inference_steps,
    int(num_inference_steps * strength) are done, the last ones. null for runs that start from noise. Default: null."""

    timesteps: Sequence[int] | None
    """Timesteps of the run, falling, instead of those that the scheduler takes; num_inference_steps is then how many
    they are. For DPMSolverMultistep, DPMSolverSinglestep, DDPM, EulerDiscrete, HeunDiscrete, LCM and TCD. Default:
    null."""

    use_resolution_binning: bool | None
    """Denoise at the nearest aspect ratio that the checkpoint was trained on; tell decode the height and width to get
    the size asked for. null stands for true where the checkpoint has such sizes (sample_size 32, 64, 128 and 256).
    Default: null."""

    width: int | None
    """Width of the picture in pixels; as the height. Default: null."""


class DenoiserMemoryOptions(TypedDict, total=False):
    """Options of pixart_denoiser_memory."""

    guidance_scale: float
    """Weight of classifier-free guidance. It is used, and doubles the work, where it is above 1. Default: 4.5."""

    height: int | None
    """Height of the picture in pixels; null stands for the checkpoint's own. Without binning it must be divisible by 8
    times the patch size (16). Default: null."""

    num_images_per_prompt: int
    """Pictures made at once, of each prompt. Default: 1."""

    pag_scale: float
    """Weight of perturbed-attention guidance, as of PixArtSigmaPAGPipeline, with or without classifier-free guidance:
    away from what the prompt makes without self-attention. It is used, and adds the work of one more prediction, where
    it is above 0. Default: 0.0."""

    prompts: int
    """Prompts of pixart_sampler_create_batch. Default: 1."""

    strength: float | None
    """How far a run goes away from the picture that pixart_sampler_set_image_latents gives: of num_inference_steps,
    int(num_inference_steps * strength) are done, the last ones. null for runs that start from noise. Default: null."""

    tokens: int | None
    """Tokens of a prompt, the closing one included; null stands for the most that "max_sequence_length" allows by
    itself. Default: null."""

    use_resolution_binning: bool | None
    """Denoise at the nearest aspect ratio that the checkpoint was trained on; tell decode the height and width to get
    the size asked for. null stands for true where the checkpoint has such sizes (sample_size 32, 64, 128 and 256).
    Default: null."""

    width: int | None
    """Width of the picture in pixels; as the height. Default: null."""


class SamplerPreviewOptions(TypedDict, total=False):
    """Options of pixart_sampler_preview."""

    rgb_bias: Sequence[float] | None
    """Red, green and blue of latents that are 0. null stands for the bias that belongs to the factors: with those of
    vae/config.json its "latent_rgb_bias", else 0; with those of the SDXL VAE [0.1084, -0.0175, -0.0011]; with all
    others 0. Default: null."""

    rgb_factors: Sequence[Sequence[float]] | None
    """Red, green and blue, from -1 to 1, of each latent channel, [C][3]. null stands for what the checkpoint's
    vae/config.json says under "latent_rgb_factors", else for those of the Stable Diffusion VAE where its scaling_factor
    is 0.18215, and of the SDXL VAE where it is 0.13025; without such a file by the checkpoint's pipeline. Default:
    null."""


class DecoderOpenOptions(TypedDict, total=False):
    """Options of pixart_decoder_open."""

    compute: Literal["auto", "float32"]
    """What products are computed in: float32, which convolutions by Winograd make faster than anything lower. Default:
    "auto"."""

    instructions: Literal["auto", "avx512_bf16", "avx512", "avx2", "portable"]
    """Instruction set that is computed with. "auto" is the best that this processor has; the others are there for tests
    and comparisons, and an error that names those at hand where the processor lacks one. Default: "auto"."""

    threads: int
    """Threads that work for this handle; 0 stands for one on each processor that the process may use, 128 at most.
    Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What becomes of tensors that the network does not use. Those that are known to be harmless, such as the learned
    null caption of published transformers, are always ignored, and those that only another architecture has are always
    refused. Of others, "error" refuses the checkpoint and names one; "ignore" passes them over. Default: "error"."""

    variant: str | None
    """Which files of the checkpoint to use, as in from_pretrained(variant=...): "fp16" takes those with .fp16. in their
    names. Default: null."""

    weights: Literal["auto", "float32", "bfloat16"]
    """How weights are held: "auto" as they are stored; the others are made when the part is opened. A VAE is small, and
    takes nothing lower. Default: "auto"."""


class DecodeOptions(TypedDict, total=False):
    """Options of pixart_decode."""

    height: int | None
    """Height to resize (bilinear) and centre-crop to, given together with the width; null leaves the size alone.
    Default: null."""

    output_type: Literal["uint8", "float32"]
    """Elements of the images: bytes from 0 to 255, or float32 from 0 to 1 before rounding. Default: "uint8"."""

    width: int | None
    """Width to resize and centre-crop to; as the height. Default: null."""


class DecoderMemoryOptions(TypedDict, total=False):
    """Options of pixart_decoder_memory."""

    height: int | None
    """Height of the picture in pixels, before any resizing; null stands for the checkpoint's own, or 512 where that is
    not known. Default: null."""

    num_images_per_prompt: int
    """Pictures made at once, of each prompt. Default: 1."""

    width: int | None
    """Width of the picture in pixels; as the height. Default: null."""


class ImageEncoderOpenOptions(TypedDict, total=False):
    """Options of pixart_image_encoder_open."""

    compute: Literal["auto", "float32"]
    """What products are computed in: float32, which convolutions by Winograd make faster than anything lower. Default:
    "auto"."""

    instructions: Literal["auto", "avx512_bf16", "avx512", "avx2", "portable"]
    """Instruction set that is computed with. "auto" is the best that this processor has; the others are there for tests
    and comparisons, and an error that names those at hand where the processor lacks one. Default: "auto"."""

    threads: int
    """Threads that work for this handle; 0 stands for one on each processor that the process may use, 128 at most.
    Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What becomes of tensors that the network does not use. Those that are known to be harmless, such as the learned
    null caption of published transformers, are always ignored, and those that only another architecture has are always
    refused. Of others, "error" refuses the checkpoint and names one; "ignore" passes them over. Default: "error"."""

    variant: str | None
    """Which files of the checkpoint to use, as in from_pretrained(variant=...): "fp16" takes those with .fp16. in their
    names. Default: null."""

    weights: Literal["auto", "float32", "bfloat16"]
    """How weights are held: "auto" as they are stored; the others are made when the part is opened. A VAE is small, and
    takes nothing lower. Default: "auto"."""


class ImageEncodeOptions(TypedDict, total=False):
    """Options of pixart_image_encode."""

    sample_mode: Literal["sample", "argmax"]
    """Latents of the distribution that a VAE encodes an image into: "sample" draws them, "argmax" takes the mean. A
    tiny autoencoder has nothing to draw. Default: "sample"."""

    seed: int | Sequence[int]
    """Seed of what is drawn, as torch.Generator().manual_seed(seed) does on the CPU: one for the whole batch, or an
    array with one for each image. Default: 0."""


class ImageEncoderMemoryOptions(TypedDict, total=False):
    """Options of pixart_image_encoder_memory."""

    height: int | None
    """Height of the picture in pixels, before any resizing; null stands for the checkpoint's own, or 512 where that is
    not known. Default: null."""

    num_images_per_prompt: int
    """Pictures made at once, of each prompt. Default: 1."""

    width: int | None
    """Width of the picture in pixels; as the height. Default: null."""


class ImageReadOptions(TypedDict, total=False):
    """Options of pixart_image_read."""

    channels: Literal[1, 3, 4]
    """Channels of the image: 1 is grey, 3 RGB, 4 RGBA. Alpha that is not asked for is dropped, alpha that the file
    lacks is 255; colours become grey by ITU-R 601. Default: 3."""


class ImageWriteOptions(TypedDict, total=False):
    """Options of pixart_image_write."""

    text: Mapping[str, str]
    """Text chunks of the file by keyword, such as {"prompt": "...", "seed": "7"}. Keywords have 1 to 79 Latin-1
    characters. Default: {}."""


class ImageResizeOptions(TypedDict, total=False):
    """Options of pixart_image_resize."""

    height: int | None
    """Height to resize to; null stands for the images' own. Encoding wants multiples of 8. Default: null."""

    resize_mode: Literal["default", "crop"]
    """"default" stretches; "crop" keeps the proportions, covers height and width, and cuts out the middle. Default:
    "default"."""

    width: int | None
    """Width to resize to; as the height. Default: null."""


class ConvertOptions(TypedDict, total=False):
    """Options of pixart_convert."""

    parts: Sequence[Literal["text_encoder", "transformer", "vae"]] | None
    """Parts to write, the tokenizer with the text encoder and the scheduler with the transformer; null stands for all
    that the checkpoint has. Default: null."""

    threads: int
    """Threads that work for this handle; 0 stands for one on each processor that the process may use, 128 at most.
    Default: 0."""

    unexpected_tensors: Literal["error", "ignore"]
    """What becomes of tensors that the network does not use. Those that are known to be harmless, such as the learned
    null caption of published transformers, are always ignored, and those that only another architecture has are always
    refused. Of others, "error" refuses the checkpoint and names one; "ignore" passes them over. Default: "error"."""

    variant: str | None
    """Which files of the checkpoint to use, as in from_pretrained(variant=...): "fp16" takes those with .fp16. in their
    names. Default: null."""

    weights: Literal["float32", "bfloat16", "int8", "int4"]
    """Precision to store weights in. Layers that would suffer are stored higher; biases, norms and tables stay as they
    are, except that "float32" widens them. What is written, opened with the defaults, computes the same bits as the
    original opened with the same "weights". For int8 and int4 the VAE stays as it is: it is small, and takes nothing
    lower than bfloat16. Default: "int8"."""


class MemoryEstimateOptions(TypedDict, total=False):
    """Options of pixart_memory_estimate."""

    compute: Literal["auto", "float32", "bfloat16", "int8"]
    """What products are computed in, summed in float32. "auto": int8 for weights of int8 and int4, float32 for others.
    "bfloat16" goes with all weights. "int8" rounds what goes into a product to one scale for each token; it takes
    weights of int8 or int4, and if "weights" is "auto" it makes floating-point ones int8. Between instruction sets,
    "bfloat16" and "int8" give numbers that differ by a part of what they lose anyway: rounding amplifies differences in
    the last bits of its input. Default: "auto"."""

    guidance_scale: float
    """Weight of classifier-free guidance. It is used, and doubles the work, where it is above 1. Default: 4.5."""

    height: int | None
    """Height of the picture in pixels; null stands for the checkpoint's own. Without binning it must be divisible by 8
    times the patch size (16). Default: null."""

    instructions: Literal["auto", "avx512_bf16", "avx512", "avx2", "portable"]
    """Instruction set that is computed with. "auto" is the best that this processor has; the others are there for tests
    and comparisons, and an error that names those at hand where the processor lacks one. Default: "auto"."""

    num_images_per_prompt: int
    """Pictures made at once, of each prompt. Default: 1."""

    pag_scale: float
    """Weight of perturbed-attention guidance, as of PixArtSigmaPAGPipeline, with or without classifier-free guidance:
    away from what the prompt makes without self-attention. It is used, and adds the work of one more prediction, where
    it is above 0. Default: 0.0."""

    prompts: int
    """Prompts of pixart_sampler_create_batch. Default: 1."""

    residency: Literal["resident", "streamed"]
    """"resident": weights are held while the encoder is open. "streamed": one layer at a time, made ready again for
    each prompt: little memory, for the time that reading and converting the file takes. Default: "resident"."""

    strength: float | None
    """How far a run goes away from the picture that pixart_sampler_set_image_latents gives: of num_inference_steps,
    int(num_inference_steps * strength) are done, the last ones. null for runs that start from noise. Default: null."""

    threads: int
    """Threads that work for this handle; 0 stands for one on each processor that the process may use, 128 at most.
    Default: 0."""

    tokens: int | None
    """Tokens of a prompt, the closing one included; null stands for the most that "max_sequence_length" allows by
    itself. Default: null."""

    unexpected_tensors: Literal["error", "ignore"]
    """What becomes of tensors that the network does not use. Those that are known to be harmless, such as the learned
    null caption of published transformers, are always ignored, and those that only another architecture has are always
    refused. Of others, "error" refuses the checkpoint and names one; "ignore" passes them over. Default: "error"."""

    use_resolution_binning: bool | None
    """Denoise at the nearest aspect ratio that the checkpoint was trained on; tell decode the height and width to get
    the size asked for. null stands for true where the checkpoint has such sizes (sample_size 32, 64, 128 and 256).
    Default: null."""

    variant: str | None
    """Which files of the checkpoint to use, as in from_pretrained(variant=...): "fp16" takes those with .fp16. in their
    names. Default: null."""

    weights: Literal["auto", "float32", "bfloat16", "int8", "int4"]
    """How weights are held. "auto": as they are stored, in the mapped file, which opens at once. Others are made from
    floating-point weights when the part is opened, layer by layer: "int8" with a scale for each output, "int4" with one
    for four outputs and sixteen inputs; layers that would suffer stay higher. What pixart_convert stored as int8 or
    int4 is held as that. The default keeps results as exact as the files are. Default: "auto"."""

    width: int | None
    """Width of the picture in pixels; as the height. Default: null."""
