"""Calls that type checkers refuse, each with the word that the error names; read by test_types.py, never run."""

import numpy as np
import numpy.typing as npt

import pixart
from pixart.options import DenoiseOptions

options: DenoiseOptions = {"seeds": 1}  # refused: seeds
pixart.generate("a cat", model="model", num_inference_stepz=5)  # refused: num_inference_stepz
pixart.generate("a cat", model="model", weights="int5")  # refused: weights
encoder = pixart.Encoder("model", residency="paged")  # refused: residency
pixart.Denoiser("model", preset="quick")  # refused: preset
encoder.encode("", clean_captions=True)  # refused: encode
encoder.memory(tokens="many")  # refused: tokens
denoiser = pixart.Denoiser("model", threads="all")  # refused: threads
denoiser.denoise([], num_inference_stepz=5)  # refused: num_inference_stepz
denoiser.denoise([], guidance_scale="high")  # refused: guidance_scale
denoiser.denoise([], controlnet_conditioning_scale="high")  # refused: controlnet_conditioning_scale
denoiser.denoise([], scheduler="Euler")  # refused: scheduler
denoiser.sampler([], guidance_scale="high")  # refused: guidance_scale
denoiser.sampler([]).preview(rgb_bias=1)  # refused: rgb_bias
denoiser.memory(pag_scale="high")  # refused: pag_scale
pixart.Decoder("model").decode([], output_type="int8")  # refused: decode
floats: npt.NDArray[np.float32] = pixart.Decoder("model").decode([])  # refused: assignment
pixart.Decoder("model").memory(low_memory="yes")  # refused: low_memory
pixart.ImageEncoder("model").encode([], sample_mode="mean")  # refused: sample_mode
pixart.read_image("cat.png", channels=2)  # refused: channels
pixart.resize_image([], resize_mode="fill")  # refused: resize_mode
pixart.convert("model", "out", parts="vae")  # refused: parts
pixart.memory_estimate("model", "paint")  # refused: memory_estimate
