"""The three stages as pools of actors on a Ray cluster, by Ray Data."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._checkpoint import memory_estimate
from ._folder import Folder
from ._model import Model
from ._run import Image, Outcome
from ._stages import Decode, Denoise, Encode, Row, new_row

Columns = dict[str, Any]
"""Rows as Ray Data passes them: an array for each field."""

_DENOISERS_OF_A_DECODER = 8


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
    pools = _pools(ray, model, encoders, denoisers, decoders)
    opened = Model(model.path, {**model.opening, "threads": pools.threads}, model.digest)
    context = data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a block whose actor died; the next round makes its images
    context.target_max_block_size = 1  # rows leave a stage one by one, and batch_size puts them together
    with data.DataContext.current(context):
        rows = data.from_arrow(_blocks(images, batch_size))
        for stage, count, processors, size in (
            (_Encode, pools.encoders, 0, None),  # a block holds all images of a prompt
            (_Denoise, pools.denoisers, pools.threads, batch_size),
            (_Decode, pools.decoders, 0, 1),
        ):
            rows = rows.map_batches(
                stage,
                batch_size=size,
                compute=data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=2),
                fn_constructor_args=(opened, folder.path),
                num_cpus=processors,
                memory=_memory(opened, stage),
                max_restarts=-1,
                max_task_retries=0,  # a task that waited for its own actor could wait for ever
            )
        for row in rows.iter_rows():
            yield Outcome(row["name"], row["error"])
