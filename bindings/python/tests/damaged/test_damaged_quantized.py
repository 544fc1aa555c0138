"""Damaged and lying weights that other programs quantized."""

from __future__ import annotations

import json

import architectures
import numpy as np
import quantized
from damaged_files import LARGE, examine, flips, is_lie, odd, safetensors_bytes, truncations
from element_types import Stored, encode, raw


def test_bitsandbytes(tmp_path, random):
    network = architectures.text_encoder(random)
    weight = "encoder.block.0.layer.0.SelfAttention.q.weight"
    module = weight.removesuffix(".weight")
    base = {name: encode(values, "F16") for name, values in network.tensors.items()}
    shape = network.tensors[weight].shape
    four, _ = quantized.bitsandbytes_4bit(random, weight, network.tensors[weight], "nf4")
    nested, _ = quantized.bitsandbytes_4bit(random, weight, network.tensors[weight], "nf4", nested=True)
    eight, *_ = quantized.bitsandbytes_int8(weight, network.tensors[weight])
    state = f"{weight}.quant_state.bitsandbytes__nf4"
    count = int(np.prod(shape))
    good = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": list(shape)}

    def of(tensors, **changes):
        changed = dict(tensors)
        for name, item in changes.items():
            key = {"state": state, "weight": weight, "SCB": f"{module}.SCB", "format": f"{module}.weight_format"}.get(
                name, f"{weight}.{name}"
            )
            if item is None:
                changed.pop(key)
            else:
                changed[key] = item
        return safetensors_bytes(tmp_path, {**base, **changed})

    def json_state(tensors=four, **changes):
        return of(tensors, state=raw(list(json.dumps({**good, **changes}).encode())))

    content = {
        **{
            f"lie: state: {name}": of(four, state=raw(list(text)))
            for name, text in {
                "empty": b"",
                "no JSON": b"x",
                "a list": b"[]",
                "a number": b"7",
                "open": b'{"blocksize": 64, "shape": [',
                "deep": b"[" * 100_000,
                "deep objects": b'{"a":' * 100_000,
                "not UTF-8": b'{"blocksize": 64, "shape": [2], "\xff": 1}',
                "a key twice": b'{"blocksize": 64, "blocksize": 64, "shape": [1, 1]}',
                "infinite": b'{"blocksize": 1e999, "shape": [1, 1]}',
                "NaN": b'{"blocksize": NaN, "shape": [1, 1]}',
            }.items()
        },
        **{f"lie: block {size}": json_state(blocksize=size) for size in (0, -64, 1.5, "64", None, 1 << 62, [64], 3)},
        **{
            f"lie: shape {index}": json_state(shape=size)
            for index, size in enumerate(
                [
                    [],
                    [0, 0],
                    [-1, -1],
                    [1 << 62, 4],
                    [1 << 32, 1 << 32],
                    [1 << 32, 1 << 31],
                    [LARGE],
                    [shape[0], str(shape[1])],
                    [shape[0], shape[1] + 1],
                    [shape[1], shape[0] + 1],
                    "x",
                    None,
                    [1] * 100,
                    [1.5, 2],
                    {"a": 1},
                ]
            )
        },
        "lie: shape of a vector": json_state(shape=[count]),
        "lie: no codes of levels": of(four, quant_map=None),
        "lie: 15 levels": of(four, quant_map=encode(np.zeros(15), "F32")),
        "lie: levels of bytes": of(four, quant_map=raw(np.zeros(16))),
        "NaN levels": of(four, quant_map=encode(np.full(16, np.nan), "F32")),
        "lie: no scales": of(four, absmax=None),
        "lie: one scale more": of(four, absmax=encode(np.ones(-(-count // 64) + 1), "F32")),
        "lie: scales of bytes": of(four, absmax=raw(np.ones(-(-count // 64)))),
        "NaN scales": of(four, absmax=encode(np.full(-(-count // 64), np.nan), "F32")),
        "lie: one byte less": of(four, weight=raw(np.zeros((-(-count // 2) - 1, 1)))),
        "lie: no codes": of(four, weight=raw(np.zeros((0, 1)))),
        "lie: codes of an unknown type": of(four, weight=odd("F9", (1 << 62, 1 << 62), b"1234")),
        "lie: nested without levels": of(nested, nested_quant_map=None),
        "lie: 255 nested levels": of(nested, nested_quant_map=encode(np.zeros(255), "F32")),
        "lie: nested scales": of(nested, nested_absmax=encode(np.ones(9), "F32")),
        "lie: nested scales of floats": of(nested, absmax=encode(np.ones(-(-count // 64)), "F32")),
        "lie: nested without a size": json_state(nested),
        **{
            f"lie: nested size {size}": json_state(nested, nested_blocksize=size, nested_offset=0.5)
            for size in (0, -1, 1.5, 1 << 62)
        },
        "lie: nested offset": json_state(nested, nested_blocksize=256, nested_offset="x"),
        "lie: scales of rows": of(eight, SCB=encode(np.ones(shape[0] + 1), "F32")),
        "lie: scales of two dimensions": of(eight, SCB=encode(np.ones((shape[0], 1)), "F32")),
        "lie: scales of integers": of(eight, SCB=raw(np.ones(shape[0]), "I8")),
        "lie: weights of floats": of(eight, weight=encode(network.tensors[weight], "F32")),
        "lie: weights of three dimensions": of(eight, weight=raw(np.ones((*shape, 1)), "I8")),
        "lie: weights of one dimension": of(eight, weight=raw(np.ones(shape[0]), "I8")),
        "lie: layout of a GPU": of(eight, format=Stored("U8", (), b"\x02")),
        "lie: two forms": of({**four, **{name: item for name, item in eight.items() if name != weight}}),
        "NaN scales of rows": of(eight, SCB=encode(np.full(shape[0], np.nan), "F32")),
        "lie: codes without a weight": safetensors_bytes(tmp_path, {**base, f"{module}.x.SCB": encode([1.0], "F32")}),
    }
    whole = of(nested)
    content |= truncations(whole, random, 10) | flips(whole, random, 80, 4000)
    examine(tmp_path, content, "safetensors", ["encoder"], refused=is_lie)


def test_quanto_and_float8(tmp_path, random):
    network = architectures.text_encoder(random)
    weight = "encoder.block.0.layer.0.SelfAttention.q.weight"
    module = weight.removesuffix(".weight")
    base = {name: encode(values, "F16") for name, values in network.tensors.items()}
    values = network.tensors[weight]
    shape = values.shape
    without = {name: item for name, item in base.items() if name != weight}
    qint8, *_ = quantized.quanto_8bit(weight, values, "I8")
    qint4, _ = quantized.quanto_int4(random, weight, values)

    def of(tensors, metadata=None, **changes):
        changed = dict(tensors)
        for name, item in changes.items():
            key = f"{weight}.{name}" if name.startswith("_") else f"{module}.{name}"
            key = {"_packed": f"{weight}._data._data", "_weight": weight}.get(name, key)
            if item is None:
                changed.pop(key)
            else:
                changed[key] = item
        return safetensors_bytes(tmp_path, {**without, **changed}, metadata)

    float8 = {weight: encode(values, "F8_E4M3")}
    scale = encode(np.float32(0.5), "F32")
    huge = 1 << 40
    note = "_quantization_metadata"
    content = {
        "lie: no scale": of(qint8, _scale=None),
        "lie: one scale": of(qint8, _scale=encode([1.0], "F32")),
        "lie: scales of integers": of(qint8, _scale=raw(np.ones((shape[0], 1)), "I8")),
        "lie: data of bytes": of(qint8, _data=raw(np.ones(shape))),
        "lie: data of floats": of(qint8, _data=encode(values, "F32")),
        "lie: data of an unknown type": of(qint8, _data=odd("X1", (shape[0], LARGE), b"12")),
        "lie: data without elements": of(qint8, _data=raw(np.ones((shape[0], 0)), "I8")),
        "lie: data without rows": of(qint8, _data=raw(np.ones((0, 4)), "I8"), _scale=encode(np.ones((0, 1)), "F32")),
        "lie: data of one dimension": of(qint8, _data=raw(np.ones(shape[0]), "I8")),
        "lie: data without dimensions": of(qint8, _data=Stored("I8", (), b"1"), _scale=encode([1.0], "F32")),
        "NaN scales": of(qint8, _scale=encode(np.full((shape[0], 1), np.nan), "F32")),
        "lie: no shifts": of(qint4, _shift=None),
        "lie: fewer shifts": of(qint4, _shift=encode([[1.0]], "F32")),
        "lie: fewer scales": of(qint4, _scale=encode([[1.0]], "F32")),
        "lie: codes of floats": of(qint4, _packed=encode(np.ones((2, 2)), "F32")),
        "lie: codes without dimensions": of(qint4, _packed=Stored("U8", (), b"1")),
        "lie: no codes": of(qint4, _packed=raw(np.ones((0, 4))), _scale=encode(np.ones((0, 1)), "F32")),
        "lie: codes of half": of(qint4, _packed=raw(np.ones((1, 4))), _scale=encode(np.ones((2, 1)), "F32")),
        "lie: codes of an unknown type": of(qint4, _packed=odd("X1", (1 << 62, 1 << 62), b"12")),
        "lie: largest codes of an unknown type": of(qint4, _packed=odd("X1", (LARGE, 2), b"12")),
        "lie: many groups without elements": of(qint4, _packed=odd("U8", (1 << 60, 0))),
        **{
            f"lie: {name} scales of no elements": safetensors_bytes(
                tmp_path, {**without, weight: odd("F8_E4M3", (huge, 0)), f"{module}.{name}": scale}
            )
            for name in ("scale_weight", "weight_scale")
        },
        "lie: scale of an unknown type": safetensors_bytes(
            tmp_path, {**without, weight: odd("X1", (huge, huge), b"1"), f"{module}.scale_weight": scale}
        ),
        "lie: scale of integers": of(float8, weight_scale=raw(np.ones(1))),
        "lie: no scales": of(float8, weight_scale=encode(np.ones(0), "F32")),
        "lie: scales of blocks": of(float8, weight_scale=encode(np.ones((shape[0], 2)), "F32")),
        "lie: scaled floats": of({weight: encode(values, "F32")}, scale_weight=scale),
        "lie: scaled bytes": of({weight: raw(np.ones(shape))}, scale_weight=scale),
        "lie: scale without a weight": of({}, scale_weight=scale),
        "NaN scale": of(float8, weight_scale=encode(np.float32(np.nan), "F32")),
        "NaN weights": of({weight: Stored("F8_E4M3", shape, b"\x7f" * values.size)}),
        **{
            f"lie: note {index}": of(float8, weight_scale=scale, comfy_quant=raw(list(text)))
            for index, text in enumerate(
                [b"", b"x", b"{}", b"[1]", b'{"format": 3}', b"[" * 100_000, b'{"format": "x\\u0000"}']
            )
        },
        **{
            f"lie: notes {index}": of(float8, {note: text}, weight_scale=scale)
            for index, text in enumerate(
                ["x", "[" * 9999, '{"layers": {"a": {}}}', '{"layers": {"a": {"format": "q"}}}']
            )
        },
        "lie: two scales": of(float8, weight_scale=scale, scale_weight=encode(np.ones((2, 2)), "F32")),
    }
    for form, whole in {"quanto": of(qint4), "float8": of(float8, weight_scale=scale)}.items():
        damaged = truncations(whole, random, 10) | flips(whole, random, 40, 4000)
        content |= {f"{name} of {form}": item for name, item in damaged.items()}
    examine(tmp_path, content, "safetensors", ["encoder"], refused=is_lie)
