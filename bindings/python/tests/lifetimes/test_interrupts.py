"""Exceptions of signal handlers and other threads during a call."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
import traceback

import numpy as np
import pytest
from conftest import SMALL

import pixart

LONG = {**SMALL, "num_inference_steps": 900}
"""Options of a run that takes too long to wait for."""


class Raised(Exception):
    pass


def raising(number, frame):
    raise Raised(number)


@contextlib.contextmanager
def handled(number, handler=raising):
    """Sets a signal handler, and checks that nothing changes it and that nothing is printed."""
    unraisable, hook = [], sys.unraisablehook
    sys.unraisablehook = unraisable.append
    previous = signal.signal(number, handler)
    try:
        yield
        assert signal.getsignal(number) is handler and not unraisable
    finally:
        signal.signal(number, previous)
        sys.unraisablehook = hook


@contextlib.contextmanager
def sent(number, seconds=0.1):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
    timer.start()
    try:
        yield
    finally:
        timer.join()


@pytest.fixture(scope="module")
def calls(denoiser, encoder, decoder, model, prompt, negative, tmp_path_factory):
    """Calls that take long, or are repeated until they are interrupted."""
    latents = np.zeros((4, decoder_channels(denoiser, prompt, negative), 32, 32), np.float32)
    folder = tmp_path_factory.mktemp("converted")

    def again(call):
        def repeat():
            end = time.monotonic() + 20
            while time.monotonic() < end:
                call()

        return repeat

    def step():
        with denoiser.sampler(prompt, negative, **LONG) as sampler:
            again(sampler.step)()

    def run():
        with denoiser.sampler(prompt, negative, **LONG) as sampler:
            sampler.run()

    return {
        "denoise": lambda: denoiser.denoise(prompt, negative, **LONG),
        "denoise, watched": lambda: denoiser.denoise(prompt, negative, progress=lambda *_: None, **LONG),
        "sampler.run": run,
        "sampler.step": step,
        "encode": again(lambda: encoder.encode("red " * 100)),
        "decode": again(lambda: decoder.decode(latents)),
        "open": again(lambda: pixart.Denoiser(model, weights="int8", threads=2).close()),
        "convert": again(lambda: pixart.convert(model, folder / "out", weights="int4")),
    }


def decoder_channels(denoiser, prompt, negative):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        return sampler.latents.shape[1]


NAMES = ["denoise", "denoise, watched", "sampler.run", "sampler.step", "encode", "decode", "open", "convert"]


@pytest.mark.parametrize("name", NAMES)
def test_a_handlers_exception_ends_any_call(calls, name):
    with handled(signal.SIGUSR1), sent(signal.SIGUSR1):
        start = time.monotonic()
        with pytest.raises(Raised) as failure:
            calls[name]()
        assert time.monotonic() - start < 5
    assert "raising" in [frame.name for frame in traceback.extract_tb(failure.value.__traceback__)]
    assert failure.value.__context__ is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2, signal.SIGHUP, signal.SIGALRM, signal.SIGINT])
@pytest.mark.parametrize("error", [SystemExit, TimeoutError, KeyboardInterrupt, Raised])
def test_any_signal_and_any_exception(calls, number, error):
    def handler(number, frame):
        raise error("from the handler")

    with handled(number, handler), sent(number):
        with pytest.raises(error, match="from the handler"):
            calls["denoise"]()


@pytest.mark.parametrize("name", ["denoise", "sampler.step", "decode"])
def test_timers(calls, name):
    with handled(signal.SIGALRM):
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Raised):
            calls[name]()


@pytest.mark.parametrize("name", NAMES)
def test_asynchronous_exceptions_in_any_thread(calls, name):
    found = []

    def work():
        try:
            calls[name]()
        except BaseException as error:
            found.append(type(error))

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.1)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Raised))
    thread.join(10)
    assert not thread.is_alive() and found == [Raised]


def test_many_moments(denoiser, prompt, negative):
    """Wherever the exception arrives, the call raises it, and the handle can be used again."""
    with denoiser.sampler(prompt, negative, **LONG) as sampler, handled(signal.SIGALRM):
        for moment in range(30):
            with pytest.raises(Raised):
                signal.setitimer(signal.ITIMER_REAL, 0.001 + moment * 0.0007)
                while True:
                    sampler.step(progress=lambda *_: None)
                    if sampler.step_index == sampler.steps:
                        raise AssertionError("nothing arrived")
            end = time.monotonic() + 5
            while sampler._is_called() and time.monotonic() < end:
                time.sleep(0.001)
            assert not sampler._is_called()


def test_a_short_call_that_is_interrupted_ends(denoiser, prompt, negative):
    """A handler may raise anywhere in the few lines of Python around a short C call."""
    with denoiser.sampler(prompt, negative, **SMALL) as sampler, handled(signal.SIGALRM):
        for moment in range(2000):
            with pytest.raises(Raised):
                signal.setitimer(signal.ITIMER_REAL, 0.0002 + moment * 1e-7)
                while True:
                    assert sampler.step_index == 0
            assert not sampler._is_called()


def test_an_interrupted_step_runs_again_from_its_start(denoiser, prompt, negative, latents):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler, handled(signal.SIGUSR2):
        with pytest.raises(Raised):
            sampler.step(progress=lambda *_: signal.raise_signal(signal.SIGUSR2))
        assert sampler.step_index == 0
        assert np.array_equal(sampler.run(), latents)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP])
def test_a_handler_set_in_a_callback_stays(denoiser, prompt, negative, number):
    previous = signal.getsignal(number)
    try:
        denoiser.denoise(prompt, negative, progress=lambda *_: signal.signal(number, raising) and None, **SMALL)
        assert signal.getsignal(number) is raising
    finally:
        signal.signal(number, previous)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGALRM])
def test_a_handler_that_does_not_raise_lets_the_run_go_on(denoiser, prompt, negative, latents, number):
    received = []

    def handler(number, frame):
        received.append(number)

    with handled(number, handler), sent(number, 0.01):
        while not received:
            assert np.array_equal(denoiser.denoise(prompt, negative, **SMALL), latents)


@pytest.mark.parametrize("opened", [pixart.Encoder, pixart.Denoiser, pixart.Decoder, pixart.ImageEncoder])
def test_an_interrupted_open_leaves_nothing(model, opened):
    def threads():
        return len(os.listdir("/proc/self/task"))

    opened(model, threads=2).close()
    gc.collect()
    before, interrupted = threads(), 0
    with handled(signal.SIGALRM):
        for moment in range(20):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0003 + moment * 0.0002)
                end = time.monotonic() + 5
                while time.monotonic() < end:
                    opened(model, threads=2).close()
            except Raised:
                interrupted += 1
    end = time.monotonic() + 10
    while threads() > before and time.monotonic() < end:
        time.sleep(0.05)
    assert interrupted == 20 and threads() <= before


def test_asyncio_cancels_a_run_in_a_thread(denoiser, prompt, negative):
    stop = threading.Event()

    async def main():
        task = asyncio.create_task(
            asyncio.to_thread(denoiser.denoise, prompt, negative, progress=lambda *_: stop.is_set(), **LONG)
        )
        await asyncio.sleep(0.1)
        stop.set()
        with pytest.raises(pixart.Cancelled):
            await task

    asyncio.run(main())


def test_asyncio_ends_on_the_second_ctrl_c(calls):
    """The first signal makes asyncio cancel the task, which does not affect a call without `await`. asyncio does so only
    with Python's own handler, which a shell that starts tests in the background takes away."""

    async def main():
        calls["denoise"]()

    with handled(signal.SIGINT, signal.default_int_handler), sent(signal.SIGINT), sent(signal.SIGINT, 1.5):
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
