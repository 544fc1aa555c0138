"""The three stages as pools of actors on a Ray cluster, by Ray Data."""

from __future__ import annotations

import importlib
import json
import logging
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._checkpoint import memory_estimate
from .._core.errors import ArgumentError
from .._core.schema import options_schema
from ._folder import Folder
from ._model import Model
from ._run import Image, Outcome
from ._stages import Decode, Denoise, Encode, Row, new_row

Columns = dict[str, Any]
"""Rows as Ray Data passes them: an array for each field."""

_DENOISERS_OF_A_DECODER = 8
_PROCESS = 200 << 20
"""Memory of a worker of Ray, in bytes: Python, numpy and pyarrow."""

_LOCAL_STORE = 1 << 30
"""Bytes of embeddings and latents on their way that a machine alone holds."""

_BLOCKS = 4096
"""Blocks of the input, at most about. Ray Data keeps a reference to each."""


class Pools(NamedTuple):
    """Sizes of the pools, and the processors and threads of each denoiser."""

    encoders: int
    denoisers: int
    decoders: int
    threads: int


def on_ray(
    model: Model,
    folder: Folder,
    images: Sequence[Image],
    *,
    alone: bool,
    address: str,
    encoders: int = 1,
    denoisers: int | None = None,
    decoders: int | None = None,
    batch_size: int = 1,
) -> Iterator[Outcome]:
    """Encodes, denoises and decodes at the same time, by as many actors of each stage.

    Every machine needs pixart, the model and the folder, all at the same paths. An actor that dies is started again, and
    what it had is lost for this round.
    """
    ray, data = _connected(address), importlib.import_module("ray.data")
    batch_size, in_flight = (1, 1) if alone else (batch_size, 2)
    blocks = _blocks(images, batch_size)
    pools = _pools(ray, model, encoders, denoisers, decoders)
    opened = Model(model.path, {**model.opening, "threads": pools.threads}, model.digest)
    context = data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.issue_detectors_config.detectors = []
    context.max_errored_blocks = -1  # a block whose actor died; the next round makes its images
    context.target_max_block_size = 1  # rows leave a stage one by one, and batch_size puts them together
    memory = _memory(opened, images, batch_size)
    with data.DataContext.current(context), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # max_restarts and max_task_retries have no other way in this Ray
        rows = data.from_arrow(blocks)
        for actor, count, most, processors, size in (
            (_Encode, pools.encoders, len(blocks), 0, None),  # None: a block, which has all images of a prompt
            (_Denoise, pools.denoisers, math.ceil(len(images) / batch_size), pools.threads, batch_size),
            (_Decode, pools.decoders, len(images), 0, 1),
        ):
            rows = rows.map_batches(
                actor,
                batch_size=size,
                compute=data.ActorPoolStrategy(size=min(count, most), max_tasks_in_flight_per_actor=in_flight),
                fn_constructor_args=(opened, folder.path),
                num_cpus=processors,
                memory=memory[actor.stage],
                # Ray does not repeat a task: it would wait for its own actor, which may wait for processors that others
                # have for as long as the run takes. The next round repeats it.
                max_restarts=-1,
                max_task_retries=0,
            )
        for row in rows.iter_rows():
            yield Outcome(row["name"], row["error"])


class _Actor:
    """A stage as Ray Data calls it: with the columns of a block."""

    stage: Any

    def __init__(self, model: Model, folder: str) -> None:
        self.work = self.stage(model, Folder(folder))

    def __call__(self, columns: Columns) -> Iterator[Columns]:
        for batch in self.batches(_rows(columns)):
            yield _columns(self.work(batch))

    def batches(self, rows: list[Row]) -> Iterator[list[Row]]:
        yield rows


class _Encode(_Actor):
    stage = Encode

    def batches(self, rows: list[Row]) -> Iterator[list[Row]]:
        """One at a time, so that denoisers do not wait for the last one."""
        for row in rows:
            yield [row]


class _Denoise(_Actor):
    stage = Denoise


class _Decode(_Actor):
    stage = Decode


def _rows(columns: Columns) -> list[Row]:
    """Rows of columns. Those of the input have no arrays yet."""
    rows: list[Row] = []
    for index, (name, request) in enumerate(zip(columns["name"], columns["request"])):
        row = new_row(str(name), str(request))
        for field in columns:
            if field not in ("name", "request"):
                row[field] = columns[field][index]  # type: ignore[literal-required]
        rows.append(row)
    return rows


def _columns(rows: Sequence[Row]) -> Columns:
    columns: Columns = {field: np.array([row[field] for row in rows]) for field in ("name", "request", "error")}
    for field in ("prompt", "negative", "latents"):
        columns[field] = np.empty(len(rows), object)
        for index, row in enumerate(rows):
            columns[field][index] = row[field]
    return columns


def _connected(address: str) -> Any:
    """The module ray, connected to the cluster. A program that uses Ray already keeps its connection."""
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise ImportError(f"--ray needs Ray Data: pip install 'pixart[ray]' ({error})") from error
    if not ray.is_initialized():
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that this call starts reports to nobody
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # this process only prints what the command prints
        here = {"object_store_memory": _LOCAL_STORE, "include_dashboard": False} if address == "local" else {}
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **here)
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return ray


def _pools(ray: Any, model: Model, encoders: int, denoisers: int | None, decoders: int | None) -> Pools:
    """Without other wishes, each machine denoises one batch at a time with all of its processors."""
    machines = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    machines = [processors for processors in machines if processors > 0]
    threads: int = model.opening.get("threads") or min(machines, default=0)
    room = sum(processors // threads for processors in machines) if threads else 0
    if room == 0:
        largest = max(machines, default=0)
        raise ArgumentError(f"threads: {threads}; expected at most {largest}, the processors of the largest machine")
    wanted = denoisers or room
    return Pools(encoders, wanted, decoders or math.ceil(wanted / _DENOISERS_OF_A_DECODER), threads)


def _memory(model: Model, images: Sequence[Image], batch_size: int) -> dict[Any, int]:
    """Bytes that an actor of each stage takes, so that Ray starts it on a machine that has them."""
    sizes = set()
    for options in {image.request.options for image in images}:
        denoise = json.loads(options)["denoise"]
        sizes.add((denoise.get("height"), denoise.get("width")))
    largest = max(sizes, key=lambda size: (size[0] or 0) * (size[1] or 0))
    size = {name: value for name, value in zip(("height", "width"), largest) if value}

    estimated = options_schema("memory_estimate")["properties"]

    def peak(stage: Any, opening: Any, **options: Any) -> int:
        given = {name: value for name, value in opening.items() if name in estimated}
        return _PROCESS + memory_estimate(model.path, stage, **given, **options)["peak"]

    return {
        Encode: peak("encode", model.options("encoder")),
        Denoise: peak("denoise", model.options("denoiser"), prompts=batch_size, **size),
        Decode: peak("decode", model.options("decoder"), **size),
    }


def _blocks(images: Sequence[Image], batch_size: int) -> list[Any]:
    """Tables of names and requests. All images of a prompt are in one, so that one actor encodes it."""
    arrow = importlib.import_module("pyarrow")
    size = max(batch_size, math.ceil(len(images) / _BLOCKS))
    tables: list[Any] = []
    block: list[Image] = []
    for image in images:
        if len(block) >= size and image.request.prompt != block[-1].request.prompt:
            tables.append(_table(arrow, block))
            block = []
        block.append(image)
    return [*tables, _table(arrow, block)]


def _table(arrow: Any, images: Sequence[Image]) -> Any:
    names, requests = [image.name for image in images], [image.request.to_json() for image in images]
    return arrow.table({"name": names, "request": requests})
