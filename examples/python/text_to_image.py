"""Makes a picture from text.

    python examples/python/text_to_image.py "a cute cat face on a blue background" --output cat.png

Needs `pip install './bindings/python[progress]'`.
"""

import argparse

import pixart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a cute cat face on a blue background")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--negative", default="", help="what to steer away from")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="picture.png")
    args = parser.parse_args()

    # Each stage closes before the next one opens, so that only one is in memory.
    with pixart.Encoder(args.model) as encoder:
        prompt, negative = encoder.encode(args.prompt), encoder.encode(args.negative)
    with pixart.Denoiser(args.model) as denoiser:
        latents = denoiser.denoise(
            prompt,
            negative,
            num_inference_steps=args.steps,
            guidance_scale=args.guidance,
            seed=args.seed,
            progress=True,
        )
    with pixart.Decoder(args.model) as decoder:
        images = decoder.decode(latents)

    settings = {"steps": args.steps, "guidance": args.guidance, "seed": args.seed}
    text = {"prompt": args.prompt, "negative": args.negative, **{key: str(value) for key, value in settings.items()}}
    pixart.write_image(args.output, images, text=text)
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
