"""The base class of owners of C objects."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator
from ctypes import byref, c_void_p
from typing import Any, Callable, NoReturn, TypeVar

from .errors import ClosedError, StateError
from .progress import Progress, with_progress
from .release import release_with

Self = TypeVar("Self", bound="Handle")


class Handle:
    """Owns one C object. It is released by close(), at the end of a `with` block, or with the last reference.

    A close() while another thread is inside a call takes effect when that call returns.
    """

    _one_at_a_time = False
    """True if only one call at a time may use the C object."""

    def __init__(
        self, create: Callable[[Any, Any], object], release: Callable[[c_void_p], None], progress: Progress = None
    ) -> None:
        """`create` gets a C progress callback and the out-parameter for the object."""
        self._pointer, self._release = with_progress(progress, lambda callback: _owned(create, release, callback))
        self._lock = threading.RLock()  # a signal handler may close the handle whose call it interrupted
        self._calls: list[weakref.ref[_Call]] = []
        self._closed = False

    def close(self) -> None:
        """Releases the C object. Any later use raises ClosedError; closing again does nothing."""
        with self._lock:
            self._closed = True
            idle = not self._is_called()
        if idle:
            self._release()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"cannot copy or pickle {name}: it owns an object of the C library; expected a new {name}")

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<pixart.{type(self).__name__} {self._describe()}{state}>"

    def _describe(self) -> str:
        """A few words that distinguish this handle from others, whether it is open or closed."""
        raise NotImplementedError

    @contextlib.contextmanager
    def _borrow(self) -> Iterator[c_void_p]:
        """Lends the C object to one call."""
        with self._lock:
            if self._closed:
                raise ClosedError(f"this {type(self).__name__} is closed")
            if self._one_at_a_time and self._is_called():
                raise StateError(f"this {type(self).__name__} is inside another call")
            call = _Call()
            self._calls = [*filter(weakref.ref.__call__, self._calls), weakref.ref(call)]
        try:
            yield self._pointer
        finally:
            del call
            with self._lock:
                last = self._closed and not self._is_called()
            if last:
                self._release()

    def _is_called(self) -> bool:
        """Whether calls use the C object now."""
        return any(call() for call in self._calls)


class _Call:
    """A call that uses the C object, for as long as it lives. A signal handler can raise before a call is counted as
    ended, but not before it is destroyed."""

    __slots__ = ("__weakref__",)


def _owned(
    create: Callable[[Any, Any], object], release: Callable[[c_void_p], None], callback: Any
) -> tuple[c_void_p, Callable[[], object]]:
    """Returns a new C object and a function that releases it (see release_with()). The function is called at the latest
    with the last reference to the object's pointer."""
    pointer = c_void_p()
    create(callback, byref(pointer))
    return pointer, release_with(pointer, release, c_void_p(pointer.value))
