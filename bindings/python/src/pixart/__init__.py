"""PixArt-alpha text-to-image on CPUs: numpy arrays around libpixart.

    with pixart.Encoder(model) as encoder:
        prompt, negative = encoder.encode("cute cat"), encoder.encode("")
    with pixart.Denoiser(model) as denoiser:
        latents = denoiser.denoise(prompt, negative, seed=0, num_inference_steps=20, progress=True)
    with pixart.Decoder(model) as decoder:
        images = decoder.decode(latents)  # uint8 [B, H, W, 3]

The C library is loaded at the first call that needs it.
"""

from ._checkpoint import convert, estimate
from ._decoder import Decoder
from ._denoiser import Denoiser, Sampler
from ._encoder import Encoder
from ._errors import (
    ArgumentError,
    Cancelled,
    FileError,
    InternalError,
    LibraryNotFound,
    OutOfMemoryError,
    PixArtError,
)
from ._image import blend_images, read_image, resize_image, write_image
from ._image_encoder import ImageEncoder
from ._library import version
from ._options import options_schema
from ._padded import from_padded, to_padded
from ._size_flags import parse_size_flags
from ._styles import apply_style, styles
from ._tensor import load_tensors, save_tensors
from ._weighting import encode_weighted, parse_weights

__all__ = [
    "ArgumentError",
    "Cancelled",
    "Decoder",
    "Denoiser",
    "Encoder",
    "FileError",
    "ImageEncoder",
    "InternalError",
    "LibraryNotFound",
    "OutOfMemoryError",
    "PixArtError",
    "Sampler",
    "apply_style",
    "blend_images",
    "convert",
    "encode_weighted",
    "estimate",
    "from_padded",
    "load_tensors",
    "options_schema",
    "parse_size_flags",
    "parse_weights",
    "read_image",
    "resize_image",
    "save_tensors",
    "styles",
    "to_padded",
    "version",
    "write_image",
]
