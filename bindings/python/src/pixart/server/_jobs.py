"""Jobs, and the queue in which they wait for the worker."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import enum
import threading
import time
from typing import Any, Callable, Literal

import numpy as np
import numpy.typing as npt

from ._refusals import Refusal

Pixels = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Order:
    """The images that a request asks for. Image i is made with seeds[i]."""

    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]
    options: dict[str, Any]
    image: Pixels | None = None
    mask: Pixels | None = None
    control: Pixels | None = None
    """The image of the ControlNet, which is cut to the proportions of the run."""
    resize_mode: Literal["default", "crop"] = "crop"
    """How the image and the mask get the size of the run."""
    previews: int = 0
    """Previews of each image."""
    texts: tuple[str, ...] = ()
    """The text `parameters` of each PNG file, if it has one."""
    written: str = ""
    """The prompt as the client wrote it, if that is more than `prompt`."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A finished image."""

    png: bytes
    seed: int
    height: int
    width: int


@dataclasses.dataclass(frozen=True)
class Preview:
    """A small view of an image in the making: the `index`-th of image `image`."""

    png: bytes
    image: int
    index: int


@dataclasses.dataclass(frozen=True)
class Progress:
    """The step that runs, and the fraction of the job that is done."""

    image: int = 0
    step: int = 0
    steps: int = 0
    fraction: float = 0.0


class Outcome(enum.Enum):
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """An order on its way. The worker's thread changes it; a coroutine of `loop` watches it."""

    KEPT_PREVIEWS = 4
    """Previews that wait for a slow client. Older ones are dropped."""

    def __init__(
        self, order: Order, api: str, loop: asyncio.AbstractEventLoop, on_end: Callable[[Job], None] = lambda _: None
    ) -> None:
        self.order, self.api, self._on_end = order, api, on_end
        self.created = time.monotonic()
        self.started: float | None = None
        self.ended: float | None = None
        self.progress = Progress()
        self.pictures: list[Picture] = []
        self.last_preview: Preview | None = None
        self.input_tokens = self.output_tokens = 0
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.is_watched = False
        """Whether each change wakes the coroutine, or the end alone."""
        self._cancelled = threading.Event()
        self._previews: collections.deque[Preview] = collections.deque(maxlen=self.KEPT_PREVIEWS)
        self._loop, self._changed, self._notified = loop, asyncio.Event(), False

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Asks for the end. A run ends at its next report of progress."""
        self._cancelled.set()

    def end(self, outcome: Outcome, error: BaseException | None = None) -> None:
        self.ended, self.error, self.outcome = time.monotonic(), error, outcome
        self._on_end(self)
        self.notify()

    def report(self, progress: Progress) -> None:
        self.progress = progress
        if self.is_watched:
            self.notify()

    def show(self, preview: Preview) -> None:
        self.last_preview = preview
        self._previews.append(preview)
        if self.is_watched:
            self.notify()

    def take_previews(self) -> list[Preview]:
        """The previews since the last call."""
        taken = []
        while self._previews:
            taken.append(self._previews.popleft())
        return taken

    def notify(self) -> None:
        """Wakes the coroutine that watches. Any number of changes is one wake."""
        if not self._notified:
            self._notified = True
            try:
                self._loop.call_soon_threadsafe(self._changed.set)
            except RuntimeError:
                pass  # the loop is closed: nobody watches any more

    async def changed(self) -> None:
        """Waits for a change since the last call."""
        await self._changed.wait()
        self._changed.clear()
        self._notified = False


class JobQueue:
    """Jobs in their order of arrival, at most `limit` that wait."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running: Job | None = None
        self._waiting: collections.deque[Job] = collections.deque()
        self._condition = threading.Condition()
        self._is_closed = False
        self._seconds = 1.0  # a moving average of what a job took

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= self.limit

    def put(self, job: Job) -> None:
        with self._condition:
            self.check()
            self._waiting.append(job)
            self._condition.notify()

    def check(self) -> None:
        """Refuses if a job could not be put now."""
        if self._is_closed:
            raise Refusal(503, "the server is shutting down", code="shutting_down", headers={"Retry-After": "10"})
        if self.is_full:
            raise Refusal(
                429,
                f"{self.limit} requests already wait, the limit of this server; try again later",
                code="queue_full",
                headers={"Retry-After": str(self.retry_after())},
            )

    def retry_after(self) -> int:
        """Seconds after which a place should be free: what the running job takes on average, from 1 to 600."""
        return max(1, min(600, round(self._seconds)))

    def ahead(self, job: Job) -> int:
        """Number of jobs that will run before this one, with the one that runs now."""
        with self._condition:
            try:
                return self._waiting.index(job) + (self.running is not None)
            except ValueError:
                return 0

    def remove(self, job: Job) -> bool:
        """Takes out a job that waits. Returns False if it no longer does."""
        with self._condition:
            try:
                self._waiting.remove(job)
            except ValueError:
                return False
        job.cancel()
        job.end(Outcome.CANCELLED)
        return True

    def next(self) -> Job | None:
        """Waits for a job, which then is the running one. Returns None once the queue is closed and empty."""
        with self._condition:
            self._condition.wait_for(lambda: self._waiting or self._is_closed)
            self.running = self._waiting.popleft() if self._waiting else None
            if self.running is not None:
                self.running.started = time.monotonic()
            for job in self._waiting:
                job.notify()  # its place has changed
            return self.running

    def ended(self, job: Job) -> None:
        """Notes that the running job is over."""
        with self._condition:
            self.running = None
            if job.started is not None:
                self._seconds += (time.monotonic() - job.started - self._seconds) * 0.2

    def close(self) -> None:
        """Takes no more jobs. Those that wait still run."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    def cancel_all(self, matching: Callable[[Job], bool] = lambda _: True) -> None:
        """Cancels the running job and those that wait."""
        with self._condition:
            waiting, running = list(self._waiting), self.running
        for job in waiting:
            if matching(job):
                self.remove(job)
        if running is not None and matching(running):
            running.cancel()
