"""A client of Stable Diffusion web UIs against the server, and the shapes that front ends rely on."""

from __future__ import annotations

import base64
import io
import json
import threading

import numpy as np
import PIL.Image
import pytest
import webuiapi
from running_server import until

SMALL = {"prompt": "a cat", "seed": 1, "steps": 2, "width": 64, "height": 64}

NATIVE = {"width": 128, "height": 128, "steps": 20, "cfg_scale": 4.5, "sampler_name": "Automatic"}


@pytest.fixture(scope="module")
def client(server):
    client = webuiapi.WebUIApi(baseurl=f"{server.url}sdapi/v1", sampler="Euler a", steps=3)
    with client.session:
        yield client


@pytest.fixture(scope="module")
def cat(client):
    return client.txt2img(prompt="a cat on a blue background", seed=1, **NATIVE).image


def pixels(image):
    return np.asarray(image.convert("RGB"))


def test_text_to_image(client):
    made = client.txt2img(prompt="a cat", negative_prompt="a dog", seed=5, width=96, height=64, cfg_scale=3, n_iter=2)
    assert [image.size for image in made.images] == [(96, 64)] * 2
    assert made.info["all_seeds"] == [5, 6] and made.info["seed"] == 5
    assert made.info["sampler_name"] == "Euler a" and made.info["steps"] == 3 and made.info["cfg_scale"] == 3
    assert made.parameters["prompt"] == "a cat"
    expected = "a cat\nNegative prompt: a dog\nSteps: 3, Sampler: Euler a, CFG scale: 3"
    assert made.info["infotexts"][0].startswith(expected)
    assert [image.text["parameters"] for image in made.images] == made.info["infotexts"]


def test_image_is_that_of_the_other_api(server):
    here = server.post("/sdapi/v1/txt2img", {**SMALL, "cfg_scale": 4.5, "sampler_name": "DDIM"}).json["images"][0]
    there = server.generate(size="64x64", scheduler="DDIMScheduler").json["data"][0]["b64_json"]
    here, there = (PIL.Image.open(io.BytesIO(base64.b64decode(each))) for each in (here, there))
    assert np.array_equal(pixels(here), pixels(there))


def test_reply_is_in_the_shape_of_front_ends(server):
    reply = server.post("/sdapi/v1/txt2img", {**SMALL, "batch_size": 2, "override_settings": {"a": 1}, "eta": None})
    assert set(reply.json) == {"images", "parameters", "info"}
    assert isinstance(reply.json["info"], str) and json.loads(reply.json["info"])["batch_size"] == 2
    assert all(base64.b64decode(image, validate=True).startswith(b"\x89PNG") for image in reply.json["images"])
    assert server.post("/sdapi/v1/txt2img", {**SMALL, "send_images": False}).json["images"] == []


def test_image_to_image(client, cat):
    near, far = (
        client.img2img(images=[cat], prompt="a red apple on white", seed=2, denoising_strength=strength, **NATIVE).image
        for strength in (0.1, 0.9)
    )
    near, far = (np.abs(pixels(image).astype(int) - pixels(cat)).mean() for image in (near, far))
    assert near < far


def test_inpainting_changes_only_the_white_part_of_the_mask(client, cat):
    mask = PIL.Image.new("L", cat.size, 0)
    mask.paste(255, (0, 0, 64, 128))
    fields = {"images": [cat], "mask_image": mask, "prompt": "a red apple", "width": 128, "height": 128, "steps": 8}
    for is_inverted, white in ((0, np.s_[:, :64]), (1, np.s_[:, 64:])):
        image = client.img2img(**fields, inpainting_mask_invert=is_inverted, inpaint_full_res=False, mask_blur=0).image
        changed = (pixels(image) != pixels(cat)).any(-1)
        assert changed[white].mean() > 0.5 and changed.sum() == changed[white].sum()


def test_lists_of_front_ends(client, model):
    assert client.util_get_model_names() == [model.name]
    assert client.util_get_current_model() == model.name
    names = client.util_get_sampler_names()
    assert {"Euler a", "DPM++ 2M", "DDIM", "UniPC"} <= set(names) and len(names) == 18
    assert "karras" in client.util_get_scheduler_names()
    for call in ("loras", "upscalers", "sd_vae", "face_restorers", "hypernetworks", "prompt_styles"):
        assert getattr(client, f"get_{call}")() == []
    assert client.get_scripts() == {"txt2img": [], "img2img": []} and client.get_cmd_flags() == {}


def test_options(client, server, model):
    assert client.set_options({"sd_model_checkpoint": model.name, "CLIP_stop_at_last_layers": 2}) is None
    assert client.get_options()["samples_format"] == "png"
    assert server.post("/sdapi/v1/options", {"sd_model_checkpoint": "other"}).status == 404


@pytest.mark.parametrize(
    "name", ["Euler", "euler a", "DPM++ 2M Karras", "HeunDiscrete", "LCMScheduler", "Automatic", ""]
)
def test_names_of_samplers(server, name):
    assert server.post("/sdapi/v1/txt2img", {**SMALL, "sampler_name": name}).status == 200


def test_schedules_of_noise(server):
    def image(**fields):
        reply = server.post("/sdapi/v1/txt2img", {**SMALL, "steps": 6, **fields})
        if reply.status != 200:
            return reply.status
        return pixels(PIL.Image.open(io.BytesIO(base64.b64decode(reply.json["images"][0])))).tobytes()

    plain = image(sampler_name="Euler", scheduler="Automatic")
    karras = image(sampler_name="Euler", scheduler="Karras")
    assert plain != karras and image(sampler_name="Euler Karras") == karras
    assert image(sampler_name="TCD", scheduler="Karras") == 422 and image(scheduler="Karras") == 422


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"steps": 0}, 400, "steps"),
        ({"steps": 1000}, 400, "steps"),
        ({"width": 100}, 400, "width"),
        ({"width": 1 << 19}, 400, "width"),
        ({"cfg_scale": "high"}, 400, "cfg_scale"),
        ({"batch_size": 5, "n_iter": 5}, 400, "n_iter"),
        ({"seed": -2}, 400, "seed"),
        ({"prompt": 3}, 400, "prompt"),
        ({"sampler_name": "Nonsense"}, 404, "Sampler not found"),
        ({"enable_hr": True}, 422, "enable_hr"),
        ({"script_name": "x"}, 422, "script_name"),
        ({"alwayson_scripts": {"ADetailer": {}}}, 422, "alwayson_scripts"),
    ],
)
def test_wrong_fields(server, fields, status, word):
    reply = server.post("/sdapi/v1/txt2img", {**SMALL, **fields})
    assert reply.status == status and word in reply.json["detail"] and reply.json["error"]


@pytest.mark.parametrize("images", [None, [], ["?"], ["AAAA"], [7], "AAAA", ["AAAA", "AAAA"]])
def test_wrong_images(server, images):
    reply = server.post("/sdapi/v1/img2img", {**SMALL, "init_images": images})
    assert reply.status in (400, 422) and "init_images" in reply.json["detail"]


def test_progress_and_interrupt(start_server):
    with start_server() as server:
        idle = server.get("/sdapi/v1/progress").json
        assert idle["progress"] == 0 and idle["state"]["job_count"] == 0 and idle["current_image"] is None
        replies = []
        long = {**SMALL, "width": 256, "height": 256, "steps": 100, "n_iter": 10}
        thread = threading.Thread(target=lambda: replies.append(server.post("/sdapi/v1/txt2img", long)))
        thread.start()
        until(lambda: server.get("/sdapi/v1/progress").json["current_image"])
        shown = server.get("/sdapi/v1/progress").json
        assert 0 < shown["progress"] < 1 and shown["eta_relative"] > 0
        assert shown["state"]["sampling_steps"] == 100 and shown["state"]["job_count"] == 10
        image = PIL.Image.open(io.BytesIO(base64.b64decode(shown["current_image"])))
        assert image.size == (256, 256)
        assert server.get("/sdapi/v1/progress?skip_current_image=true").json["current_image"] is None
        assert server.post("/sdapi/v1/interrupt", {}).json == {}
        thread.join()
        assert replies[0].status == 200 and len(replies[0].json["images"]) < 10
        assert json.loads(replies[0].json["info"])["prompt"] == "a cat"


def test_interrupt_leaves_runs_of_the_other_api_alone(start_server):
    with start_server() as server:
        replies = []
        thread = threading.Thread(target=lambda: replies.append(server.generate(num_inference_steps=100)))
        thread.start()
        server.until_waiting(0)
        server.post("/sdapi/v1/interrupt", {})
        thread.join()
        assert len(replies[0].json["data"]) == 1
