"""OpenAI's API of images: generations, edits, variations and models."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ._bodies import Bodies
from ._denoise_options import check_side
from ._events import EventStream
from ._fields import Fields, wrong
from ._jobs import Job, Order, Pixels
from ._refusals import Refusal, refusal_of
from ._service import Service
from ._uploads import from_base64, read_png, transparent_parts

API = "openai"
QUALITIES = {"low": "fast", "medium": "balanced", "high": "exact"}
"""Values of `quality` and the presets of the run that they choose."""
IGNORED = ("user", "moderation", "style", "safety_identifier", "input_fidelity")
FIELDS = (
    *("prompt", "negative_prompt", "model", "n", "size", "seed", "response_format", "stream", "partial_images"),
    *("progress", "quality", "background", "output_format", "output_compression", "image", "mask", "control"),
)


class OpenAI:
    """The routes under /v1."""

    def __init__(self, service: Service, bodies: Bodies) -> None:
        self._service, self._bodies, self._settings = service, bodies, service.settings

    def routes(self) -> list[Route]:
        return [
            Route("/v1/images/generations", self.generations, methods=["POST"]),
            Route("/v1/images/edits", self.edits, methods=["POST"]),
            Route("/v1/images/variations", self.variations, methods=["POST"]),
            Route("/v1/images/files/{name}.png", self.file, methods=["GET"], name="openai_file"),
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/v1/models/{model:path}", self.model, methods=["GET"]),
        ]

    async def generations(self, request: Request) -> Response:
        given = await self._bodies.json(request)
        for name in ("image", "mask"):
            if given.get(name) is not None:
                message = f"{name} belongs to /v1/images/edits, as a file of a form"
                raise Refusal(400, message, param=name, code="unknown_parameter")
        return await self._answer(request, Fields(given), {}, "generation")

    async def edits(self, request: Request) -> Response:
        fields, files = await self._bodies.form(request)
        if "image" not in files:
            raise Refusal(400, "image is missing", param="image", code="missing_required_parameter")
        return await self._answer(request, Fields(fields, is_form=True), files, "edit")

    async def variations(self, request: Request) -> Response:
        fields, files = await self._bodies.form(request)
        if "image" not in files:
            raise Refusal(400, "image is missing", param="image", code="missing_required_parameter")
        if "mask" in files:
            raise Refusal(400, "mask belongs to /v1/images/edits", param="mask", code="unknown_parameter")
        return await self._answer(request, Fields(fields, is_form=True), files, "variation")

    async def file(self, request: Request) -> Response:
        png = self._service.files.get(request.path_params["name"])
        if png is None:
            raise Refusal(404, "there is no such file, or it has expired", code="not_found")
        return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    async def models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._model()]})

    async def model(self, request: Request) -> Response:
        self._check_model(request.path_params["model"])
        return JSONResponse(self._model())

    def _model(self) -> dict[str, object]:
        service = self._service
        return {"id": service.model_name, "object": "model", "created": service.created, "owned_by": "pixart"}

    def _check_model(self, name: str) -> None:
        if name not in (self._service.model_name, "pixart"):
            message = f'there is no model "{name[:100]}"; this server has "{self._service.model_name}"'
            raise Refusal(404, message, param="model", code="model_not_found")

    async def _answer(self, request: Request, fields: Fields, files: dict[str, list[bytes]], kind: str) -> Response:
        """Submits the order of a request, and replies with its images or a stream of events."""
        service, bodies = self._service, self._bodies
        if "model" in fields:
            self._check_model(fields.text("model"))
        as_url = fields.choice("response_format", ["b64_json", "url"], "b64_json") == "url"
        is_stream, progress = fields.flag("stream"), fields.flag("progress")
        order, echo = await self._order(fields, files, kind, is_stream)
        job = await service.submit(order, API)
        bodies.release(request.scope)
        if is_stream:
            prefix = "image_edit" if kind == "edit" else "image_generation"
            return EventStream(service, job, self._events(job, prefix, echo, progress))
        await service.finished(job, request.receive)
        data: list[dict[str, object]] = []
        for picture in job.pictures:
            if as_url:
                url = str(request.url_for("openai_file", name=service.files.put(picture.png)))
                data.append({"url": url, "seed": picture.seed})
            else:
                data.append({"b64_json": base64.b64encode(picture.png).decode(), "seed": picture.seed})
        size = {"size": f"{job.pictures[0].width}x{job.pictures[0].height}"}
        return JSONResponse({"created": int(time.time()), "data": data, **echo, **size, "usage": _usage(job)})

    async def _order(
        self, fields: Fields, files: dict[str, list[bytes]], kind: str, is_stream: bool
    ) -> tuple[Order, dict[str, object]]:
        """The order of a request, and the fields that replies repeat."""
        settings, service = self._settings, self._service
        unknown = [name for name in (*fields.names(), *files) if name not in (*FIELDS, *IGNORED)]
        for name in unknown:
            if name not in service.options or name in ("num_images_per_prompt",):
                raise service.options.unknown(name)
        prompt = fields.text("prompt", "" if kind == "variation" else None, longest=settings.max_prompt)
        negative = fields.text("negative_prompt", "", longest=settings.max_prompt)
        count = fields.integer("n", 1, 1, settings.max_images)
        seed = fields.integer("seed", secrets.randbelow(1 << 32), 0, (1 << 64) - settings.max_images)
        previews = fields.integer("partial_images", 0, 0, settings.max_previews)
        if previews and not is_stream:
            raise wrong("partial_images", previews, 'partial_images only with "stream": true')
        echo = self._output(fields)
        options = service.options.read(fields, unknown, as_json=bool(files))
        quality = fields.choice("quality", ["auto", "standard", *QUALITIES], "auto")
        if quality in QUALITIES:
            options.setdefault("preset", QUALITIES[quality])
            echo["quality"] = quality
        image, mask, control = await asyncio.to_thread(self._images, fields, files)
        options.update(self._size(fields, image))
        if image is None and options.get("strength") is not None:
            raise wrong("strength", options["strength"], "strength only with an image, at /v1/images/edits")
        if image is not None:
            options.setdefault("strength", 1.0 if mask is not None else 0.6)
        seeds = tuple(seed + index for index in range(count))
        return Order(prompt, negative, seeds, options, image, mask, control, previews=previews), echo

    def _output(self, fields: Fields) -> dict[str, object]:
        """Checks the fields about the file, which is always an opaque PNG."""
        fields.choice("output_format", ["png"], "png")
        fields.choice("background", ["auto", "opaque"], "auto")
        fields.integer("output_compression", 100, 100, 100)
        return {"output_format": "png", "background": "opaque"}

    def _images(
        self, fields: Fields, files: dict[str, list[bytes]]
    ) -> tuple[Pixels | None, Pixels | None, Pixels | None]:
        """The images of a form, and the control image, which may also be a text in base64."""
        most = self._settings.max_upload_pixels
        for name, several in files.items():
            if name not in ("image", "mask", "control"):
                raise Refusal(
                    400, f"{name} is a file; expected image, mask and control", param=name, code="invalid_value"
                )
            if len(several) > 1:
                message = f"{name} is {len(several)} files; expected one"
                raise Refusal(400, message, param=name, code="invalid_value")
        image = read_png(files["image"][0], "image", most_pixels=most) if "image" in files else None
        control = None
        if "control" in files or "control" in fields:
            self._service.check_control("control")
            data = files["control"][0] if "control" in files else from_base64(fields.raw("control"), "control")
            control = read_png(data, "control", most_pixels=most)
        if "mask" not in files or image is None:
            return image, None, control
        mask = read_png(files["mask"][0], "mask", most_pixels=most, channels=4)
        if mask.shape[:2] != image.shape[:2]:
            found = f"mask has {mask.shape[1]} x {mask.shape[0]} pixels"
            expected = f"those of the image, {image.shape[1]} x {image.shape[0]}"
            raise Refusal(400, f"{found}; expected {expected}", param="mask", code="invalid_value")
        return image, transparent_parts(mask), control

    def _size(self, fields: Fields, image: Pixels | None) -> dict[str, int]:
        """The size of the images: as given, or of the image that is edited, or the model's own."""
        service = self._service
        given = fields.text("size", "auto")
        if given != "auto":
            width, _, height = given.partition("x")
            if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
                raise wrong("size", given, '"auto" or a text such as "512x512"')
            if len(given) > 20:
                raise wrong("size", given, f"sides from 16 to {service.max_side} pixels, the limit of this server")
            for side in (int(width), int(height)):
                check_side("size", side, service.max_side)
            return {"height": int(height), "width": int(width)}
        sides = {}
        for name in ("height", "width"):
            if name in fields:
                sides[name] = fields.integer(name, 0, 16, service.max_side)
        if image is not None and not sides:
            scale = service.default_side / (image.shape[0] * image.shape[1]) ** 0.5
            for name, side in zip(("height", "width"), image.shape):
                sides[name] = min(max(16, round(side * scale / 16) * 16), service.max_side // 16 * 16)
        return sides

    async def _events(
        self, job: Job, prefix: str, echo: dict[str, object], progress: bool
    ) -> AsyncIterator[tuple[str, dict[str, object]]]:
        """The events of a job: previews, with `progress` also the steps, and the images."""
        queue, sent = self._service.queue, 0
        fields = {"created_at": int(time.time()), "quality": "auto", **echo}
        size = {"size": "{width}x{height}".format(**job.order.options) if "width" in job.order.options else "auto"}
        last: tuple[object, ...] = ()
        job.is_watched = True
        while True:
            is_over = job.outcome is not None
            shown = job.progress
            state = (queue.ahead(job), shown.image, shown.step, round(shown.fraction, 2))
            if progress and state != last:
                last = state
                yield (
                    f"{prefix}.progress",
                    {
                        "ahead": state[0],
                        "image": shown.image,
                        "step": shown.step,
                        "steps": shown.steps,
                        "fraction": round(shown.fraction, 4),
                    },
                )
            for preview in job.take_previews():
                image = {"b64_json": base64.b64encode(preview.png).decode(), "partial_image_index": preview.index}
                yield f"{prefix}.partial_image", {**image, **fields, **size, "image_index": preview.image}
            while sent < len(job.pictures):
                picture = job.pictures[sent]
                yield (
                    f"{prefix}.completed",
                    {
                        "b64_json": base64.b64encode(picture.png).decode(),
                        **fields,
                        "size": f"{picture.width}x{picture.height}",
                        "usage": _usage(job),
                        "image_index": sent,
                        "seed": picture.seed,
                    },
                )
                sent += 1
            if is_over:
                break
            await job.changed()
        try:
            self._service.raise_failure(job)
        except Refusal as refusal:
            yield "error", {"error": refusal_of(refusal).described()}


def _usage(job: Job) -> dict[str, object]:
    """Tokens of the prompt, and of the latents of the images."""
    made = job.output_tokens
    return {
        "input_tokens": job.input_tokens,
        "input_tokens_details": {"text_tokens": job.input_tokens, "image_tokens": 0},
        "output_tokens": made,
        "total_tokens": job.input_tokens + made,
    }
