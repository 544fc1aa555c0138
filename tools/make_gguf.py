#!/usr/bin/env python3
"""Writes a GGUF file of a T5 encoder of real size with random blocks, to measure memory and time.

    tools/make_gguf.py OUT.gguf [--type Q4_K] [--layers 24]

Names, shapes, metadata and the types of norms, biases and the token table are those of published T5-XXL files. Blocks are
random, with scales that make the weights about as large as trained ones.
"""

import argparse
import pathlib
import struct

import numpy as np

WIDTH, INNER, FEED_FORWARD, HEADS, BUCKETS, VOCABULARY = 4096, 4096, 10240, 64, 32, 32128
ALIGNMENT = 32
# Number of the type, elements and bytes of a block, and where its float16 scales are: (offset, value).
TYPES = {
    "F32": (0, 1, 4, ()),
    "Q8_0": (8, 32, 34, ((0, 0.0003),)),
    "Q4_K": (12, 256, 144, ((0, 0.0001), (2, 0.0008))),
    "Q6_K": (14, 256, 210, ((208, 0.00002),)),
}


def text(value):
    """A string of GGUF."""
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def metadata(layers):
    """The keys that published files have and that a reader needs."""
    numbers = {
        "context_length": 512,
        "embedding_length": WIDTH,
        "feed_forward_length": FEED_FORWARD,
        "block_count": layers,
        "attention.head_count": HEADS,
        "attention.key_length": INNER // HEADS,
        "attention.value_length": INNER // HEADS,
        "attention.relative_buckets_count": BUCKETS,
    }
    rows = [text("general.architecture") + struct.pack("<I", 8) + text("t5encoder")]
    rows += [text(f"t5encoder.{key}") + struct.pack("<II", 4, value) for key, value in numbers.items()]
    rows.append(text("t5encoder.attention.layer_norm_rms_epsilon") + struct.pack("<If", 6, 1e-6))
    return rows


def tensors(kind, layers):
    """Name, type and shape [rows, columns] of every tensor."""
    yield "token_embd.weight", "Q8_0" if kind == "Q8_0" else "Q6_K", (VOCABULARY, WIDTH)
    for layer in range(layers):
        block = f"enc.blk.{layer}"
        if layer == 0:
            yield f"{block}.attn_rel_b.weight", "F32", (BUCKETS, HEADS)
        for name in "qkv":
            yield f"{block}.attn_{name}.weight", kind, (INNER, WIDTH)
        yield f"{block}.attn_o.weight", kind, (WIDTH, INNER)
        yield f"{block}.attn_norm.weight", "F32", (WIDTH,)
        for name in ("gate", "up"):
            yield f"{block}.ffn_{name}.weight", kind, (FEED_FORWARD, WIDTH)
        yield f"{block}.ffn_down.weight", kind, (WIDTH, FEED_FORWARD)
        yield f"{block}.ffn_norm.weight", "F32", (WIDTH,)
    yield "enc.output_norm.weight", "F32", (WIDTH,)


def content(kind, shape, random):
    """The bytes of a tensor, some rows at a time."""
    number, elements, size, scales = TYPES[kind]
    if kind == "F32":
        scale = 0.1 if len(shape) == 1 else 1.0
        yield (random.standard_normal(shape) * scale + (len(shape) == 1)).astype("<f4").tobytes()
        return
    blocks = shape[1] // elements
    for first in range(0, shape[0], 1024):
        rows = min(1024, shape[0] - first)
        data = random.integers(0, 256, (rows * blocks, size), dtype=np.uint8)
        for offset, value in scales:
            half = np.full(len(data), value, "<f2").view(np.uint8).reshape(-1, 2)
            data[:, offset : offset + 2] = half
        yield data.tobytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--type", choices=[name for name in TYPES if name != "F32"], default="Q4_K")
    parser.add_argument("--layers", type=int, default=24)
    arguments = parser.parse_args()
    listed = list(tensors(arguments.type, arguments.layers))
    rows = metadata(arguments.layers)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(rows)) + b"".join(rows)
    offset = 0
    for name, kind, shape in listed:
        number, elements, size, _ = TYPES[kind]
        dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        header += text(name) + dimensions + struct.pack("<IQ", number, offset)
        offset += -(-int(np.prod(shape)) // elements * size // ALIGNMENT) * ALIGNMENT
    random = np.random.default_rng(7)
    with arguments.out.open("wb") as file:
        file.write(header + bytes(-len(header) % ALIGNMENT))
        for _, kind, shape in listed:
            for piece in content(kind, shape, random):
                file.write(piece)
            file.write(bytes(-file.tell() % ALIGNMENT))


if __name__ == "__main__":
    main()
