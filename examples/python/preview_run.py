"""Watches a run: what the picture will be, as it is estimated after each step.

    python examples/python/preview_run.py "a red car on a yellow background" --steps 20 --at 1 5 10 20

Two rows stand in one file: the previews, which cost nothing to speak of and have a pixel for each latent, and the same
estimates through the decoder.
"""

import argparse

import numpy as np

import pixart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a red car on a yellow background")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--at", type=int, nargs="+", default=[1, 2, 4, 6, 9, 13, 20], help="steps to look after")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="preview.png")
    args = parser.parse_args()

    with pixart.Encoder(args.model) as encoder:
        prompt, negative = encoder.encode(args.prompt), encoder.encode("")
    previews, pictures = [], []
    with pixart.Denoiser(args.model) as denoiser, pixart.Decoder(args.model) as decoder:
        options = {"num_inference_steps": args.steps, "guidance_scale": args.guidance, "seed": args.seed}
        sampler = denoiser.sampler(prompt, negative, **options)
        for _ in sampler:
            if sampler.step_index in args.at:
                preview = sampler.preview()[0]  # one pixel for each latent
                previews.append(preview.repeat(8, axis=0).repeat(8, axis=1))
                pictures.append(decoder.decode(sampler.predicted_original)[0])
                print(f"after step {sampler.step_index}")

    names = {"rows": "preview\ndecoded", "columns": "\n".join(f"step {step}" for step in sorted(args.at))}
    grid = np.vstack([np.hstack(previews), np.hstack(pictures)])
    pixart.write_image(args.output, grid, text={"prompt": args.prompt, **names})
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
