"""Damaged and lying GGUF files."""

from __future__ import annotations

import struct

import architectures
import gguf_files
import tensor_names
import tokenizers
from damaged_files import LARGE, examine, flips, is_lie, patched, truncations
from element_types import encode
from gguf_files import ARRAY, F32, I32, STRING, U32


def t5(random, multiple=32):
    network = architectures.text_encoder(random, multiple)
    kinds = {True: "Q8_0", False: "F32"}
    return {
        tensor_names.llama(name): gguf_files.stored_as(
            random, kinds[values.ndim == 2 and "bias" not in name and values.shape[1] % 32 == 0], values
        )
        for name, values in network.tensors.items()
    }


def test_gguf(tmp_path, random):
    tensors = t5(random)
    words = tokenizers.vocabulary(random)
    table = tensors["token_embd.weight"]
    keys = {"general.architecture": (STRING, "t5encoder"), **tokenizers.gguf_keys(words, table.shape[0])}
    whole = gguf_files.contents(tensors, keys)
    lists = whole.index(b"general.architecture") - 8  # where the keys begin
    names = whole.index(struct.pack("<Q", len("token_embd.weight")) + b"token_embd.weight")

    own = (3, len(tensors), len(keys))

    def head(version=own[0], count=own[1], kv=own[2]):
        return b"GGUF" + struct.pack("<Iqq", version, count, kv) + whole[lists:]

    def key(kind, content=b"", name=b"x"):
        return (
            whole[:16]
            + struct.pack("<q", len(keys) + 1)
            + gguf_files.text(name)
            + struct.pack("<I", kind)
            + content
            + (whole[lists:])
        )

    def info(change, name="token_embd.weight"):
        """The entry of a tensor, changed by a function of its number of dimensions, dimensions, type and offset."""
        place = whole.index(struct.pack("<Q", len(name)) + name.encode()) + 8 + len(name)
        (count,) = struct.unpack_from("<I", whole, place)
        size = 4 + 8 * count + 12
        facts = struct.unpack_from(f"<I{count}qIQ", whole, place)
        count, dimensions, kind, offset = change(facts[0], list(facts[1:-2]), facts[-2], facts[-1])
        entry = struct.pack("<I", count) + b"".join(struct.pack("<q", item) for item in dimensions)
        return whole[:place] + entry + struct.pack("<IQ", kind, offset) + whole[place + size :]

    def with_keys(**more):
        return gguf_files.contents(tensors, {**keys, **{name.replace("__", "."): item for name, item in more.items()}})

    q = "enc.blk.0.attn_q.weight"
    assert tensors[q].type == "Q8_0"
    nan = bytearray(tensors[q].data)
    nan[0:2] = b"\0\x7e"
    lies = {
        "lie: no tensors": head(count=0),
        "lie: most tensors": head(count=LARGE),
        "lie: negative tensors": head(count=-1),
        "lie: one tensor more": head(count=len(tensors) + 1),
        "lie: most keys": head(kv=LARGE),
        "lie: negative keys": head(kv=-(1 << 63)),
        "lie: one key more": head(kv=len(keys) + 1),
        "lie: one key less": head(kv=len(keys) - 1),
        "lie: version 1": head(version=1),
        "lie: version 4": head(version=4),
        "lie: big-endian": head(version=3 << 24),
        "lie: long key": whole[:24] + struct.pack("<Q", LARGE) + whole[32:],
        "lie: longest key": whole[:24] + struct.pack("<Q", (1 << 64) - 1) + whole[32:],
        "lie: type of a key": key(13),
        "lie: array of arrays": key(ARRAY, struct.pack("<IQ", ARRAY, 1)),
        "lie: array of an unknown type": key(ARRAY, struct.pack("<IQ", 99, 1)),
        "lie: most elements": key(ARRAY, struct.pack("<IQ", 10, (1 << 64) - 1)),
        "lie: many elements": key(ARRAY, struct.pack("<IQ", 12, 1 << 30)),
        "lie: many texts": key(ARRAY, struct.pack("<IQ", STRING, 1 << 30)),
        "lie: longest text": key(STRING, struct.pack("<Q", 1 << 62)),
        "lie: a key twice": key(U32, struct.pack("<I", 1), b"general.architecture"),
        "lie: alignment 0": key(U32, struct.pack("<I", 0), b"general.alignment"),
        "lie: alignment 3": key(U32, struct.pack("<I", 3), b"general.alignment"),
        "lie: alignment 2^31": key(U32, struct.pack("<I", 1 << 31), b"general.alignment"),
        "lie: negative alignment": key(11, struct.pack("<q", -32), b"general.alignment"),
        "lie: largest alignment": key(11, struct.pack("<q", 1 << 62), b"general.alignment"),
        "lie: five dimensions": info(lambda n, d, t, o: (5, [*d, 1, 1, 1], t, o)),
        "lie: most dimensions": info(lambda n, d, t, o: ((1 << 32) - 1, d, t, o)),
        "lie: negative dimension": info(lambda n, d, t, o: (n, [d[0], -1], t, o)),
        "lie: largest dimension": info(lambda n, d, t, o: (n, [d[0], LARGE], t, o)),
        "lie: product of dimensions": info(lambda n, d, t, o: (4, [1 << 32, 1 << 32, 1 << 32, 32], t, o)),
        "lie: no columns": info(lambda n, d, t, o: (n, [0, d[1]], t, o)),
        "lie: no rows": info(lambda n, d, t, o: (n, [d[0], 0], t, o)),
        "lie: no dimensions": info(lambda n, d, t, o: (0, [], 0, o)),
        "lie: rows of half a block": info(lambda n, d, t, o: (n, [d[0] + 16, d[1]], t, o)),
        "lie: one row more": info(lambda n, d, t, o: (n, [d[0], d[1] + 1], t, o)),
        "lie: type 99": info(lambda n, d, t, o: (n, d, 99, o)),
        "lie: type that was removed": info(lambda n, d, t, o: (n, d, 4, o)),
        "lie: largest type": info(lambda n, d, t, o: (n, d, (1 << 32) - 1, o)),
        "lie: unknown type of any shape": info(lambda n, d, t, o: (4, [LARGE, LARGE, LARGE, LARGE], 99, o)),
        "lie: offset off by one": info(lambda n, d, t, o: (n, d, t, o + 1)),
        "lie: offset off by 16": info(lambda n, d, t, o: (n, d, t, o + 16)),
        "lie: offset overlaps": info(lambda n, d, t, o: (n, d, t, o + 32)),
        "lie: offset of another": info(lambda n, d, t, o: (n, d, t, 0), q),
        "lie: offset behind the file": info(lambda n, d, t, o: (n, d, t, 1 << 40)),
        "lie: largest offset": info(lambda n, d, t, o: (n, d, t, (1 << 64) - 32)),
        "lie: a tensor twice": whole.replace(b"enc.blk.0.attn_k.weight", b"enc.blk.0.attn_q.weight"),
        "lie: a tensor under both names": gguf_files.contents({**tensors, "shared.weight": encode([1.0], "F32")}, keys),
        "lie: one part of several": key(U32, struct.pack("<I", 3), b"split.count"),
        "lie: tokenizer of another kind": with_keys(tokenizer__ggml__model=(STRING, "llama")),
        "lie: fewer scores": with_keys(tokenizer__ggml__scores=((ARRAY, F32), [0.0])),
        "lie: scores of another type": with_keys(tokenizer__ggml__scores=((ARRAY, I32), [0] * table.shape[0])),
        "lie: type of a token": with_keys(tokenizer__ggml__token_type=((ARRAY, I32), [9] * table.shape[0])),
        "lie: negative type of a token": with_keys(tokenizer__ggml__token_type=((ARRAY, I32), [-1] * table.shape[0])),
        "lie: token behind the last": with_keys(tokenizer__ggml__eos_token_id=(U32, 1 << 30)),
        "lie: NaN scores": with_keys(tokenizer__ggml__scores=((ARRAY, F32), [float("nan")] * table.shape[0])),
        "lie: charsmap": with_keys(tokenizer__ggml__precompiled_charsmap=((ARRAY, 0), [255] * 40)),
        "NaN scale of a block": gguf_files.contents(patched(tensors, q, data=bytes(nan)), keys),
    }
    for name, original in {
        "lie: original shape of another size": [table.shape[0] + 1, table.shape[1]],
        "lie: negative original shape": [-table.shape[0], -table.shape[1]],
        "lie: original shape without rows": [0, 0],
        "lie: original rows of half a block": [table.shape[0] * 2, table.shape[1] // 2],
        "lie: largest original shape": [(1 << 31) - 1] * 64,
        "lie: flat original shape": [table.shape[0] * table.shape[1]],
    }.items():
        lies[name] = gguf_files.contents(
            tensors, {**keys, "comfy.gguf.orig_shape.token_embd.weight": ((ARRAY, I32), original)}
        )
    content = {**lies, **truncations(whole[:-32], random), **flips(whole, random, 150, names + 2000)}
    examine(tmp_path, content, "gguf", ["encoder"], refused=lambda name: is_lie(name) and name not in GGUF_OPENS)


GGUF_OPENS = {"lie: NaN scores"}
