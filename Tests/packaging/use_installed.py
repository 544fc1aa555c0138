"""Makes the image of examples/c/text_to_image.c with the installed package, and checks that it holds no copy of the
library: use_installed.py OUT.png"""

import importlib.metadata
import pathlib
import sys

import pixart

folder = pathlib.Path(pixart.__file__).parent
assert folder == pathlib.Path("/usr/lib/python3/dist-packages/pixart"), folder
assert not list(folder.rglob("*.so*")), "a library inside the package"
assert importlib.metadata.version("pixart") == pixart.__version__ == pixart.version()

model = folder / "models" / "emoji"
images = pixart.text_to_image(model, "a cute cat face on a blue background", seed=SEED)
pixart.write_image(sys.argv[1], images)
