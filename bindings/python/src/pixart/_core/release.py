"""Releases objects of the C library with the Python object that owns them."""

from __future__ import annotations

import atexit
import functools
import weakref
from ctypes import c_void_p
from typing import Any, Callable

_references: dict[int, weakref.ref[Any]] = {}
"""The references whose callbacks release C objects, by the ids of the owners. At exit nothing is released, because a
daemon thread may still be inside a call."""
atexit.register(_references.clear)


def release_with(owner: object, release: Callable[[c_void_p], None], pointer: c_void_p) -> Callable[[], object]:
    """Calls `release(pointer)` when `owner` is destroyed. Returns a function that releases earlier; calling it again
    does nothing.

    Neither has Python code. Python drops an exception that a signal handler raises while an object is destroyed, and
    the rest of the release would not run.
    """
    key = id(owner)
    once = functools.partial(next, zip(map(release, [pointer]), map(_references.pop, [key], [None])))
    _references[key] = weakref.ref(owner, once)
    return functools.partial(once, None)
