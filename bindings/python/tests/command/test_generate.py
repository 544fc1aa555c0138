"""`pixart generate`, `settings` and `compare`, as processes."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from processes import made, pixart_command

import pixart

CAT = "a cute cat face on a blue background"
SHORT = ("--num-inference-steps", "4", "--seed", "3")


def test_an_image_and_its_settings(tmp_path, model):
    path = tmp_path / "cat.png"
    assert made("generate", CAT, "-o", path, "--model", model, *SHORT) == f"{path}  seed 3\n"
    images = pixart.generate(CAT, model=model, num_inference_steps=4, seed=3)
    assert np.array_equal(pixart.read_image(path), images[0])
    assert json.loads(made("settings", "--json", path)) == images.settings[0]
    assert f"prompt               {CAT}\n" in made("settings", path)


def test_flags_of_every_stage_reach_it(tmp_path):
    path = tmp_path / "a.png"
    flags = ("--guidance-interval", "0,0.6", "--scheduler", "DDIM", "--height", "64", "--width", "96")
    stages = ("--denoiser.compute", "float32", "--decode.low-memory", "--no-encode.clean-caption", "--preset", "fast")
    made("generate", CAT, "-o", path, "-n", "blue", *flags, *stages, *SHORT)
    settings = pixart.read_settings(path)
    assert (
        settings["guidance_interval"] == [0, 0.6] and settings["scheduler"] == "DDIM" and settings["preset"] == "fast"
    )
    assert settings["denoiser"] == {"compute": "float32"} and settings["decode"] == {"low_memory": True}
    assert settings["encode"] == {"clean_caption": False} and settings["negative_prompt"] == "blue"
    assert pixart.read_image(path).shape == (64, 96, 3)


def test_from_makes_the_same_image_again(tmp_path):
    first, again, other = (tmp_path / name for name in ("first.png", "again.png", "other.png"))
    flags = (
        "--weights",
        "int8",
        "--decode.low-memory",
        "--height",
        "64",
        "--width",
        "64",
        "--num-inference-steps",
        "4",
    )
    made("generate", CAT, "-o", first, *flags)
    made("generate", "--from", first, "-o", again)
    assert again.read_bytes() == first.read_bytes()
    made("generate", "a fox", "--from", first, "-o", other, "--num-inference-steps", "5")
    settings = pixart.read_settings(other)
    assert settings["prompt"] == "a fox" and settings["num_inference_steps"] == 5 and settings["weights"] == "int8"


def test_finished_files_are_not_made_twice(tmp_path):
    lines = [
        CAT,
        "",
        json.dumps({"prompt": "pizza", "seed": 9}),
        json.dumps({"prompt": "owl", "height": 64, "width": 64}),
    ]
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(lines))
    order = ("generate", "--prompts", prompts, "-o", tmp_path / "out" / "{index}.png", *SHORT)
    made(*order)
    files = sorted((tmp_path / "out").iterdir())
    assert [pixart.read_settings(file)["seed"] for file in files] == [3, 9, 3]
    written = [file.stat().st_mtime_ns for file in files]
    files[1].unlink()
    assert made(*order) == f"{files[0]} is there\n{files[2]} is there\n{files[1]}  seed 9\n"
    assert [files[index].stat().st_mtime_ns for index in (0, 2)] == [written[0], written[2]]
    assert "is there" not in made(*order, "--force")
    assert "is there" not in made(*order, "--guidance-scale", "3")


def test_prompts_are_made_in_batches(tmp_path):
    prompts = (CAT, "pizza", "an owl")
    for folder, size in (("together", 2), ("alone", 1)):
        path = tmp_path / folder / "{index}.png"
        shown = made("generate", *prompts, "--batch-size", size, "-n", "blue", "-o", path, *SHORT)
        assert shown == "".join(f"{tmp_path / folder / str(index)}.png  seed 3\n" for index in range(3))
    for index, prompt in enumerate(prompts):
        files = [tmp_path / folder / f"{index}.png" for folder in ("together", "alone")]
        assert files[0].read_bytes() == files[1].read_bytes() and pixart.read_settings(files[0])["prompt"] == prompt


def test_an_image_to_start_from_and_a_preview(tmp_path):
    first, second, preview = (tmp_path / name for name in ("first.png", "second.png", "preview.png"))
    made("generate", CAT, "-o", first, *SHORT)
    made("generate", "a fox", "--image", first, "--strength", "0.5", "--preview", preview, "-o", second, *SHORT)
    assert pixart.read_image(preview).shape == (16, 16, 3)
    assert pixart.read_settings(second)["image"] == str(first)
    again = tmp_path / "again.png"
    made("generate", "--from", second, "-o", again)
    assert again.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["generate"], 2, "no prompt; expected one"),
        (["generate", CAT, "--seed", "z"], 2, "seed: "),
        (["generate", CAT, "--batch-size", "0"], 2, "batch_size: 0; expected an integer of at least 1"),
        (["generate", CAT, "--height", "3"], 2, 'option "height" is 3'),
        (["generate", CAT, "--num-inference-step", "3"], 2, "unrecognized arguments: --num-inference-step"),
        (["generate", CAT, "--preset", "slow"], 2, "invalid choice: 'slow'"),
        (["generate", CAT, "--model", "no/where"], 1, "hf download no/where"),
        (["generate", CAT, "-o", "/proc/nothing/a.png"], 1, "/proc/nothing"),
        (["generate", "--prompts", "missing.txt"], 1, "missing.txt"),
        (["generate", "--from", "missing.png"], 1, "missing.png"),
        (["settings", __file__], 1, "is no PNG file"),
        (["paint"], 2, "invalid choice: 'paint'"),
        ([], 2, "COMMAND"),
        (["compare", CAT, "--in", "float32"], 2, "expected two or more"),
        (["compare", CAT, "--in", "float32,int9"], 2, "'int9'"),
        (["convert", "no/where", "out"], 1, "no/where"),
    ],
)
def test_failures_have_a_message_and_a_code(arguments, code, message, tmp_path):
    done = pixart_command(*arguments, cwd=tmp_path)
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == "" and not list(tmp_path.iterdir())


@pytest.mark.parametrize("line", ['{"seed": 1}', '{"prompt": 1}', "{broken"])
def test_a_wrong_line_is_named(line, tmp_path):
    (tmp_path / "p").write_text(f"{CAT}\n{line}\n")
    done = pixart_command("generate", "--prompts", "p", cwd=tmp_path)
    assert done.returncode == 1 and "p, line 2" in done.stderr and len(list(tmp_path.iterdir())) == 1


def read_terminal(terminal: int, until) -> str:
    """What a program writes to its terminal, until a condition holds or it ends."""
    shown = b""
    while not until(shown.decode(errors="replace")):
        if not select.select([terminal], [], [], 60)[0]:
            raise AssertionError(f"nothing more after {shown!r}")
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
    return shown.decode(errors="replace")


def on_terminal(*arguments: object) -> tuple[subprocess.Popen[bytes], int]:
    terminal, its = pty.openpty()
    command = [sys.executable, "-m", "pixart", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    return process, terminal


def test_a_bar_moves_within_a_step(tmp_path):
    process, terminal = on_terminal("generate", CAT, "-o", tmp_path / "a.png", "--num-inference-steps", "150")
    shown = read_terminal(terminal, lambda text: False)
    assert process.wait() == 0
    os.close(terminal)
    done = [float(part.split("/")[0].split()[-1]) for part in shown.split("\r") if "/150" in part]
    assert any(each != int(each) for each in done) and done == sorted(done) and "#" in shown
    assert shown.endswith("\r\n")


def test_ctrl_c_ends_a_run(tmp_path):
    process, terminal = on_terminal("generate", CAT, "-o", tmp_path / "a.png", "--num-inference-steps", "900")
    read_terminal(terminal, lambda text: "/900" in text)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130 and time.monotonic() - begun < 30
    assert "interrupted" in read_terminal(terminal, lambda text: False)
    os.close(terminal)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments, unbuffered", [("completion bash", ""), ("completion bash", "1"), ("--help", "")])
def test_a_reader_that_goes_is_no_error(arguments, unbuffered):
    command = [sys.executable, "-m", "pixart", *arguments.split()]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 128 + signal.SIGPIPE
    process.stderr.close()


def test_compare_shows_settings_side_by_side(tmp_path):
    from PIL import Image

    path = tmp_path / "sheet.png"
    rows = json.loads(made("compare", CAT, "pizza", "--in", "float32,int8,float32", "--json", "-o", path, *SHORT))
    assert [row["setting"] for row in rows] == ["float32", "int8", "float32"]
    assert rows[0]["psnr"] == [None, None] and all(25 < value < 70 for value in rows[1]["psnr"])
    assert rows[0]["largest_difference"] == 0 < rows[1]["largest_difference"]
    assert all(row["peak"] > 10 << 20 and row["seconds"] > 0 for row in rows)
    assert Image.open(path).size == (3 * 264 + 8, 28 + 2 * (256 + 28 + 8))
    table = made("compare", CAT, "--in", "float32,int8", "-o", path, *SHORT)
    assert "equal" in table and " dB" in table and f"wrote {path}" in table
