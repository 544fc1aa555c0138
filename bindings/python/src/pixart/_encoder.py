"""Text to embedding."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._call import interruptible
from ._handle import Handle
from ._library import library
from ._options import Path, encode_options, encode_path, encode_text, told
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

        def run() -> npt.NDArray[np.float32]:
            with self._in_use() as encoder:
                return produced(lambda out: library().pixart_encode(encoder, *arguments, out))

        return interruptible(run)

    def tokenize(self, prompt: str, **options: Any) -> dict[str, Any]:
        """What encode() would feed the network: the keys text, ids, pieces, max_sequence_length, truncated_tokens
        and truncated_text."""
        arguments = encode_text(prompt, "prompt"), encode_options(options)
        with self._in_use() as encoder:
            return told(lambda report: library().pixart_encoder_tokenize(encoder, *arguments, report))

    def memory(self, **options: Any) -> dict[str, int]:
        """What encode() takes of memory, in bytes, for a prompt of `tokens` tokens: the keys weights_resident,
        weights_mapped, activations, peak (their sum), and activations_held (what the threads hold now)."""
        encoded = encode_options(options)
        with self._in_use() as encoder:
            return told(lambda report: library().pixart_encoder_memory(encoder, encoded, report))

    def report(self) -> dict[str, Any]:
        """What this was opened from, and how: files, precision, ignored_tensors and architecture, as `pixart.h` says of
        pixart_encoder_report()."""
        with self._in_use() as encoder:
            return told(lambda report: library().pixart_encoder_report(encoder, report))

    def profile(self) -> dict[str, dict[str, float]]:
        """Where the time of encode() went since this was opened: kind -> {"seconds", "operations"}, as `pixart.h` says
        of pixart_encoder_profile(). The difference of two is that of the calls between them."""
        with self._in_use() as encoder:
            return told(lambda report: library().pixart_encoder_profile(encoder, report))
