"""A small tokenizer of random pieces, as spiece.model and as the keys of a GGUF file."""

from __future__ import annotations

import dataclasses
import struct

from gguf_files import ARRAY, BOOL, F32, I32, STRING, U32

NORMAL, UNKNOWN, CONTROL, USER, UNUSED = 1, 2, 3, 4, 5


@dataclasses.dataclass
class Vocabulary:
    pieces: list[str]
    scores: list[float]
    types: list[int]


def vocabulary(rng, extra=20):
    """Letters, a few words, and the pieces that T5 has."""
    letters = list("abcdefghijklmnopqrstuvwxyz") + ["▁"]
    words = {"".join(rng.choice(list("abcdeorst "), int(rng.integers(2, 5)))).replace(" ", "▁") for _ in range(extra)}
    pieces = ["<pad>", "</s>", "<unk>", *letters, *sorted(words - set(letters))]
    scores = [0.0, 0.0, 0.0] + [round(float(score), 3) for score in -10 * rng.random(len(pieces) - 3)]
    return Vocabulary(pieces, scores, [CONTROL, CONTROL, UNKNOWN] + [NORMAL] * (len(pieces) - 3))


def _number(field, number):
    return _varint(field << 3) + _varint(number)


def _varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def _bytes(field, content):
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def spiece(words):
    """The bytes of a spiece.model."""
    pieces = zip(words.pieces, words.scores, words.types, strict=True)
    model = b"".join(
        _bytes(1, _bytes(1, piece.encode()) + b"\x15" + struct.pack("<f", score) + _number(3, kind))
        for piece, score, kind in pieces
    )
    facts = {3: 1, 4: len(words.pieces), 40: 2, 41: -1, 42: 1, 43: 0}
    trainer = b"".join(_number(field, number) for field, number in facts.items())
    normalizer = _bytes(1, b"identity") + _number(3, 1) + _number(4, 1) + _number(5, 1)
    return model + _bytes(2, trainer) + _bytes(3, normalizer)


def gguf_keys(words, size):
    """The keys of a GGUF file whose embedding has `size` rows: padded, and with an added token."""
    missing = size - len(words.pieces)
    added = min(1, missing)
    pads = [f"[PAD{index}]" for index in range(missing - added)]
    return {
        "tokenizer.ggml.model": (STRING, "t5"),
        "tokenizer.ggml.pre": (STRING, "default"),
        "tokenizer.ggml.tokens": ((ARRAY, STRING), words.pieces + ["<extra_id_0>"] * added + pads),
        "tokenizer.ggml.scores": ((ARRAY, F32), words.scores + [-1000.0] * added + [-10000.0] * len(pads)),
        "tokenizer.ggml.token_type": ((ARRAY, I32), words.types + [USER] * added + [UNUSED] * len(pads)),
        "tokenizer.ggml.add_space_prefix": (BOOL, 1),
        "tokenizer.ggml.remove_extra_whitespaces": (BOOL, 1),
        "tokenizer.ggml.eos_token_id": (U32, 1),
        "tokenizer.ggml.unknown_token_id": (U32, 2),
        "tokenizer.ggml.padding_token_id": (U32, 0),
        "tokenizer.ggml.add_bos_token": (BOOL, 0),
        "tokenizer.ggml.add_eos_token": (BOOL, 1),
    }
