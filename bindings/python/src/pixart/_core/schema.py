"""What options a verb of the library takes."""

from __future__ import annotations

import json
from typing import Any

from .arguments import encode_text
from .errors import ArgumentError
from .library import library


def options_schema(verb: str) -> dict[str, Any]:
    """The options of a verb as JSON Schema: types, ranges, defaults and descriptions.

    `verb` is one of "encoder_open", "encode", "encoder_memory", "denoiser_open", "denoise", "denoiser_memory",
    "sampler_preview", "decoder_open", "decode", "decoder_memory", "image_encoder_open", "image_encode",
    "image_encoder_memory", "image_read", "image_write", "image_resize", "convert" and "estimate".
    """
    schema = library().pixart_options_schema(encode_text(verb, "verb"))
    if schema is None:
        raise ArgumentError(f"verb: there is no {verb!r}")
    return dict(json.loads(schema))
