"""Styles: those of the package, and others of the same form."""

from __future__ import annotations

import json

import pytest

import pixart

NAMES = [
    "(No style)",
    "Cinematic",
    "Photographic",
    "Anime",
    "Manga",
    "Digital Art",
    "Pixel art",
    "Fantasy art",
    "Neonpunk",
    "3D Model",
]
OWN = [{"name": "Woodcut", "prompt": "a woodcut of {prompt}", "negative_prompt": "color"}]


def test_the_package_has_the_styles_of_the_demos():
    known = pixart.prompts.styles()
    assert list(known) == NAMES
    templates = [style["prompt"] for style in known.values()]
    assert len(set(templates)) == len(NAMES) and all(template.count("{prompt}") == 1 for template in templates)
    assert all(style["negative_prompt"] for name, style in known.items() if name != NAMES[0])


@pytest.mark.parametrize("name", NAMES)
def test_cleaning_leaves_styles_alone(encoder, name):
    for text in pixart.prompts.apply_style(name, "a small owl"):
        for piece in text.split("a small owl"):
            cleaned = encoder.tokenize(piece, clean_caption=True, max_sequence_length=300)["text"]
            assert cleaned.strip(" ,") == piece.lower().strip(" ,")


@pytest.mark.parametrize("name", NAMES)
def test_styles_fit_the_text_encoder(name):
    for text in pixart.prompts.apply_style(name, "a small owl on a branch"):
        assert len(text.split()) < 40  # of 120 tokens, most of which words of T5's vocabulary take one or two


def test_a_style_takes_prompt_and_negative():
    assert pixart.prompts.apply_style("(No style)", "an {owl}", "fog") == ("an {owl}", "fog")
    prompt, negative = pixart.prompts.apply_style("Manga", "an {owl} {prompt}", "fog")
    assert prompt.count("an {owl} {prompt}") == 1 and prompt != "an {owl} {prompt}"
    assert negative == pixart.prompts.styles()["Manga"]["negative_prompt"] + ", fog"
    assert pixart.prompts.apply_style("Manga", "an owl")[1] == pixart.prompts.styles()["Manga"]["negative_prompt"]


@pytest.mark.parametrize("form", ["list", "mapping", "path", "styles", "generator"])
def test_styles_of_ones_own(tmp_path, form):
    file = tmp_path / "own.json"
    file.write_text(json.dumps(OWN), encoding="utf-8")
    source = {
        "list": OWN,
        "mapping": {"Woodcut": {"prompt": "a woodcut of {prompt}", "negative_prompt": "color"}},
        "path": file,
        "styles": pixart.prompts.styles(file),
        "generator": (style for style in OWN),
    }[form]
    assert pixart.prompts.apply_style("Woodcut", "an owl", source=source) == ("a woodcut of an owl", "color")


def test_a_negative_prompt_may_be_left_out():
    source = [{"name": "Plain", "prompt": "{prompt} {alone}", "author": "somebody"}]
    assert pixart.prompts.styles(source) == {"Plain": {"prompt": "{prompt} {alone}", "negative_prompt": ""}}
    assert pixart.prompts.apply_style("Plain", "an owl", source=source) == ("an owl {alone}", "")


def test_an_unknown_style_is_an_error_that_names_those_there_are():
    with pytest.raises(pixart.ArgumentError) as failure:
        pixart.prompts.apply_style("anime", "an owl")
    assert failure.value.status == 101
    assert all(name in str(failure.value) for name in ("anime", *NAMES))
    with pytest.raises(pixart.ArgumentError, match="Woodcut"):
        pixart.prompts.apply_style("Anime", "an owl", source=OWN)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (3, "found int"),
        ("a woodcut of {prompt}", "found str"),
        ([3], "style 0: expected an object, found int"),
        ({"Woodcut": "a woodcut of {prompt}"}, '"Woodcut": expected an object, found str'),
        ([{"prompt": "{prompt}"}], 'style 0: "name" is None'),
        ([*OWN, {"name": "Ink"}], 'style 1: "prompt" is None'),
        ([{"name": "Ink", "prompt": "{prompt}", "negative_prompt": 3}], '"negative_prompt" is 3'),
        ([{"name": "Ink", "prompt": "ink of {}"}], '"Ink": its prompt is "ink of {}", expected {prompt}'),
        (OWN * 2, '"Woodcut" is there twice'),
    ],
)
def test_wrong_styles_are_named(tmp_path, content, named):
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(pixart.FileError) as failure:
        pixart.prompts.styles(file)
    assert failure.value.status == 202 and "wrong.json" in str(failure.value) and named in str(failure.value)
    if not isinstance(content, str):
        with pytest.raises(pixart.ArgumentError) as failure:
            pixart.prompts.styles(content)
        assert failure.value.status == 101 and named in str(failure.value)


def test_files_that_are_no_styles(tmp_path):
    with pytest.raises(pixart.FileError, match="nothing.json") as failure:
        pixart.prompts.styles(tmp_path / "nothing.json")
    assert failure.value.status == 201
    for content in (b"[{", b"\xff\xfe"):
        (tmp_path / "broken.json").write_bytes(content)
        with pytest.raises(pixart.FileError, match="broken.json") as failure:
            pixart.prompts.styles(tmp_path / "broken.json")
        assert failure.value.status == 202
