"""A run: what is wanted, what is finished, and rounds over the rest until it is finished or has failed."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, NamedTuple, Protocol

from .._core.errors import ArgumentError, Status
from ._folder import FAILED, MANIFEST, Folder
from ._model import Model, examine
from ._requests import BadLines, Request, parse_request, read_requests

LOST = "the worker that had it died each time"
ELSEWHERE = "a worker wrote it into a folder that is not this one; every machine needs the same --out"


class Image(NamedTuple):
    """An image to make: the name of its file, and the request of the first line that wants it."""

    name: str
    request: Request


class Outcome(NamedTuple):
    """What became of an image in one round. `error` is empty if it is finished."""

    name: str
    error: str


class Execute(Protocol):
    """Makes images, and reports those that it finished and those that failed. An image that it does not report is lost:
    its worker died. With `alone`, no image is at risk because of another."""

    def __call__(self, model: Model, folder: Folder, images: Sequence[Image], *, alone: bool) -> Iterator[Outcome]: ...


class Summary(NamedTuple):
    """The images of a run: all that are wanted, those found finished, those made, and the errors of the others."""

    wanted: int
    found: int
    made: int
    failed: Mapping[str, str]


Report = Callable[[Summary], object]
"""Is called after each image."""


def run_batch(
    path: str,
    folder: str,
    execute: Execute,
    *,
    model: str,
    opening: Mapping[str, Any],
    defaults: Mapping[str, Any],
    retries: int = 2,
    report: Report | None = None,
) -> Summary:
    """Makes the images of the file `path` that `folder` does not have yet.

    `opening` are options of opening the stages. `defaults` are fields for lines without them. An image that fails is
    tried `retries` more times. Raises BadLines before anything is computed if lines are wrong.
    """
    flags = parse_request(0, {"prompt": "", **defaults}).options
    requests = read_requests(path, defaults)
    checked, refused = examine(model, opening, {flags, *(request.options for request in requests)})
    if flags in refused:
        raise ArgumentError(refused[flags], status=Status.ERROR_OPTION)
    if refused:
        raise BadLines(path, {each.line: refused[each.options] for each in requests if each.options in refused})
    out = Folder(folder)
    out.create()
    lines = [(request, checked.name(request.to_json())) for request in requests]
    images = _images(lines)
    failed: dict[str, str] = {}
    try:
        _write_lists(out, path, lines, {})
        return _rounds(out, checked, images, execute, retries, failed, report)
    finally:
        _write_lists(out, path, lines, failed)


def _images(lines: Iterable[tuple[Request, str]]) -> list[Image]:
    """One image for each name. Equal prompts follow one another, so that they are encoded once."""
    first: dict[str, Image] = {}
    order: dict[str, int] = {}
    for request, name in lines:
        first.setdefault(name, Image(name, request))
        order.setdefault(request.prompt, len(order))
    return sorted(first.values(), key=lambda image: order[image.request.prompt])


def _rounds(
    folder: Folder,
    model: Model,
    images: Sequence[Image],
    execute: Execute,
    retries: int,
    failed: dict[str, str],
    report: Report | None,
) -> Summary:
    """Fills `failed` with the errors of the images that are given up."""
    finished = folder.names()
    pending = [image for image in images if image.name not in finished]
    found, made = len(images) - len(pending), 0
    attempts: collections.Counter[str] = collections.Counter()
    alone = False
    while pending:
        errors: dict[str, str] = {}
        for outcome in execute(model, folder, pending, alone=alone):
            if not outcome.error and folder.has(outcome.name):
                made += 1
            else:
                errors[outcome.name] = outcome.error or ELSEWHERE
            if report:
                report(Summary(len(images), found, made, {**failed, **errors}))
        rest = [image for image in pending if not folder.has(image.name)]
        moved = len(rest) < len(pending)
        pending = []
        for image in rest:
            error = errors.get(image.name, "")
            attempts[image.name] += (
                1 if error or not moved else 0
            )  # those that were lost cost nothing while others move
            if attempts[image.name] > retries:
                failed[image.name] = error or LOST
            else:
                pending.append(image)
        alone = True
    return Summary(len(images), found, len(images) - found - len(failed), failed)


def _write_lists(folder: Folder, path: str, lines: Sequence[tuple[Request, str]], failed: Mapping[str, str]) -> None:
    """Writes which line is which file, and which lines failed."""
    source, finished = os.path.abspath(path), folder.names()

    def entry(request: Request, name: str) -> dict[str, Any]:
        return {"line": request.line, "id": request.id, "file": name + ".png", "prompt": request.prompt}

    folder.update(MANIFEST, source, (entry(*line) for line in lines if line[1] in finished))
    folder.update(FAILED, source, ({**entry(*line), "error": failed[line[1]]} for line in lines if line[1] in failed))
