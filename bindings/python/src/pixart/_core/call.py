"""Long C calls that exceptions can interrupt."""

from __future__ import annotations

import collections
import queue
import threading
from _thread import start_new_thread
from collections.abc import Iterator
from typing import Any, Callable, Generic, TypeVar

from .library import PROGRESS

T = TypeVar("T")
Report = Callable[[int, int, float], object]

POLL = 0.05
"""Seconds between checks for exceptions that another thread raises in this one, because they do not end a wait."""


def cancellable(body: Callable[[Any], T], report: Report | None) -> T:
    """Runs `body(callback)` on a helper thread while this thread waits and reports. Returns its result.

    If an exception arrives here, or `report` raises one, the call is cancelled. The exception is raised when it ends.
    """
    call = _Call(body, report)
    try:
        try:
            work = call.work()
            next(work)
            start_new_thread(next, (work, None))
            del work
            call.attend()
            return call.outcome()
        except BaseException:
            if call.stop():
                call.wait()
            raise
    finally:
        call.stop()  # once more: a second exception may come before the first stop()


class _Call(Generic[T]):
    """Runs `body` on a helper thread. Python runs signal handlers in the main thread, and raises asynchronous
    exceptions in the thread that they name. So the C callback never sees either; the waiting thread does, in ordinary
    Python code.

    `body` owns what the C call needs, so the waiting thread may leave at any time.
    """

    def __init__(self, body: Callable[[Any], T], report: Report | None) -> None:
        self._body: Callable[[Any], T] | None = body
        self._report = report
        self._lock = threading.Lock()
        self._begun = self._ended = self._stopped = False
        self._events: collections.deque[tuple[int, int, float]] = collections.deque()
        self._wake = threading.Lock()  # free if there is something new
        self._answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._result: T | None = None
        self._error: BaseException | None = None

    # The helper thread

    def work(self) -> Iterator[None]:
        """The thread's work, as a started generator. Before this thread has its own identity, Python may raise an
        exception here that was meant for the thread that started it. The generator catches that and goes on."""
        body, result, error = None, None, None
        try:
            yield
            with self._lock:
                if self._stopped:
                    return
                self._begun = True
                body, self._body = self._body, None
            result = body(PROGRESS(self._answer)) if body else None
        except BaseException as raised:
            error = raised
        with self._lock:
            self._ended = True
            if not self._stopped:
                self._result, self._error = result, error
        del body, result, error  # before the caller goes on, because the caller decides what lives longer
        self._notify()

    def _answer(self, _context: object, step: int, steps: int, fraction: float) -> int:
        if self._report is None or self._stopped:
            return int(self._stopped)
        self._events.append((step, steps, fraction))
        self._notify()
        return int(self._answers.get())

    def _notify(self) -> None:
        with self._lock:
            if self._wake.locked():
                self._wake.release()

    # The waiting thread

    def attend(self) -> None:
        """Reports until the body has ended."""
        while not self._ended:
            self._wake.acquire(timeout=POLL)
            while self._events and self._report:
                self._answers.put(bool(self._report(*self._events.popleft())))

    def outcome(self) -> T:
        with self._lock:
            result, error = self._result, self._error
            self._result = self._error = None
        if error is None:
            return result  # type: ignore[return-value]
        try:
            raise error
        finally:
            del error  # it refers to this frame

    def stop(self) -> bool:
        """Cancels the body at its next report and drops its result. Returns True if it still runs."""
        self._stopped = True
        self._answers.put(True)
        with self._lock:
            self._body = self._result = self._error = None
            return self._begun and not self._ended

    def wait(self) -> None:
        while not self._ended:
            self._wake.acquire(timeout=POLL)
