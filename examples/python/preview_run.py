"""Watches a run: shows the predicted original after each step.

    python examples/python/preview_run.py "a red car on a yellow background" --steps 20 --at 1 5 10 20

The file has two rows: the previews, which cost almost nothing and have one pixel for each latent, and the same
predicted originals decoded.
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
    parser.add_argument("--at", type=int, nargs="+", default=[1, 2, 4, 6, 9, 13, 20], help="steps after which to look")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="preview.png")
    args = parser.parse_args()

    with pixart.Encoder(args.model) as encoder:
        prompt, negative = encoder.encode(args.prompt), encoder.encode("")
    previews, decoded = [], []
    with pixart.Denoiser(args.model) as denoiser, pixart.Decoder(args.model) as decoder:
        options = {"num_inference_steps": args.steps, "guidance_scale": args.guidance, "seed": args.seed}
        sampler = denoiser.sampler(prompt, negative, **options)
        for _ in sampler:
            if sampler.step_index in args.at:
                preview = sampler.preview()[0]  # one pixel for each latent
                previews.append(preview.repeat(8, axis=0).repeat(8, axis=1))
                decoded.append(decoder.decode(sampler.predicted_original)[0])
                print(f"after step {sampler.step_index}")

    names = {"rows": "preview\ndecoded", "columns": "\n".join(f"step {step}" for step in sorted(args.at))}
    grid = np.vstack([np.hstack(previews), np.hstack(decoded)])
    pixart.write_image(args.output, grid, text={"prompt": args.prompt, **names})
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
