"""Models on disk: what they are, conversion to another precision, and memory estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ._core.arguments import Path, encode_options, encode_path, json_report
from ._core.library import library
from ._core.progress import Progress, with_progress
from .options import ConvertOptions, InspectOptions, MemoryEstimateOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


def convert(model: Path, out: Path, *, progress: Progress = None, **options: Unpack[ConvertOptions]) -> None:
    """Writes the checkpoint folder `model` in another precision to the folder `out`, which is created if missing.

    `progress` is as in Denoiser.denoise(); a step is a tensor. A call that fails or is cancelled leaves no files.
    `model` does not change.
    """
    encoded, folders = encode_options(options), (encode_path(model), encode_path(out))
    with_progress(progress, lambda callback: library().pixart_convert(*folders, encoded, callback, None))


def inspect(model: Path, **options: Unpack[InspectOptions]) -> dict[str, Any]:
    """Reports what a model on disk is: a folder, a file of weights, or an id in the Hub's cache. Reads no weights.

    The keys are path, kind, pipeline, and parts: for each part its files, form, names, types, parameters, bytes,
    architecture, assumed, ignored_tensors and memory, or an error.
    """
    arguments = encode_path(model), encode_options(options)
    return json_report(lambda report: library().pixart_inspect(*arguments, report))


def memory_estimate(
    model: Path,
    stage: Literal["encode", "denoise", "decode", "image_encode"] = "denoise",
    **options: Unpack[MemoryEstimateOptions],
) -> dict[str, int]:
    """Estimates the memory of a stage of the checkpoint folder `model` in bytes, before it is opened.

    The keys are weights_resident, weights_mapped, activations, and peak, their sum.
    """
    arguments = encode_path(model), encode_options({"stage": stage, **options})
    return json_report(lambda report: library().pixart_memory_estimate(*arguments, report))
