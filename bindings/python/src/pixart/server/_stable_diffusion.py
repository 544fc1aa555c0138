"""The API that front ends of Stable Diffusion speak: /sdapi/v1."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import datetime
import secrets
import time
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ._adapters import listed, take_adapters
from ._bodies import Bodies
from ._control import SCRIPT, take_control
from ._denoise_options import check_side
from ._fields import Fields, wrong
from ._jobs import Order, Pixels
from ._parameters import info, infotext
from ._refusals import Refusal
from ._samplers import SIGMAS, samplers, scheduler_of
from ._service import Service
from ._uploads import from_base64, read_png

API = "stable_diffusion"
EMPTY_LISTS = (
    *("embeddings", "face-restorers", "hypernetworks", "latent-upscale-modes", "prompt-styles"),
    *("realesrgan-models", "sd-modules", "sd-vae", "upscalers"),
)
"""Lists that front ends ask for at their start, and that are empty here."""
UNSUPPORTED = ("enable_hr", "restore_faces", "tiling", "script_name", "refiner_checkpoint")
UNSUPPORTED_WITH_MASK = ("inpaint_full_res",)
"""Fields that would change the image, and are refused if they are set."""
PREVIEWS = 20
"""Previews of an image for /sdapi/v1/progress."""
RESIZE_MODES: tuple[Literal["default", "crop"], ...] = ("default", "crop")
"""What the values of `resize_mode` mean here. Others are refused."""


class StableDiffusion:
    """The routes under /sdapi/v1."""

    def __init__(self, service: Service, bodies: Bodies) -> None:
        self._service, self._bodies, self._settings = service, bodies, service.settings

    def routes(self) -> list[Route]:
        scripts = [SCRIPT] if self._service.engine.has_control else []
        gets: dict[str, Any] = {
            "cmd-flags": {},
            "memory": {"ram": {}, "cuda": {"error": "no GPU"}},
            "options": self._options(),
            "samplers": samplers(self._service.options),
            "schedulers": self._schedulers(),
            "scripts": {"txt2img": scripts, "img2img": scripts},
            "script-info": [],
            "sd-models": [self._model()],
            **{name: [] for name in EMPTY_LISTS if name != "embeddings"},
            "embeddings": {"loaded": {}, "skipped": {}},
        }
        return [
            Route("/sdapi/v1/txt2img", self.text_to_image, methods=["POST"]),
            Route("/sdapi/v1/img2img", self.image_to_image, methods=["POST"]),
            Route("/sdapi/v1/progress", self.progress, methods=["GET"]),
            Route("/sdapi/v1/interrupt", self.interrupt, methods=["POST"]),
            Route("/sdapi/v1/skip", self.interrupt, methods=["POST"]),
            Route("/sdapi/v1/options", self.set_options, methods=["POST"]),
            Route("/sdapi/v1/loras", self.adapters, methods=["GET"]),
            Route("/sdapi/v1/refresh-loras", self.nothing, methods=["POST"]),
            Route("/controlnet/model_list", _constant({"model_list": scripts}), methods=["GET"]),
            Route("/controlnet/module_list", _constant({"module_list": ["none"]}), methods=["GET"]),
            Route("/sdapi/v1/refresh-checkpoints", self.nothing, methods=["POST"]),
            *(Route(f"/sdapi/v1/{name}", _constant(value), methods=["GET"]) for name, value in gets.items()),
        ]

    async def text_to_image(self, request: Request) -> Response:
        given = await self._bodies.json(request)
        return await self._answer(request, given, None, None)

    async def image_to_image(self, request: Request) -> Response:
        given = await self._bodies.json(request)
        image, mask = await asyncio.to_thread(self._images, Fields(given))
        return await self._answer(request, given, image, mask)

    async def progress(self, request: Request) -> Response:
        """How far the running job is, whoever has sent it: front ends poll this."""
        job, waiting = self._service.queue.running, len(self._service.queue)
        shown = job.progress if job is not None else None
        elapsed = time.monotonic() - (job.started or 0.0) if job is not None else 0.0
        fraction = min(shown.fraction, 0.99) if shown is not None else 0.0
        left = elapsed / fraction - elapsed if fraction > 0 else 0.0
        image = None
        if job is not None and job.last_preview is not None:
            if request.query_params.get("skip_current_image", "false").lower() not in ("true", "1"):
                image = base64.b64encode(job.last_preview.png).decode()
        state = {
            "skipped": False,
            "interrupted": job is not None and job.is_cancelled,
            "stopping_generation": False,
            "job": "run" if job is not None else "",
            "job_count": (len(job.order.seeds) if job is not None else 0) + waiting,
            "job_timestamp": "0",
            "job_no": shown.image if shown is not None else 0,
            "sampling_step": shown.step if shown is not None else 0,
            "sampling_steps": shown.steps if shown is not None else 0,
        }
        body = {"progress": fraction, "eta_relative": left, "state": state, "current_image": image, "textinfo": None}
        return JSONResponse(body)

    async def interrupt(self, _: Request) -> Response:
        """Ends the running job, if it is one of this API. Its request is answered with the images it has finished."""
        job = self._service.queue.running
        if job is not None and job.api == API:
            job.cancel()
        return JSONResponse({})

    async def set_options(self, request: Request) -> Response:
        """Accepts what front ends set. The server has one model; another one is an error."""
        given = await self._bodies.json(request)
        name = given.get("sd_model_checkpoint")
        if name is not None and name != self._service.model_name:
            found = f'there is no checkpoint "{str(name)[:100]}"; this server has "{self._service.model_name}"'
            raise Refusal(404, found, param="sd_model_checkpoint", code="model_not_found")
        return JSONResponse(None)

    async def adapters(self, _: Request) -> Response:
        return JSONResponse(listed(self._service.engine.adapters))

    async def nothing(self, _: Request) -> Response:
        return JSONResponse(None)

    def _model(self) -> dict[str, object]:
        name = self._service.model_name
        return {"title": name, "model_name": name, "hash": None, "sha256": None, "filename": name, "config": None}

    def _options(self) -> dict[str, object]:
        name = self._service.model_name
        return {
            "sd_model_checkpoint": name,
            "sd_checkpoint_hash": "",
            "sd_vae": "Automatic",
            "samples_format": "png",
            "CLIP_stop_at_last_layers": 1,
            "eta_noise_seed_delta": 0,
        }

    def _schedulers(self) -> list[dict[str, object]]:
        names = {"automatic": "Automatic", **{name: name.capitalize() for name in SIGMAS}}
        return [
            {"name": name, "label": label, "aliases": None, "default_rho": -1, "need_inner_model": False}
            for name, label in names.items()
        ]

    def _images(self, fields: Fields) -> tuple[Pixels, Pixels | None]:
        images = fields.raw("init_images")
        if not isinstance(images, list) or len(images) != 1:
            found = f"an array of {len(images)}" if isinstance(images, list) else "missing"
            message = f"init_images is {found}; expected an array of one PNG file as base64"
            raise Refusal(422, message, param="init_images", code="invalid_value")
        most = self._settings.max_upload_pixels
        image = read_png(from_base64(images[0], "init_images"), "init_images", most_pixels=most)
        if "mask" not in fields:
            return image, None
        mask = read_png(from_base64(fields.raw("mask"), "mask"), "mask", most_pixels=most)[..., 0].copy()
        if mask.shape != image.shape[:2]:
            found = f"{mask.shape[1]} x {mask.shape[0]} pixels"
            message = f"mask has {found}; expected those of the image, {image.shape[1]} x {image.shape[0]}"
            raise Refusal(422, message, param="mask", code="invalid_value")
        is_inverted = fields.raw("inpainting_mask_invert") in (1, True)
        return image, 255 - mask if is_inverted else mask

    async def _answer(
        self, request: Request, given: dict[str, Any], image: Pixels | None, mask: Pixels | None
    ) -> Response:
        fields, service = Fields(given), self._service
        control, control_options = await asyncio.to_thread(self._control, fields)
        order = self._order(fields, image, mask, control, control_options)
        job = await service.submit(order, API)
        self._bodies.release(request.scope)
        await service.finished(job, request.receive)
        sent = fields.flag("send_images", True)
        images = [base64.b64encode(picture.png).decode() for picture in job.pictures] if sent else []
        hidden = ("init_images", "mask")
        parameters = {name: value for name, value in given.items() if name not in hidden}
        stamp = datetime.datetime.now().strftime("%Y%m%d%H%M%S")
        text = info(job, service.model_name, self._sampler(fields), stamp)
        return JSONResponse({"images": images, "parameters": parameters, "info": text})

    def _sampler(self, fields: Fields) -> str:
        name = fields.text("sampler_name", "")
        return name or fields.text("sampler_index", "") or "Automatic"

    def _control(self, fields: Fields) -> tuple[Pixels | None, dict[str, float]]:
        """The control image, and the options of its run."""
        given, options = take_control(fields.raw("alwayson_scripts"))
        if given is None:
            return None, {}
        self._service.check_control("alwayson_scripts")
        data = from_base64(given, "alwayson_scripts")
        return read_png(data, "alwayson_scripts", most_pixels=self._settings.max_upload_pixels), options

    def _order(
        self,
        fields: Fields,
        image: Pixels | None,
        mask: Pixels | None,
        control: Pixels | None,
        control_options: dict[str, float],
    ) -> Order:
        settings, service = self._settings, self._service
        for name in UNSUPPORTED if mask is None else (*UNSUPPORTED, *UNSUPPORTED_WITH_MASK):
            if fields.raw(name) not in (None, False, 0, "", "None"):
                raise Refusal(422, f"{name} is not supported by this server", param=name, code="unsupported")
        written = fields.text("prompt", "", longest=settings.max_prompt)
        prompt, scales = take_adapters(written)
        negative = fields.text("negative_prompt", "", longest=settings.max_prompt)
        most = settings.max_images
        count = fields.integer("batch_size", 1, 1, most) * fields.integer("n_iter", 1, 1, most)
        if count > most:
            raise wrong("n_iter", f"{count} images with batch_size", f"at most {most} in all", is_text=True)
        seed = fields.integer("seed", -1, -1, (1 << 64) - most)
        seed = secrets.randbelow(1 << 32) if seed == -1 else seed
        scheduler = scheduler_of(self._sampler(fields), fields.text("scheduler", ""), service.options)
        options: dict[str, Any] = {"num_inference_steps": fields.integer("steps", 20, 1, settings.max_steps)}
        options["guidance_scale"] = fields.number("cfg_scale", 4.5, 0, 1000)
        for side in ("height", "width"):
            value = fields.integer(side, service.default_side, 1, 1 << 20)
            options[side] = check_side(side, value, service.max_side)
        if scheduler is not None:
            options["scheduler"] = scheduler
        resize_mode = RESIZE_MODES[fields.integer("resize_mode", 0, 0, len(RESIZE_MODES) - 1)]
        if image is not None:
            options["strength"] = fields.number("denoising_strength", 0.75, 0, 1)
        seeds = tuple(seed + index for index in range(count))
        options.update(control_options)
        if scales:
            options["adapter_scales"] = scales
        order = Order(prompt, negative, seeds, options, image, mask, control, resize_mode, PREVIEWS, written=written)
        name, sampler = service.model_name, self._sampler(fields)
        return dataclasses.replace(order, texts=tuple(infotext(order, each, name, sampler) for each in seeds))


def _constant(value: object) -> Any:
    async def answer(_: Request) -> Response:
        return JSONResponse(value)

    return answer
