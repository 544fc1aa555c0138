"""A run: what is wanted, what is finished, and rounds over the rest until it is finished or has failed."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from ._folder import FAILED, MANIFEST, Folder
from ._model import Model, examine
from ._requests import BadLines, Request, read_requests

LOST = "the worker that had it died each time"


class Image(NamedTuple):
    """An image to make: the name of its file, and the request of the first line that wants it."""

    name: str
    request: Request


class Outcome(NamedTuple):
    """What became of an image in one round. `error` is empty if it is finished."""

    name: str
    error: str


Execute = Callable[[Model, Folder, Sequence[Image]], Iterator[Outcome]]
"""Makes images, and reports those that it finished and those that failed. An image it does not report is lost: its
worker died."""


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
    requests = read_requests(path, defaults)
    checked, refused = examine(model, opening, {request.options for request in requests})
    if refused:
        wrong = {each.line: refused[each.options] for each in requests if each.options in refused}
        raise BadLines(path, wrong)
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
    while pending:
        errors: dict[str, str] = {}
        for outcome in execute(model, folder, pending):
            if outcome.error:
                errors[outcome.name] = outcome.error
            else:
                made += 1
            if report:
                report(Summary(len(images), found, made, {**failed, **errors}))
        finished = folder.names()
        rest = [image for image in pending if image.name not in finished]
        moved = len(rest) < len(pending)
        attempts.update(errors)
        pending = []
        for image in rest:
            error = errors.get(image.name)
            if attempts[image.name] > retries or (error is None and not moved):
                failed[image.name] = error or LOST
            else:
                pending.append(image)
    return Summary(len(images), found, len(images) - found - len(failed), failed)


def _write_lists(
    folder: Folder, path: str, lines: Sequence[tuple[Request, str]], failed: Mapping[str, str]
) -> None:
    """Writes which line is which file, and which lines failed."""
    source, finished = os.path.abspath(path), folder.names()

    def entry(request: Request, name: str) -> dict[str, Any]:
        return {"line": request.line, "id": request.id, "file": name + ".png", "prompt": request.prompt}

    folder.update(MANIFEST, source, (entry(*line) for line in lines if line[1] in finished))
    folder.update(FAILED, source, ({**entry(*line), "error": failed[line[1]]} for line in lines if line[1] in failed))
