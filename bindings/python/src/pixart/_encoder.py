"""Text to embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path, encode_options, encode_text, json_report
from ._core.library import library
from ._core.progress import Progress, with_progress
from ._core.stage import Stage
from ._core.tensor import take_array
from .options import EncodeOptions, EncoderMemoryOptions, EncoderOpenOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Encoder(Stage):
    """The tokenizer and T5 text encoder of a checkpoint. Thread-safe.

    `model` is a folder in the diffusers layout.
    """

    _name = "encoder"

    def __init__(self, model: Path, *, progress: Progress = None, **options: Unpack[EncoderOpenOptions]) -> None:
        super().__init__(model, options, progress)

    @overload
    def encode(
        self, prompt: str, *, progress: Progress = None, **options: Unpack[EncodeOptions]
    ) -> npt.NDArray[np.float32]: ...
    @overload
    def encode(
        self, prompt: list[str] | tuple[str, ...], *, progress: Progress = None, **options: Unpack[EncodeOptions]
    ) -> list[npt.NDArray[np.float32]]: ...
    def encode(
        self, prompt: str | list[str] | tuple[str, ...], *, progress: Progress = None, **options: Unpack[EncodeOptions]
    ) -> npt.NDArray[np.float32] | list[npt.NDArray[np.float32]]:
        """Encodes a prompt into an embedding: float32 [S, E], one row for each real token, without padding.

        A list of prompts becomes a list of embeddings, as Denoiser.denoise() takes them. `progress` gets the steps of
        each prompt.
        """
        if isinstance(prompt, (list, tuple)):
            return [self.encode(each, progress=progress, **options) for each in prompt]
        arguments = encode_text(prompt, "prompt"), encode_options(options)

        def run(callback: Any) -> npt.NDArray[np.float32]:
            with self._borrow() as encoder:
                return take_array(lambda out: library().pixart_encode(encoder, *arguments, callback, None, out))

        return with_progress(progress, run)

    def tokenize(self, prompt: str, **options: Unpack[EncodeOptions]) -> dict[str, Any]:
        """Reports the tokens that encode() would encode: the keys text, ids, pieces, offsets (the first byte and the
        end of each piece in the UTF-8 text), max_sequence_length, truncated_tokens and truncated_text."""
        arguments = encode_text(prompt, "prompt"), encode_options(options)
        with self._borrow() as encoder:
            return json_report(lambda report: library().pixart_encoder_tokenize(encoder, *arguments, report))

    def memory(self, **options: Unpack[EncoderMemoryOptions]) -> dict[str, int]:
        """Reports the memory of encode() in bytes for a prompt of `tokens` tokens: the keys weights_resident,
        weights_mapped, activations, peak (their sum), and activations_held (what the threads keep for reuse)."""
        return self._memory(options)
