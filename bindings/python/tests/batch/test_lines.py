"""Wrong lines are reported with their numbers before anything is computed."""

from __future__ import annotations

import pytest

GOOD = '{"prompt": "a cat"}'
WRONG = {
    "cat": "not JSON: Expecting value at column 1",
    '{"prompt": "a cat"': "not JSON: Expecting ',' delimiter at column 19",
    '["a cat"]': 'a JSON list, expected an object such as {"prompt": "a cat"}',
    '{"seed": 1}': '"prompt" is missing',
    '{"prompt": 7}': '"prompt" is 7, expected a string',
    '{"prompt": "a\\u0000b"}': '"prompt" contains a NUL character',
    '{"prompt": "a\\ud800"}': '"prompt" has half of a surrogate pair at character 2',
    '{"prompt": "a", "negative_prompt": null}': '"negative_prompt" is null, expected a string',
    '{"prompt": "a", "seed": -1}': '"seed" is -1, expected an integer from 0 to 18446744073709551615',
    '{"prompt": "a", "seed": [1, 2]}': '"seed" is [1, 2], expected an integer from 0 to 18446744073709551615',
    '{"prompt": "a", "seed": true}': '"seed" is true, expected an integer from 0 to 18446744073709551615',
    '{"prompt": "a", "id": 1.5}': '"id" is 1.5, expected a string or an integer',
    '{"prompt": "a", "num_inference_stepz": 5}': 'there is no field "num_inference_stepz"; did you mean '
    '"num_inference_steps"?',
    '{"prompt": "a", "num_images_per_prompt": 2}': '"num_images_per_prompt" cannot be given: a line is one image; write '
    "one line for each, with its own seed",
    '{"prompt": "a", "strength": 0.5}': '"strength" cannot be given: a batch starts from noise, not from images',
    '{"prompt": "a", "eta": NaN}': "not JSON: NaN is not a number",
    '{"prompt": "a", "eta": ' + "[" * 100_000: "not readable: JSON that is nested too deeply",
}
REFUSED = {
    '{"prompt": "a", "num_inference_steps": 0}': 'option "num_inference_steps" is 0, expected an integer from 1 to 100000',
    '{"prompt": "a", "guidance_scale": "high"}': 'option "guidance_scale" is "high", expected a number from 0.0 to 1000.0',
    '{"prompt": "a", "height": 65}': 'option "height" is 65, expected a multiple of 16 without resolution binning',
    '{"prompt": "a", "max_sequence_length": 0}': 'option "max_sequence_length" is 0, expected',
}
"""Lines that the library refuses, when it is asked for each set of options."""


@pytest.mark.parametrize("lines", [WRONG, REFUSED], ids=["fields", "values"])
def test_wrong_lines(command, tmp_path, capsys, lines):
    path, out = tmp_path / "prompts.jsonl", tmp_path / "out"
    path.write_text("".join(f"{GOOD}\n{line}\n" for line in lines))
    assert command(path, out) == 2
    found = capsys.readouterr().err.splitlines()
    assert len(found) == len(lines)
    for number, (message, expected) in enumerate(zip(found, lines.values())):
        assert message.startswith(f"{path}:{2 * number + 2}: {expected}")
    assert not out.exists()


def test_not_utf8(command, tmp_path, capsys):
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(b'\n{"prompt": "caf\xe9"}\n')
    assert command(path, tmp_path / "out") == 2
    assert capsys.readouterr().err == f"{path}:2: not UTF-8: invalid continuation byte at byte 16\n"


def test_many_wrong_lines(command, tmp_path, capsys):
    path = tmp_path / "prompts.jsonl"
    path.write_text("cat\n" * 50)
    assert command(path, tmp_path / "out") == 2
    found = capsys.readouterr().err.splitlines()
    assert len(found) == 21
    assert found[-1] == f"{path}: 30 more lines are wrong"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--seed", "-1"], '"seed" is -1, expected an integer'),
        (["--guidance-scale", "-1"], 'option "guidance_scale" is -1.0, expected a number'),
    ],
)
def test_wrong_flags(command, twelve, tmp_path, capsys, flags, expected):
    assert command(twelve, tmp_path / "out", *flags) == 2
    assert capsys.readouterr().err.startswith(f"pixart: {expected}")


def test_missing_input(command, tmp_path, capsys):
    assert command(tmp_path / "none.jsonl", tmp_path / "out") == 1
    assert "none.jsonl" in capsys.readouterr().err


def test_blank_lines_and_byte_order_mark(command, tmp_path, images, entries):
    path, out = tmp_path / "prompts.jsonl", tmp_path / "out"
    path.write_bytes(b'\xef\xbb\xbf{"prompt": "a cat"}\r\n\n  \n{"prompt": "a dog"}')
    assert command(path, out) == 0
    assert len(images(out)) == 2
    assert [entry["line"] for entry in entries(out, "manifest.jsonl")] == [1, 4]


def test_empty_input(command, tmp_path, capsys):
    path = tmp_path / "prompts.jsonl"
    path.touch()
    assert command(path, tmp_path / "out") == 0
    assert capsys.readouterr().err == "pixart: 0 images: 0 made, 0 found\n"
