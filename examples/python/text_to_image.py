"""Makes an image from text.

python examples/python/text_to_image.py "a cute cat face on a blue background" --output cat.png
"""

import argparse

import pixart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a cute cat face on a blue background")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--negative", default="", help="what the image should not show")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="image.png")
    args = parser.parse_args()

    images = pixart.generate(
        args.prompt,
        args.negative,
        model=args.model,
        num_inference_steps=args.steps,
        guidance_scale=args.guidance,
        seed=args.seed,
        progress=True,
    )
    images.save(args.output)
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
