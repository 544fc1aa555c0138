"""PixArt-alpha and PixArt-Sigma text-to-image on CPUs, through libpixart. Inputs and results are numpy arrays.

In one call::

    images = pixart.generate("cute cat", model=model, seed=0, progress=True)  # uint8 [B, H, W, 3]
    images.save("cat.png")

The same in three stages::

    with pixart.Encoder(model) as encoder:
        prompt, negative = encoder.encode("cute cat"), encoder.encode("")
    with pixart.Denoiser(model) as denoiser:
        latents = denoiser.denoise(prompt, negative, seed=0, num_inference_steps=20, progress=True)
    with pixart.Decoder(model) as decoder:
        images = decoder.decode(latents)

The first call that needs the C library loads it.
"""

from . import options, prompts
from ._checkpoint import convert, inspect, memory_estimate
from ._core.errors import (
    ArgumentError,
    Cancelled,
    ClosedError,
    FileError,
    InternalError,
    LibraryNotFound,
    ModelError,
    OutOfMemoryError,
    PixArtError,
    StateError,
    Status,
)
from ._core.library import version
from ._core.schema import options_schema, verbs
from ._decoder import Decoder
from ._denoiser import Denoiser
from ._encoder import Encoder
from ._image import blend_images, decode_png, detect_edges, encode_png, read_image, resize_image, write_image
from ._image_encoder import ImageEncoder
from ._images import Images, read_settings
from ._models import default_model
from ._padded import from_padded, to_padded
from ._pipeline import Pipeline, generate
from ._sampler import Sampler
from ._tensor_file import list_tensors, load_tensors, save_tensors
from ._version import __version__

__all__ = [
    "ArgumentError",
    "Cancelled",
    "ClosedError",
    "Decoder",
    "Denoiser",
    "Encoder",
    "FileError",
    "ImageEncoder",
    "Images",
    "InternalError",
    "LibraryNotFound",
    "ModelError",
    "OutOfMemoryError",
    "Pipeline",
    "PixArtError",
    "Sampler",
    "StateError",
    "Status",
    "__version__",
    "blend_images",
    "convert",
    "decode_png",
    "default_model",
    "detect_edges",
    "encode_png",
    "from_padded",
    "generate",
    "inspect",
    "list_tensors",
    "load_tensors",
    "memory_estimate",
    "options",
    "options_schema",
    "prompts",
    "read_image",
    "read_settings",
    "resize_image",
    "save_tensors",
    "to_padded",
    "verbs",
    "version",
    "write_image",
]
