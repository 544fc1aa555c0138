"""Lifetimes of handles, arrays and threads."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from conftest import SMALL

import pixart
from pixart._core import tensor as arrays
from pixart._core.handle import Handle


def threads():
    """The number of threads of this process. A joined thread counts until the kernel reaps it."""
    found, before = len(os.listdir("/proc/self/task")), None
    while found != before:
        time.sleep(0.05)
        found, before = len(os.listdir("/proc/self/task")), found
    return found


@pytest.fixture
def releases(monkeypatch):
    """Counts the releases of C tensors from here on."""
    c, count = arrays.library(), []

    class Counting:
        def __getattr__(self, name):
            return getattr(c, name)

        def pixart_tensor_release(self, tensor):
            count.append(tensor.value)
            c.pixart_tensor_release(tensor)

    counting = Counting()
    monkeypatch.setattr(arrays, "library", lambda: counting)
    return count


def test_use_after_close_raises(model, prompt, negative):
    encoder, denoiser, decoder = pixart.Encoder(model), pixart.Denoiser(model), pixart.Decoder(model)
    image_encoder = pixart.ImageEncoder(model)
    sampler = denoiser.sampler(prompt, negative, **SMALL)
    latents = sampler.latents
    for handle in (encoder, denoiser, decoder, image_encoder, sampler):
        handle.close()
        handle.close()
    uses = [
        lambda: encoder.encode(""),
        lambda: encoder.tokenize(""),
        lambda: encoder.memory(),
        lambda: denoiser.memory(),
        lambda: decoder.memory(),
        lambda: encoder.profile(),
        lambda: denoiser.profile(),
        lambda: decoder.profile(),
        lambda: denoiser.denoise(prompt, negative),
        lambda: denoiser.sampler(prompt, negative),
        lambda: decoder.decode(latents),
        lambda: image_encoder.encode(np.zeros((8, 8, 3), np.uint8)),
        lambda: image_encoder.memory(),
        lambda: image_encoder.profile(),
        lambda: sampler.step(),
        lambda: sampler.steps,
        lambda: sampler.latents,
    ]
    for use in uses:
        with pytest.raises(pixart.ClosedError, match="is closed") as failure:
            use()
        assert failure.value.status == 103


def test_leaving_the_block_closes(model):
    with pixart.Encoder(model) as encoder:
        encoder.tokenize("")
    with pytest.raises(pixart.ClosedError, match="Encoder is closed"):
        encoder.tokenize("")


def test_arrays_outlive_their_handle(model):
    with pixart.Encoder(model) as encoder:
        embedding = encoder.encode("a cat")
        copy = embedding.copy()
    del encoder
    gc.collect()
    assert np.array_equal(embedding, copy)


def test_arrays_are_read_only_views_released_with_the_last_of_them(encoder, releases):
    embedding = encoder.encode("a cat")
    row, address = embedding[-1], embedding.ctypes.data
    assert not embedding.flags.writeable and not embedding.flags.owndata and address % 64 == 0
    expected = row.copy()
    del embedding
    gc.collect()
    assert releases == [] and np.array_equal(row, expected)
    del row
    gc.collect()
    assert len(releases) == 1


def test_releasing_runs_no_python_code(model, tmp_path):
    """Python drops an exception that a signal handler raises while an object is destroyed."""

    def owners():
        encoder, denoiser, decoder = pixart.Encoder(model), pixart.Denoiser(model), pixart.Decoder(model)
        prompt = encoder.encode("a cat")
        sampler = denoiser.sampler(prompt, guidance_scale=1.0, **SMALL)
        latents = sampler.latents
        pixart.save_tensors(tmp_path / "file", {"prompt": prompt})
        loaded = pixart.load_tensors(tmp_path / "file")["prompt"]
        return [prompt, latents, decoder.decode(latents), loaded, sampler, encoder, denoiser, decoder]

    held, called = owners(), []
    gone = [weakref.ref(each if isinstance(each, Handle) else each.base) for each in held]
    gc.collect()
    sys.setprofile(lambda frame, event, _: called.append(frame.f_code.co_name) if event == "call" else None)
    try:
        held.clear()
    finally:
        sys.setprofile(None)
    assert called == [] and [each() for each in gone] == [None] * len(gone)


def test_inputs_are_released_after_the_call(denoiser, prompt, negative, releases):
    result = denoiser.denoise(prompt, negative, **SMALL)
    assert len(releases) == 2
    with pytest.raises(pixart.ArgumentError):
        denoiser.denoise(prompt, None, **SMALL)
    del result
    gc.collect()
    assert len(releases) == 2 + 2 + 1  # the failed call released its prompt, and its result, which is NULL


def test_dropping_a_handle_releases_it(model):
    before = threads()
    encoder = pixart.Encoder(model, threads=3)
    gone = weakref.ref(encoder)
    assert threads() == before + 3
    del encoder
    gc.collect()
    assert gone() is None and threads() == before


def test_sampler_outlives_its_denoiser(model, prompt, negative, latents):
    with pixart.Denoiser(model) as denoiser:
        sampler = denoiser.sampler(prompt, negative, **SMALL)
    del denoiser
    gc.collect()
    assert np.array_equal(sampler.run(), latents)


def test_close_during_a_call_waits_for_its_end(model, prompt, negative, latents):
    before = threads()
    denoiser = pixart.Denoiser(model, threads=3)
    seen = []

    def close(step, steps, fraction):
        denoiser.close()
        seen.append(threads())

    assert np.array_equal(denoiser.denoise(prompt, negative, progress=close, **SMALL), latents)
    assert seen and min(seen) >= before + 3
    end = time.monotonic() + 10
    while threads() > before and time.monotonic() < end:
        pass
    assert threads() == before


def test_a_sampler_is_for_one_call_at_a_time(denoiser, prompt, negative):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        with pytest.raises(pixart.StateError, match="inside another call"):
            sampler.step(progress=lambda *_: sampler.latents)
        sampler.step()
        assert sampler.step_index == 1


def test_threads_share_handles(encoder, denoiser, decoder, prompt, negative, latents):
    results, failures = {}, []

    def work(number):
        try:
            embedding = encoder.encode("a cute cat face on a blue background")
            made = denoiser.denoise(embedding, negative, **SMALL)
            results[number] = embedding, made, decoder.decode(made)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    images = decoder.decode(latents)
    for embedding, made, image in results.values():
        assert np.array_equal(embedding, prompt) and np.array_equal(made, latents) and np.array_equal(image, images)
