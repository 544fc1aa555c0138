"""Exceptions: one class for each group of the status codes in pixart.h, each also a kind of Python's own errors."""

from __future__ import annotations

STATE = 103
"""PIXART_ERROR_STATE: the object cannot do this now."""


class PixArtError(Exception):
    """A call into libpixart failed: `status` is the code from pixart.h, the message what was found and expected."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ArgumentError(PixArtError, ValueError):
    """The call itself is wrong: an argument, an option, or an object that cannot do this now (status 100 to 199)."""


class FileError(PixArtError, OSError):
    """A file is missing, malformed, or not a checkpoint that fits (status 200 to 299)."""


class OutOfMemoryError(PixArtError, MemoryError):
    """Memory cannot be had (status 300 to 399)."""


class Cancelled(PixArtError):
    """The progress callback asked to stop (status 400 to 499)."""


class InternalError(PixArtError, RuntimeError):
    """A defect of the library (status 900 to 999); please report it with its message."""


class LibraryNotFound(ImportError):
    """libpixart cannot be loaded; the message lists every place that was looked at."""


_GROUPS = {1: ArgumentError, 2: FileError, 3: OutOfMemoryError, 4: Cancelled, 9: InternalError}


def error_for(status: int, message: str) -> PixArtError:
    """The exception for a status: that of its group, so that codes added later are still caught."""
    return _GROUPS.get(status // 100, PixArtError)(message, status=status)
