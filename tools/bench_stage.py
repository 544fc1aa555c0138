#!/usr/bin/env python3
"""Times one stage in one engine, and prints a line of JSON: seconds, peak memory.

    bench_stage.py CHECKPOINT encode|step|decode --engine pixart|torch --px 512

    encode   one prompt of 20 tokens (the reference pads it to 120)
    step     one denoising step with guidance: 20 prompt tokens, 1 negative token
    decode   one picture

Everything is float32 on all cores. Engines are to be compared within one run on one quiet machine: see bench.py.
"""
import argparse
import ctypes
import gc
import json
import os
import pathlib
import statistics
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np

TOKENS = 20
PROMPT = "a b c d e f g h i j k l m n o p q r s"


def pixart_stage(args):
    import pixart
    noise = np.random.default_rng(0)
    if args.stage == "encode":
        encoder = pixart.Encoder(args.checkpoint)
        return lambda: encoder.encode(PROMPT, max_sequence_length=TOKENS)
    if args.stage == "decode":
        decoder = pixart.Decoder(args.checkpoint)
        latents = noise.standard_normal((1, 4, args.px // 8, args.px // 8), dtype=np.float32)
        return lambda: decoder.decode(latents)
    denoiser = pixart.Denoiser(args.checkpoint)
    prompt, negative = (0.2 * noise.standard_normal((rows, 4096), dtype=np.float32) for rows in (TOKENS, 1))
    sampler = denoiser.sampler(
        prompt, negative, height=args.px, width=args.px, num_inference_steps=100, use_resolution_binning=False)
    return sampler.step


def torch_stage(args):
    import torch
    from diffusers import AutoencoderKL, PixArtTransformer2DModel
    from transformers import T5EncoderModel
    torch.set_grad_enabled(False)
    generator = torch.Generator().manual_seed(1)
    if args.stage == "encode":
        model = T5EncoderModel.from_pretrained(args.checkpoint, subfolder="text_encoder", dtype=torch.float32).eval()
        ids = torch.zeros(1, 120, dtype=torch.int64)
        ids[0, :TOKENS] = torch.randint(3, 32000, (TOKENS,), generator=generator)
        return lambda: model(input_ids=ids, attention_mask=(ids > 0).long())
    side = args.px // 8
    if args.stage == "decode":
        vae = AutoencoderKL.from_pretrained(args.checkpoint, subfolder="vae", torch_dtype=torch.float32).eval()
        vae = vae.to(memory_format=torch.channels_last)
        latents = torch.randn(1, 4, side, side, generator=generator).contiguous(memory_format=torch.channels_last)
        return lambda: vae.decode(latents)
    model = PixArtTransformer2DModel.from_pretrained(
        args.checkpoint, subfolder="transformer", torch_dtype=torch.float32).eval()
    mask = torch.zeros(2, 120)
    mask[0, :1], mask[1, :TOKENS] = 1, 1
    size = {"resolution": None, "aspect_ratio": None}
    if model.use_additional_conditions:
        size = {"resolution": torch.tensor([[float(args.px)] * 2] * 2), "aspect_ratio": torch.ones(2, 1)}
    inputs = dict(
        hidden_states=torch.randn(2, 4, side, side, generator=generator), timestep=torch.full((2,), 500),
        encoder_hidden_states=0.2 * torch.randn(2, 120, 4096, generator=generator), encoder_attention_mask=mask,
        added_cond_kwargs=size)
    return lambda: model(**inputs)


def memory(key):
    """A line of /proc/self/status in MiB."""
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return round(int(line.split()[1]) / 1024)


def reset_peak():
    """Forgets what loading the model needed."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("stage", choices=["encode", "step", "decode"])
    parser.add_argument("--engine", choices=["pixart", "torch"], default="pixart")
    parser.add_argument("--px", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    start = time.perf_counter()
    run = (pixart_stage if args.engine == "pixart" else torch_stage)(args)
    opened = time.perf_counter() - start
    reset_peak()
    run()
    times = []
    for _ in range(args.repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    print(json.dumps(dict(
        stage=args.stage, px=args.px, engine=args.engine, seconds_min=round(min(times), 3),
        seconds_median=round(statistics.median(times), 3), open_seconds=round(opened, 3), peak_mib=memory("VmHWM"),
        anonymous_mib=memory("RssAnon"))))


if __name__ == "__main__":
    main()
