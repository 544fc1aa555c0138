"""Makes an image with the model that is used when none is named, and writes its pixels.

picture.py PIXELS           by pixart.generate(); prints versions, the seconds of import and image, and the library
picture.py PIXELS PNG       of a file that the command made
"""

import pathlib
import platform
import sys
import time

start = time.monotonic()
import numpy  # noqa: E402

import pixart  # noqa: E402
from pixart._core.library import library  # noqa: E402


def main():
    if len(sys.argv) > 2:
        images = pixart.read_image(sys.argv[2])
    else:
        images = pixart.generate("a cute cat face on a blue background", seed=0)
    seconds = time.monotonic() - start
    pathlib.Path(sys.argv[1]).write_bytes(images.tobytes())
    assert pixart.version() == pixart.__version__
    print(f"Python {platform.python_version()}, numpy {numpy.__version__}, {seconds:.1f} s, {library()._name}")


if __name__ == "__main__":
    main()
