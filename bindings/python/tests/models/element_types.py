"""Types of elements, encoded and decoded with numpy alone, and safetensors files of them."""

from __future__ import annotations

import dataclasses
import json
import struct

import numpy as np


@dataclasses.dataclass(frozen=True)
class Stored:
    """A tensor as a file has it."""

    type: str
    shape: tuple[int, ...]
    data: bytes


def _float8_e4m3():
    """All 256 values: 4 bits of exponent, 3 of fraction, NaN instead of infinities."""
    byte = np.arange(256)
    exponent, fraction = (byte >> 3) & 15, byte & 7
    size = np.where(exponent == 0, fraction * 2.0**-9, (1 + fraction / 8) * 2.0 ** (exponent - 7))
    size[(byte & 127) == 127] = np.nan
    return np.where(byte < 128, size, -size).astype(np.float32)


def _float8_e5m2():
    """All 256 values: the upper byte of a float16."""
    return (np.arange(256, dtype=np.uint16) << 8).view(np.float16).astype(np.float32)


FLOAT8 = {"F8_E4M3": _float8_e4m3(), "F8_E5M2": _float8_e5m2()}
SIZES = {"F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "F64": 8, "I64": 8}
FLOATS = ["F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"]


def nearest(table, values):
    """Indices of the entries of a table that are nearest to values."""
    finite = np.flatnonzero(np.isfinite(table))
    order = finite[np.argsort(table[finite], kind="stable")]
    levels = table[order]
    above = np.clip(np.searchsorted(levels, values), 1, len(levels) - 1)
    return order[np.where(values - levels[above - 1] < levels[above] - values, above - 1, above)]


def encode(values, kind):
    """Rounds float32 values to a type."""
    values = np.ascontiguousarray(values, np.float32)
    if kind == "F32":
        data = values.astype("<f4").tobytes()
    elif kind == "F16":
        data = values.astype("<f2").tobytes()
    elif kind == "BF16":
        bits = values.view(np.uint32).astype(np.uint64)
        data = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    elif kind in FLOAT8:
        data = nearest(FLOAT8[kind], values).astype(np.uint8).tobytes()
    else:
        data = values.astype(np.int8 if kind == "I8" else np.uint8).tobytes()
    return Stored(kind, values.shape, data)


def decode(stored):
    """The float32 values of a tensor."""
    if stored.type == "F32":
        values = np.frombuffer(stored.data, "<f4")
    elif stored.type == "F16":
        values = np.frombuffer(stored.data, "<f2").astype(np.float32)
    elif stored.type == "BF16":
        values = (np.frombuffer(stored.data, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif stored.type in FLOAT8:
        values = FLOAT8[stored.type][np.frombuffer(stored.data, np.uint8)]
    elif stored.type == "I8":
        values = np.frombuffer(stored.data, np.int8).astype(np.float32)
    else:
        values = np.frombuffer(stored.data, np.uint8).astype(np.float32)
    return values.reshape(stored.shape)


def raw(values, kind="U8"):
    """Integers or bytes as they are."""
    values = np.asarray(values, np.int8 if kind == "I8" else np.uint8)
    return Stored(kind, values.shape, values.tobytes())


def safetensors_header(tensors, metadata=None):
    """The first bytes of a safetensors file of Stored tensors, in their order, and where each lies behind them."""
    header, offsets, offset = {} if metadata is None else {"__metadata__": metadata}, {}, 0
    for name, stored in tensors.items():
        end = offset + len(stored.data)
        header[name] = {"dtype": stored.type, "shape": list(stored.shape), "data_offsets": [offset, end]}
        offsets[name], offset = offset, end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, offsets


def write_safetensors(path, tensors, metadata=None):
    """Writes a safetensors file of Stored tensors, in their order."""
    header, _ = safetensors_header(tensors, metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + b"".join(stored.data for stored in tensors.values()))


def read_safetensors(path):
    """The tensors of a safetensors file."""
    data = path.read_bytes()
    size = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:size])
    header.pop("__metadata__", None)
    return {
        name: Stored(
            entry["dtype"],
            tuple(entry["shape"]),
            data[size + entry["data_offsets"][0] : size + entry["data_offsets"][1]],
        )
        for name, entry in header.items()
    }
