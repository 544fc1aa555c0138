"""What the routes share: the model's name, the queue, the worker, and files that URLs name."""

from __future__ import annotations

import asyncio
import collections
import os
import secrets
import time
from typing import Callable

from starlette.types import Receive

from ._denoise_options import DenoiseOptionNames
from ._engine import Engine, default_side
from ._jobs import Job, JobQueue, Order, Outcome
from ._metrics import Metrics
from ._refusals import Refusal, refusal_of
from ._settings import Settings
from ._worker import Worker


class HungUp(Exception):
    """The client has gone."""


class Service:
    """Takes orders and runs them. `failed` is called, on another thread, if the model cannot be opened."""

    def __init__(self, settings: Settings, model: str, failed: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.model_name = os.path.basename(os.path.normpath(model)) if os.path.exists(model) else model
        self.created = int(time.time())
        self.default_side = default_side(model)
        self.max_side = max(settings.max_side, self.default_side)
        self.options = DenoiseOptionNames(settings)
        self.queue = JobQueue(settings.queue)
        self.metrics = Metrics(self.queue)
        self.engine = Engine(settings, model, self.model_name)
        self.worker = Worker(self.engine, self.queue, failed)
        self.files = Files(settings.max_files, settings.file_seconds)
        self.is_closing = False

    @property
    def is_ready(self) -> bool:
        """Whether a request would be served now."""
        return self.worker.is_ready and not self.is_closing and not self.queue.is_full

    def check_control(self, name: str) -> None:
        """Refuses a control image, which the field `name` has, if there is no ControlNet."""
        if not self.engine.has_control:
            message = f"{name} is given, but this server has no ControlNet (--denoiser.controlnet)"
            raise Refusal(400, message, param=name, code="unsupported")

    async def submit(self, order: Order, api: str) -> Job:
        """Puts an order into the queue. Refuses what the queue or the run would refuse."""
        self.queue.check()
        try:
            await asyncio.to_thread(self.engine.check, order)
        except Exception as error:
            raise refusal_of(error) from error
        job = Job(order, api, asyncio.get_running_loop(), self.metrics.ended)
        self.queue.put(job)
        return job

    async def finished(self, job: Job, receive: Receive) -> Job:
        """Waits for the end of a job. Ends it and raises HungUp if the client goes first; refuses if it failed."""
        gone = asyncio.ensure_future(hang_up(receive))
        try:
            while job.outcome is None:
                changed = asyncio.ensure_future(job.changed())
                await asyncio.wait({gone, changed}, return_when=asyncio.FIRST_COMPLETED)
                if not changed.done():
                    changed.cancel()
                    raise HungUp
        finally:
            gone.cancel()
            self.abandon(job)
        self.raise_failure(job)
        return job

    def raise_failure(self, job: Job) -> None:
        """Refuses if a job that is over has failed, or was cancelled as the server shuts down."""
        if job.outcome is Outcome.FAILED:
            assert job.error is not None
            raise refusal_of(job.error)
        if job.outcome is Outcome.CANCELLED and self.is_closing:
            raise Refusal(503, "the server is shutting down", code="shutting_down")

    def abandon(self, job: Job) -> None:
        """Ends a job that nobody waits for. Does nothing if it is over."""
        if job.outcome is None and not self.queue.remove(job):
            job.cancel()

    async def close(self) -> None:
        """Cancels what is left, and waits for the worker."""
        self.is_closing = True
        self.queue.close()
        self.queue.cancel_all()
        await asyncio.to_thread(self.worker.join)


class Files:
    """PNG files for a while, under names that cannot be guessed. The oldest make room for new ones."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._files: collections.OrderedDict[str, tuple[float, bytes]] = collections.OrderedDict()

    def put(self, png: bytes) -> str:
        name = secrets.token_urlsafe(24)
        self._files[name] = time.monotonic() + self._seconds, png
        while len(self._files) > self._most:
            self._files.popitem(last=False)
        return name

    def get(self, name: str) -> bytes | None:
        end, png = self._files.get(name, (0.0, b""))
        if end < time.monotonic():
            self._files.pop(name, None)
            return None
        return png


async def hang_up(receive: Receive) -> None:
    """Returns when the client has gone. The body of the request must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
