"""Captions for (emoji, colour) pairs, and the pairs held out of training."""

import json
import random
from pathlib import Path

from things import COLOUR_WORDS, COLOURS, THINGS

HELD_OUT_FILE = Path(__file__).with_name("held_out.json")
DEFAULT_COLOUR = "white"

# {one} is the thing with its article, perhaps with an adjective: "a cute cat"; {thing} goes without.
WITH_COLOUR = (
    "{one} on a {colour} background",
    "{one} on a {colour} background",
    "{one} on {colour}",
    "{thing} on {colour}",
    "{thing} on a {colour} background",
    "{thing}, {colour} background",
    "{one}, {colour} background",
    "{one} with a {colour} background",
    "{one} against a {colour} background",
    "{colour} background, {thing}",
    "{thing} in front of a {colour} background",
    "{thing} emoji on a {colour} background",
    "{thing} emoji, {colour} background",
    "{one} emoji on {colour}",
    "a drawing of {one} on a {colour} background",
    "a picture of {one} on a {colour} background",
    "a picture of {one} on {colour}",
    "an emoji of {one} on a {colour} background",
    "an icon of {one} on a {colour} background",
)
WITHOUT_COLOUR = (
    "{one}",
    "{one}",
    "{thing}",
    "{thing}",
    "{thing} emoji",
    "{one} emoji",
    "a drawing of {one}",
    "a picture of {one}",
    "an emoji of {one}",
    "an icon of {one}",
    "a photo of {one}",
    "draw {one}",
    "{one} on a background",
)
ADJECTIVES = (
    "cute",
    "cute",
    "cute",
    "small",
    "little",
    "big",
    "tiny",
    "nice",
    "pretty",
    "simple",
    "funny",
    "lovely",
    "beautiful",
    "cartoon",
    "colorful",
)
UNCOUNTED = {
    "grapes",
    "purple grapes",
    "cherries",
    "red cherries",
    "french fries",
    "fries",
    "chips",
    "bread",
    "toast",
    "fire",
    "corn",
    "maize",
    "poo",
    "poop",
    "sunglasses",
    "heart eyes",
    "home",
    "beer",
    "death",
    "laugh",
}


def with_article(words: str, plain: str) -> str:
    """ "a cat", "an apple"; things that are not counted stay as they are."""
    if plain in UNCOUNTED:
        return words
    return ("an " if words[0] in "aeiou" and not words.startswith(("uni", "ufo", "ewe")) else "a ") + words


def caption(names: tuple[str, ...], colour: str, rng: random.Random) -> str:
    """A random caption. The first names are more likely, and white is often left out."""
    name = names[min(int(rng.random() ** 1.5 * len(names)), len(names) - 1)]
    words = f"{rng.choice(ADJECTIVES)} {name}" if rng.random() < 0.35 else name
    silent = colour == DEFAULT_COLOUR and rng.random() < 0.6
    template = rng.choice(WITHOUT_COLOUR if silent else WITH_COLOUR)
    shade = COLOUR_WORDS[colour][0 if rng.random() < 0.85 else 1]
    text = template.format(one=with_article(words, name), thing=words, colour=shade)
    return text.replace("a orange", "an orange") + ("." if rng.random() < 0.03 else "")


def all_pairs() -> list[tuple[str, str]]:
    return [(symbol, colour) for symbol in THINGS for colour in COLOURS]


def choose_held_out(share: float = 0.1, seed: int = 1) -> list[tuple[str, str]]:
    """A random tenth of the pairs, spread evenly over the colours, at most one for each emoji.

    White is left out, so that a thing without a colour is always learnt.
    """
    rng = random.Random(seed)
    colours = [colour for colour in COLOURS if colour != DEFAULT_COLOUR]
    symbols = rng.sample([symbol for symbol in THINGS if symbol != "🐱"], round(share * len(all_pairs())))
    return [(symbol, colours[i % len(colours)]) for i, symbol in enumerate(symbols)]


def held_out() -> set[tuple[str, str]]:
    """The pairs of held_out.json."""
    return {(entry["emoji"], entry["colour"]) for entry in json.loads(HELD_OUT_FILE.read_text())}


def main() -> None:
    """Write held_out.json and show some captions."""
    entries = [{"emoji": s, "name": THINGS[s][0], "colour": c} for s, c in choose_held_out()]
    HELD_OUT_FILE.write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n")
    rng = random.Random(0)
    for symbol, colour in rng.sample(all_pairs(), 20):
        print(symbol, colour, "|", caption(THINGS[symbol], colour, rng))


if __name__ == "__main__":
    main()
