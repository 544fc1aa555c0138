"""Size flags in prompts."""

from __future__ import annotations

import pytest

import pixart

# Aspect ratios of the published checkpoints' sizes, height / width.
RATIOS = (
    *("0.25", "0.28", "0.32", "0.33", "0.35", "0.4", "0.42", "0.48", "0.5", "0.52", "0.57", "0.6", "0.68", "0.72"),
    *("0.78", "0.82", "0.88", "0.94", "1.0", "1.07", "1.13", "1.21", "1.29", "1.38", "1.46", "1.67", "1.75", "2.0"),
    *("2.09", "2.4", "2.5", "3.0", "4.0"),
)


def size(height, width):
    return {"height": height, "width": width}


def test_a_prompt_without_flags_stays_as_it_is():
    for prompt in ("", " a  cat ", "a cat --arc 1:2", "a cat--ar 1:2", "a cat --v 5", "a --hwy 1:2", "--a r"):
        assert pixart.prompts.parse_size_flags(prompt) == (prompt, {})


@pytest.mark.parametrize(
    ("flag", "base", "expected"),
    [
        ("--ar 1:1", 1024, size(1024, 1024)),
        ("--ar 1:2", 1024, size(720, 1440)),
        ("--ar 2:1", 1024, size(1440, 720)),
        ("--ar 0.5", 1024, size(720, 1440)),
        ("--ar 1.5", 512, size(624, 416)),
        ("--ar 16:9", 512, size(688, 384)),
        ("--ar .25", 128, size(64, 256)),
        ("--ar 2.", 128, size(192, 96)),
        ("--ar 1.5:2", 128, size(112, 144)),
        ("--aspect_ratio 4:1", 256, size(512, 128)),
        ("--AR 4:1", 256, size(512, 128)),
        ("--hw 768:1024", 256, size(768, 1024)),
        ("--hw 1000:7", 256, size(1000, 7)),
        ("--ar 0.01", 16, size(16, 1600)),
    ],
)
def test_height_comes_first(flag, base, expected):
    assert pixart.prompts.parse_size_flags(f"a cat {flag}", base) == ("a cat", expected)


def test_the_base_is_1024_unless_given():
    assert pixart.prompts.parse_size_flags("--ar 1:1")[1] == size(1024, 1024)


def test_flags_are_taken_out_wherever_they_stand():
    expected = "a red cat", size(512, 128)
    for prompt in ("--ar 4:1 a red cat", "a red --ar  4:1 cat", "a red\n--ar\n4:1\ncat", " a red cat   --ar 4:1 "):
        assert pixart.prompts.parse_size_flags(prompt, 256) == expected
    assert pixart.prompts.parse_size_flags("--ar 4:1") == ("", size(2048, 512))


def test_which_flag_wins():
    def asked(*flags):
        text, wanted = pixart.prompts.parse_size_flags(f"a {' cat '.join(flags)}", 128)
        assert text == "a" + " cat" * (len(flags) - 1)
        return wanted

    assert asked("--ar 1:1", "--ar 4:1") == size(128, 128)
    assert asked("--hw 48:64", "--hw 64:48") == size(48, 64)
    assert asked("--ar 1:1", "--aspect_ratio 4:1") == size(256, 64)
    assert asked("--ar 1:1", "--hw 48:64", "--aspect_ratio 4:1") == size(48, 64)
    assert asked("--hw 48:64", "--ar 1:1") == size(48, 64)


@pytest.mark.parametrize("base", [256, 512, 1024])
@pytest.mark.parametrize("ratio", RATIOS)
def test_rounding_leads_to_the_trained_size_of_the_ratio(base, ratio):
    wanted = pixart.prompts.parse_size_flags(f"--ar {ratio}", base)[1]
    assert wanted["height"] % 16 == wanted["width"] % 16 == 0
    assert 0.85 < wanted["height"] * wanted["width"] / base**2 < 1.15
    nearest = min(RATIOS, key=lambda known: abs(float(known) - wanted["height"] / wanted["width"]))
    assert nearest == ratio


@pytest.mark.parametrize(
    "flag",
    [
        *("--ar", "--ar 9x16", "--ar 0:1", "--ar 1:0", "--ar 0", "--ar -1", "--ar 1:2:3", "--ar 1:", "--ar=1:2"),
        *("--ar wide", "--ar 1:101", "--ar 1e1", "--ar nan", f"--ar {'9' * 400}", f"--ar 1:0.{'0' * 400}1"),
        *("--aspect_ratio 1:", "--ar --hw"),
        *("--hw", "--hw 1024", "--hw 1024x768", "--hw 0:768", "--hw 768:0", "--hw 1.5:2", "--hw 123456:768", "--HW 1"),
    ],
)
def test_malformed_flags_are_errors_that_name_them(flag):
    with pytest.raises(pixart.ArgumentError) as failure:
        pixart.prompts.parse_size_flags(f"a cat {flag}")
    name = "--" + flag.lstrip("-").split()[0].split("=")[0]
    assert failure.value.status == 101 and f'"{flag}"' in str(failure.value) and f"{name} takes" in str(failure.value)


def test_a_flag_that_loses_must_be_right_too():
    with pytest.raises(pixart.ArgumentError, match="--ar wide"):
        pixart.prompts.parse_size_flags("a cat --hw 512:512 --ar wide")


def test_a_base_that_is_no_side():
    with pytest.raises(pixart.ArgumentError, match="base is 8"):
        pixart.prompts.parse_size_flags("a cat", 8)


def test_denoise_takes_what_flags_give(denoiser, prompt):
    wanted = pixart.prompts.parse_size_flags("a cat --ar 1:2", 128)[1]
    latents = denoiser.denoise(prompt, guidance_scale=1.0, num_inference_steps=1, **wanted)
    assert latents.shape[2:] == (wanted["height"] // 8, wanted["width"] // 8) == (12, 24)
