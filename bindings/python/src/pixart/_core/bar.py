"""A progress bar that moves within a step, without other packages."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO


class Bar:
    """A line on standard error: what is done, how far, and how long it will take.

    If `shown` is None, it is shown on a terminal only.
    """

    def __init__(self, shown: bool | None = None, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty() if shown is None else shown
        self._begun = self._last = time.monotonic()
        self._line = ""
        self.label = ""

    def __call__(self, step: int, steps: int, fraction: float) -> None:
        now = time.monotonic()
        if not self._shown or (now - self._last < 0.1 and fraction < 1):
            return
        self._last = now
        left = (now - self._begun) * (1 / fraction - 1) if fraction > 0.01 else None
        end = f" {100 * fraction:3.0f}%  {fraction * steps:.1f}/{steps}  {_clock(now - self._begun)}"
        end += f" < {_clock(left)} " if left is not None else " "
        width = shutil.get_terminal_size().columns - len(self.label) - len(end) - 3
        filled = int(max(0, min(width, 40)) * fraction)
        bar = "#" * filled + "-" * (max(0, min(width, 40)) - filled)
        self._write(f"{self.label} |{bar}|{end}".lstrip())

    def start(self, label: str) -> None:
        """Begins something new."""
        self.label, self._begun, self._last = label, time.monotonic(), 0.0

    def clear(self) -> None:
        """Removes the line, for other output."""
        if self._line:
            self._write("")
            self._line = ""

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()

    def _write(self, line: str) -> None:
        line = line[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + line + " " * (len(self._line) - len(line)) + ("" if line else "\r"))
        self._stream.flush()
        self._line = line


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
