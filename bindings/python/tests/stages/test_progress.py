"""Progress, cancelling, and exceptions that cross C."""

from __future__ import annotations

import re
import sys
import threading

import numpy as np
import pytest
from conftest import SMALL

import pixart


def test_progress_rises_from_the_start_to_the_end(denoiser, prompt, negative, latents):
    calls = []
    result = denoiser.denoise(prompt, negative, progress=lambda *call: calls.append(call), **SMALL)
    steps, fractions = [step for step, _, _ in calls], [fraction for _, _, fraction in calls]
    assert np.array_equal(result, latents)
    assert steps == sorted(steps) and set(steps) == {0, 1, 2, 3, 4} and {total for _, total, _ in calls} == {4}
    assert fractions == sorted(fractions) and 0 <= fractions[0] < 0.25 and fractions[-1] == 1.0


@pytest.mark.parametrize("answer", [True, 1, "stop"])
def test_a_true_result_cancels(denoiser, prompt, negative, answer):
    calls = []

    def stop(step, steps, fraction):
        calls.append(step)
        return answer if step == 1 else None

    with pytest.raises(pixart.Cancelled) as failure:
        denoiser.denoise(prompt, negative, progress=stop, **SMALL)
    assert failure.value.status == 401 and calls.count(1) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), SystemExit(3), KeyboardInterrupt()])
def test_what_the_callback_raises_comes_out_unchanged(denoiser, prompt, negative, error):
    calls = []

    def fail(step, steps, fraction):
        calls.append(step)
        raise error

    with pytest.raises(type(error)) as failure:
        denoiser.denoise(prompt, negative, progress=fail, **SMALL)
    assert failure.value is error and failure.value.__context__ is None and len(calls) == 1


def test_a_cancelled_step_runs_again_from_its_start(denoiser, prompt, negative, latents):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        sampler.step()
        before = sampler.latents
        with pytest.raises(pixart.Cancelled):
            sampler.step(progress=lambda *_: True)
        assert sampler.step_index == 1 and np.array_equal(sampler.latents, before)
        assert np.array_equal(sampler.run(), latents)


def test_a_run_from_given_noise_reports_and_is_cancelled(denoiser, prompt, negative):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        noise = sampler.latents
    calls = []
    denoiser.denoise(prompt, negative, noise=noise, progress=lambda *call: calls.append(call), **SMALL)
    assert calls[-1] == (4, 4, 1.0)
    with pytest.raises(pixart.Cancelled):
        denoiser.denoise(prompt, negative, noise=noise, progress=lambda step, *_: step == 2, **SMALL)


def test_a_run_in_another_thread_reports_there(denoiser, prompt, negative):
    threads = set()
    worker = threading.Thread(
        target=denoiser.denoise,
        args=(prompt, negative),
        kwargs={"progress": lambda *_: threads.add(threading.current_thread()), **SMALL},
    )
    worker.start()
    worker.join()
    assert threads == {worker}


def test_a_bar_counts_the_steps(denoiser, prompt, negative, latents, capsys):
    assert np.array_equal(denoiser.denoise(prompt, negative, progress=True, **SMALL), latents)
    assert "4.0/4" in capsys.readouterr().err


def test_a_bar_of_a_pipeline_counts_the_steps(model, capsys):
    pixart.generate("a cat", model=model, progress=True, **SMALL)
    shown = capsys.readouterr().err
    assert "4.0/4" in shown and "?" not in shown.split("\r")[-1]


def test_a_bar_moves_within_a_step(denoiser, prompt, negative, monkeypatch):
    import tqdm.auto

    places = []

    class Bar(tqdm.auto.tqdm):
        def update(self, n=1):
            super().update(n)
            places.append(self.n)

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    denoiser.denoise(prompt, negative, progress=True, **SMALL)
    assert places == sorted(places) and places[-1] == pytest.approx(4)
    assert all(any(step < place < step + 1 for place in places) for step in range(4))


def test_a_bar_needs_no_tqdm(denoiser, prompt, negative, latents, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert np.array_equal(denoiser.denoise(prompt, negative, progress=True, **SMALL), latents)
    shown = capsys.readouterr().err
    lines = [line.rstrip() for line in shown.split("\r") if line.strip()]
    assert lines and re.fullmatch(r"\|#{30,}\| 100%  4\.0/4  \d+:\d\d < 0:00", lines[-1])
    assert shown.endswith("\r") and not shown.split("\r")[-2].strip(), "the line is removed at the end"
