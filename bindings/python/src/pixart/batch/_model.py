"""The model of a run: how its stages are opened, what identifies it, and which requests it can serve."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from .._core.errors import PixArtError
from .._decoder import Decoder
from .._denoiser import Denoiser
from .._encoder import Encoder
from .._version import __version__

StageName = Literal["encoder", "denoiser", "decoder"]

_EVERY_STAGE = ("preset", "variant", "threads", "reproducible")
_NETWORKS = (*_EVERY_STAGE, "weights", "residency")
OPENING: dict[StageName, tuple[str, ...]] = {
    "encoder": _NETWORKS,
    "denoiser": (*_NETWORKS, "adapters"),
    "decoder": _EVERY_STAGE,
}
"""Options of opening that each stage takes."""

SAME_PIXELS = {"threads", "residency"}
"""Options of opening that do not change the pixels."""

_BLOCK = 1 << 22


@dataclass(frozen=True)
class Model:
    """A checkpoint, and the options that its stages are opened with. `digest` identifies the contents of its files."""

    path: str
    opening: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    def options(self, stage: StageName) -> dict[str, Any]:
        return {name: self.opening[name] for name in OPENING[stage] if name in self.opening}

    def running(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Options of a denoising run: those of the request, and the preset, which also sets some of them."""
        preset = {"preset": self.opening["preset"]} if "preset" in self.opening else {}
        return {**preset, **request["denoise"]}

    def settings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Every setting of an image: the text inside its PNG file."""
        opening = {name: value for name, value in self.opening.items() if name not in SAME_PIXELS}
        chosen = {name: request[name] for name in ("prompt", "negative_prompt", "seed")}
        options = {**opening, **request["encode"], **request["denoise"]}
        return {**chosen, "model": self.path, **options, "model_sha256": self.digest, "version": __version__}

    def name(self, request: str) -> str:
        """The name of the image's file without its extension. Equal settings of equal models have one name, wherever
        the model is."""
        settings = self.settings(json.loads(request))
        del settings["model"]  # its digest stands for it, and for its adapters
        scales = [each.get("scale", 1) for each in settings.pop("adapters", ()) if isinstance(each, dict)]
        canonical = json.dumps([settings, scales], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def examine(path: str, opening: Mapping[str, Any], options: Iterable[str]) -> tuple[Model, dict[str, str]]:
    """Opens each stage once, without converting weights. Returns the model, and an error for each of the `options` that
    its stages refuse. Raises PixArtError if a stage cannot be opened.

    `options` are those of requests: JSON objects with the keys "encode" and "denoise".
    """
    model, refused = Model(path, opening), {}
    wanted = {each: json.loads(each) for each in options}
    files: list[tuple[str, str]] = []
    streamed: dict[str, Any] = {"residency": "streamed"}
    with Encoder(path, **{**model.options("encoder"), **streamed}) as encoder:
        files += [("encoder", file) for file in encoder.report()["files"]]
        for text, value in wanted.items():
            try:
                encoder.tokenize("a", **value["encode"])
            except (PixArtError, TypeError) as error:
                refused[text] = str(error)
    with Denoiser(path, **{**model.options("denoiser"), **streamed}) as denoiser:
        report = denoiser.report()
        files += [("denoiser", file) for file in report["files"]]
        embedding = np.zeros((1, report["architecture"]["caption_channels"]), np.float32)
        for text, value in wanted.items():
            try:
                denoiser.sampler(embedding, embedding, **model.running(value)).close()
            except (PixArtError, TypeError) as error:
                refused.setdefault(text, str(error))
    with Decoder(path, **model.options("decoder")) as decoder:
        files += [("decoder", file) for file in decoder.report()["files"]]
    for adapter in opening.get("adapters", ()):
        files.append(("adapter", adapter["path"] if isinstance(adapter, dict) else adapter))
    return Model(path, opening, _digest(files)), refused


def _digest(files: list[tuple[str, str]]) -> str:
    """A digest of the contents of files. It does not depend on the folder that they are in."""
    total = hashlib.sha256()
    for part, path in files:
        total.update(f"{part}/{os.path.basename(path)}\0".encode())
        total.update(_file_digest(path))
    return total.hexdigest()


def _file_digest(path: str) -> bytes:
    digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK))
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(block[:count])
    return digest.digest()
