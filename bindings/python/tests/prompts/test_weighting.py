"""Weights in prompts: parsing, and the rows that they scale."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import SMALL

import pixart


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", []),
        ("a cat", [("a cat", 1)]),
        ("(cat)", [("cat", 1.1)]),
        ("[cat]", [("cat", 1 / 1.1)]),
        ("a (red:1.5) car", [("a ", 1), ("red", 1.5), (" car", 1)]),
        ("(red : 2 )car", [("red ", 2), ("car", 1)]),
        ("(red:.5)(car:+2.)", [("red", 0.5), ("car", 2)]),
        ("(a (red:2) car:3)", [("a ", 3), ("red", 6), (" car", 3)]),
        ("((red))", [("red", 1.1 * 1.1)]),
        ("([red])", [("red", 1)]),
        ("[[red] car]", [("red", 1 / 1.1 / 1.1), (" car", 1 / 1.1)]),
        ("a(b:1)c", [("abc", 1)]),
        ("()a(:2)", [("a", 1)]),
        ("(red:0)", [("red", 0)]),
        (r"a \(red\) \[car\]", [("a (red) [car]", 1)]),
        (r"(\(red\):2)", [("(red)", 2)]),
        (r"(16\:9)", [("16:9", 1.1)]),
        (r"(red\\:2) \n", [("red\\", 2), (r" \n", 1)]),
        ("a: (b: c) d:1", [("a: ", 1), ("b: c", 1.1), (" d:1", 1)]),
        ("(a\nb:2)", [("a\nb", 2)]),
    ],
)
def test_what_weights_parse_to(prompt, expected):
    parsed = pixart.prompts.parse_weights(prompt)
    assert [text for text, _ in parsed] == [text for text, _ in expected]
    assert [weight for _, weight in parsed] == pytest.approx([weight for _, weight in expected], rel=1e-12)


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("a (cat", '"(" at character 2 is never closed'),
        ("(a [cat", '"[" at character 3 is never closed'),
        ("a cat)", '")" at character 5 closes nothing'),
        ("(a cat]", '"]" at character 6 closes nothing'),
        ("(a [cat)]", '")" at character 7 closes nothing'),
        (r"\(a:2)", '")" at character 5 closes nothing'),
        ("(cat:1,5)", '"1,5" at character 5 is not a weight'),
        ("(cat:-1)", '"-1" at character 5 is not a weight'),
        ("(cat:1e3)", '"1e3" at character 5 is not a weight'),
        ("(at 10:30 pm)", '"30 pm" at character 7 is not a weight'),
        ("[cat:0.5]", '":0.5]" at character 4: brackets take no weight'),
    ],
)
def test_malformed_weights_are_errors_that_name_the_place(encoder, prompt, named):
    with pytest.raises(pixart.ArgumentError) as failure:
        pixart.prompts.encode_weighted(encoder, prompt)
    assert failure.value.status == 101 and named in str(failure.value)


def test_deep_nesting_is_read_in_one_pass():
    depth = 20000
    assert pixart.prompts.parse_weights("(" * depth + "a" + ":1)" * depth) == [("a", 1)]


def word_rows(report):
    """The rows of each word. A piece that begins with a space begins a word."""
    words = []
    for row, piece in enumerate(report["pieces"][:-1]):
        if piece.startswith("▁") or not words:
            words.append([])
        words[-1].append(row)
    return words


def scaled_words(encoder, prompt, **options):
    """The factor of each word's rows, which must be one; the plain text's words are counted without the weighting."""
    text = "".join(text for text, _ in pixart.prompts.parse_weights(prompt))
    plain, weighted = encoder.encode(text, **options), pixart.prompts.encode_weighted(encoder, prompt, **options)
    assert weighted.shape == plain.shape and weighted.dtype == np.float32
    factors = (weighted * plain).sum(axis=1) / (plain * plain).sum(axis=1)
    assert np.allclose(weighted, plain * factors[:, None], rtol=1e-5, atol=1e-6)
    assert factors[-1] == pytest.approx(1, abs=1e-6)
    report = encoder.tokenize(text, **options)
    assert len(report["pieces"]) == len(plain)
    words = {}
    for rows in word_rows(report):
        assert np.ptp(factors[rows]) < 1e-5
        word = "".join(report["pieces"][row] for row in rows).replace("▁", "")
        words.setdefault(word, []).append(round(float(factors[rows[0]]), 4))
    return words


def test_weight_one_everywhere_is_encode(encoder):
    plain = encoder.encode("a red car on a yellow background")
    for prompt in ("a red car on a yellow background", "a (red:1) car ([on]) (a yellow:1.0) background"):
        assert np.array_equal(pixart.prompts.encode_weighted(encoder, prompt), plain)
    assert np.array_equal(pixart.prompts.encode_weighted(encoder, ""), encoder.encode(""))
    assert np.array_equal(pixart.prompts.encode_weighted(encoder, r"a \(red\) car"), encoder.encode("a (red) car"))


def test_weights_land_on_their_words(encoder):
    assert scaled_words(encoder, "a (red:1.5) car on a [yellow] background") == {
        "a": [1, 1],
        "red": [1.5],
        "car": [1],
        "on": [1],
        "yellow": [0.9091],
        "background": [1],
    }
    assert scaled_words(encoder, "(a red car:2)") == {"a": [2], "red": [2], "car": [2]}
    assert scaled_words(encoder, "a (red:0) car") == {"a": [1], "red": [0], "car": [1]}


def test_words_that_occur_more_than_once(encoder):
    assert scaled_words(encoder, "cat (cat:2) cat (dog cat:3) dog") == {"cat": [1, 2, 1, 3], "dog": [3, 1]}


@pytest.mark.parametrize("clean", [True, False])
def test_upper_case_and_blanks(encoder, clean):
    words = scaled_words(encoder, "  A  (RED \t:1.5)\n car(  owl :3)  ", clean_caption=clean)
    assert words == {"a": [1], "red": [1.5], "car": [1], "owl": [3]}


def test_weights_survive_what_cleaning_takes_away(encoder):
    prompt = "cat.png (red:1.5) 1024x768 car, R2D2 (on:2) shipping [a] "
    prompt += "<b>(yellow:3)</b> &amp; a (background:4) (owl:5),"
    words = scaled_words(encoder, prompt)
    text = encoder.tokenize("".join(text for text, _ in pixart.prompts.parse_weights(prompt)))["text"]
    assert "png" not in text and "1024" not in text and "shipping" not in text and "r2d2" not in text
    weights = {word.strip(",."): factors for word, factors in words.items()}
    assert weights["red"] == [1.5] and weights["car"] == [1] and weights["on"] == [2]
    assert weights["yellow"] == [3] and weights["background"] == [4] and weights["owl"] == [5]
    assert sorted(weights["a"]) == [0.9091, 1]


def test_a_word_that_cleaning_takes_away_leaves_its_weight_to_none(encoder):
    assert scaled_words(encoder, "a (cat.png:1.5) cat") == {"a": [1], "cat": [1]}
    assert scaled_words(encoder, "(download:2) red car") == {"red": [1], "car": [1]}


def test_many_hyphens(encoder):
    words = scaled_words(encoder, "a-red-(car:2)-on-[a]-yellow-background")
    assert words == {"a": [1, 0.9091], "red": [1], "car": [2], "on": [1], "yellow": [1], "background": [1]}


def test_the_caption_may_stay_uncleaned(encoder):
    words = scaled_words(encoder, "(red:2) (shipping car:3)", clean_caption=False)
    assert words["red"] == [2] and words["car"] == [3] and words["shipping"] == [3]


def test_a_token_of_two_weights_has_the_mean(encoder):
    pieces = encoder.tokenize("a red car")["pieces"]
    row = pieces.index("▁red")
    plain, weighted = encoder.encode("a red car"), pixart.prompts.encode_weighted(encoder, "a (re:2)d car")
    assert np.allclose(weighted[row], plain[row] * (2 + 2 + 1) / 3, rtol=1e-6)
    others = [index for index in range(len(pieces)) if index != row]
    assert np.array_equal(weighted[others], plain[others])


def test_weights_of_truncated_prompts(encoder):
    words = scaled_words(encoder, "red (car:2) on a (yellow:3) background", max_sequence_length=3)
    assert words == {"red": [1], "car": [2]}
    assert len(pixart.prompts.encode_weighted(encoder, "(red:2) car", max_sequence_length=1)) == 1
    long = "car " * 150
    assert scaled_words(encoder, long + "(owl:2) " + long + "(red:3)", max_sequence_length=4096)["owl"] == [2]


def test_what_occurs_in_the_text_is_no_mark(encoder):
    assert scaled_words(encoder, "qzjx (car:2) qzjxw qz jx")["car"] == [2]


@pytest.mark.parametrize("prompt", ["page (3:2) of a book", "a (cat:2).com car"])
def test_weights_that_cannot_be_placed_are_errors(encoder, prompt):
    with pytest.raises(pixart.ArgumentError, match="clean_caption=False") as failure:
        pixart.prompts.encode_weighted(encoder, prompt)
    assert failure.value.status == 101
    pixart.prompts.encode_weighted(encoder, prompt, clean_caption=False)


def test_unknown_options_are_errors(encoder):
    with pytest.raises(pixart.ArgumentError, match="bogus"):
        pixart.prompts.encode_weighted(encoder, "a (cat:2)", bogus=1)


def test_weights_change_the_picture(encoder, denoiser, negative):
    options = {**SMALL, "num_inference_steps": 2}

    def run(prompt):
        return denoiser.denoise(pixart.prompts.encode_weighted(encoder, prompt), negative, **options)

    plain = run("a red car on a yellow background")
    assert np.array_equal(run("a (red:1) car on a yellow background"), plain)
    assert not np.array_equal(run("a (red:1.5) car on a yellow background"), plain)
