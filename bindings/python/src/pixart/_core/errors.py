"""The status values of pixart.h, and an exception class for each kind of failure. Each is also one of Python's
errors."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator, Mapping


class Status(enum.IntEnum):
    """The status values of pixart.h without their prefix: the values of `PixArtError.status`."""

    ERROR_ARGUMENT = 101
    ERROR_OPTION = 102
    ERROR_STATE = 103
    ERROR_FILE = 201
    ERROR_FORMAT = 202
    ERROR_MODEL = 203
    ERROR_MEMORY = 301
    CANCELLED = 401
    ERROR_INTERNAL = 901


class PixArtError(Exception):
    """A call of libpixart failed. `status` is the value from pixart.h. The message says what was found and expected."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ArgumentError(PixArtError, ValueError):
    """An argument or an option is wrong (status 100 to 199, except 103)."""

    def __init__(self, message: str, *, status: int = Status.ERROR_ARGUMENT) -> None:
        super().__init__(message, status=status)


class StateError(PixArtError, RuntimeError):
    """The object cannot do this now: a finished sampler has no next step (status 103)."""

    def __init__(self, message: str, *, status: int = Status.ERROR_STATE) -> None:
        super().__init__(message, status=status)


class ClosedError(StateError):
    """The object is closed (status 103)."""


class FileError(PixArtError, OSError):
    """A file is missing, unreadable or malformed (status 200 to 299)."""

    def __init__(self, message: str, *, status: int = Status.ERROR_FILE) -> None:
        super().__init__(message, status=status)


class ModelError(FileError, ValueError):
    """A well-formed checkpoint or file of tensors does not fit: a tensor or key is missing, unknown or of another shape
    or type (status 203)."""

    def __init__(self, message: str, *, status: int = Status.ERROR_MODEL) -> None:
        super().__init__(message, status=status)


class OutOfMemoryError(PixArtError, MemoryError):
    """Out of memory (status 300 to 399)."""


class Cancelled(PixArtError):
    """The progress callback cancelled the call (status 400 to 499)."""


class InternalError(PixArtError, RuntimeError):
    """A defect in the library (status 900 to 999). Please report it with its message."""


class LibraryNotFound(ImportError):
    """libpixart cannot be loaded. The message lists every place that was tried."""


_KINDS: dict[int, type[PixArtError]] = {Status.ERROR_STATE: StateError, Status.ERROR_MODEL: ModelError}
_GROUPS: dict[int, type[PixArtError]] = {
    1: ArgumentError,
    2: FileError,
    3: OutOfMemoryError,
    4: Cancelled,
    9: InternalError,
}


def error_for(status: int, message: str) -> PixArtError:
    """Returns the exception for a status: the class of the status, else the class of its group, so that values that are
    added later are still caught."""
    kind = _KINDS.get(status) or _GROUPS.get(status // 100, PixArtError)
    return kind(message, status=status)


@contextlib.contextmanager
def reworded(words: Mapping[str, str]) -> Iterator[None]:
    """Replaces C words in the message of a failure, such as a parameter's name, by Python words."""
    try:
        yield
    except PixArtError as error:
        message = str(error)
        for c, python in words.items():
            message = message.replace(c, python)
        error.args = (message,)
        raise
