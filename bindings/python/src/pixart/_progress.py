"""Progress of a long call: callbacks, a bar, cancelling, and Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any, Callable, Union

from ._errors import Cancelled
from ._library import PROGRESS

Report = Callable[[int, int, float], object]
Progress = Union[None, bool, Report]
"""None or False for silence, True for a tqdm bar, or `callback(step, steps, fraction)`, where a true result cancels."""


def watched(progress: Progress, call: Callable[[Any], object]) -> None:
    """Runs `call` with a C callback that reports to `progress`.

    What a Python callback raises cancels the run and then goes on to the caller unchanged; so does Ctrl-C.
    """
    raised: list[BaseException] = []
    with _reporter(progress) as report, _interrupts_held() as deliver_interrupts:

        def answer(_context: object, step: int, steps: int, fraction: float) -> int:
            try:
                deliver_interrupts()
                return int(bool(report and report(step, steps, fraction)))
            except BaseException as error:
                raised.append(error)
                return 1

        try:
            call(PROGRESS(answer))
        except Cancelled:
            if not raised:
                raise
    if raised:
        raise raised.pop()


@contextlib.contextmanager
def _interrupts_held() -> Iterator[Callable[[], None]]:
    """Holds Ctrl-C back until the function it gives is called, or the block ends.

    Python would raise KeyboardInterrupt at the first instruction of the callback, before any `try` of it: ctypes prints
    such an exception and forgets it. Only the main thread gets signals, and only Python's handlers are replaced.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield lambda: None
        return
    received: list[tuple[int, Any]] = []

    def deliver() -> None:
        while received:
            handler(*received.pop())

    signal.signal(signal.SIGINT, lambda number, frame: received.append((number, frame)))
    try:
        yield deliver
    finally:
        signal.signal(signal.SIGINT, handler)
        deliver()


@contextlib.contextmanager
def _reporter(progress: Progress) -> Iterator[Report | None]:
    if progress is not True:
        yield progress or None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError("progress=True needs tqdm: pip install 'pixart[progress]'") from error
    with contextlib.ExitStack() as stack:
        bar = None

        def report(step: int, steps: int, fraction: float) -> None:
            nonlocal bar
            if bar is None:
                bar = stack.enter_context(tqdm(total=steps, initial=step, unit="step"))
            bar.update(step - bar.n)

        yield report
