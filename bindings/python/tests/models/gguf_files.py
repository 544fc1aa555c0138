"""GGUF files with random bits in the blocks, and what these stand for."""

from __future__ import annotations

import struct

import numpy as np
from element_types import Stored, decode, encode

# Number, elements and bytes of a block, where its halves lie, and the largest number that the first half scales.
BLOCKS = {
    "Q4_0": (2, 32, 18, [0], 8),
    "Q4_1": (3, 32, 20, [0, 2], 15),
    "Q5_0": (6, 32, 22, [0], 16),
    "Q5_1": (7, 32, 24, [0, 2], 31),
    "Q8_0": (8, 32, 34, [0], 128),
    "Q2_K": (10, 256, 84, [80, 82], 45),
    "Q3_K": (11, 256, 110, [108], 128),
    "Q4_K": (12, 256, 144, [0, 2], 945),
    "Q5_K": (13, 256, 176, [0, 2], 1953),
    "Q6_K": (14, 256, 210, [208], 4096),
    "IQ4_NL": (20, 32, 18, [0], 127),
    "IQ4_XS": (23, 256, 136, [0], 4064),
}
NUMBERS = {"F32": 0, "F16": 1, "BF16": 30, **{name: facts[0] for name, facts in BLOCKS.items()}}
LEVELS = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)


def block_size(kind):
    return BLOCKS[kind][1] if kind in BLOCKS else 1


def random_blocks(rng, kind, shape, scale):
    """A tensor of blocks whose values are about as large as the scale."""
    _, elements, size, halves, most = BLOCKS[kind]
    blocks = rng.integers(0, 256, (int(np.prod(shape)) // elements, size), dtype=np.uint8)
    for place in halves:
        half = (rng.standard_normal(len(blocks)) * scale / most).astype("<f2")
        blocks[:, place : place + 2] = half.reshape(-1, 1).view(np.uint8)
    return Stored(kind, tuple(shape), blocks.tobytes())


def _halves(blocks, place):
    return blocks[:, place : place + 2].copy().view("<f2").astype(np.float32)


def _nibbles(bytes_, half):
    return np.where(half, bytes_ >> 4, bytes_ & 15)


def _six_bits(scales, j):
    """Scales and minima of six bits: eight of each in twelve bytes."""
    low = scales[:, j % 4 + 8 * (j >= 4)]
    upper, lower = scales[:, j % 4], scales[:, j % 4 + 4]
    scale = np.where(j < 4, upper & 63, (low & 15) | (upper >> 6) << 4)
    minimum = np.where(j < 4, lower & 63, (low >> 4) | (lower >> 6) << 4)
    return scale.astype(np.float32), minimum.astype(np.float32)


def decode_blocks(kind, data):
    """The float32 values of blocks, as float32 arithmetic gives them: one rounding at most."""
    _, elements, size, *_ = BLOCKS[kind]
    blocks = np.frombuffer(data, np.uint8).reshape(-1, size)
    i = np.arange(elements)
    d = _halves(blocks, BLOCKS[kind][3][0])
    if kind in ("Q4_0", "Q4_1"):
        q = _nibbles(blocks[:, (2 if kind == "Q4_0" else 4) + i % 16], i >= 16).astype(np.float32)
        return d * (q - 8) if kind == "Q4_0" else d * q + _halves(blocks, 2)
    if kind in ("Q5_0", "Q5_1"):
        start = 2 if kind == "Q5_0" else 4
        high = blocks[:, start : start + 4].copy().view("<u4")
        q = _nibbles(blocks[:, start + 4 + i % 16], i >= 16) | ((high >> i.astype(np.uint32)) & 1).astype(np.uint8) << 4
        q = q.astype(np.float32)
        return d * (q - 16) if kind == "Q5_0" else d * q + _halves(blocks, 2)
    if kind == "Q8_0":
        return d * blocks[:, 2:].copy().view(np.int8).astype(np.float32)
    if kind == "IQ4_NL":
        return d * LEVELS[_nibbles(blocks[:, 2 + i % 16], i >= 16)]
    if kind in ("Q2_K", "Q3_K"):
        start = 16 if kind == "Q2_K" else 32
        q = blocks[:, start + 32 * (i // 128) + i % 32] >> (2 * (i % 128 // 32)) & 3
        if kind == "Q2_K":
            scales = blocks[:, i // 16]
            return (d * (scales & 15).astype(np.float32)) * q.astype(np.float32) - _halves(blocks, 82) * (
                scales >> 4
            ).astype(np.float32)
        q = q.astype(np.float32) - np.where(blocks[:, i % 32] >> (i // 32) & 1, 0, 4)
        j = i // 16
        scales = blocks[:, 96:108]
        low = np.where(j < 8, scales[:, j % 8] & 15, scales[:, j % 8] >> 4)
        high = scales[:, 8 + j % 4] >> (2 * (j // 4)) & 3
        return d * ((low | high << 4).astype(np.float32) - 32) * q.astype(np.float32)
    if kind in ("Q4_K", "Q5_K"):
        j = i // 32
        start = 16 if kind == "Q4_K" else 48
        q = _nibbles(blocks[:, start + 32 * (i // 64) + i % 32], j % 2 == 1)
        if kind == "Q5_K":
            q = q | (blocks[:, 16 + i % 32] >> j & 1) << 4
        scale, minimum = _six_bits(blocks[:, 4:16], j)
        return (d * scale) * q.astype(np.float32) - _halves(blocks, 2) * minimum
    if kind == "Q6_K":
        n, r = i // 128, i % 128
        low = _nibbles(blocks[:, 64 * n + r % 64], r >= 64)
        high = blocks[:, 128 + 32 * n + r % 32] >> (2 * (r // 32)) & 3
        scale = blocks[:, 192:208].copy().view(np.int8)[:, i // 16].astype(np.float32)
        return (d * scale) * ((low | high << 4).astype(np.float32) - 32)
    assert kind == "IQ4_XS"
    j = i // 32
    high = blocks[:, 2:4].copy().view("<u2")
    scale = (blocks[:, 4 + j // 2] >> (4 * (j % 2)) & 15) | ((high >> (2 * j).astype(np.uint16)) & 3) << 4
    return d * (scale.astype(np.float32) - 32) * LEVELS[_nibbles(blocks[:, 8 + 16 * j + i % 16], i % 32 >= 16)]


def values_of(stored):
    """The float32 values of a tensor of any type."""
    if stored.type not in BLOCKS:
        return decode(stored)
    return decode_blocks(stored.type, stored.data).astype(np.float32).reshape(stored.shape)


def stored_as(rng, kind, values):
    """A tensor of a type. Of blocks only the size of the values is kept."""
    if kind not in BLOCKS:
        return encode(values, kind)
    return random_blocks(rng, kind, values.shape, float(np.abs(values).max()))


# ---- Files

U8, I8, U32, I32, F32, BOOL, STRING, ARRAY, U64, F64 = 0, 1, 4, 5, 6, 7, 8, 9, 10, 12


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(value)) + value


def value(kind, content):
    """A value of a key: (kind, content), and ((ARRAY, element), contents) for arrays."""
    if isinstance(kind, tuple):
        element = kind[1]
        return struct.pack("<IQ", element, len(content)) + b"".join(value(element, item) for item in content)
    if kind == STRING:
        return text(content)
    codes = {U8: "B", I8: "b", U32: "I", I32: "i", F32: "f", BOOL: "B", U64: "Q", F64: "d"}
    return struct.pack("<" + codes[kind], content)


def lists(tensors, keys, *, version=3, alignment=32, order=None, shapes=None):
    """The lists of a GGUF file, padded, and where the bytes of each tensor lie behind them. `shapes` are those to write
    for tensors that are stored in another shape."""
    keys = dict(keys)
    if alignment != 32:
        keys["general.alignment"] = (U32, alignment)
    for name, shape in (shapes or {}).items():
        keys[f"comfy.gguf.orig_shape.{name}"] = ((ARRAY, I32), list(tensors[name].shape))
        tensors = {**tensors, name: Stored(tensors[name].type, tuple(shape), tensors[name].data)}
    parts = [b"GGUF", struct.pack("<Iqq", version, len(tensors), len(keys))]
    for key, (kind, content) in keys.items():
        parts += [text(key), struct.pack("<I", kind[0] if isinstance(kind, tuple) else kind), value(kind, content)]
    offsets, place = {}, 0
    for name in order or tensors:
        offsets[name] = place
        place += -(-len(tensors[name].data) // alignment) * alignment
    for name, stored in tensors.items():
        parts += [text(name), struct.pack("<I", len(stored.shape))]
        parts += [struct.pack("<q", size) for size in reversed(stored.shape)]
        parts.append(struct.pack("<IQ", NUMBERS[stored.type], offsets[name]))
    head = b"".join(parts)
    return head + bytes(-len(head) % alignment), offsets


def contents(tensors, keys, *, alignment=32, order=None, **options):
    """The bytes of a GGUF file, as for `lists`."""
    head, _ = lists(tensors, keys, alignment=alignment, order=order, **options)
    data = [tensors[name].data for name in order or tensors]
    return head + b"".join(item + bytes(-len(item) % alignment) for item in data)
