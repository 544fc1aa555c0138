"""Named arrays in safetensors files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from ctypes import c_char_p, c_void_p
from typing import Any

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path, encode_path, encode_text, json_report
from ._core.errors import ModelError
from ._core.library import library
from ._core.tensor import array_of, borrowed_tensor, take_arrays

_READ = ("F32", "F16", "BF16", "U8")
"""The supported types of a safetensors file."""


def save_tensors(path: Path, tensors: Mapping[str, object]) -> None:
    """Saves named arrays in one safetensors file: uint8 and float32 as they are, other floating-point types as float32
    (float64 is rounded). Other integers and bool are refused: `array.astype(numpy.uint8)` holds 0 to 255."""
    with contextlib.ExitStack() as stack:
        names = [encode_text(name, "name") for name in tensors]
        handles = []
        for name, values in tensors.items():
            array = array_of(values, name)
            if array.dtype != np.uint8 and array.dtype.kind != "f":
                raise TypeError(f"{name}: an array of {array.dtype}; expected uint8 or floating point")
            dtype = np.uint8 if array.dtype == np.uint8 else np.float32
            handles.append(stack.enter_context(borrowed_tensor(array, name, dtype)))
        count = len(names)
        library().pixart_tensors_save(
            encode_path(path), count, (c_char_p * count)(*names), (c_void_p * count)(*handles)
        )


def load_tensors(path: Path, names: Sequence[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Loads the arrays called `names` from a safetensors file, or all arrays of the supported types: F32, F16 and BF16
    as float32, and U8. If a named array has another type, the error names the type."""
    types = {name: tensor["dtype"] for name, tensor in list_tensors(path).items()}
    names = [name for name, kind in types.items() if kind in _READ] if names is None else list(names)
    for name in names:
        if types.get(name, _READ[0]) not in _READ:
            raise ModelError(f'{os.fspath(path)}: tensor "{name}" has type {types[name]}; expected {", ".join(_READ)}')
    count = len(names)
    encoded = (c_char_p * count)(*[encode_text(name, "name") for name in names])
    load, where = library().pixart_tensors_load, encode_path(path)
    return dict(zip(names, take_arrays(count, lambda out: load(where, count, encoded, out))))


def list_tensors(path: Path) -> dict[str, dict[str, Any]]:
    """Lists the tensors of a safetensors file: name -> {"dtype": the file's name of the type, such as "F32", "shape":
    [...]}."""
    return json_report(lambda report: library().pixart_tensors_list(encode_path(path), report))
