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
from .._core.library import version
from .._decoder import Decoder
from .._denoiser import Denoiser
from .._encoder import Encoder

StageName = Literal["encoder", "denoiser", "decoder"]

SAME_PIXELS = frozenset({"threads", "residency", "low_memory"})
"""Options that do not change the pixels."""

_BLOCK = 1 << 22


@dataclass(frozen=True)
class Model:
    """A checkpoint, and the arguments of Pipeline() that say how it is opened: `weights`, `preset`, `encoder` and so on.
    `digest` identifies the contents of its files."""

    path: str
    opening: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    def options(self, stage: StageName) -> dict[str, Any]:
        """The options of opening a stage."""
        shared = {name: self.opening[name] for name in ("preset", "variant", "threads") if name in self.opening}
        weights = {} if stage == "decoder" else {"weights": self.opening.get("weights", "auto")}
        return {**shared, **weights, **self.opening.get(stage, {})}

    def running(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a denoising run: those of the request, and the preset, which also sets some of them."""
        preset = {"preset": self.opening["preset"]} if self.opening.get("preset") else {}
        return {**preset, **request["denoise"]}

    def settings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of an image, as Pipeline.settings() has them: the text inside its PNG file."""
        opening = {**self.opening, "encode": request["encode"]}
        opening = {
            name: value for name, value in opening.items() if name != "threads" and value not in (None, "auto", {})
        }
        chosen = {name: request[name] for name in ("prompt", "negative_prompt", "seed")}
        return {**chosen, "model": self.path, **opening, **request["denoise"], "version": version()}

    def name(self, request: str) -> str:
        """The name of the image's file without its extension. Equal settings of equal models have one name, wherever
        the model is."""
        settings = {**self.settings(json.loads(request)), "model": self.digest}
        for group in ("encoder", "denoiser", "decoder", "decode"):
            options = settings.pop(group, {})
            deciding = {name: value for name, value in options.items() if name not in SAME_PIXELS}
            if "adapters" in deciding:  # their contents are in the digest
                deciding["adapters"] = [_scale(adapter) for adapter in deciding["adapters"]]
            if deciding:
                settings[group] = deciding
        canonical = json.dumps(settings, sort_keys=True, separators=(",", ":"))
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
    for stage in ("encoder", "denoiser", "decoder"):
        for adapter in opening.get(stage, {}).get("adapters", ()):
            files += ((f"adapter of {stage}", file) for file in _files(adapter))
    return Model(path, opening, _digest(files)), refused


def _scale(adapter: Any) -> list[Any]:
    """What decides the pixels besides the contents of an adapter."""
    return [adapter.get("name"), adapter.get("scale", 1)] if isinstance(adapter, dict) else [None, 1]


def _files(adapter: Any) -> list[str]:
    """The files of an adapter, which is a file, a folder, or an object with its path."""
    path = adapter["path"] if isinstance(adapter, dict) else adapter
    if not os.path.isdir(path):
        return [path]
    return sorted(entry.path for entry in os.scandir(path) if entry.is_file())


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
