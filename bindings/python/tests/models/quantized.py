"""Weights that other programs quantize: their tensors, and the float32 values that these stand for."""

from __future__ import annotations

import json

import numpy as np
from element_types import FLOAT8, Stored, decode, encode, nearest, raw

NF4 = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
]  # fmt: skip
FP4 = [0, 0.0625, 8, 12, 4, 6, 2, 3]
LEVELS = {
    "nf4": np.array(NF4, np.float32),
    "fp4": (np.array(FP4 + [-level for level in FP4]) / 12).astype(np.float32),
}


def _safe(values):
    return np.where(values == 0, np.float32(1), values)


def int8_rows(values):
    """Integers and the largest value of each row."""
    most = np.abs(values).max(1).astype(np.float32)
    return np.rint(values * (127 / _safe(most))[:, None]).astype(np.int8), most


def bitsandbytes_int8(name, values, with_format=True):
    """(tensors, int8 values, scales): a weight of 8 bits. The scale is SCB times float32(1/127)."""
    integers, most = int8_rows(values)
    module = name.removesuffix(".weight")
    tensors = {name: raw(integers, "I8"), f"{module}.SCB": encode(most, "F32")}
    if with_format:
        tensors[f"{module}.weight_format"] = Stored("U8", (), b"\0")
    return tensors, integers, most * np.float32(1 / 127)


def bitsandbytes_4bit(rng, name, values, kind, *, nested=False, block=64, storage="U8"):
    """(tensors, float32 values): a weight of nf4 or fp4. Blocks run across rows."""
    levels, flat = LEVELS[kind], values.reshape(-1)
    count = -(-flat.size // block)
    padded = np.zeros(count * block, np.float32)
    padded[: flat.size] = flat
    scales = np.abs(padded.reshape(count, block)).max(1)
    state = {"quant_type": kind, "blocksize": block, "dtype": "bfloat16", "shape": list(values.shape)}
    tensors = {f"{name}.quant_map": encode(levels, "F32")}
    if nested:
        group = int(rng.choice([16, 256]))
        table = np.sort(rng.uniform(-1, 1, 256)).astype(np.float32)
        offset = np.float32(scales.mean())
        outer = rng.uniform(0.5, 1, -(-count // group)).astype(np.float32) * scales.max()
        index = nearest(table, (scales - offset) / outer[np.arange(count) // group]).astype(np.uint8)
        scales = table[index] * outer[np.arange(count) // group] + offset
        tensors |= {
            f"{name}.absmax": raw(index),
            f"{name}.nested_absmax": encode(outer, "F32"),
            f"{name}.nested_quant_map": encode(table, "F32"),
        }
        state |= {"nested_blocksize": group, "nested_dtype": "float32", "nested_offset": float(offset)}
    else:
        tensors[f"{name}.absmax"] = encode(scales, "F32")
    scales = scales.astype(np.float32)
    codes = rng.integers(0, 16, flat.size).astype(np.uint8)
    expected = (levels[codes] * scales[np.arange(flat.size) // block]).reshape(values.shape)
    pairs = np.append(codes, np.zeros(codes.size % 2, np.uint8))
    packed = (pairs[0::2] << 4 | pairs[1::2]).astype(np.uint8)
    size = {"U8": 1, "BF16": 2, "F32": 4}[storage]
    if packed.size % size:
        storage, size = "U8", 1
    tensors[name] = Stored(storage, (packed.size // size, 1), packed.tobytes())
    tensors[f"{name}.quant_state.bitsandbytes__{kind}"] = raw(list(json.dumps(state).encode()))
    return tensors, expected


def bitsandbytes_config(bits, kind="fp4"):
    config = {"load_in_8bit": bits == 8, "load_in_4bit": bits == 4, "bnb_4bit_quant_type": kind}
    return {**config, "quant_method": "bitsandbytes", "llm_int8_threshold": 6.0, "llm_int8_skip_modules": None}


def scaled_float8(rng, name, values, kind, naming):
    """(tensors, float32 values): 8-bit floats with one scale, or one for each row, as ComfyUI stores them."""
    module, table = name.removesuffix(".weight"), FLOAT8[kind]
    per_row = naming == "new" and rng.random() < 0.3
    most = np.abs(values).max(1) if per_row else np.abs(values).max()
    scale = (most / np.float32(rng.choice([100, 400]))).astype(np.float32)
    stored = encode(values / (scale[:, None] if per_row else scale), kind)
    expected = table[np.frombuffer(stored.data, np.uint8)].reshape(values.shape)
    expected = expected * (scale[:, None] if per_row else scale)
    if per_row:
        scale = scale.reshape(-1, 1) if rng.random() < 0.5 else scale
    elif rng.random() < 0.5:
        scale = scale.reshape(1)
    names = {"old": ("scale_weight", "scale_input"), "new": ("weight_scale", "input_scale")}[naming]
    tensors = {name: stored, f"{module}.{names[0]}": encode(scale, "F32")}
    if rng.random() < 0.5:
        tensors[f"{module}.{names[1]}"] = encode(np.float32(1.5), "F32")
    if naming == "new" and rng.random() < 0.7:
        note = {"format": {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}[kind]}
        tensors[f"{module}.comfy_quant"] = raw(list(json.dumps(note).encode()))
    return tensors, expected.astype(np.float32)


def quanto_8bit(name, values, kind, scale_type="F32"):
    """(tensors, values, scales): qint8 or qfloat8, with a scale for each row."""
    most = np.abs(values).reshape(len(values), -1).max(1)
    scales = encode(most / (127 if kind == "I8" else 400), scale_type)
    factors = decode(scales)
    shape = (-1,) + (1,) * (values.ndim - 1)
    scaled = values / _safe(factors).reshape(shape)
    data = raw(np.clip(np.rint(scaled), -128, 127), "I8") if kind == "I8" else encode(scaled, kind)
    tensors = {
        f"{name}._data": data,
        f"{name}._scale": Stored(scale_type, factors.reshape(shape).shape, scales.data),
        f"{name.removesuffix('.weight')}.input_scale": encode(np.float32(1), "F32"),
        f"{name.removesuffix('.weight')}.output_scale": encode(np.float32(1), "F32"),
    }
    return tensors, decode(data), factors


def quanto_int4(rng, name, values):
    """(tensors, float32 values): codes in groups of a row; the first half of the groups lies in the low halves."""
    width = values[0].size
    group = next((size for size in (128, 64, 32) if width % size == 0), width)
    codes = rng.integers(0, 16, (values.size // group, group)).astype(np.uint8)
    scales = (rng.uniform(0.5, 1, len(codes)) * np.abs(values).max() / 8).astype(np.float32)
    shifts = (8 * scales * rng.uniform(0.9, 1.1, len(codes))).astype(np.float32)
    expected = codes.astype(np.float32) * scales[:, None] - shifts[:, None]
    half = len(codes) // 2
    tensors = {
        f"{name}._data._data": raw(codes[:half] | codes[half:] << 4),
        f"{name}._scale": encode(scales.reshape(-1, 1), "F32"),
        f"{name}._shift": encode(shifts.reshape(-1, 1), "F32"),
    }
    return tensors, expected.reshape(values.shape).astype(np.float32)
