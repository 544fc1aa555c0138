"""Makes one image with several schedulers and several numbers of steps, to compare how many each needs.

    python examples/python/compare_schedulers.py --schedulers UniPCMultistep DDIM --steps 4 8 16

The images are in one file, with a row for each scheduler and a column for each number of steps.
"""

import argparse

import numpy as np

import pixart

SCHEDULERS = [
    "DPMSolverMultistep",
    "UniPCMultistep",
    "SASolver",
    "EulerDiscrete",
    "EulerAncestralDiscrete",
    "HeunDiscrete",
    "DDIM",
    "DDPM",
]

CLIPPING = ["DDIM", "DDPM", "LCM", "TCD"]
"""These clip their predictions to -1 ... 1 by default. That is right for pixels, but not for latents."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a red car on a yellow background")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--schedulers", nargs="+", default=SCHEDULERS, help="names of diffusers' classes")
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 3, 4, 6, 10, 20, 50])
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="schedulers.png")
    args = parser.parse_args()

    with pixart.Encoder(args.model) as encoder:
        prompt, negative = encoder.encode(args.prompt), encoder.encode("")
    rows = []
    with pixart.Denoiser(args.model) as denoiser, pixart.Decoder(args.model) as decoder:
        for name in args.schedulers:
            scheduler = {"name": name, "clip_sample": False} if name in CLIPPING else name
            options = {"scheduler": scheduler, "guidance_scale": args.guidance, "seed": args.seed}
            runs = [denoiser.denoise(prompt, negative, num_inference_steps=steps, **options) for steps in args.steps]
            rows.append(np.hstack([decoder.decode(latents)[0] for latents in runs]))
            print(f"{name}: {', '.join(map(str, args.steps))} steps")

    names = {"rows": "\n".join(args.schedulers), "columns": "\n".join(f"{steps} steps" for steps in args.steps)}
    pixart.write_image(args.output, np.vstack(rows), text={"prompt": args.prompt, **names})
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
