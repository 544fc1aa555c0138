"""The three stages of a batch. Each takes rows and returns them with its result, in one process or on many machines.

A row that a stage fails on gets an "error", and the later stages pass it on. Nothing that happens to one row changes
another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypedDict, TypeVar

import numpy as np
import numpy.typing as npt

from .._decoder import Decoder
from .._denoiser import Denoiser
from .._encoder import Encoder
from .._image import encode_png
from .._images import settings_text
from ._folder import Folder
from ._model import Model

Array = npt.NDArray[np.float32]
NONE: Array = np.empty((0, 0), np.float32)
NO_LATENTS: Array = np.empty((0, 0, 0), np.float32)
"""Arrays of rows that do not have them. Ray Data needs the number of dimensions."""

Handle = TypeVar("Handle", Encoder, Denoiser, Decoder)
_NEGATIVES = 256
"""Embeddings of negative prompts that an encoder keeps."""


class Row(TypedDict):
    """An image on its way. `request` is Request.to_json(). Arrays that do not exist yet, or no longer, are empty."""

    name: str
    request: str
    error: str
    prompt: Array
    negative: Array
    latents: Array


def new_row(name: str, request: str) -> Row:
    row: Row = {"name": name, "request": request, "error": "", "prompt": NONE, "negative": NONE, "latents": NO_LATENTS}
    return row


class _Stage(Generic[Handle]):
    """A stage that is opened by its first row. close() frees its weights; a later row opens it again."""

    def __init__(self, model: Model, folder: Folder) -> None:
        self.model, self.folder = model, folder
        self._handle: Handle | None = None

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        """Returns as many rows, in their order. Rows that are given stay as they are."""
        rows = [row.copy() for row in rows]
        wanted = [row for row in rows if not row["error"] and not self.folder.has(row["name"])]
        for group in self.groups(wanted):
            self._attempt(group)
        return rows

    def __enter__(self) -> _Stage[Handle]:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def opened(self) -> Handle:
        """Opens the stage."""
        raise NotImplementedError

    def groups(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """Divides rows into those of one call."""
        for row in rows:
            yield [row]

    def work(self, stage: Handle, rows: Sequence[Row]) -> None:
        """Adds the results to the rows."""
        raise NotImplementedError

    def _attempt(self, rows: Sequence[Row]) -> None:
        try:
            if self._handle is None:
                self._handle = self.opened()
            self.work(self._handle, rows)
        except Exception as error:
            if len(rows) > 1:  # find the one that fails
                for row in rows:
                    self._attempt([row])
                return
            rows[0]["error"] = f"{type(error).__name__}: {error}"
            rows[0]["prompt"], rows[0]["negative"], rows[0]["latents"] = NONE, NONE, NO_LATENTS


class Encode(_Stage[Encoder]):
    """Adds the embeddings of the prompt and of the negative prompt. Equal prompts that follow one another are encoded
    once, and each negative prompt is encoded once."""

    def __init__(self, model: Model, folder: Folder) -> None:
        super().__init__(model, folder)
        self._last: dict[str, Array] = {}
        self._negatives: dict[str, Array] = {}

    def opened(self) -> Encoder:
        return Encoder(self.model.path, **self.model.options("encoder"))

    def work(self, stage: Encoder, rows: Sequence[Row]) -> None:
        for row in rows:
            request = json.loads(row["request"])
            prompt = self._encode(stage, request["prompt"], request["encode"], self._last, 1)
            negative = self._encode(stage, request["negative_prompt"], request["encode"], self._negatives, _NEGATIVES)
            row["prompt"], row["negative"] = prompt, negative

    @staticmethod
    def _encode(stage: Encoder, text: str, options: Any, known: dict[str, Array], size: int) -> Array:
        key = json.dumps([text, options])
        if key not in known:
            if len(known) >= size:
                known.pop(next(iter(known)))
            known[key] = stage.encode(text, **options)
        return known[key]


class Denoise(_Stage[Denoiser]):
    """Adds the latents, and drops the embeddings. Rows with equal options are denoised in one run."""

    def opened(self) -> Denoiser:
        return Denoiser(self.model.path, **self.model.options("denoiser"))

    def groups(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(json.dumps(json.loads(row["request"])["denoise"]), []).append(row)
        yield from groups.values()

    def work(self, stage: Denoiser, rows: Sequence[Row]) -> None:
        requests = [json.loads(row["request"]) for row in rows]
        prompts, negatives = [row["prompt"] for row in rows], [row["negative"] for row in rows]
        seeds, options = [request["seed"] for request in requests], self.model.running(requests[0])
        for row, latents in zip(rows, stage.denoise(prompts, negatives, seed=seeds, **options)):
            row["prompt"], row["negative"], row["latents"] = NONE, NONE, latents


class Decode(_Stage[Decoder]):
    """Decodes the latents, writes the images, and drops the latents."""

    def opened(self) -> Decoder:
        return Decoder(self.model.path, **self.model.options("decoder"))

    def work(self, stage: Decoder, rows: Sequence[Row]) -> None:
        for row in rows:
            request = json.loads(row["request"])
            size = {name: request["denoise"].get(name) for name in ("height", "width")}
            image = stage.decode(row["latents"][None], **size, **self.model.opening.get("decode", {}))
            self.folder.write(row["name"], encode_png(image, 0, settings_text(self.model.settings(request))))
            row["latents"] = NO_LATENTS
