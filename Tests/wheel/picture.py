"""Makes an image with the model that is used when none is named, and writes its pixels.

picture.py PIXELS      prints versions, the library's place and the seconds of import and image
"""

import pathlib
import platform
import sys
import time

start = time.monotonic()
import numpy  # noqa: E402

import pixart  # noqa: E402
from pixart._core.library import _places  # noqa: E402
from pixart._models import default_model  # noqa: E402


def picture():
    model = default_model()
    with pixart.Encoder(model) as encoder:
        prompt, negative = encoder.encode("a cute cat face on a blue background"), encoder.encode("")
    with pixart.Denoiser(model) as denoiser:
        latents = denoiser.denoise(prompt, negative, seed=0, num_inference_steps=20)
    with pixart.Decoder(model) as decoder:
        return decoder.decode(latents)


def main():
    images = picture()
    pathlib.Path(sys.argv[1]).write_bytes(images.tobytes())
    assert pixart.version() == pixart.__version__
    print(
        f"Python {platform.python_version()}, numpy {numpy.__version__}, {images.shape[2]} x {images.shape[1]} pixels, "
        f"{time.monotonic() - start:.1f} s, {_places()[0]}"
    )


if __name__ == "__main__":
    main()
