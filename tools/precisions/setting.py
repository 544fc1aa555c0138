"""One side of a comparison: the options with which each stage is opened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

STAGES = ("encoder", "denoiser", "decoder")
DECODER_WEIGHTS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Setting:
    """Options as text, "weights=int8,encoder.weights=int4". Those of a stage override those of all stages.

    `model=DIR` opens another checkpoint, such as a converted one. Options that a stage lacks are left out: residency is
    the encoder's, and the decoder stays float32 if it does not take the precision.
    """

    text: str

    def options(self, stage: str) -> dict[str, Any]:
        common, own = {}, {}
        for pair in filter(None, self.text.split(",")):
            key, separator, value = pair.partition("=")
            part, _, name = key.rpartition(".")
            if not separator or not value or part not in ("", *STAGES):
                raise ValueError(f'"{pair}" is not OPTION=VALUE or STAGE.OPTION=VALUE; stages are {", ".join(STAGES)}')
            if part in ("", stage):
                (own if part else common)[name] = parsed(value)
        options = fitting(common, stage) | own
        options.pop("model", None)
        return options

    def model(self, default: str) -> str:
        """The checkpoint that is opened."""
        given = [pair.removeprefix("model=") for pair in self.text.split(",") if pair.startswith("model=")]
        return given[-1] if given else default

    def __str__(self) -> str:
        return self.text.replace(",", ", ").replace("=", " ") or "as stored"


def parsed(value: str) -> Any:
    """A JSON value, or a string that is written without its quotes."""
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def fitting(options: dict[str, Any], stage: str) -> dict[str, Any]:
    """Options for all stages, without those that this one does not take."""
    left = dict(options)
    if stage != "encoder":
        left.pop("residency", None)
    if stage == "decoder":
        left.pop("compute", None)
        if left.get("weights", "auto") not in DECODER_WEIGHTS:
            left.pop("weights")
    return left


FLOAT32 = Setting("weights=float32,compute=float32")
OTHERS = (
    Setting("weights=bfloat16,compute=bfloat16"),
    Setting("weights=int8,compute=int8"),
    Setting("weights=int4,compute=int8"),
)
