"""The repr() of handles."""

from __future__ import annotations

from conftest import SMALL

import pixart


def test_a_stage_names_its_model_its_options_and_its_state(model):
    with pixart.Decoder(model, threads=1) as decoder:
        assert repr(decoder) == f"<pixart.Decoder {str(model)!r} threads=1>"
    assert repr(decoder) == f"<pixart.Decoder {str(model)!r} threads=1, closed>"


def test_every_stage_has_its_name(encoder, denoiser, decoder, image_encoder, model):
    for handle in (encoder, denoiser, decoder, image_encoder):
        assert repr(handle) == f"<pixart.{type(handle).__name__} {str(model)!r}>"


def test_a_sampler_names_its_step(denoiser, prompt, negative):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        assert repr(sampler) == "<pixart.Sampler after step 0 of 4>"
        seen = []
        sampler.step(progress=lambda *_: seen.append(repr(sampler)))
        assert set(seen) == {"<pixart.Sampler inside a call>"}
        assert repr(sampler) == "<pixart.Sampler after step 1 of 4>"
    assert repr(sampler) == "<pixart.Sampler of a run, closed>"
