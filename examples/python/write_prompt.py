"""Makes an image from a prompt with weights, size flags and a style.

    python examples/python/write_prompt.py "a cat face on a (blue:1.3) background --ar 2:3" --style "Pixel art"

docs/prompts.md describes the syntax of prompts.
"""

import argparse

import pixart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="a (cute:0.8) cat face on a (blue:1.3) background --ar 1:1")
    parser.add_argument("--model", default="models/emoji", help="a folder in the diffusers layout")
    parser.add_argument("--negative", default="", help="what the image should not show")
    parser.add_argument("--style", default="(No style)", help="one of " + ", ".join(pixart.prompts.styles()))
    parser.add_argument("--base", type=int, default=128, help="side of the model's square image")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="image.png")
    args = parser.parse_args()

    text, size = pixart.prompts.parse_size_flags(args.prompt, args.base)
    text, negative_text = pixart.prompts.apply_style(args.style, text, args.negative)
    with pixart.Encoder(args.model) as encoder:
        prompt = pixart.prompts.encode_weighted(encoder, text)
        negative = pixart.prompts.encode_weighted(encoder, negative_text)
    with pixart.Denoiser(args.model) as denoiser:
        latents = denoiser.denoise(prompt, negative, num_inference_steps=args.steps, seed=args.seed, **size)
    with pixart.Decoder(args.model) as decoder:
        images = decoder.decode(latents, **size)

    pixart.write_image(args.output, images, text={"prompt": args.prompt, "style": args.style})
    height, width = images.shape[1:3]
    print(f"wrote {args.output}, {height} pixels high and {width} wide: {text}")


if __name__ == "__main__":
    main()
