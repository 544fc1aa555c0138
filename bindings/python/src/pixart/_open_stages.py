"""The stages of a model, opened when they are needed: what a pipeline and a server stand on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from ._core.errors import ClosedError
from ._core.stage import Stage
from ._decoder import Decoder
from ._denoiser import Denoiser
from ._encoder import Encoder
from ._image_encoder import ImageEncoder

S = TypeVar("S", bound=Stage)


class OpenStages:
    """The stages of a model. Each opens when it is first used, and stays open until close(). With `one_at_a_time`, it is
    closed after each use. Thread-safe.

    `owner` is what errors call the object that has them. The other arguments are those of Pipeline().
    """

    def __init__(
        self,
        owner: str,
        model: str,
        *,
        preset: str | None,
        weights: str,
        variant: str | None,
        threads: int,
        one_at_a_time: bool,
        encoder: Mapping[str, Any] | None = None,
        denoiser: Mapping[str, Any] | None = None,
        decoder: Mapping[str, Any] | None = None,
    ) -> None:
        shared = {"preset": preset, "variant": variant, "threads": threads}
        precise = {**shared, "weights": weights}
        self._options: dict[type[Stage], dict[str, Any]] = {
            Encoder: {**precise, **(encoder or {})},
            Denoiser: {**precise, **(denoiser or {})},
            Decoder: {**shared, **(decoder or {})},
            ImageEncoder: shared,
        }
        self._owner, self._model, self._one_at_a_time = owner, model, one_at_a_time
        self._stages: dict[type[Stage], Stage] = {}
        self._lock = threading.RLock()
        self.is_closed = False

    def close(self) -> None:
        """Releases all stages. Any later use raises ClosedError; closing again does nothing."""
        self.is_closed = True
        for stage in list(self._stages.values()):
            stage.close()

    def turn(self) -> contextlib.AbstractContextManager[object]:
        """Holds other threads off for a run of several stages, if only one stage may be open."""
        return self._lock if self._one_at_a_time else contextlib.nullcontext()

    @contextlib.contextmanager
    def use(self, kind: type[S]) -> Iterator[S]:
        """Lends a stage."""
        with self._lock:
            if self.is_closed:
                raise ClosedError(f"this {self._owner} is closed")
            stage = self._stages.get(kind)
            if stage is None:
                stage = self._stages[kind] = kind(self._model, **self._options[kind])
        try:
            yield cast(S, stage)
        finally:
            if self._one_at_a_time:
                with self._lock:
                    self._stages.pop(kind, stage).close()
