"""`pixart generate`: images of prompts, as PNG files with their settings inside."""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from .._core.bar import Bar
from .._core.errors import ArgumentError, FileError
from .._image import write_image
from .._images import numbered, read_settings, settings_text
from .._pipeline import Pipeline
from ._flags import Flags
from ._model_flags import ModelFlags

OF_A_LINE = frozenset({"prompt", "negative_prompt", "image", "mask", "control"})
"""What a line of a file of prompts may have besides the options of a run."""

OF_AN_IMAGE = frozenset({"prompt", "negative_prompt", "seed", "num_images_per_prompt"})
"""What images of one batch may differ in, or that says how many there are."""

MADE = frozenset({"model", "version", "prompt", "negative_prompt", "seed"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Makes images of prompts. Each is a PNG file with its settings inside: `pixart settings FILE` prints them, and "
        "--from FILE makes it again. A file that exists and has the same settings is not made twice."
    )
    parser.add_argument("prompt", nargs="*", help="what the image shows; several make several images")
    parser.add_argument(
        "-o", "--output", default="image.png", metavar="FILE", help='of several, "{index}" is the number'
    )
    parser.add_argument("-n", "--negative-prompt", default=None, metavar="TEXT", help="what the image does not show")
    parser.add_argument(
        "--prompts", metavar="FILE", help="a prompt on each line, or a JSON object with options; - is stdin"
    )
    parser.add_argument(
        "--from", dest="source", metavar="PNG", help="the settings of this file, where no flag says other"
    )
    parser.add_argument("--image", metavar="PNG", help="the image to start from (see --strength)")
    parser.add_argument("--mask", metavar="PNG", help="only its white part is made new")
    parser.add_argument("--control", metavar="PNG", help="the image of the ControlNet (see --denoiser.controlnet)")
    parser.add_argument("--preview", metavar="PNG", help="a small image that is written after each step")
    parser.add_argument(
        "--batch-size", type=int, default=4, metavar="N", help="most images that are computed together (default: 4)"
    )
    parser.add_argument("--force", action="store_true", help="also make files again that exist with the same settings")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    run_flags = Flags(parser, "denoise", "options of the run")
    parser.usage = "pixart generate [OPTION ...] PROMPT ..."
    parser.set_defaults(flags=(ModelFlags(parser), run_flags), parser=parser)


def run(arguments: argparse.Namespace) -> int:
    model_flags, run_flags = arguments.flags
    earlier = read_settings(arguments.source) if arguments.source else {}
    _take_model(arguments, earlier)
    given = {**_run_options(earlier), **run_flags.given(arguments)}
    requests = list(_requests(arguments, earlier, given))
    if not requests:
        arguments.parser.error("no prompt; expected one, --prompts FILE or --from PNG")
    with (
        model_flags.pipeline(arguments, given.get("preset")) as pipeline,
        Bar(False if arguments.quiet else None) as bar,
    ):
        batch = Batch(pipeline, arguments, bar)
        for place, request in enumerate(requests):
            batch.add(request, place, len(requests))
        batch.make()
    return 0


class Batch:
    """Images that one call of the pipeline makes: consecutive ones that differ in prompts and seeds alone. So stages
    open once for all of them."""

    def __init__(self, pipeline: Pipeline, arguments: argparse.Namespace, bar: Bar) -> None:
        self._pipeline, self._arguments, self._bar = pipeline, arguments, bar
        self._shared: dict[str, Any] = {}
        self._waiting: list[tuple[pathlib.Path, dict[str, Any]]] = []
        self._label = ""

    def add(self, request: dict[str, Any], place: int, count: int) -> None:
        """Takes the images of request `place` of `count`, if they are not there. Makes earlier ones if need be."""
        planned = self._pipeline.settings(**request)
        copies = len(planned)
        paths = [numbered(self._arguments.output, place * copies + copy, count * copies) for copy in range(copies)]
        wanted = list(zip(paths, planned))
        if not self._arguments.force and all(_is_made(*each, "seed" in request) for each in wanted):
            self._bar.clear()
            _say(self._arguments, *(f"{path} is there" for path in paths))
            return
        shared = {name: value for name, value in request.items() if name not in OF_AN_IMAGE}
        if shared != self._shared or len(self._waiting) >= self._arguments.batch_size:
            self.make()
        self._label = self._label or _label(request["prompt"], place, count)
        self._shared, self._waiting = shared, [*self._waiting, *wanted]

    def make(self) -> None:
        """Makes and writes the images that wait."""
        if not self._waiting:
            return
        paths, settings = zip(*self._waiting)
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        preview = self._arguments.preview
        self._bar.start(self._label)
        images = self._pipeline.generate(
            [each["prompt"] for each in settings],
            [each["negative_prompt"] for each in settings],
            seed=[each["seed"] for each in settings],
            batch_size=self._arguments.batch_size,
            progress=self._bar,
            preview=None if preview is None else lambda _, images: write_image(preview, images),
            **self._shared,
        )
        self._bar.clear()
        for index, path in enumerate(paths):
            write_image(path, images, index, settings_text(images.settings[index]))
            _say(self._arguments, f"{path}  seed {images.settings[index]['seed']}")
        self._waiting, self._label = [], ""


def _say(arguments: argparse.Namespace, *lines: str) -> None:
    if not arguments.quiet:
        print(*lines, sep="\n", flush=True)


def _is_made(path: pathlib.Path, expected: dict[str, Any], has_seed: bool) -> bool:
    """Whether a file has the settings that its image would get. If no seed is asked for, any seed is right."""
    try:
        found = read_settings(path)
    except (OSError, ValueError):
        return False
    ignored = {"version"} if has_seed else {"version", "seed"}
    wanted = json.loads(json.dumps(expected))
    return {**wanted, **dict.fromkeys(ignored)} == {**found, **dict.fromkeys(ignored)}


def _take_model(arguments: argparse.Namespace, earlier: dict[str, Any]) -> None:
    """Opens what an earlier image was made with, where no flag says other."""
    for name, empty in (("model", None), ("weights", "auto"), ("variant", None)):
        if getattr(arguments, name) == empty and name in earlier:
            setattr(arguments, name, earlier[name])
    for group in ("encoder", "denoiser", "decoder", "encode", "decode"):
        for name, value in earlier.get(group, {}).items():
            if getattr(arguments, f"{group}.{name}", None) is None:
                setattr(arguments, f"{group}.{name}", value)


def _run_options(earlier: dict[str, Any]) -> dict[str, Any]:
    """The options of a run among the settings of an image."""
    groups = ("encoder", "denoiser", "decoder", "encode", "decode", "weights", "variant", "image", "mask", "control")
    return {name: value for name, value in earlier.items() if name not in MADE and name not in groups}


def _requests(
    arguments: argparse.Namespace, earlier: dict[str, Any], given: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The arguments of Pipeline.generate() for each prompt."""
    pictures = {name: getattr(arguments, name) or earlier.get(name) for name in ("image", "mask", "control")}
    if True in pictures.values():
        name = next(name for name, value in pictures.items() if value is True)
        raise ArgumentError(f"--from: the {name} of {arguments.source} was no file; expected --{name} as well")
    negative = earlier.get("negative_prompt", "") if arguments.negative_prompt is None else arguments.negative_prompt
    shared = {"negative_prompt": negative, **{name: value for name, value in pictures.items() if value}, **given}
    prompts = list(arguments.prompt)
    if earlier and not prompts and not arguments.prompts:
        prompts = [earlier["prompt"]]
        shared.setdefault("seed", earlier["seed"])
    for prompt in prompts:
        yield {"prompt": prompt, **shared}
    if arguments.prompts:
        with _opened(arguments.prompts) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield {**shared, **_line(line.strip(), f"{arguments.prompts}, line {number}")}


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Sequence[str]]:
    if path == "-":
        yield sys.stdin.readlines()
        return
    try:
        yield pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: is not UTF-8 text: {error}") from error


def _line(line: str, place: str) -> dict[str, Any]:
    """A line of a file of prompts: a prompt, or a JSON object that has one."""
    if not line.startswith("{"):
        return {"prompt": line}
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise FileError(f"{place}: is no JSON object: {error}") from error
    if not isinstance(found.get("prompt"), str):
        raise FileError(f'{place}: "prompt" is missing or no text')
    return dict(found)


def _label(prompt: str, place: int, count: int) -> str:
    shown = prompt if len(prompt) <= 30 else prompt[:29] + "…"
    return f"{place + 1}/{count} {shown}" if count > 1 else shown
