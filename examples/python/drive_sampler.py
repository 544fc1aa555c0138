"""Advances a run step by step, and writes the decoded latents as images.

python examples/python/drive_sampler.py --every 5
"""

import argparse
import pathlib

import pixart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a cute cat face on a blue background")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=5, help="write an image after every so many steps")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("."), help="folder for the images")
    args = parser.parse_args()

    args.folder.mkdir(parents=True, exist_ok=True)
    with pixart.Encoder(args.model) as encoder:
        prompt, negative = encoder.encode(args.prompt), encoder.encode("")
    with pixart.Denoiser(args.model) as denoiser, pixart.Decoder(args.model) as decoder:
        sampler = denoiser.sampler(prompt, negative, num_inference_steps=args.steps, seed=args.seed)
        timesteps = sampler.timesteps
        for index, latents in enumerate(sampler):
            print(
                f"step {index + 1:3} of {sampler.steps}: timestep {timesteps[index]:5.0f}, spread {latents.std():.3f}"
            )
            if (index + 1) % args.every == 0 or index + 1 == sampler.steps:
                pixart.write_image(args.folder / f"step-{index + 1:03}.png", decoder.decode(latents))


if __name__ == "__main__":
    main()
