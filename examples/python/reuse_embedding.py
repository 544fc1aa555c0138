"""Encodes a prompt once and makes several images of it. Each stage could run in another process or on another machine.

    python examples/python/reuse_embedding.py --seeds 0 1 2

The stages exchange `embedding.safetensors` and `latents-SEED.safetensors`.
"""

import argparse
import pathlib

import pixart


def encode(model: str, prompt: str, path: pathlib.Path) -> None:
    with pixart.Encoder(model) as encoder:
        pixart.save_tensors(path, {"prompt": encoder.encode(prompt), "negative": encoder.encode("")})


def denoise(model: str, embedding: pathlib.Path, seed: int, steps: int, path: pathlib.Path) -> None:
    tensors = pixart.load_tensors(embedding)
    with pixart.Denoiser(model) as denoiser:
        latents = denoiser.denoise(tensors["prompt"], tensors["negative"], seed=seed, num_inference_steps=steps)
    pixart.save_tensors(path, {"latents": latents})


def decode(model: str, latents: pathlib.Path, path: pathlib.Path) -> None:
    with pixart.Decoder(model) as decoder:
        pixart.write_image(path, decoder.decode(pixart.load_tensors(latents)["latents"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a cute cat face on a blue background")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("."), help="folder for the files")
    args = parser.parse_args()

    args.folder.mkdir(parents=True, exist_ok=True)
    embedding = args.folder / "embedding.safetensors"
    encode(args.model, args.prompt, embedding)
    for seed in args.seeds:
        latents = args.folder / f"latents-{seed}.safetensors"
        path = args.folder / f"image-{seed}.png"
        denoise(args.model, embedding, seed, args.steps, latents)
        decode(args.model, latents, path)
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
