"""Arrays: numpy views on what C returns, and copies for C of what Python gives."""

from __future__ import annotations

import contextlib
import json
import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from ctypes import byref, c_char_p, c_int64, c_ubyte, c_void_p
from typing import Any, Callable

import numpy as np
import numpy.typing as npt

from ._errors import FileError
from ._library import library
from ._options import Path, encode_path, encode_text

_TYPES: dict[int, np.dtype[Any]] = {1: np.dtype(np.float32), 2: np.dtype(np.uint8)}
_CODES = {dtype: code for code, dtype in _TYPES.items()}


def produced(call: Callable[[Any], object]) -> npt.NDArray[Any]:
    """The array of the tensor that `call` puts into the out-parameter it is given."""
    out = c_void_p()
    try:
        call(byref(out))
    except BaseException:  # an interrupt may come after the tensor was made
        library().pixart_tensor_release(out)
        raise
    return view(out)


def view(tensor: c_void_p) -> npt.NDArray[Any]:
    """A read-only array on the memory of a C tensor, which is released when the last array on it goes."""
    c = library()
    dtype = _TYPES[c.pixart_tensor_type(tensor)]
    shape = tuple(c.pixart_tensor_shape(tensor)[: c.pixart_tensor_rank(tensor)])
    size = c.pixart_tensor_size(tensor)
    if size == 0:
        c.pixart_tensor_release(tensor)
        return np.empty(shape, dtype)
    memory = (c_ubyte * size).from_address(c.pixart_tensor_data(tensor))
    weakref.finalize(memory, c.pixart_tensor_release, tensor).atexit = False
    return np.frombuffer(memoryview(memory).toreadonly(), dtype).reshape(shape)


def contiguous(values: object, name: str, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """`values` (anything with the buffer protocol or `__array__`, or nested lists) as a row-major array of `dtype`.

    Any real numbers become float32; uint8 must be uint8 already, since a picture of floats has no one meaning.
    """
    array, dtype = np.asarray(values), np.dtype(dtype)
    fits = array.dtype.kind in "fiu" if dtype == np.float32 else array.dtype == dtype
    if not fits:
        raise TypeError(f"{name} must be {dtype}, not {array.dtype}")
    return np.asarray(array, dtype=dtype, order="C")


@contextlib.contextmanager
def lent(values: object, name: str, dtype: npt.DTypeLike = np.float32) -> Iterator[c_void_p | None]:
    """A C tensor with a copy of `values`, for the length of a call; None stays None."""
    if values is None:
        yield None
        return
    c, array, tensor = library(), contiguous(values, name, dtype), c_void_p()
    shape = (c_int64 * array.ndim)(*array.shape)
    data = array.ctypes.data_as(c_void_p)
    c.pixart_tensor_create(_CODES[array.dtype], array.ndim, shape, data, array.nbytes, byref(tensor))
    try:
        yield tensor
    finally:
        c.pixart_tensor_release(tensor)


def save_tensors(path: Path, tensors: Mapping[str, object]) -> None:
    """Saves named arrays (uint8 as they are, others as float32) in one safetensors file."""
    with contextlib.ExitStack() as stack:
        names = [encode_text(name, "name") for name in tensors]
        handles = []
        for name, values in tensors.items():
            dtype = np.uint8 if np.asarray(values).dtype == np.uint8 else np.float32
            handles.append(stack.enter_context(lent(np.asarray(values), name, dtype)))
        count = len(names)
        library().pixart_tensors_save(
            encode_path(path), count, (c_char_p * count)(*names), (c_void_p * count)(*handles)
        )


def load_tensors(path: Path, names: Sequence[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Loads the arrays called `names`, or all, from a safetensors file; half precision becomes float32."""
    names = _names_in(path) if names is None else list(names)
    count = len(names)
    encoded = (c_char_p * count)(*[encode_text(name, "name") for name in names])
    out = (c_void_p * count)()
    library().pixart_tensors_load(encode_path(path), count, encoded, out)
    return {name: view(c_void_p(tensor)) for name, tensor in zip(names, out)}


def _names_in(path: Path) -> list[str]:
    """The names in a safetensors file, in its order: C has no call that lists them."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > os.fstat(file.fileno()).st_size:
                raise ValueError("the header is longer than the file")
            return [name for name in json.loads(file.read(length)) if name != "__metadata__"]
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: {error.strerror}", status=201) from error
    except ValueError as error:
        raise FileError(f"{os.fspath(path)} is not a safetensors file: {error}", status=202) from error
