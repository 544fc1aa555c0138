"""Arrays: numpy views of C results, and C copies of Python arguments."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from ctypes import byref, c_int64, c_ubyte, c_void_p
from typing import Any, Callable

import numpy as np
import numpy.typing as npt

from .errors import ArgumentError
from .library import library
from .release import release_with

_TYPES: dict[int, np.dtype[Any]] = {1: np.dtype(np.float32), 2: np.dtype(np.uint8)}
_CODES = {dtype: code for code, dtype in _TYPES.items()}


class _Owner:
    """Releases a C tensor when it is destroyed: with the last view of the tensor, or before there is one."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self) -> None:
        self.tensor = c_void_p()
        release_with(self, library().pixart_tensor_release, self.tensor)


def take_array(call: Callable[[Any], object]) -> npt.NDArray[Any]:
    """Returns the array of the tensor that `call` stores in its out-parameter."""
    owner = _Owner()
    call(byref(owner.tensor))
    return _view(owner)


def take_arrays(count: int, call: Callable[[Any], object]) -> list[npt.NDArray[Any]]:
    """Returns the arrays of `count` tensors that `call` stores in its out-parameter, an array of pointers."""
    owners, out = [_Owner() for _ in range(count)], (c_void_p * count)()
    call(out)
    for owner, pointer in zip(owners, out):
        owner.tensor.value = pointer
    return [_view(owner) for owner in owners]


def _view(owner: _Owner) -> npt.NDArray[Any]:
    """Returns a read-only view of the memory of a C tensor."""
    c, tensor = library(), owner.tensor
    dtype = _TYPES[c.pixart_tensor_type(tensor)]
    shape = tuple(c.pixart_tensor_shape(tensor)[: c.pixart_tensor_rank(tensor)])
    size = c.pixart_tensor_size(tensor)
    if size == 0:
        return np.empty(shape, dtype)
    memory: Any = (c_ubyte * size).from_address(c.pixart_tensor_data(tensor))
    memory.owner = owner
    return np.frombuffer(memoryview(memory).toreadonly(), dtype).reshape(shape)


def array_of(values: Any, name: str) -> npt.NDArray[Any]:
    """Returns `values` (a torch tensor, anything with the buffer protocol, `__array__` or `__dlpack__`, or nested
    lists) as an array. Floating-point types that numpy does not have, bfloat16 and float8, become float32."""
    try:
        if hasattr(values, "detach") and hasattr(values, "device"):
            values = _on_cpu(values, name)
        elif hasattr(values, "__dlpack__") and not isinstance(values, np.ndarray) and not hasattr(values, "__array__"):
            values = np.from_dlpack(values)
        array = np.asarray(values)
    except (RuntimeError, TypeError, ValueError, BufferError) as error:
        if str(error).startswith(f"{name}: "):
            raise
        raise TypeError(
            f"{name}: {type(values).__name__} that numpy cannot read ({error}); expected an array"
        ) from error
    return array.astype(np.float32) if array.dtype.name.startswith(("bfloat16", "float8")) else array


def _on_cpu(tensor: Any, name: str) -> Any:
    """Returns a torch tensor without its gradient, of a type that numpy has."""
    if tensor.device.type != "cpu":
        raise TypeError(f"{name}: a tensor on the device {tensor.device}; expected one on the CPU (tensor.cpu())")
    tensor = tensor.detach()
    known = str(tensor.dtype) in ("torch.float16", "torch.float32", "torch.float64")
    return tensor.float() if tensor.dtype.is_floating_point and not known else tensor


def contiguous(values: object, name: str, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """Returns `values` as a row-major array of `dtype`.

    Any real numbers become float32. uint8 must be uint8 already, because images of floats have several conventions.
    """
    array, dtype = array_of(values, name), np.dtype(dtype)
    if array.dtype.kind == "U" and dtype == np.float32:
        raise TypeError(f"{name}: text; expected an array of numbers, such as an embedding from Encoder.encode()")
    fits = array.dtype.kind in "fiu" if dtype == np.float32 else array.dtype == dtype
    if not fits:
        expected = "real numbers" if dtype == np.float32 else dtype
        raise TypeError(f"{name}: an array of {array.dtype}; expected {expected}")
    return np.asarray(array, dtype=dtype, order="C")


def mask_bytes(mask: object, name: str) -> npt.NDArray[np.uint8] | None:
    """Returns a mask as bytes, 128 and above for true. It may be bool, or integers of 0 to 255; None stays None.

    Integers of 0 and 1 alone are refused, because as bytes they select nothing.
    """
    if mask is None:
        return None
    array = array_of(mask, name)
    expected = "expected bool, or integers of 0 to 255 with 128 and above for true"
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: an array of {array.dtype}; {expected}")
    lowest, highest = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if lowest < 0 or highest > 255:
        raise ArgumentError(f"{name}: integers of {lowest} to {highest}; {expected}")
    if highest == 1:
        raise ArgumentError(f"{name}: integers of 0 and 1 alone; {expected} (mask.astype(bool))")
    return array.astype(np.uint8)


@contextlib.contextmanager
def borrowed_tensor(values: object, name: str, dtype: npt.DTypeLike = np.float32) -> Iterator[c_void_p | None]:
    """Makes a C tensor with a copy of `values` for the duration of a call; None stays None."""
    if values is None:
        yield None
        return
    c, array, tensor = library(), contiguous(values, name, dtype), c_void_p()
    shape = (c_int64 * array.ndim)(*array.shape)
    data = array.ctypes.data_as(c_void_p)
    try:
        c.pixart_tensor_create(_CODES[array.dtype], array.ndim, shape, data, array.nbytes, byref(tensor))
        yield tensor
    finally:
        c.pixart_tensor_release(tensor)


@contextlib.contextmanager
def borrowed_tensors(arrays: Sequence[object], name: str) -> Iterator[list[c_void_p | None]]:
    """Makes C tensors of several arrays for the duration of a call."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(borrowed_tensor(each, name)) for each in arrays]
