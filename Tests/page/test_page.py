"""The web page of the server in a browser. The pictures in build/page show what it looked like."""

from __future__ import annotations

import base64
import json

import pytest
from conftest import DESKTOP, PHONE

import pixart

CAT = "a cute cat face on a blue background"
LONG = {"prompt": CAT, "n": 4, "num_inference_steps": 100, "width": 512, "height": 512}


def pixels(page, selector):
    """Width, height and mean colour of an image that the browser has decoded."""
    return page.script(
        """const image = document.querySelector(arguments[0]);
        const canvas = document.createElement("canvas"), size = [image.naturalWidth, image.naturalHeight];
        [canvas.width, canvas.height] = size;
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const data = context.getImageData(0, 0, ...size).data, sums = [0, 0, 0];
        data.forEach((value, index) => { if (index % 4 < 3) sums[index % 4] += value; });
        return { size, mean: sums.map((sum) => sum / (data.length / 4)) };""",
        selector,
    )


def test_image_of_a_prompt(page, server):
    page.generate(prompt=CAT, seed=7)
    page.until_made(1)
    shown = pixels(page, "#view")
    assert shown["size"] == [128, 128] and shown["mean"][2] > shown["mean"][0]  # a blue background
    assert not page["run"].is_displayed() and not page["error"].is_displayed()
    assert server.metric("pixart_images_total") == 1


def test_previews_appear_while_it_runs(page, server):
    page.generate(prompt=CAT, num_inference_steps=100, width=256, height=256)
    page.until(lambda: len(page.all("#strip img")) >= 2)
    assert page["cancel"].is_displayed() and not page["generate"].is_enabled()
    assert " of 100" in page["step"].text and 0 < float(page["bar"].get_attribute("value")) < 1
    page.picture("running")
    page.until_made(1)
    assert len(page.all("#strip img")) == 12 and not page["cancel"].is_displayed()


def test_cancel_ends_the_run(page, server):
    page.generate(**LONG)
    page.until(lambda: page.all("#strip img"))
    page.press("cancel")
    page.until(lambda: page["generate"].is_enabled())
    assert not page.all("#gallery img") and not page["error"].is_displayed() and page["hint"].is_displayed()
    assert server.generate().status == 200  # the worker is free
    assert server.metric('pixart_jobs_total{api="openai",outcome="cancelled"}') == 1


def test_closing_the_page_ends_the_run(page, server):
    page.generate(**LONG)
    page.until(lambda: page.all("#strip img"))
    page.driver.get("about:blank")
    assert server.generate().status == 200
    assert server.metric('pixart_jobs_total{api="openai",outcome="cancelled"}') == 1


def test_gallery_tells_and_reuses_settings(page):
    page.generate(prompt=CAT, negative_prompt="a dog", seed=3, n=2, num_inference_steps=5, guidance_scale=3)
    page.until_made(2)
    page.generate(prompt="a red apple", seed=1, n=1, num_inference_steps=2)
    page.until_made(3)
    page.all("#gallery button")[1].click()  # the newest is first, so this is the second cat
    terms = [term.text for term in page.all("#shown-settings dt")]
    settings = dict(zip(terms, (each.text for each in page.all("#shown-settings dd"))))
    assert page["shown-prompt"].text == CAT
    assert settings["Seed"] == "4" and settings["Steps"] == "5" and settings["Guidance"] == "3"
    assert settings["negative prompt"] == "a dog"
    page.picture("settings")
    page["shown-reuse"].click()
    values = {
        name: page[name].get_attribute("value") for name in ("prompt", "negative_prompt", "seed", "num_inference_steps")
    }
    assert values == {"prompt": CAT, "negative_prompt": "a dog", "seed": "4", "num_inference_steps": "5"}


def test_download_is_the_png_with_its_settings(page, tmp_path):
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
    page.generate(prompt=CAT, seed=5, num_inference_steps=2)
    page.until_made(1)
    page.all("#gallery button")[0].click()
    page["shown-download"].click()
    file = tmp_path / "pixart-5.png"
    page.until(file.is_file)
    data = file.read_bytes()
    assert pixart.decode_png(data).shape == (128, 128, 3) and CAT.encode() in data and b'"seed": 5' in data
    page["shown-close"].click()
    assert not page["shown"].is_displayed()


def test_run_starts_from_an_image(page, server):
    page.generate(prompt=CAT, seed=7)
    page.until_made(1)
    page.all("#gallery button")[0].click()
    page["shown-start"].click()
    assert page["start"].is_displayed()
    before = pixels(page, "#view")["mean"]
    page.type(strength="0.1")
    page.generate(prompt=CAT, seed=2)
    page.until_made(2)
    assert max(abs(x - y) for x, y in zip(before, pixels(page, "#view")["mean"])) < 40
    assert server.metric('pixart_http_requests_total{method="POST",route="/v1/images/edits",status="200"}') == 1
    page.all("#gallery button")[0].click()
    assert "Strength" in [term.text for term in page.all("#shown-settings dt")]
    page["shown-close"].click()
    page.press("start-remove")
    assert not page["start"].is_displayed()


def test_run_starts_from_a_file_of_another_kind(page, tmp_path):
    gif = base64.b64decode("R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")
    (tmp_path / "red.gif").write_bytes(gif)
    page.script("document.querySelector('details').open = true")
    page["start-file"].send_keys(str(tmp_path / "red.gif"))
    page.until(lambda: page["start"].is_displayed())
    page.generate(prompt=CAT, num_inference_steps=4, width=64, height=64)
    page.until_made(1)
    (tmp_path / "text.png").write_text("no image")
    page["start-file"].send_keys(str(tmp_path / "text.png"))
    page.until(lambda: page["error"].is_displayed())
    assert "text.png is not an image" in page["error"].text


def test_controls_are_made_from_the_schema(page, server):
    schema = server.get("/v1/schema").json
    steps, guidance = page["num_inference_steps"], page["guidance_scale"]
    assert steps.get_attribute("max") == "100" and steps.get_attribute("value") == "20"
    assert guidance.get_attribute("value") == str(schema["properties"]["guidance_scale"]["default"])
    assert page["n"].get_attribute("max") == "4"
    schedulers = page.all("#scheduler option")
    assert len(schedulers) == 1 + 18 and schedulers[0].text == "The model's own"
    assert {"eta", "pag_scale", "cache", "result"} <= {
        each.get_attribute("id") for each in page.all("#more-controls [id]")
    }


def test_slider_and_field_agree(page, server):
    page.script(
        """const slider = document.querySelector("#num_inference_steps").parentElement.querySelector("[type=range]");
        slider.value = 3;
        slider.dispatchEvent(new Event("input"));"""
    )
    assert page["num_inference_steps"].get_attribute("value") == "3"
    page.type(guidance_scale="20")
    page.generate(prompt=CAT)
    page.until_made(1)
    page.all("#gallery button")[0].click()
    assert {"3", "20"} <= {each.text for each in page.all("#shown-settings dd")}


def test_error_of_the_server_is_shown(page):
    page.script("document.querySelector('#form').noValidate = true")
    page.generate(prompt=CAT, width=100)
    page.until(lambda: page["error"].is_displayed())
    assert "multiple of 16" in page["error"].text and page["generate"].is_enabled()
    assert "wrong" in page.script("return document.querySelector('#width').parentElement.className")
    page.complaints()  # the browser notes the status 400
    page.generate(width=64, num_inference_steps=2)
    page.until_made(1)
    assert not page["error"].is_displayed()


def test_server_that_has_gone(page, server):
    server.stop()
    page.generate(prompt=CAT)
    page.until(lambda: page["error"].is_displayed())
    assert page["error"].text == "The server does not answer." and page["generate"].is_enabled()
    page.complaints()


def test_text_of_a_prompt_is_never_code(page):
    prompt = "<img src=x onerror=\"document.title = 'changed'\"><b>bold</b>"
    page.generate(prompt=prompt, num_inference_steps=1)
    page.until_made(1)
    page.all("#gallery button")[0].click()
    assert page["shown-prompt"].text == prompt and page.driver.title == "pixart"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_fits(page, size, scheme):
    page.open(size, scheme)
    page.generate(prompt=CAT, seed=7, n=3, num_inference_steps=20)
    page.until_made(3)
    name = f"{'phone' if size == PHONE else 'desktop'}-{scheme}"
    page.picture(name)
    assert page.script("return document.documentElement.scrollWidth") <= size[0]
    page.script("scrollTo(0, 0)")
    page.picture(f"{name}-top")
    page.script("document.querySelector('#gallery button').scrollIntoView({ block: 'center' })")
    page.all("#gallery button")[0].click()
    box = page["shown"].rect
    assert 0 <= box["x"] and box["x"] + box["width"] <= size[0]
    page.picture(f"{name}-image")
    assert contrast(page) >= 4.5


def contrast(page):
    """The least contrast of texts and what is behind them, as WCAG defines it: 4.5 is enough for all to read."""
    return json.loads(
        page.script(
            """const parse = (text) => text.match(/[\\d.]+/g).map(Number);
            const light = ([r, g, b]) => [r, g, b].map((each) => each / 255)
              .map((each) => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
              .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
            const ground = (node) => {
              for (; node; node = node.parentElement) {
                const colour = parse(getComputedStyle(node).backgroundColor);
                if (colour.length === 3 || colour[3] === 1) return colour;
              }
              return [255, 255, 255];
            };
            const of = (node) => {
              const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
              return (a + 0.05) / (b + 0.05);
            };
            const texts = [...document.querySelectorAll("h1, h2, label, #model, summary, dt, dd, button, a, p")];
            return JSON.stringify(Math.min(...texts.filter((node) => node.checkVisibility() && node.textContent).map(of)));"""
        )
    )
