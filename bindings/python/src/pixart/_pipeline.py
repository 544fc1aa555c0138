"""Prompts to images: all stages of a model behind one call."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Literal

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path
from ._core.errors import ArgumentError
from ._core.library import version
from ._core.progress import Progress, reporting
from ._decoder import Decoder
from ._denoiser import Denoiser
from ._encoder import Encoder
from ._image_encoder import ImageEncoder
from ._images import Images
from ._models import default_model
from ._open_stages import OpenStages
from ._picture import Picture
from ._sampler import Sampler
from ._start import Start
from .options import (
    DecodeOptions,
    DecoderOpenOptions,
    DenoiseOptions,
    DenoiserOpenOptions,
    EncodeOptions,
    EncoderOpenOptions,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

Weights = Literal["auto", "float32", "bfloat16", "int8", "int4"]
Preview = Callable[[int, npt.NDArray[np.uint8]], object]
"""Gets the number of steps done and small images of the predicted original, uint8 [B, Y, X, 3]."""
Report = Callable[[int, int, float], object]

SEEDS = 1 << 32
"""Seeds that are drawn are below this number."""


class Pipeline:
    """All stages of a model. Each opens when it is first needed, and stays open until close(). Thread-safe.

    `model` is a folder, file or id as for Encoder; None means the small emoji model of this package. `weights` is the
    precision of the text encoder and the transformer. `preset`, `variant` and `threads` apply to every stage.
    `encoder`, `denoiser` and `decoder` are further options of opening a stage, such as denoiser={"adapters": [...]};
    `encode` and `decode` are those of the calls, such as decode={"low_memory": True}.
    With `one_at_a_time`, a stage is closed before the next opens, so that only one is in memory.
    """

    def __init__(
        self,
        model: Path | None = None,
        *,
        preset: Literal["exact", "balanced", "fast"] | None = None,
        weights: Weights = "auto",
        variant: str | None = None,
        threads: int = 0,
        one_at_a_time: bool = False,
        encoder: EncoderOpenOptions | None = None,
        denoiser: DenoiserOpenOptions | None = None,
        decoder: DecoderOpenOptions | None = None,
        encode: EncodeOptions | None = None,
        decode: DecodeOptions | None = None,
    ) -> None:
        self.model = os.fspath(default_model() if model is None else model)
        self._stages = OpenStages(
            "Pipeline",
            self.model,
            preset=preset,
            weights=weights,
            variant=variant,
            threads=threads,
            one_at_a_time=one_at_a_time,
            encoder=encoder,
            denoiser=denoiser,
            decoder=decoder,
        )
        self._encode, self._decode = dict(encode or {}), dict(decode or {})
        given: dict[str, Any] = {"preset": preset, "weights": weights, "variant": variant, "encoder": encoder}
        given.update(denoiser=denoiser, decoder=decoder, encode=encode, decode=decode)
        self._given: dict[str, Any] = {name: value for name, value in given.items() if value not in (None, "auto", {})}

    def close(self) -> None:
        """Releases all stages. Any later use raises ClosedError; closing again does nothing."""
        self._stages.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        given = "".join(f" {key}={value!r}" for key, value in self._given.items())
        return f"<pixart.Pipeline {self.model!r}{given}{', closed' if self._stages.is_closed else ''}>"

    def encode(self, prompts: str | Sequence[str], *, progress: Progress = None) -> list[npt.NDArray[np.float32]]:
        """Encodes prompts into embeddings, each float32 [S, E]. A prompt that comes twice is encoded once."""
        texts = [prompts] if isinstance(prompts, str) else list(prompts)
        options: Any = self._encode
        with self._stages.use(Encoder) as encoder:
            found = {text: encoder.encode(text, progress=progress, **options) for text in dict.fromkeys(texts)}
        return [found[text] for text in texts]

    def generate(
        self,
        prompt: str | Sequence[str],
        negative_prompt: str | Sequence[str] = "",
        *,
        image: Picture | None = None,
        mask: Picture | None = None,
        control: Picture | None = None,
        batch_size: int = 4,
        progress: Progress = None,
        preview: Preview | None = None,
        **options: Unpack[DenoiseOptions],
    ) -> Images:
        """Makes the images of a prompt, or of a list of prompts, whose images come in its order.

        Options are those of Denoiser.denoise(). The images have `height` and `width` if both are given. Image i has the
        seed `seed` + i, or seed[i] if that is a list; without a seed, one is drawn. So an image of a batch is the same
        as alone. `Images.settings` has the seeds. At most `batch_size` images are computed together, which changes
        memory and not results.

        `image` is what the run starts from (with `strength`, 0.8 if not given); with a `mask`, only its white part is
        made new. `control` is the image of the denoiser's ControlNet. Each is a path of a PNG file, a Pillow image, or
        an array, uint8 [H, W, 3] ([H, W] for a mask), and is resized to the run.

        `progress` is as in Denoiser.denoise(): steps are those of all batches, and a true result also cancels
        encoding and decoding. `preview` is called after each step of the first batch.
        """
        _check_count(batch_size, "batch_size")
        plan = self._plan(prompt, negative_prompt, Start(image, mask, control), options)
        with self._stages.turn(), reporting(progress) as report:
            images = self._images(plan, batch_size, report or _ignore, preview)
        return Images(images, plan.settings)

    def settings(
        self,
        prompt: str | Sequence[str],
        negative_prompt: str | Sequence[str] = "",
        *,
        image: Picture | None = None,
        mask: Picture | None = None,
        control: Picture | None = None,
        **options: Unpack[DenoiseOptions],
    ) -> list[dict[str, Any]]:
        """The settings of the images that generate() would make."""
        return self._plan(prompt, negative_prompt, Start(image, mask, control), options).settings

    def _plan(self, prompt: object, negative_prompt: object, start: Start, options: Mapping[str, Any]) -> _Plan:
        given = {key: value for key, value in options.items() if value is not None}
        if preset := self._given.get("preset"):
            given.setdefault("preset", preset)
        if start.has_image:
            given = {**start.size(), "strength": 0.8, **given}
        elif "strength" in given:
            raise ArgumentError(
                f"strength: {given['strength']} without an image to start from; expected both or neither"
            )
        copies = given.pop("num_images_per_prompt", 1)
        _check_count(copies, "num_images_per_prompt")
        rows = _rows(prompt, negative_prompt, copies, given.pop("seed", None))
        made = {"model": self.model, **self._given, **given, **start.settings, "version": version()}
        return _Plan(rows, start, given, [{**dataclasses.asdict(row), **made} for row in rows])

    def _images(self, plan: _Plan, batch_size: int, report: Report, preview: Preview | None) -> npt.NDArray[np.uint8]:
        rows, start, options = plan.rows, plan.start, plan.options
        scale = options.get("guidance_scale", 4.5)
        if not isinstance(scale, (int, float, np.number)):
            raise ArgumentError(f"guidance_scale: {scale!r:.80}; expected a number")
        guided = scale > 1
        texts = [row.prompt for row in rows] + [row.negative_prompt for row in rows if guided]
        embedding = dict(zip(texts, self.encode(texts, progress=lambda *_: report(0, 1, 0.0))))
        if start.is_needed:
            height, width = self._run_size(embedding[rows[0].prompt], options)
            with self._stages.use(ImageEncoder) as image_encoder:
                start.encode(image_encoder, height, width, lambda *_: report(0, 1, 0.0))
        batches = [rows[first : first + batch_size] for first in range(0, len(rows), batch_size)]
        latents, steps = [], 0
        with self._stages.use(Denoiser) as denoiser:
            for number, batch in enumerate(batches):
                prompts = [embedding[row.prompt] for row in batch]
                negatives = [embedding[row.negative_prompt] for row in batch] if guided else None
                run: Any = {**options, "seed": [row.seed for row in batch]}
                with denoiser.sampler(prompts, negatives, **run) as sampler:
                    start.give(sampler)
                    steps = sampler.steps
                    part = _part(report, number, len(batches))
                    latents.append(_run(sampler, part, preview if number == 0 else None))
        total = steps * len(batches)
        size: Any = {"height": options.get("height"), "width": options.get("width"), **self._decode}
        with self._stages.use(Decoder) as decoder:
            images = [decoder.decode(each, progress=lambda *_: report(total, total, 1.0), **size) for each in latents]
        return start.keep_unmasked(np.concatenate(images))

    def _run_size(self, embedding: npt.NDArray[np.float32], options: dict[str, Any]) -> tuple[int, int]:
        """The height and width of a run in pixels, which resolution binning may change."""
        names = ("height", "width", "use_resolution_binning")
        size: Any = {name: options[name] for name in names if name in options}
        with self._stages.use(Denoiser) as denoiser, denoiser.sampler(embedding, guidance_scale=1.0, **size) as sampler:
            height, width = sampler.latents.shape[2:]
        return 8 * height, 8 * width


@dataclasses.dataclass(frozen=True)
class _Row:
    """One image to make."""

    prompt: str
    negative_prompt: str
    seed: int


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What a call of generate() does: the images, what they start from, the options of the runs, and the settings of
    each image."""

    rows: list[_Row]
    start: Start
    options: dict[str, Any]
    settings: list[dict[str, Any]]


def _rows(prompt: object, negative_prompt: object, copies: int, seed: object) -> list[_Row]:
    """The images of all prompts, `copies` of each, with their seeds."""
    prompts = _texts(prompt, "prompt")
    negatives = _texts(negative_prompt, "negative_prompt")
    if not isinstance(negative_prompt, str) and len(negatives) != len(prompts):
        raise ArgumentError(f"negative_prompt: a list of {len(negatives)} for {len(prompts)} prompts; expected as many")
    pairs = [
        (text, negatives[0] if isinstance(negative_prompt, str) else negatives[index])
        for index, text in enumerate(prompts)
        for _ in range(copies)
    ]
    seeds = _seeds(seed, len(pairs))
    return [_Row(text, other, each) for (text, other), each in zip(pairs, seeds)]


def _texts(given: object, name: str) -> list[str]:
    texts = [given] if isinstance(given, str) else list(given) if isinstance(given, (list, tuple)) else None
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ArgumentError(f"{name}: {given!r:.80}; expected a text, or a list of one or more")
    return texts


def _check_count(count: object, name: str) -> None:
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise ArgumentError(f"{name}: {count!r:.80}; expected an integer of at least 1")


def _seeds(seed: object, count: int) -> list[int]:
    if seed is None:
        seed = random.SystemRandom().randrange(SEEDS)
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return [int(seed) + index for index in range(count)]
    seeds = list(seed) if isinstance(seed, (list, tuple, np.ndarray)) else []
    if len(seeds) != count or not all(isinstance(each, (int, np.integer)) for each in seeds):
        raise ArgumentError(f"seed: {seed!r:.80}; expected a number, or a list of {count}, one for each image")
    return [int(each) for each in seeds]


def _run(sampler: Sampler, report: Report, preview: Preview | None) -> npt.NDArray[np.float32]:
    """The latents after all steps."""
    if preview is None:
        return sampler.run(progress=report)
    for step in range(1, sampler.steps + 1):
        sampler.step(progress=report)
        preview(step, sampler.preview())
    return sampler.latents


def _part(report: Report, number: int, count: int) -> Report:
    """Reports a run as part `number` of `count` equal ones."""
    return lambda step, steps, fraction: report(number * steps + step, count * steps, (number + fraction) / count)


def _ignore(*_: object) -> None:
    return None


def generate(
    prompt: str | Sequence[str],
    negative_prompt: str | Sequence[str] = "",
    *,
    model: Path | None = None,
    weights: Weights = "auto",
    variant: str | None = None,
    threads: int = 0,
    encoder: EncoderOpenOptions | None = None,
    denoiser: DenoiserOpenOptions | None = None,
    decoder: DecoderOpenOptions | None = None,
    encode: EncodeOptions | None = None,
    decode: DecodeOptions | None = None,
    image: Picture | None = None,
    mask: Picture | None = None,
    control: Picture | None = None,
    batch_size: int = 4,
    progress: Progress = None,
    preview: Preview | None = None,
    **options: Unpack[DenoiseOptions],
) -> Images:
    """Makes the images of a prompt, or of a list of prompts: uint8 [B, H, W, 3].

    Each stage is released before the next one opens, so only one is in memory. Arguments are those of Pipeline() and
    Pipeline.generate(); a `preset` applies to every stage.
    """
    pipeline = Pipeline(
        model,
        preset=options.get("preset"),
        weights=weights,
        variant=variant,
        threads=threads,
        one_at_a_time=True,
        encoder=encoder,
        denoiser=denoiser,
        decoder=decoder,
        encode=encode,
        decode=decode,
    )
    with pipeline:
        return pipeline.generate(
            prompt,
            negative_prompt,
            image=image,
            mask=mask,
            control=control,
            batch_size=batch_size,
            progress=progress,
            preview=preview,
            **options,
        )
