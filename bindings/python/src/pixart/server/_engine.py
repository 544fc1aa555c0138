"""Makes the images of a job with the stages of one model."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from .._checkpoint import inspect
from .._core.errors import FileError
from .._decoder import Decoder
from .._denoiser import Denoiser
from .._encoder import Encoder
from .._image import blend_images, encode_png, resize_image
from .._image_encoder import ImageEncoder
from .._images import settings_text
from .._open_stages import OpenStages
from .._sampler import Sampler
from .._version import __version__
from ._jobs import Job, Order, Picture, Pixels, Preview, Progress
from ._refusals import Refusal
from ._settings import Settings

SHARE_OF_DENOISING = 0.9
"""Part of an image's progress that its steps are. Decoding is the rest."""


class Engine:
    """The stages of a model, opened once, or one after the other for each job. One thread runs jobs."""

    def __init__(self, settings: Settings, model: str, name: str) -> None:
        denoiser = {"fuse_adapters": False, **settings.denoiser}  # so that requests can change their scales
        self._stages = OpenStages(
            "server",
            model,
            preset=settings.preset,
            weights=settings.weights,
            variant=settings.variant,
            threads=settings.threads,
            one_at_a_time=settings.one_at_a_time,
            encoder=settings.encoder,
            denoiser=denoiser,
            decoder=settings.decoder,
        )
        self._settings, self._name = settings, name
        self._empty: Any = None
        self.has_control = denoiser.get("controlnet") is not None
        self.adapters: list[dict[str, Any]] = []
        """The adapters of the denoiser whose scales requests can change, as reports have them."""

    def open(self) -> None:
        """Opens the stages that stay open. Fails if the model cannot be used."""
        if self._settings.denoiser.get("adapters"):
            with self._stages.use(Denoiser) as denoiser:
                self.adapters = [each for each in denoiser.report()["adapters"] if not each["fused"]]
        if self._settings.one_at_a_time:
            return
        with self._stages.use(Encoder) as encoder:
            empty = encoder.encode("")
        with self._stages.use(Denoiser), self._stages.use(Decoder):
            self._empty = empty

    def close(self) -> None:
        self._stages.close()

    def check(self, order: Order) -> None:
        """Fails as the run would, if the options of an order are wrong. Computes nothing. Any thread may call it. If
        the stages are not open, the run itself has to find out."""
        if self._empty is not None:
            with self._stages.use(Denoiser) as denoiser:
                self._sampler(denoiser, self._empty, self._empty, order, 0).close()

    def run(self, job: Job) -> None:
        """Makes the images of a job. Raises Cancelled soon after the job is cancelled."""
        order = job.order
        with self._stages.use(Encoder) as encoder:
            tokens = encoder.tokenize(order.prompt)["ids"]
            prompt = encoder.encode(order.prompt, progress=_stopper(job))
            negative = encoder.encode(order.negative_prompt, progress=_stopper(job))
        job.input_tokens = len(tokens)
        made: list[tuple[Any, Pixels | None]] = []
        latents: dict[str, Any] = {}
        with self._stages.use(Denoiser) as denoiser:
            for index in range(len(order.seeds)):
                made.append(self._denoised(denoiser, job, prompt, negative, index, latents))
                if not self._settings.one_at_a_time:
                    with self._stages.use(Decoder) as decoder:
                        self._decode(decoder, job, index, *made[index])
        if self._settings.one_at_a_time:
            with self._stages.use(Decoder) as decoder:
                for index, each in enumerate(made):
                    self._decode(decoder, job, index, *each)

    def _sampler(self, denoiser: Denoiser, prompt: Any, negative: Any, order: Order, index: int) -> Sampler:
        options = {"preset": self._settings.preset, **order.options, "seed": order.seeds[index]}
        if self.has_control and order.control is None:
            name = "controlnet_conditioning_scale"
            if options.get(name):
                message = f"{name} is {options[name]}, but there is no control image"
                raise Refusal(400, message, param=name, code="invalid_value")
            options[name] = 0  # without an image, as if there were no ControlNet
        return denoiser.sampler(prompt, negative, **options)

    def _denoised(
        self, denoiser: Denoiser, job: Job, prompt: Any, negative: Any, index: int, latents: dict[str, Any]
    ) -> tuple[Any, Pixels | None]:
        """The latents of an image, and the original in the size of the run."""
        order = job.order
        with self._sampler(denoiser, prompt, negative, order, index) as sampler:
            _, _, rows, columns = sampler.latents.shape
            original = self._set_images(sampler, job, latents)
            shown = _steps_to_show(sampler.steps, order.previews)

            def report(step: int, steps: int, fraction: float) -> bool:
                whole = (index + SHARE_OF_DENOISING * fraction) / len(order.seeds)
                job.report(Progress(index, min(step + 1, steps), steps, whole))
                return job.is_cancelled

            for step in range(sampler.steps):
                sampler.step(progress=report)
                if step in shown:
                    view = sampler.preview()
                    job.show(Preview(encode_png(resize_image(view, rows * 8, columns * 8)), index, shown.index(step)))
            job.output_tokens += rows * columns // 4
            return sampler.latents.copy(), original

    def _set_images(self, sampler: Sampler, job: Job, latents: dict[str, Any]) -> Pixels | None:
        """Gives a run the images of its order. Their `latents` are the same for all images of a job. Returns the
        original in the size of the run."""
        order = job.order
        height, width = (8 * side for side in sampler.latents.shape[2:])
        original = None
        if order.image is not None:
            original = resize_image(order.image, height, width, order.resize_mode)
            if "image" not in latents:
                with self._stages.use(ImageEncoder) as encoder:
                    latents["image"] = encoder.encode(original, progress=_stopper(job))
            sampler.set_image_latents(latents["image"])
            if order.mask is not None:
                sampler.set_mask(resize_image(order.mask[..., None], height, width, order.resize_mode)[..., 0])
        if order.control is not None:
            if "control" not in latents:
                control = resize_image(order.control, height, width, "crop")
                with self._stages.use(ImageEncoder) as encoder:
                    latents["control"] = encoder.encode(control, sample_mode="argmax", progress=_stopper(job))
            sampler.set_control(latents["control"])
        return original

    def _decode(self, decoder: Decoder, job: Job, index: int, latents: Any, original: Pixels | None) -> None:
        order, options = job.order, job.order.options
        images: Any = decoder.decode(
            latents, progress=_stopper(job), height=options.get("height"), width=options.get("width")
        )
        _, height, width, _ = images.shape
        if original is not None and order.mask is not None:
            mask = resize_image(order.mask[..., None], height, width, order.resize_mode)
            images = blend_images(images, resize_image(original, height, width, order.resize_mode), mask)
        settings: dict[str, Any] = {
            "prompt": order.prompt,
            "negative_prompt": order.negative_prompt,
            "model": self._name,
        }
        settings.update(options, seed=order.seeds[index], version=__version__)
        if self.adapters:
            scales = {each["name"]: each["scale"] for each in self.adapters}
            settings["adapter_scales"] = {**scales, **options.get("adapter_scales", {})}
        if order.control is not None:
            settings["control"] = True
        text = settings_text(settings)
        if order.texts:
            text["parameters"] = order.texts[index]
        png = encode_png(images, 0, text)
        job.pictures.append(Picture(png, order.seeds[index], height, width))
        job.report(Progress(index, job.progress.steps, job.progress.steps, (index + 1) / len(order.seeds)))


def _stopper(job: Job) -> Callable[[int, int, float], bool]:
    def report(_step: int, _steps: int, _fraction: float) -> bool:
        return job.is_cancelled

    return report


def _steps_to_show(steps: int, previews: int) -> list[int]:
    """The steps after which a preview is made, spread over the run. The last step has none: the image follows."""
    count = min(previews, steps - 1)
    return [int(step) for step in np.linspace(0, steps - 1, count + 1)[1:] - 1] if count > 0 else []


def default_side(model: str) -> int:
    """The height and width of a model's own images. Fails if the model is not there."""
    report = inspect(model)
    transformer = report["parts"].get("transformer", {})
    if "architecture" not in transformer:
        raise FileError(f"{model} has no transformer: {transformer.get('error', report['kind'])}")
    return int(transformer["architecture"]["sample_size"]) * 8
