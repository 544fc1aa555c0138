"""Servers with adapters and with a ControlNet, for both families of clients."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import PIL.Image
import pytest
import webuiapi

import pixart

RUN = {"seed": 3, "num_inference_steps": 4, "height": 64, "width": 64}
REQUEST = {"prompt": "a cat", "seed": 3, "steps": 4, "width": 64, "height": 64}


@pytest.fixture(scope="module")
def control() -> bytes:
    """A PNG file, wider than the run."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[16:48, 24:72] = 255
    return pixart.encode_png(picture)


@pytest.fixture(scope="module")
def styled(start_server, lora):
    with start_server("--denoiser.adapters", json.dumps([{"path": str(lora), "scale": 0}])) as server:
        yield server
        assert server.stop() == (0, "")


@pytest.fixture(scope="module")
def controlled(start_server, controlnet):
    with start_server("--denoiser.controlnet", str(controlnet)) as server:
        yield server
        assert server.stop() == (0, "")


def of_front_end(server, **fields):
    """The image of the API of front ends."""
    reply = server.post("/sdapi/v1/txt2img", {**REQUEST, **fields})
    assert reply.status == 200, reply.body
    return pixart.decode_png(base64.b64decode(reply.json["images"][0]))


def of_openai(server, **fields):
    """The image of OpenAI's API."""
    reply = server.generate(**{"seed": 3, "num_inference_steps": 4, "size": "64x64", **fields})
    assert reply.status == 200, reply.body
    return pixart.decode_png(base64.b64decode(reply.json["data"][0]["b64_json"]))


def test_adapters_in_prompts_of_front_ends(styled, server, model, lora):
    plain = of_front_end(server)
    assert np.array_equal(of_front_end(styled), plain)
    for tag, scale in (("<lora:style:0.5>", 0.5), ("<lora:style>", 1.0), ("<LORA:style:-.25>", -0.25)):
        opened = {"adapters": [{"path": str(lora), "scale": scale}], "fuse_adapters": False}
        expected = pixart.generate("a cat", model=model, denoiser=opened, **RUN)[0]
        assert np.array_equal(of_front_end(styled, prompt=f"a cat {tag}"), expected)
        assert not np.array_equal(expected, plain)
    assert np.array_equal(of_front_end(styled, prompt="<lora:style:0>a cat"), plain)


def test_adapters_are_told_to_front_ends(styled, server):
    client = webuiapi.WebUIApi(baseurl=f"{styled.url}sdapi/v1")
    with client.session:
        assert [each["name"] for each in client.get_loras()] == ["style"]
        made = client.txt2img(prompt="a cat <lora:style:0.5>", seed=3, steps=2, width=64, height=64)
    assert made.info["prompt"] == "a cat <lora:style:0.5>"
    assert made.image.text["parameters"].startswith("a cat <lora:style:0.5>\n")
    assert server.get("/sdapi/v1/loras").json == []


def test_adapters_of_openai_clients(styled, server, lora, model):
    assert np.array_equal(of_openai(styled), of_openai(server))
    opened = {"adapters": [str(lora)], "fuse_adapters": False}
    expected = pixart.generate("a cat", model=model, denoiser=opened, **RUN)[0]
    assert np.array_equal(of_openai(styled, adapter_scales={"style": 1}), expected)


def test_files_tell_the_adapters(styled, tmp_path):
    for fields, scale in (({}, 0), ({"adapter_scales": {"style": 0.5}}, 0.5)):
        reply = styled.generate(**fields).json
        (tmp_path / "a.png").write_bytes(base64.b64decode(reply["data"][0]["b64_json"]))
        assert pixart.read_settings(tmp_path / "a.png")["adapter_scales"] == {"style": scale}


@pytest.mark.parametrize(
    ("prompt", "status", "words"),
    [
        ("<lora:other:1>", 400, '"other", expected names of adapters that the denoiser was opened with: "style"'),
        ("<lora:style:high>", 422, 'prompt has the weight "high"'),
        ("<lora:style:1:2>", 422, 'prompt has the weight "1:2"'),
        ("<lora:style:1e9>", 422, "<lora:NAME:WEIGHT>"),
        ("<lora:style:1> <lora:style:2>", 422, "prompt has the adapter style twice"),
    ],
)
def test_wrong_adapters(styled, prompt, status, words):
    reply = styled.post("/sdapi/v1/txt2img", {**REQUEST, "prompt": prompt})
    assert reply.status == status and words in reply.json["detail"]


def test_adapters_without_any(server):
    reply = server.post("/sdapi/v1/txt2img", {**REQUEST, "prompt": "a cat <lora:style:1>"})
    assert reply.status == 400 and "it has none" in reply.json["detail"]


def test_adapters_that_are_merged(start_server, lora, model):
    with start_server("--denoiser.adapters", str(lora), "--denoiser.fuse-adapters", "--one-at-a-time") as server:
        expected = pixart.generate("a cat", model=model, denoiser={"adapters": [str(lora)]}, **RUN)[0]
        assert np.array_equal(of_front_end(server), expected)
        assert server.get("/sdapi/v1/loras").json == []
        reply = server.post("/sdapi/v1/txt2img", {**REQUEST, "prompt": "a cat <lora:style:1>"})
        assert reply.status == 400 and "merged into the weights" in reply.json["detail"]


def test_an_adapter_that_is_not_there_ends_the_server(start_server):
    with start_server("--denoiser.adapters", "/nowhere/style.safetensors", is_ready=False) as server:
        status, errors = server.ended()
    assert status == 1 and "/nowhere/style.safetensors" in errors


def expected_with(control, controlnet, model, **options):
    picture = pixart.decode_png(control)
    opened = {"controlnet": str(controlnet)}
    return pixart.generate("a cat", model=model, denoiser=opened, control=picture, **RUN, **options)[0]


def test_control_images_of_front_ends(controlled, server, controlnet, control, model):
    expected = expected_with(control, controlnet, model)
    unit = {"image": base64.b64encode(control).decode(), "module": "none", "model": "x", "enabled": True}
    script = {"ControlNet": {"args": [unit]}}
    assert np.array_equal(of_front_end(controlled, alwayson_scripts=script), expected)
    assert not np.array_equal(of_front_end(controlled), expected)
    assert np.array_equal(of_front_end(controlled), of_front_end(server))
    weaker = {"controlnet": {"args": [{**unit, "weight": 0.5, "guidance_end": 0.5}, {"enabled": False}]}}
    expected = expected_with(
        control,
        controlnet,
        model,
        controlnet_conditioning_scale=0.5,
        control_guidance_start=0,
        control_guidance_end=0.5,
    )
    assert np.array_equal(of_front_end(controlled, alwayson_scripts=weaker), expected)


def test_control_image_of_the_client_of_front_ends(controlled, controlnet, control, model):
    client = webuiapi.WebUIApi(baseurl=f"{controlled.url}sdapi/v1")
    unit = webuiapi.ControlNetUnit(image=PIL.Image.open(io.BytesIO(control)))
    with client.session:
        assert client.get_scripts() == {"txt2img": ["controlnet"], "img2img": ["controlnet"]}
        assert client.controlnet_model_list() == ["controlnet"] and client.controlnet_module_list() == ["none"]
        fields = {"prompt": "a cat", "seed": 3, "steps": 4, "width": 64, "height": 64, "cfg_scale": 4.5}
        made = client.txt2img(
            **fields, sampler_name="Automatic", alwayson_scripts={}, controlnet_units=[unit], n_iter=2
        )
    assert np.array_equal(np.asarray(made.image.convert("RGB")), expected_with(control, controlnet, model))
    assert len(made.images) == 2


def test_control_images_of_openai_clients(controlled, controlnet, control, model, tmp_path):
    text = base64.b64encode(control).decode()
    assert np.array_equal(of_openai(controlled, control=text), expected_with(control, controlnet, model))
    parts = {"prompt": b"a cat", "seed": b"3", "num_inference_steps": b"4", "size": b"64x64", "strength": b"1.0"}
    lines = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (k.encode(), v) for k, v in parts.items()
    ]
    for name in (b"image", b"control"):
        lines.append(b'--b\r\nContent-Disposition: form-data; name="%s"; filename="a"\r\n\r\n%s\r\n' % (name, control))
    body = b"".join([*lines, b"--b--\r\n"])
    reply = controlled.post("/v1/images/edits", body, Content_Type="multipart/form-data; boundary=b")
    assert reply.status == 200, reply.body
    (tmp_path / "a.png").write_bytes(base64.b64decode(reply.json["data"][0]["b64_json"]))
    assert pixart.read_settings(tmp_path / "a.png")["control"] is True
    assert not np.array_equal(pixart.read_image(tmp_path / "a.png"), of_openai(controlled))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"ADetailer": {"args": []}}, "ADetailer"),
        ({"ControlNet": {"args": [{"module": "canny", "image": "AAAA"}]}}, "canny"),
        ({"ControlNet": {"args": [{"control_mode": "My prompt is more important", "image": "AAAA"}]}}, "control_mode"),
        ({"ControlNet": {"args": [{"image": "AAAA"}, {"image": "AAAA"}]}}, "2 images"),
        ({"ControlNet": {"args": [{"image": ""}]}}, "without image"),
        ({"ControlNet": {"args": ["?"]}}, "ControlNet is not"),
        ({"ControlNet": 3}, "ControlNet is not"),
        ("ControlNet", "alwayson_scripts"),
        ({"ControlNet": {"args": [{"image": "AAAA"}]}}, "is not a PNG file"),
        ({"ControlNet": {"args": [{"image": "AAAA", "weight": "x"}]}}, "weight"),
    ],
)
def test_wrong_control_images(controlled, script, words):
    reply = controlled.post("/sdapi/v1/txt2img", {**REQUEST, "alwayson_scripts": script})
    assert reply.status in (400, 422) and words in reply.json["detail"]


def test_control_images_without_a_controlnet(server, control):
    text = base64.b64encode(control).decode()
    reply = server.generate(control=text)
    assert reply.status == 400 and "this server has no ControlNet" in reply.json["error"]["message"]
    script = {"ControlNet": {"args": [{"image": text}]}}
    reply = server.post("/sdapi/v1/txt2img", {**REQUEST, "alwayson_scripts": script})
    assert reply.status == 400 and "this server has no ControlNet" in reply.json["detail"]


def test_a_scale_without_a_control_image(controlled):
    reply = controlled.generate(controlnet_conditioning_scale=0.5)
    assert reply.status == 400 and reply.json["error"]["param"] == "controlnet_conditioning_scale"
