"""Inpainting: regenerates part of an image. Pixels outside the mask do not change.

    python examples/python/inpaint.py --image docs/images/demo.png --box 0 64 128 128 "a panda on a blue background"

A mask is white where the image is regenerated: a PNG file (--mask), or a box in pixels (--box TOP LEFT BOTTOM RIGHT).
The images are in one file: the given one, the mask, the decoded result, and the result with the unmasked pixels copied
from the given image, because the decoder does not reproduce them exactly.
"""

import argparse

import numpy as np

import pixart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a panda on a blue background")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--image", default="docs/images/demo.png", help="a PNG file")
    parser.add_argument("--mask", help="a PNG file, white where the image is regenerated")
    parser.add_argument("--box", type=int, nargs=4, default=[0, 64, 128, 128], help="top, left, bottom, right")
    parser.add_argument("--size", type=int, default=128, help="side of the images in pixels")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="inpaint.png")
    args = parser.parse_args()

    size = {"height": args.size, "width": args.size}
    image = pixart.resize_image(pixart.read_image(args.image), resize_mode="crop", **size)
    if args.mask:
        mask = pixart.resize_image(pixart.read_image(args.mask, channels=1), resize_mode="crop", **size)
    else:
        top, left, bottom, right = args.box
        mask = np.zeros((args.size, args.size, 1), np.uint8)
        mask[top:bottom, left:right] = 255

    with pixart.ImageEncoder(args.model) as image_encoder:
        start = image_encoder.encode(image, sample_mode="argmax")
    with pixart.Encoder(args.model) as encoder:
        prompt, negative = encoder.encode(args.prompt), encoder.encode("")
    with pixart.Denoiser(args.model) as denoiser:
        options = {"num_inference_steps": args.steps, "guidance_scale": args.guidance, "seed": args.seed, **size}
        latents = denoiser.denoise(prompt, negative, image_latents=start, mask=mask, strength=args.strength, **options)
    with pixart.Decoder(args.model) as decoder:
        images = decoder.decode(latents)
    blended = pixart.blend_images(images, image[np.newaxis], mask)

    strip = np.hstack([image, np.repeat(mask, 3, axis=2), images[0], blended[0]])
    text = {"prompt": args.prompt, "columns": "source\nmask\nresult\nblended"}
    pixart.write_image(args.output, strip, text=text)
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
