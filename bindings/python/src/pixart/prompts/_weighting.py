"""Weights of words: their syntax in prompts, and embeddings whose rows are scaled by them."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._core.errors import ArgumentError
from .._core.schema import options_schema
from .._encoder import Encoder
from ..options import EncodeOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

STEP = 1.1
"""Parentheses multiply a weight by this factor, and brackets divide it."""

_PARTS = re.compile(
    r"""\\(?P<escaped>[()\[\]:\\])
      | (?P<opening>[(\[])
      | (?: :\s* (?P<number>[-+.\d][^()\[\]:\\]*) )? (?P<closing>[)\]])
      | (?P<text>[^()\[\]:\\]+ | .)""",
    re.VERBOSE | re.DOTALL,
)
_WEIGHT = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)")


def parse_weights(prompt: str) -> list[tuple[str, float]]:
    """Returns the text of a prompt in pieces of one weight each: [(text, weight), ...].

    `(text:1.3)` multiplies the weight of a text by 1.3, `(text)` by 1.1, and `[text]` divides it by 1.1. Nested weights
    multiply. A backslash makes one of these characters text.
    """
    factors, weights, runs = _factors(prompt), [1.0], []
    for part in _PARTS.finditer(prompt):
        if part["opening"]:
            weights.append(weights[-1] * factors[part.start()])
        elif part["closing"]:
            weights.pop()
        else:
            runs.append((part["escaped"] or part["text"], weights[-1]))
    alike = itertools.groupby(runs, key=lambda run: run[1])
    return [("".join(text for text, _ in group), weight) for weight, group in alike]


def encode_weighted(encoder: Encoder, prompt: str, **options: Unpack[EncodeOptions]) -> npt.NDArray[np.float32]:
    """Encodes a prompt with weights (see parse_weights()), float32 [S, E]: the embedding of its text, with each token's
    row multiplied by the token's weight.

    A token that belongs to several weights has the mean over its characters. The closing token has 1. If caption
    cleaning hides which tokens a weight belongs to, encode_weighted() raises ArgumentError.
    """
    runs = parse_weights(prompt)
    embedding = encoder.encode("".join(text for text, _ in runs), **options)
    if all(weight == 1 for _, weight in runs):
        return embedding
    weights = _token_weights(encoder, runs, options)[: len(embedding) - 1]
    return embedding * np.array([*weights, 1.0], np.float32)[:, None]


def _factors(prompt: str) -> dict[int, float]:
    """The factor of each opening parenthesis or bracket, by its position."""
    opened: list[re.Match[str]] = []
    factors: dict[int, float] = {}
    for part in _PARTS.finditer(prompt):
        if part["opening"]:
            opened.append(part)
        elif part["closing"]:
            closing, place = part["closing"], part.end() - 1
            if not opened or opened[-1]["opening"] + closing not in ("()", "[]"):
                raise _malformed(prompt, place, "closes nothing")
            factors[opened.pop().start()] = _factor(part)
    if opened:
        raise _malformed(prompt, opened[-1].start(), "is never closed")
    return factors


def _factor(part: re.Match[str]) -> float:
    if part["number"] is None:
        return STEP if part["closing"] == ")" else 1 / STEP
    if part["closing"] == "]":
        raise ArgumentError(f'prompt: "{part[0]}" at character {part.start()}: brackets take no weight, parentheses do')
    if not _WEIGHT.fullmatch(part["number"].strip()):
        raise ArgumentError(
            f'prompt: "{part["number"]}" at character {part.start("number")} is not a weight, a number of 0 or more; '
            'write "\\:" for a colon that is text'
        )
    return float(part["number"])


def _malformed(prompt: str, place: int, found: str) -> ArgumentError:
    character = prompt[place]
    return ArgumentError(f'prompt: "{character}" at character {place} {found}; write "\\{character}" for text')


def _token_weights(encoder: Encoder, runs: list[tuple[str, float]], options: EncodeOptions) -> list[float]:
    """The weight of each token of the whole text, without the closing token."""
    options = {**options, "max_sequence_length": _longest()}
    text = "".join(run for run, _ in runs)
    pieces = _pieces(encoder, text, options)
    letters = "".join(pieces)
    weights, start, position = np.ones(len(letters) + 1), 0, 0
    for run, weight in runs:
        position += len(run)
        end = _letters_before(encoder, text, position, letters, options)
        weights[start:end] = weight
        start = end
    tokens, start = [], 0
    for piece in pieces:
        end = start + len(piece)
        tokens.append(float(weights[start : max(end, start + 1)].mean()))  # a lone space goes with what follows
        start = end
    return tokens


def _letters_before(encoder: Encoder, text: str, position: int, letters: str, options: EncodeOptions) -> int:
    """The number of the text's `letters`, as the network sees them, that come from before a position in the text.

    A mark is inserted there and found again in the cleaned text. It counts if the rest is the same as without it.
    """
    if position in (0, len(text)):
        return 0 if position == 0 else len(letters)
    mark = _unused(letters)
    before, after = text[:position], text[position:]
    for form in (mark, f" {mark} ", f" {mark}", f"{mark} "):
        marked = "".join(_pieces(encoder, before + form + after, options))
        count = marked.find(mark)
        if count >= 0 and marked[:count] + marked[count + len(mark) :] == letters:
            return count
    raise ArgumentError(
        f'prompt: cleaning changes the text around "{before[-20:]}|{after[:20]}", and the tokens of the weight '
        'that changes at "|" are unknown; give whole words a weight, or use clean_caption=False'
    )


def _pieces(encoder: Encoder, text: str, options: EncodeOptions) -> list[str]:
    """The text of each token, without spaces and without the closing token."""
    return [piece.replace("▁", "") for piece in encoder.tokenize(text, **options)["pieces"][:-1]]


def _unused(letters: str) -> str:
    """Letters that do not occur in `letters`, that cleaning does not change, and that cannot overlap with
    themselves."""
    mark = "qzjx"
    while mark in letters:
        mark += "w"
    return mark


def _longest() -> int:
    """The maximum number of tokens of encode()."""
    return int(options_schema("encode")["properties"]["max_sequence_length"]["maximum"])
