#!/usr/bin/env python3
"""Checks if two builds give the same results to the bit, by hashes of many runs on a model.

    tools/bit_for_bit.py record FILE        writes the hash of each run
    tools/bit_for_bit.py compare FILE       runs them again, names those that differ, and exits with 1 if any does

The library is that of $PIXART_LIBRARY, or the release build. The runs are independent of the number of processors. A
file can only be compared on a processor with the instruction sets that it was recorded on.
"""

import argparse
import hashlib
import json
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bindings" / "python" / "src"))

import numpy as np  # noqa: E402

import pixart  # noqa: E402

PROMPT, OTHER = "a cute cat face on a blue background", "an apple"
SMALL = {"seed": 3, "num_inference_steps": 3, "use_resolution_binning": False}
WEIGHTS = ["auto", "float32", "bfloat16", "int8", "int4"]
COMPUTES = ["auto", "float32", "bfloat16", "int8"]
SCHEDULERS = [
    "DDIM", "DDPM", "DEISMultistep", "DPMSolverMultistep", "DPMSolverSDE", "DPMSolverSinglestep", "EDMEuler",
    "EulerAncestralDiscrete", "EulerDiscrete", "HeunDiscrete", "KDPM2AncestralDiscrete", "KDPM2Discrete", "LCM",
    "LMSDiscrete", "PNDM", "SASolver", "TCD", "UniPCMultistep",
]  # fmt: skip
RUNS = {
    "guidance off": {"guidance_scale": 1},
    "guidance in a part": {"guidance_interval": [0.3, 0.8]},
    "perturbed attention": {"pag_scale": 3.0},
    "two images": {"num_images_per_prompt": 2},
    "seeds": {"num_images_per_prompt": 2, "seed": [5, 6]},
    "wide": {"height": 64, "width": 96},
    "sampled result": {"result": "sample"},
    "timesteps": {"num_inference_steps": 1, "timesteps": [400], "scheduler": "DDPM"},
    "karras": {"scheduler": {"name": "DPMSolverMultistep", "use_karras_sigmas": True}},
    "eta": {"scheduler": "DDIM", "eta": 0.5},
}


def digest(value):
    if isinstance(value, np.ndarray):
        value = f"{value.dtype} {value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    elif not isinstance(value, bytes):
        value = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(value).hexdigest()[:32]


def precisions():
    """(name, options) of every precision on every instruction set."""
    for instructions in ("auto", "portable"):
        for weights in WEIGHTS:
            for compute in COMPUTES:
                yield (
                    f"{instructions}, weights {weights}, compute {compute}",
                    {"instructions": instructions, "weights": weights, "compute": compute},
                )


def each_precision(model):
    for name, options in precisions():
        try:
            with pixart.Encoder(model, **options) as encoder:
                prompt, negative = encoder.encode(PROMPT), encoder.encode("")
        except pixart.PixArtError:
            continue  # a pair that is refused
        yield f"encode: {name}", prompt
        with pixart.Denoiser(model, **options) as denoiser:
            latents = denoiser.denoise(prompt, negative, **SMALL)
        yield f"denoise: {name}", latents
        if options["compute"] in ("auto", "float32", "bfloat16"):
            try:
                with pixart.Decoder(model, **{**options, "weights": "auto"}) as decoder:
                    yield f"decode: {name}", decoder.decode(latents)
            except pixart.PixArtError:
                continue


def whole_runs(model):
    with pixart.Encoder(model) as encoder:
        prompt, other, negative = encoder.encode(PROMPT), encoder.encode(OTHER), encoder.encode("")
        yield "tokenize", encoder.tokenize(PROMPT)["ids"]
        yield "tokenize uncleaned", encoder.tokenize("<b>A</b> CAT &amp; dog", clean_caption=False)["ids"]
        yield "encode cleaned", encoder.encode("<b>A</b> CAT &amp;amp; dog http://x.org")
    with pixart.Decoder(model) as decoder, pixart.ImageEncoder(model) as image_encoder:
        with pixart.Denoiser(model) as denoiser:
            for name, options in RUNS.items():
                yield name, denoiser.denoise(prompt, negative, **{**SMALL, **options})
            for name in SCHEDULERS:
                yield (
                    f"scheduler {name}",
                    denoiser.denoise(prompt, negative, **{**SMALL, "num_inference_steps": 6, "scheduler": name}),
                )
            yield "two prompts", denoiser.denoise([prompt, other], negative, **SMALL)
            latents = denoiser.denoise(prompt, negative, **SMALL)
            image = decoder.decode(latents)
            yield "decode", image
            yield "decode float", decoder.decode(latents, output_type="float32")
            encoded = image_encoder.encode(image)
            yield "image encode", encoded
            yield "image encode, sampled", image_encoder.encode(image, sample_mode="sample", seed=2)
            yield "image to image", denoiser.denoise(prompt, negative, image_latents=encoded, **SMALL, strength=0.7)
            mask = np.zeros(image.shape[1:3], bool)
            mask[: mask.shape[0] // 2] = True
            yield "inpaint", denoiser.denoise(prompt, negative, image_latents=encoded, mask=mask, **SMALL, strength=0.9)
            yield "latents", denoiser.denoise(prompt, negative, noise=encoded * 0 + latents, **SMALL)
            with denoiser.sampler(prompt, negative, **SMALL) as sampler:
                for index, step in enumerate(sampler):
                    yield f"step {index}", step
                    yield f"estimate {index}", sampler.predicted_original
                    yield f"preview {index}", sampler.preview()
                yield "timesteps of a run", sampler.timesteps
        yield "resize", pixart.resize_image(image, 40, 56)
        yield "blend", pixart.blend_images(image, image[:, ::-1], mask)


def files(model):
    with tempfile.TemporaryDirectory() as folder:
        for weights in WEIGHTS[1:]:
            out = pathlib.Path(folder) / weights
            pixart.convert(model, out, weights=weights)
            for path in sorted(out.rglob("*.safetensors")):
                yield f"convert {weights}: {path.relative_to(out)}", path.read_bytes()
        path = pathlib.Path(folder) / "image.png"
        pixart.write_image(path, np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3))
        yield "PNG", path.read_bytes()
        yield "PNG read", pixart.read_image(path)


def results(model):
    return {name: digest(value) for group in (each_precision, whole_runs, files) for name, value in group(model)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["record", "compare"])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "emoji")
    arguments = parser.parse_args()
    now = results(arguments.model)
    if arguments.verb == "record":
        arguments.file.write_text(json.dumps(now, indent=1) + "\n")
        print(f"{len(now)} results recorded")
        return 0
    then = json.loads(arguments.file.read_text())
    differing = [name for name in then | now if then.get(name) != now.get(name)]
    for name in differing:
        print(f"differs: {name}" if name in then and name in now else f"only in one: {name}")
    print(f"{len(then | now)} results, {len(differing)} differ")
    return len(differing) > 0


if __name__ == "__main__":
    sys.exit(main())
