"""Handles own C objects, so they cannot be copied."""

from __future__ import annotations

import copy
import pickle

import pytest

import pixart


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps])
def test_no_handle_is_copied(encoder, denoiser, decoder, image_encoder, prompt, negative, make):
    with denoiser.sampler(prompt, negative, num_inference_steps=1) as sampler:
        for handle in (encoder, denoiser, decoder, image_encoder, sampler):
            with pytest.raises(TypeError, match=f"cannot copy or pickle {type(handle).__name__}: it owns"):
                make(handle)


def test_subclasses_neither(model):
    class Mine(pixart.Encoder):
        pass

    with Mine(model) as mine:
        with pytest.raises(TypeError, match="cannot copy or pickle Mine"):
            copy.copy(mine)
        assert len(mine.encode("a cat")) > 1
