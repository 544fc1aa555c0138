"""Random adapters of every naming and kind: the weights that they are merged into, and runs with them multiplied separately."""

from __future__ import annotations

import adapters
import forms
import numpy as np
import pytest
from element_types import decode, read_safetensors
from test_forms import SEEDS, passes

import pixart


def opened(case, **options):
    """The results of the network, and the reports of the adapters."""
    given = {**forms.given(case.network), "adapters": [{"path": str(case.path), "scale": case.strength}], **options}
    base = forms.Case(case.model, case.network, {}, {}, "safetensors", set())
    kind = pixart.Encoder if case.network.part == "text_encoder" else pixart.Denoiser
    with kind(case.model, threads=1, **given) as stage:
        (report,) = stage.report()["adapters"]
    return passes(base, case.model, **given), report


def near(found, wanted, most):
    for one, other in zip(found, wanted, strict=True):
        assert np.linalg.norm(one - other) <= most * np.linalg.norm(other)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", adapters.FORMS)
def test_adapter(name, seed, tmp_path):
    case = adapters.make(name, seed, tmp_path)
    out = tmp_path / "out"
    given = {"adapters": [{"path": str(case.path), "scale": case.strength}], **forms.given(case.network)}
    pixart.convert(case.model, out, weights="float32", threads=1, **given)
    (file,) = (out / case.network.part).glob("*.safetensors")
    found = {key: decode(item) for key, item in read_safetensors(file).items()}
    assert found.keys() == case.values.keys()
    for key, plain in case.values.items():
        wanted = case.merged.get(key)
        if wanted is None:
            assert np.array_equal(found[key], plain), key
        else:
            assert np.abs(found[key] - wanted).max() < 2e-6 * np.abs(wanted).max(), key
            assert np.abs(wanted - plain).max() > 1e-3 * np.abs(plain).max(), key
    base = forms.Case(out, case.network, {}, {}, "safetensors", set())
    merged = passes(base, out)
    fused, report = opened(case)
    for one, other in zip(fused, merged, strict=True):
        assert one.tobytes() == other.tobytes()
    assert report["naming"] == [case.naming] and report["scale"] == case.strength
    assert report["modules"] == len(case.merged)
    assert {item["name"] for item in report["ignored_tensors"]} == case.ignored
    near(opened(case, fuse_adapters=False)[0], merged, 1e-4)
    near(opened(case, weights="int8", compute="float32")[0], merged, 0.2)
