"""Makes images of several seeds with several guidance scales, to compare the effects of guidance and seed.

    python examples/python/compare_guidance.py "an owl on a blue background" --guidance 1 4.5 9 --seeds 0 1

The images are in one file, with a row for each seed and a column for each guidance scale.
"""

import argparse

import numpy as np

import pixart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a red apple on red")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, 1.5, 2.0, 3.0, 4.5, 8.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--output", default="guidance.png")
    args = parser.parse_args()

    with pixart.Encoder(args.model) as encoder:
        prompt, negative = encoder.encode(args.prompt), encoder.encode("")
    columns = []
    with pixart.Denoiser(args.model) as denoiser, pixart.Decoder(args.model) as decoder:
        for guidance in args.guidance:
            latents = denoiser.denoise(
                prompt,
                negative,
                guidance_scale=guidance,
                num_inference_steps=args.steps,
                num_images_per_prompt=len(args.seeds),
                seed=args.seeds,  # one for each image: the noise is that of a separate run
            )
            columns.append(np.vstack(list(decoder.decode(latents))))
            print(f"guidance {guidance:g}: seeds {', '.join(map(str, args.seeds))}")

    names = {
        "rows": "\n".join(f"seed {seed}" for seed in args.seeds),
        "columns": "\n".join(f"guidance {guidance:g}" for guidance in args.guidance),
    }
    pixart.write_image(args.output, np.hstack(columns), text={"prompt": args.prompt, **names})
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
