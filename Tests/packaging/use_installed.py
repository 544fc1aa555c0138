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

assert (folder / "models").is_symlink(), "a copy of the model"
prompt = "a cute cat face on a blue background"
images = pixart.generate(prompt, seed=7, num_inference_steps=20, guidance_scale=4.5)
pixart.write_image(sys.argv[1], images)
