#!/usr/bin/env python3
"""Compares the library's tokenizer with the `sentencepiece` package on random texts: ids, pieces, and joined text.

    swift build -c release --product tokenize
    tools/goldens/compare_tokenizer.py [--count N] [--seed S] [--file TOKENIZER] [MODEL ...]

MODEL is a spiece.model; the default is T5's and that of models/emoji. TOKENIZER is what the library reads instead of MODEL,
as a tokenizer.json that transformers made of it. Texts are of all scripts, with emoji, combining marks, spaces and controls
of all kinds, long runs, pieces of the model strung together, and bytes that are not UTF-8.

It needs sentencepiece 0.1.97 to 0.2.1, see make_tokenizer_goldens.py.
"""

import argparse
import pathlib
import random
import subprocess
import sys

import sentencepiece
from make_tokenizer_goldens import RESOURCES, SCRIPTS, SENTENCES, SPECIALS, WORDS, draw

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = [RESOURCES / "spiece.model", ROOT / "models/emoji/tokenizer/spiece.model"]
NAMES = list(SCRIPTS)


def words(source):
    return " ".join(
        draw(source, SCRIPTS[source.choice(NAMES)], source.randint(1, 6)) for _ in range(source.randint(1, 5))
    )


def mixture(source):
    parts = []
    for _ in range(source.randint(1, 8)):
        parts.append(source.choice(WORDS) if source.random() < 0.4 else draw(source, SCRIPTS[source.choice(NAMES)], 2))
        parts.append(draw(source, SCRIPTS["spaces"], source.randint(0, 2)))
    return "".join(parts)


def run(source):
    unit = draw(source, SCRIPTS[source.choice(NAMES)], source.randint(1, 2))
    return draw(source, SCRIPTS["ascii"], 1) + unit * source.randint(2, 60)


def punctuation(source):
    return "".join(source.choice("0123456789.,-+:;/%$()[]!?'\"#*_=~ ") for _ in range(source.randint(1, 30)))


def scrap(source):
    sentence = source.choice(SENTENCES + SPECIALS)
    start = source.randrange(len(sentence) or 1)
    return sentence[start : start + source.randint(1, 40)]


def strung(source, pieces):
    return "".join(source.choice(pieces) for _ in range(source.randint(1, 12))).replace("\u2581", " ")


def damaged(source, text):
    """Bytes that are not UTF-8, most of the time."""
    data = bytearray(text.encode()[:60]) or bytearray(b"a")
    for _ in range(source.randint(1, 4)):
        data[source.randrange(len(data))] = source.randrange(256)
    del data[source.randrange(len(data)) : source.randrange(len(data)) + 1]
    return bytes(data)


def make_texts(count, seed, pieces):
    source = random.Random(seed)
    kinds = [words, mixture, run, punctuation, scrap, lambda source: strung(source, pieces)]
    texts = []
    for _ in range(count):
        text = source.choice(kinds)(source)
        texts.append(damaged(source, text) if source.random() < 0.15 else text.encode())
    return texts


def main():
    if not sentencepiece.__version__.startswith(("0.1.9", "0.2.0", "0.2.1")):
        sys.exit(f"sentencepiece is {sentencepiece.__version__}; expected 0.1.97 to 0.2.1")
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", type=pathlib.Path)
    parser.add_argument("models", nargs="*", type=pathlib.Path, default=MODELS)
    options = parser.parse_args()
    failed = False
    for model in options.models:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
        pieces = [processor.id_to_piece(id) for id in range(processor.get_piece_size())]
        texts = make_texts(options.count, options.seed, pieces)
        output = subprocess.run(
            [ROOT / ".build/release/tokenize", options.file or model],
            check=True,
            input="".join(text.hex() + "\n" for text in texts).encode(),
            stdout=subprocess.PIPE,
        )
        lines = output.stdout.decode().split("\n")[:-1]
        different = 0
        for text, line in zip(texts, lines, strict=True):
            ids = processor.encode(text, out_type=int)
            split = [
                piece if isinstance(piece, bytes) else piece.encode() for piece in processor.encode(text, out_type=str)
            ]
            expected = "\t".join(
                [
                    " ".join(map(str, ids)),
                    " ".join(piece.hex() for piece in split),
                    processor.decode(ids).encode().hex(),
                ]
            )
            if line != expected:
                different += 1
                if different <= 10:
                    print(f"{text!r}\n  found    {line}\n  expected {expected}")
        print(f"{options.file or model}: {len(texts)} texts, {different} different")
        failed |= different > 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
