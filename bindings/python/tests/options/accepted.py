"""Calls that type checkers accept; read by test_types.py, never run."""

import numpy as np
import numpy.typing as npt

import pixart
from pixart.options import DenoiseOptions

options: DenoiseOptions = {"num_inference_steps": 5, "guidance_scale": 3, "seed": [1, 2]}
pixart.generate("a cat", model="model", num_inference_steps=5, guidance_scale=3.0, scheduler="DDIM")
pixart.generate("a cat", model="model", preset="balanced")
pixart.generate(["a cat", "an owl"], "fog", model="model", weights="int4", height=None)
text, size = pixart.prompts.parse_size_flags("a cat --ar 2:3")
with pixart.Encoder("model", weights="int8", residency="streamed") as encoder:
    prompt = pixart.prompts.encode_weighted(encoder, text, max_sequence_length=100)
    both: list[npt.NDArray[np.float32]] = encoder.encode(["a cat", "an owl"])
    negative = encoder.encode("", clean_caption=False)
    peak: int = encoder.memory(tokens=20)["peak"]
with pixart.Denoiser("model", compute="bfloat16") as denoiser:
    latents = denoiser.denoise([prompt, prompt], negative, progress=print, **options)
    scheduler = {"_class_name": "DDIMScheduler", "eta": 0.5}
    for step in denoiser.sampler(prompt, negative, scheduler=scheduler, guidance_interval=(0.0, 0.5), **size):
        step.mean()
with pixart.Denoiser("model", controlnet="ORG/NAME", preset="fast", residency="streamed") as controlled:
    controlled.denoise(prompt, negative, control=latents, controlnet_conditioning_scale=0.7, control_guidance_end=0.5)
with pixart.Decoder("model") as decoder:
    pixart.write_image("cat.png", decoder.decode(latents, low_memory=True, **size), text={"prompt": text})
    pixels: npt.NDArray[np.uint8] = decoder.decode(latents, output_type="uint8", low_memory=True)
    values: npt.NDArray[np.float32] = decoder.decode(latents, output_type="float32", height=64, width=64)
with pixart.ImageEncoder("model", variant="fp16") as image_encoder:
    image_encoder.encode(pixart.read_image("cat.png", channels=3), sample_mode="argmax")
pixart.convert("model", "out", weights="int4", parts=["vae"], progress=True)
pixart.memory_estimate("model", "decode", height=512, width=512, preset=None)
