"""Makes new images that start from a given one. The strength sets how much of it changes.

    python examples/python/image_to_image.py --image docs/images/demo.png "a fox on a red background"

The images are in one file: the given one, then one for each strength.
"""

import argparse

import numpy as np

import pixart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a fox on a red background")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--image", default="docs/images/demo.png", help="a PNG file")
    parser.add_argument("--size", type=int, default=128, help="side of the images in pixels")
    parser.add_argument("--strengths", type=float, nargs="+", default=[0.04, 0.08, 0.12, 0.2, 0.3, 0.4, 0.6])
    parser.add_argument(
        "--steps", type=int, default=50, help="steps of a full run; a strength of 0.5 takes half of them"
    )
    parser.add_argument("--guidance", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="image_to_image.png")
    args = parser.parse_args()

    size = {"height": args.size, "width": args.size}
    image = pixart.resize_image(pixart.read_image(args.image), resize_mode="crop", **size)
    with pixart.ImageEncoder(args.model) as image_encoder:
        start = image_encoder.encode(image, sample_mode="argmax")
    with pixart.Encoder(args.model) as encoder:
        prompt, negative = encoder.encode(args.prompt), encoder.encode("")
    images = [image]
    with pixart.Denoiser(args.model) as denoiser, pixart.Decoder(args.model) as decoder:
        for strength in args.strengths:
            options = {"num_inference_steps": args.steps, "guidance_scale": args.guidance, "seed": args.seed, **size}
            latents = denoiser.denoise(prompt, negative, image_latents=start, strength=strength, **options)
            images.append(decoder.decode(latents)[0])
            print(f"strength {strength:g}")

    names = ["source", *(f"strength {strength:g}" for strength in args.strengths)]
    pixart.write_image(args.output, np.hstack(images), text={"prompt": args.prompt, "columns": "\n".join(names)})
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
