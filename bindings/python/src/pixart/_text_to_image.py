"""Text to images in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path
from ._core.progress import Progress
from ._decoder import Decoder
from ._denoiser import Denoiser
from ._encoder import Encoder
from .options import DenoiseOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


def text_to_image(
    model: Path,
    prompt: str | Sequence[str],
    negative_prompt: str = "",
    *,
    weights: Literal["auto", "float32", "bfloat16", "int8", "int4"] = "auto",
    variant: str | None = None,
    threads: int = 0,
    progress: Progress = None,
    **options: Unpack[DenoiseOptions],
) -> npt.NDArray[np.uint8]:
    """Makes the images of a prompt, or of a list of prompts: uint8 [B, H, W, 3].

    `model` is a folder in the diffusers layout. Each stage is released before the next one opens, so only one is in
    memory. `weights` is the precision of the text encoder and the transformer. `variant` and `threads` apply to every
    stage, and so does the option `preset`. `progress` and the options are those of Denoiser.denoise(). If `height` and `width` are given, the images
    have exactly that size.
    """
    prompts = [prompt] if isinstance(prompt, str) else list(prompt)
    preset = options.get("preset")
    with Encoder(model, preset=preset, weights=weights, variant=variant, threads=threads) as encoder:
        embeddings: list[Any] = [encoder.encode(each) for each in prompts]
        negative = encoder.encode(negative_prompt)
    with Denoiser(model, preset=preset, weights=weights, variant=variant, threads=threads) as denoiser:
        latents = denoiser.denoise(embeddings, negative, progress=progress, **options)
    with Decoder(model, preset=preset, variant=variant, threads=threads) as decoder:
        return decoder.decode(latents, height=options.get("height"), width=options.get("width"))
