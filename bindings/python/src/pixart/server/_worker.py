"""The thread that runs jobs, one after the other."""

from __future__ import annotations

import logging
import threading
from typing import Callable, Protocol

from .._core.errors import Cancelled
from ._jobs import Job, JobQueue, Outcome
from ._refusals import refusal_of

log = logging.getLogger("pixart.server")


class Runner(Protocol):
    """What a worker needs of an engine."""

    def open(self) -> None: ...

    def run(self, job: Job) -> None: ...

    def close(self) -> None: ...


class Worker:
    """Takes jobs from a queue until it is closed, and runs them with an engine on a thread of its own."""

    def __init__(self, runner: Runner, queue: JobQueue, failed: Callable[[], None]) -> None:
        self._runner, self._queue, self._failed = runner, queue, failed
        self._thread = threading.Thread(target=self._work, name="pixart-worker")
        self.is_ready = False
        self.failure: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        try:
            self._runner.open()
        except BaseException as error:
            self.failure = error
            self._queue.close()
            self._queue.cancel_all()
            self._failed()
            return
        self.is_ready = True
        try:
            while (job := self._queue.next()) is not None:
                self.run(job)
        finally:
            self.is_ready = False
            self._runner.close()

    def run(self, job: Job) -> None:
        """Runs one job to its end, whatever happens in it."""
        outcome, error = Outcome.DONE, None
        try:
            if job.is_cancelled:
                outcome = Outcome.CANCELLED
            else:
                self._runner.run(job)
        except Cancelled:
            outcome = Outcome.CANCELLED
        except BaseException as raised:
            outcome, error = Outcome.FAILED, raised
            if refusal_of(raised).status >= 500:
                log.error("a run failed", exc_info=raised)
        self._queue.ended(job)
        job.end(outcome, error)
