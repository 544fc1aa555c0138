"""How the server holds its model: stages that stay open, one at a time, and presets."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from running_server import LONG, RunningServer

import pixart
from pixart.server import main


def image(server, **fields):
    return server.generate(**fields).json["data"][0]["b64_json"]


def test_one_stage_at_a_time_makes_the_same_images(server, start_server):
    with start_server("--one-at-a-time") as other:
        for fields in ({}, {"n": 2}, {"size": "64x96", "negative_prompt": "a dog"}):
            here, there = server.generate(**fields).json, other.generate(**fields).json
            assert here["data"] == there["data"] and here["usage"] == there["usage"]


def test_one_stage_at_a_time_refuses_and_cancels(start_server):
    with start_server("--one-at-a-time") as server:
        reply = server.generate(guidance_scale="high")
        assert reply.status == 400 and reply.json["error"]["param"] == "guidance_scale"
        connection = server.send(LONG)
        server.until_waiting(0)
        connection.close()
        assert server.generate().status == 200
        assert server.stop() == (0, "")


def test_one_stage_at_a_time_edits(start_server):
    with start_server("--one-at-a-time") as server:
        cat = base64.b64decode(image(server))
        boundary = "--b\r\nContent-Disposition: form-data; name="
        form = f'{boundary}"prompt"\r\n\r\na dog\r\n{boundary}"num_inference_steps"\r\n\r\n4\r\n{boundary}"image"; filename="a"\r\n\r\n'
        reply = server.post(
            "/v1/images/edits", form.encode() + cat + b"\r\n--b--\r\n", Content_Type="multipart/form-data; boundary=b"
        )
        made = pixart.decode_png(base64.b64decode(reply.json["data"][0]["b64_json"]))
        assert made.shape == pixart.decode_png(cat).shape and not np.array_equal(made, pixart.decode_png(cat))


def test_preset_of_the_server_is_that_of_stages_and_runs(start_server, model):
    with start_server("--preset", "fast") as server:
        made = pixart.decode_png(base64.b64decode(image(server, seed=7, num_inference_steps=20)))
        assert server.get("/v1/schema").json["properties"]["preset"]["default"] == "fast"
        exact = image(server, seed=7, num_inference_steps=20, preset="exact")
    expected = pixart.generate("a cat", model=model, seed=7, num_inference_steps=20, preset="fast")[0]
    assert np.array_equal(made, expected) and not np.array_equal(made, pixart.decode_png(base64.b64decode(exact)))


def test_model_of_the_package_is_used_if_none_is_named():
    """The signal comes as early as it can: before the server serves."""
    server = RunningServer(model=None)
    assert server.line.startswith("pixart serves emoji at http://127.0.0.1:")
    assert server.stop() == (0, "")


@pytest.mark.parametrize("arguments", [["--queue", "0"], ["--max-steps", "x"], ["--head-seconds", "-1"], ["--nothing"]])
def test_wrong_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2 and arguments[0] in capsys.readouterr().err


def test_missing_packages_are_named(monkeypatch, capsys):
    monkeypatch.setattr("pixart.server._command.NEEDED", ("json", "no_such_package"))
    assert main([]) == 1
    errors = capsys.readouterr().err
    assert "no_such_package" in errors and "pip install 'pixart[server]'" in errors and "json" not in errors


def test_help_tells_defaults(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "127.0.0.1" in text and "8188" in text and "--max-steps" in text
