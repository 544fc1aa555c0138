"""The flags that say which model is opened, and how."""

from __future__ import annotations

import argparse
from typing import Any

from .._pipeline import Pipeline
from ._flags import Flags

SHARED = frozenset({"preset", "weights", "variant", "threads"})
"""Options of opening that apply to all stages."""

GROUPS = {
    "encoder": ("encoder_open", "options of opening the text encoder"),
    "denoiser": ("denoiser_open", "options of opening the denoiser"),
    "decoder": ("decoder_open", "options of opening the decoder"),
    "encode": ("encode", "options of encoding a prompt"),
    "decode": ("decode", "options of decoding"),
}
OWN = {"decode": frozenset({"height", "width", "output_type"})}
"""Options that the command decides."""


class ModelFlags:
    """--model, --weights, --variant, --threads, and a group of flags for each stage."""

    def __init__(self, parser: argparse.ArgumentParser, weights: bool = True) -> None:
        parser.add_argument("--model", metavar="MODEL", help="folder, file or Hub id of a checkpoint (default: emoji)")
        if weights:
            choices = ("auto", "float32", "bfloat16", "int8", "int4")
            parser.add_argument("--weights", choices=choices, default="auto", help="precision of the weights")
        parser.add_argument("--variant", metavar="NAME", help="variant of the weights, such as fp16")
        parser.add_argument("--threads", type=int, default=0, metavar="N", help="threads (default: all processors)")
        self._groups = {
            name: Flags(parser, verb, title, f"{name}.", SHARED | OWN.get(name, frozenset()))
            for name, (verb, title) in GROUPS.items()
        }

    def options(self, arguments: argparse.Namespace) -> dict[str, Any]:
        """The arguments of Pipeline() without the model, the preset and the weights."""
        groups = {name: flags.given(arguments) for name, flags in self._groups.items()}
        return {"variant": arguments.variant, "threads": arguments.threads, **{k: v for k, v in groups.items() if v}}

    def pipeline(self, arguments: argparse.Namespace, preset: Any) -> Pipeline:
        """A pipeline with one stage in memory at a time."""
        options = self.options(arguments)
        return Pipeline(arguments.model, preset=preset, weights=arguments.weights, one_at_a_time=True, **options)
