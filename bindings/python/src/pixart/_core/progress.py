"""Progress of a long call: callbacks, a bar, and cancelling."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any, Callable, TypeVar, Union

from .bar import Bar
from .call import Report, cancellable

T = TypeVar("T")
Progress = Union[None, bool, Report]
"""None or False for no progress, True for a bar, or `callback(step, steps, fraction)`. A true result cancels."""

_BAR = "{l_bar}{bar}| {n:.1f}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
"""The bar moves within a step: it counts steps in tenths."""


def with_progress(progress: Progress, call: Callable[[Any], T]) -> T:
    """Runs `call(callback)`, whose callback reports to `progress` on this thread. Returns its result.

    If a Python callback or a signal handler raises, the call is cancelled, and the exception is raised unchanged.
    """
    with reporting(progress) as report:
        return cancellable(call, report)


@contextlib.contextmanager
def reporting(progress: Progress) -> Iterator[Report | None]:
    """Gives the callable that `progress` stands for, or None. A bar is closed at the end.

    The bar is tqdm's, which notebooks show well, if it is installed.
    """
    if progress is not True:
        yield progress or None
        return
    with contextlib.ExitStack() as stack:
        yield _tqdm_report(stack) or stack.enter_context(Bar(shown=True))


def _tqdm_report(stack: contextlib.ExitStack) -> Report | None:
    """Reports to a bar of tqdm, which `stack` closes. None if tqdm is not installed."""
    try:
        tqdm = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None
    bar = None

    def report(step: int, steps: int, fraction: float) -> None:
        nonlocal bar
        if bar is None:
            bar = stack.enter_context(tqdm(total=steps, initial=step, unit="step", bar_format=_BAR))
        elif bar.total != steps:  # a pipeline knows the number of steps after encoding
            bar.reset(total=steps)
        bar.update(fraction * steps - bar.n)

    return report
