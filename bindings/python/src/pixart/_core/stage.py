"""The base class of the stages of a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from .arguments import Path, encode_options, encode_path, json_report
from .handle import Handle
from .library import library
from .progress import Progress


class Stage(Handle):
    """A stage of a checkpoint, opened by pixart_<name>_open(). Stages are thread-safe."""

    _name: ClassVar[str]
    """The name of the stage in its C functions."""

    def __init__(self, model: Path, options: Mapping[str, object], progress: Progress = None) -> None:
        c, arguments = library(), (encode_path(model), encode_options(options))
        self._model, self._options = os.fspath(model), dict(options)
        open_stage, release = getattr(c, f"pixart_{self._name}_open"), getattr(c, f"pixart_{self._name}_release")
        super().__init__(lambda callback, out: open_stage(*arguments, callback, None, out), release, progress)

    def report(self) -> dict[str, Any]:
        """Reports what this stage was opened from, and how: the keys files, precision, ignored_tensors, adapters
        and architecture.

        `pixart.h` describes them at pixart_encoder_report().
        """
        with self._borrow() as stage:
            return json_report(lambda report: getattr(library(), f"pixart_{self._name}_report")(stage, report))

    def profile(self) -> dict[str, dict[str, float]]:
        """Reports the time of each kind of work since this stage was opened: kind -> {"seconds", "operations"}.

        `pixart.h` describes the kinds at pixart_encoder_profile(). The difference of two profiles is the time of the
        calls between them.
        """
        with self._borrow() as stage:
            return json_report(lambda report: getattr(library(), f"pixart_{self._name}_profile")(stage, report))

    def _memory(self, options: Mapping[str, object]) -> dict[str, int]:
        encoded = encode_options(options)
        with self._borrow() as stage:
            return json_report(lambda report: getattr(library(), f"pixart_{self._name}_memory")(stage, encoded, report))

    def _describe(self) -> str:
        return " ".join([repr(self._model), *(f"{key}={value!r}" for key, value in self._options.items())])
