"""The client of OpenAI against the server."""

from __future__ import annotations

import base64
import io
import json
import urllib.request

import numpy as np
import openai
import PIL.Image
import pytest
from running_server import LONG, SHORT

import pixart


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.url}v1", api_key="unused", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def cat(client):
    """An image as a PNG file."""
    return base64.b64decode(client.images.generate(prompt="a cat", extra_body={"seed": 1}).data[0].b64_json)


def pixels(b64_json):
    return pixart.decode_png(base64.b64decode(b64_json))


def rgba(array):
    """RGBA pixels as a PNG file."""
    file = io.BytesIO()
    PIL.Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def options(prompt, **fields):
    """The keywords of a short run, with those of pixart in the extra body."""
    return {"prompt": prompt, "extra_body": {"num_inference_steps": 2, "seed": 1, **fields}}


def test_image_is_that_of_the_stages(client, model):
    reply = client.images.generate(**options("a cat", seed=7, guidance_scale=3.0, negative_prompt="a dog"))
    with pixart.Encoder(model) as encoder:
        prompt, negative = encoder.encode("a cat"), encoder.encode("a dog")
    with pixart.Denoiser(model) as denoiser:
        latents = denoiser.denoise(prompt, negative, seed=7, num_inference_steps=2, guidance_scale=3.0)
    with pixart.Decoder(model) as decoder:
        expected = decoder.decode(latents)[0]
    assert np.array_equal(pixels(reply.data[0].b64_json), expected)
    assert reply.size == f"{expected.shape[1]}x{expected.shape[0]}" and reply.output_format == "png"
    assert reply.usage.input_tokens == len(prompt) and reply.usage.output_tokens == latents[0, 0].size // 4


def test_image_i_has_the_seed_plus_i(client):
    three = client.images.generate(n=3, **options("a cat", seed=4)).data
    alone = client.images.generate(**options("a cat", seed=6)).data
    assert len({each.b64_json for each in three}) == 3
    assert [each.seed for each in three] == [4, 5, 6]
    assert np.array_equal(pixels(three[2].b64_json), pixels(alone[0].b64_json))


def test_seed_is_random_if_not_given(client):
    seeds = {client.images.generate(prompt="a cat", extra_body={"num_inference_steps": 1}).data[0].seed for _ in "123"}
    assert len(seeds) == 3


def test_size(client):
    reply = client.images.generate(size="64x96", **options("a cat"))
    assert reply.size == "64x96" and pixels(reply.data[0].b64_json).shape == (96, 64, 3)


def test_quality_chooses_a_preset(client):
    many = {"num_inference_steps": 20}
    low = client.images.generate(quality="low", **options("a cat", **many))
    fast = client.images.generate(**options("a cat", preset="fast", **many))
    plain = client.images.generate(**options("a cat", **many))
    assert low.quality == "low" and low.data[0].b64_json == fast.data[0].b64_json != plain.data[0].b64_json


def test_url_leads_to_the_file(client, server):
    reply = client.images.generate(response_format="url", **options("a cat"))
    assert reply.data[0].url.startswith(server.url) and reply.data[0].b64_json is None
    with urllib.request.urlopen(reply.data[0].url, timeout=60) as file:
        assert file.headers["Content-Type"] == "image/png"
        assert pixart.decode_png(file.read()).shape[2] == 3
    assert server.get("/v1/images/files/guessed.png").status == 404


def test_file_tells_its_settings(client):
    data = base64.b64decode(client.images.generate(**options("a cat", seed=5)).data[0].b64_json)
    text = data[data.index(b"tEXt") + 4 :].split(b"\0", 1)
    settings = json.loads(text[1][: text[1].index(b"}") + 1])
    assert text[0] == b"pixart" and settings["prompt"] == "a cat" and settings["seed"] == 5


def test_stream_sends_previews_and_then_the_image(client):
    previews = {"stream": True, "partial_images": 3}
    events = list(client.images.generate(**previews, **options("a cat", num_inference_steps=8)))
    assert [each.type for each in events] == ["image_generation.partial_image"] * 3 + ["image_generation.completed"]
    assert [each.partial_image_index for each in events[:3]] == [0, 1, 2]
    plain = client.images.generate(**options("a cat", num_inference_steps=8))
    assert events[3].b64_json == plain.data[0].b64_json
    assert events[3].usage.total_tokens == plain.usage.total_tokens
    shape = pixels(events[3].b64_json).shape
    assert all(pixels(each.b64_json).shape == shape for each in events[:3])
    assert {each.output_format for each in events} == {"png"} and events[3].created_at > 0


def test_stream_of_several_images(client):
    events = list(client.images.generate(stream=True, n=2, **options("a cat", progress=True)))
    completed = [each for each in events if each.type == "image_generation.completed"]
    progress = [each for each in events if each.type == "image_generation.progress"]
    assert [each.seed for each in completed] == [1, 2]
    assert progress[0].fraction == 0 and progress[-1].fraction == 1
    assert [each.fraction for each in progress] == sorted(each.fraction for each in progress)


def test_edit_without_a_mask_starts_from_the_image(client, cat):
    image = ("cat.png", cat, "image/png")
    near = client.images.edit(image=image, **options("a red apple", strength=0.1, num_inference_steps=20))
    far = client.images.edit(image=image, **options("a red apple", strength=0.9, num_inference_steps=20))
    original = pixart.decode_png(cat).astype(int)
    distances = [np.abs(pixels(each.data[0].b64_json) - original).mean() for each in (near, far)]
    assert distances[0] < distances[1]


def test_edit_changes_only_transparent_parts_of_the_mask(client, cat):
    original = pixart.decode_png(cat)
    mask = np.full((*original.shape[:2], 4), 255, np.uint8)
    mask[:, : original.shape[1] // 2, 3] = 0
    files = {"image": io.BytesIO(cat), "mask": rgba(mask)}
    reply = client.images.edit(**files, **options("a red apple", num_inference_steps=8))
    changed = (pixels(reply.data[0].b64_json) != original).any(-1)
    assert changed[:, : original.shape[1] // 2].mean() > 0.5 and not changed[:, original.shape[1] // 2 :].any()


def test_edit_as_a_stream(client, cat):
    stream = client.images.edit(image=[cat], stream=True, partial_images=1, **options("a cat", num_inference_steps=9))
    assert [each.type for each in stream] == ["image_edit.partial_image", "image_edit.completed"]


def test_variation(client, cat):
    with pytest.warns(DeprecationWarning):  # OpenAI's own server no longer has it
        reply = client.images.create_variation(image=cat, n=2, size="64x64", extra_body={"num_inference_steps": 4})
    assert [pixels(each.b64_json).shape for each in reply.data] == [(64, 64, 3)] * 2


def test_models(client, model):
    listed = client.models.list().data
    assert [each.id for each in listed] == [model.name]
    assert client.models.retrieve(model.name).object == "model"
    client.images.generate(model=model.name, **options("a cat"))
    with pytest.raises(openai.NotFoundError) as raised:
        client.images.generate(model="gpt-image-1", **options("a cat"))
    assert raised.value.param == "model" and raised.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"n": 0}, "n", "an integer from 1 to 10"),
        ({"n": 11}, "n", "an integer from 1 to 10"),
        ({"n": 1.5}, "n", "an integer"),
        ({"n": True}, "n", "a number"),
        ({"n": "2"}, "n", "a number"),
        ({"prompt": None}, "prompt", "missing"),
        ({"prompt": 7}, "prompt", "a string"),
        ({"prompt": ["a cat"]}, "prompt", "a string"),
        ({"prompt": "x" * 9000}, "prompt", "at most 8000"),
        ({"prompt": "a\0b"}, "prompt", "NUL"),
        ({"prompt": "\ud800"}, "prompt", "surrogates"),
        ({"negative_prompt": {}}, "negative_prompt", "a string"),
        ({"size": "100x100"}, "height", "a multiple of 16"),
        ({"size": "64"}, "size", "512x512"),
        ({"size": "99999x64"}, "size", "limit of this server"),
        ({"size": "0x64"}, "size", "limit of this server"),
        ({"size": "²x64"}, "size", "512x512"),
        ({"seed": -1}, "seed", "an integer from 0"),
        ({"seed": 2**70}, "seed", "an integer from 0"),
        ({"num_inference_steps": 101}, "num_inference_steps", "from 1 to 100, the limit of this server"),
        ({"num_inference_steps": "many"}, "num_inference_steps", "an integer"),
        ({"num_inference_steps": 0}, "num_inference_steps", "an integer"),
        ({"timesteps": list(range(999, 0, -1)), "num_inference_steps": None}, "timesteps", "at most 100 steps"),
        ({"guidance_scale": "high"}, "guidance_scale", "a number from 0.0 to 1000.0"),
        ({"guidance_scale": 1e9}, "guidance_scale", "a number from 0.0 to 1000.0"),
        ({"scheduler": "Nonsense"}, "scheduler", "DDIMScheduler"),
        ({"strength": 0.5}, "strength", "image"),
        ({"steps": 5}, "steps", "num_inference_steps"),
        ({"num_images_per_prompt": 2}, "num_images_per_prompt", "not a field"),
        ({"response_format": "jpeg"}, "response_format", "b64_json"),
        ({"output_format": "webp"}, "output_format", "png"),
        ({"background": "transparent"}, "background", "opaque"),
        ({"stream": "yes"}, "stream", "true or false"),
        ({"partial_images": 2}, "partial_images", "stream"),
        ({"quality": "best"}, "quality", "low"),
        ({"image": "abc"}, "image", "/v1/images/edits"),
    ],
)
def test_wrong_fields(server, fields, param, words):
    reply = server.generate(**fields)
    error = reply.json["error"]
    assert reply.status == 400 and error["param"] == param and words in error["message"], error
    assert error["type"] == "invalid_request_error" and error["code"]


def test_wrong_fields_as_the_client_raises_them(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.images.generate(**options("a cat", guidance_scale="high"))
    assert raised.value.param == "guidance_scale" and "expected a number" in raised.value.message


def test_wrong_files(client, server, cat):
    small = rgba(np.zeros((16, 16, 4), np.uint8))
    bomb = bytearray(cat)
    bomb[16:24] = (60000).to_bytes(4, "big") * 2
    for files, status, param in (
        ({"image": b"GIF89a"}, 400, "image"),
        ({"image": cat[:200]}, 400, "image"),
        ({"image": bytes(bomb)}, 413, "image"),
        ({"image": cat, "mask": small}, 400, "mask"),
        ({"image": [cat, cat]}, 400, "image"),
    ):
        with pytest.raises(openai.APIStatusError) as raised:
            client.images.edit(**files, **options("a cat"))
        assert raised.value.status_code == status and raised.value.param == param
    assert server.post("/v1/images/edits", SHORT).status == 415
    with pytest.raises(openai.APIStatusError) as raised:
        client.images.edit(image=cat, **options("a cat", n_images=2))
    assert raised.value.param == "n_images"


def test_full_queue(start_server):
    with start_server("--queue", "1") as server, server.send(LONG), openai_client(server) as client:
        server.until_waiting(0)
        with server.send(LONG):
            server.until_waiting(1)
            with pytest.raises(openai.RateLimitError) as raised:
                client.images.generate(prompt="a cat")
            assert raised.value.code == "queue_full" and int(raised.value.response.headers["Retry-After"]) >= 1
            assert server.get("/ready").status == 503 and server.get("/health").status == 200


def openai_client(server):
    return openai.OpenAI(base_url=f"{server.url}v1", api_key="unused", max_retries=0)
