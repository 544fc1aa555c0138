#!/usr/bin/env python3
"""Writes captions and diffusers' results for them, as lines of JSON:

captions.jsonl        [caption, cleaned, normalized]
caption_parts.jsonl   [part, text, result], for the steps of cleaning one by one

    tools/goldens/make_caption_goldens.py                        # into Tests/PixArtFormatsTests/Resources
    tools/goldens/make_caption_goldens.py --seed 7 --count 20000 --folder fuzz
    PIXART_CAPTION_ROWS=fuzz swift test -c release --filter CaptionCleanerTests

Run with CPython 3.11, diffusers 0.42.1, beautifulsoup4 4.15 and ftfy 6.3.1. The same seed gives the same captions. A
result is null if diffusers refuses the caption.
"""

import argparse
import html
import json
import random
import urllib.parse
import warnings
from pathlib import Path

import ftfy
from bs4 import BeautifulSoup
from bs4.exceptions import ParserRejectedMarkup
from caption_samples import FIXED, sample
from diffusers import PixArtAlphaPipeline

RESOURCES = Path(__file__).resolve().parents[2] / "Tests" / "PixArtFormatsTests" / "Resources"


class Preprocessing:
    """The part of the pipeline that cleans captions, without a model."""

    bad_punct_regex = PixArtAlphaPipeline.bad_punct_regex
    _text_preprocessing = PixArtAlphaPipeline._text_preprocessing
    _clean_caption = PixArtAlphaPipeline._clean_caption


PARTS = {
    "percent": urllib.parse.unquote_plus,
    "html": lambda text: BeautifulSoup(text, features="html.parser").text,
    "references": html.unescape,
    "encoding": ftfy.fix_encoding,
    "repair": ftfy.fix_text,
}


def attempt(function, text):
    try:
        return function(text)
    except ParserRejectedMarkup:
        return None


def write(path, rows):
    with path.open("w", encoding="ascii") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--folder", type=Path, default=RESOURCES)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    generator = random.Random(options.seed)

    preprocessing = Preprocessing()

    def clean(text):
        return preprocessing._text_preprocessing(text, clean_caption=True)[0]

    def normalize(text):
        return preprocessing._text_preprocessing(text, clean_caption=False)[0]

    captions = dict.fromkeys(FIXED + [sample(generator) for _ in range(options.count)])
    write(options.folder / "captions.jsonl", ([text, attempt(clean, text), normalize(text)] for text in captions))

    texts = dict.fromkeys(FIXED[:40] + [sample(generator) for _ in range(options.count // 10)])
    write(
        options.folder / "caption_parts.jsonl",
        ([part, text, attempt(function, text)] for part, function in PARTS.items() for text in texts),
    )


if __name__ == "__main__":
    main()
