"""Text to embedding."""

from __future__ import annotations

import json
from ctypes import byref, c_void_p, string_at
from typing import Any

import numpy as np
import numpy.typing as npt

from ._handle import Handle
from ._library import library
from ._options import Path, encode_options, encode_path, encode_text
from ._tensor import produced


class Encoder(Handle):
    """The tokenizer and T5 text encoder of a checkpoint. Any number of threads may use it at once.

    `model` is a folder in the diffusers layout; options are those of `options_schema("encoder_open")`.
    """

    def __init__(self, model: Path, **options: Any) -> None:
        c = library()
        arguments = encode_path(model), encode_options(options)
        super().__init__(lambda out: c.pixart_encoder_open(*arguments, out), c.pixart_encoder_release)

    def encode(self, prompt: str, **options: Any) -> npt.NDArray[np.float32]:
        """The embedding of a prompt: float32 [S, E], one row for each real token, without padding."""
        arguments = encode_text(prompt, "prompt"), encode_options(options)
        with self._in_use() as encoder:
            return produced(lambda out: library().pixart_encode(encoder, *arguments, out))

    def tokenize(self, prompt: str, **options: Any) -> dict[str, Any]:
        """What encode() would feed the network: the keys text, ids, pieces, max_sequence_length, truncated_tokens
        and truncated_text."""
        arguments, report = (encode_text(prompt, "prompt"), encode_options(options)), c_void_p()
        with self._in_use() as encoder:
            library().pixart_encoder_tokenize(encoder, *arguments, byref(report))
        try:
            return dict(json.loads(string_at(report.value or 0)))
        finally:
            library().pixart_string_release(report)
