"""`pixart inspect`, `estimate`, `convert` and `doctor`, as processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from processes import made, pixart_command

import pixart
from pixart.cli._units import megabytes

COMMIT = "0123" * 10


def test_help_names_every_command():
    shown = made("--help")
    for name in ("generate", "settings", "compare", "convert", "inspect", "estimate", "doctor", "serve", "batch"):
        assert f"\n  {name} " in shown
    assert made("--version") == f"pixart {pixart.__version__}\n"


def test_help_of_a_command_has_every_option():
    shown = made("generate", "--help")
    for name in pixart.options_schema("denoise")["properties"]:
        assert f"--{name.replace('_', '-')}" in shown
    for name in pixart.options_schema("encoder_open")["properties"]:
        assert name in ("preset", "weights", "variant", "threads") or f"--encoder.{name.replace('_', '-')}" in shown


def test_inspect(model):
    assert json.loads(made("inspect", "--json", model)) == pixart.inspect(model)
    shown = made("inspect", model)
    assert "PixArtAlphaPipeline" in shown and "transformer   3.4 million parameters" in shown


def test_estimate(model):
    found = json.loads(made("estimate", "--json", model, "--weights", "int8", "--height", "64", "--width", "64"))
    options = {"weights": "int8", "height": 64, "width": 64}
    assert found["denoise"] == pixart.memory_estimate(model, "denoise", **options)
    assert found["decode"] == pixart.memory_estimate(model, "decode", height=64, width=64)
    assert "one stage at a time" in made("estimate")


def test_convert(model, tmp_path):
    out = tmp_path / "int8"
    assert made("convert", model, out, "--weights", "int8") == f"wrote {out}\n"
    assert pixart.inspect(out)["parts"]["transformer"]["types"]["I8"] > 0


def hub(model, cache):
    """Puts a checkpoint without VAE into a cache of the Hub."""
    cached = cache / "models--PixArt-alpha--small" / "snapshots" / COMMIT
    shutil.copytree(model, cached)
    (cached.parents[1] / "refs").mkdir()
    (cached.parents[1] / "refs" / "main").write_text(COMMIT)
    shutil.rmtree(cached / "vae")


def test_doctor_tells_what_opens(model, tmp_path):
    hub(model, tmp_path / "hub")
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}
    done = pixart_command("doctor", "--json", "--no-speed", env=environment)
    found = json.loads(done.stdout)
    assert found["checkpoints"] == [
        {"id": "PixArt-alpha/small", "opens": ["text_encoder", "transformer"], "missing": ["vae"], "errors": {}}
    ]
    assert (
        found["kernels"]["instructions"] in found["kernels"]["possible"] and "portable" in found["kernels"]["possible"]
    )
    assert found["processors"] == len(os.sched_getaffinity(0)) and found["library"]["version"] == pixart.version()
    shown = pixart_command("doctor", "--no-speed", env=environment).stdout
    assert "PixArt-alpha/small: text_encoder, transformer opens; no vae" in shown


VARIABLES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME")


@pytest.mark.parametrize(
    ("variable", "below"),
    list(zip(VARIABLES, ("", "", "hub", "huggingface/hub", ".cache/huggingface/hub"), strict=True)),
)
def test_doctor_looks_where_the_library_does(model, tmp_path, variable, below):
    """Variables that come later name another folder, and those that come first are empty."""
    hub(model, tmp_path / "here" / below)
    place = VARIABLES.index(variable)
    folders = [*[""] * place, str(tmp_path / "here"), *[str(tmp_path / "elsewhere")] * (len(VARIABLES) - place - 1)]
    environment = {**os.environ, **dict(zip(VARIABLES, folders, strict=True))}
    assert "PixArt-alpha/small: text_encoder" in pixart_command("doctor", "--no-speed", env=environment).stdout
    assert pixart_command("inspect", "PixArt-alpha/small", env=environment).returncode == 0


def test_doctor_tells_memory_without_any_checkpoint(tmp_path):
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path)}
    found = json.loads(pixart_command("doctor", "--json", "--no-speed", env=environment).stdout)
    assert found["checkpoints"] == []
    uses = found["published"]["PixArt-alpha/PixArt-XL-2-512x512"]
    assert set(uses) == {"exact", "balanced", "fast"}
    assert 17 << 30 < uses["exact"]["resident"] < 19 << 30 and 4 << 30 < uses["fast"]["resident"] < 6 << 30
    assert 2 << 30 < uses["exact"]["streamed"] < 3 << 30 and uses["fast"]["streamed"] < 1 << 30
    shown = pixart_command("doctor", "--no-speed", env=environment).stdout
    wanted = ", ".join(
        f"{preset} {megabytes(use['resident'])} ({megabytes(use['streamed'])})" for preset, use in uses.items()
    )
    assert f"\n  PixArt-alpha/PixArt-XL-2-512x512: {wanted}\n" in shown


def test_doctor_measures():
    speed = json.loads(made("doctor", "--json"))["speed"]
    assert set(speed) == {"float32", "int8"}
    assert all(0 < each["512"] < each["1024"] for each in speed.values())


@pytest.mark.parametrize("command, extra", [("serve", "server"), ("compare", "compare")])
def test_a_missing_extra_is_named(command, extra, tmp_path):
    hidden = "import sys; sys.modules['starlette'] = sys.modules['PIL'] = None; from pixart.cli import main; "
    code = f"{hidden}sys.exit(main(['{command}', 'x']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and f"pip install 'pixart[{extra}]'" in done.stderr
