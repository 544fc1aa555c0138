"""The edge detector against its definition in numpy, with random weights."""

from __future__ import annotations

import numpy as np
import pytest

import pixart

LEVELS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


@pytest.fixture(scope="module")
def weights():
    noise, inputs = np.random.default_rng(5), 3
    tensors = {"norm": np.array([123, 117, 104], np.float32).reshape(1, 3, 1, 1)}

    def layer(name, outputs, inputs, side, gain):
        scale = np.float32(gain / (inputs * side * side) ** 0.5)
        tensors[f"{name}.weight"] = scale * noise.standard_normal((outputs, inputs, side, side), dtype=np.float32)
        tensors[f"{name}.bias"] = 0.1 * noise.standard_normal(outputs, dtype=np.float32)

    for level, (channels, count) in enumerate(LEVELS, 1):
        for index in range(count):
            layer(f"block{level}.convs.{index}", channels, inputs, 3, 2**0.5)
            inputs = channels
        layer(f"block{level}.projection", 1, channels, 1, 0.03)
    return tensors


@pytest.fixture(scope="module")
def model(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("edges") / "hed.safetensors"
    pixart.save_tensors(path, weights)
    return path


def convolution(x, weight, bias):
    """A 3x3 convolution of [C, H, W] with padding 1, in float64."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    shifts = [padded[:, dy : dy + x.shape[1], dx : dx + x.shape[2]] for dy in range(3) for dx in range(3)]
    taps = weight.astype(np.float64).reshape(*weight.shape[:2], 9)
    return sum(np.tensordot(taps[:, :, i], shift, 1) for i, shift in enumerate(shifts)) + bias[:, None, None]


def resized(x, size):
    """A bilinear resize of one axis, the first, by the centres of pixels."""
    position = np.maximum((np.arange(size) + 0.5) * x.shape[0] / size - 0.5, 0)
    first = np.minimum(position.astype(int), x.shape[0] - 1)
    second, share = np.minimum(first + 1, x.shape[0] - 1), (position - first)[:, None]
    return x[first] * (1 - share) + x[second] * share


def edges(image, weights):
    x, maps = image.transpose(2, 0, 1) - weights["norm"][0].astype(np.float64), []
    for level, (_, count) in enumerate(LEVELS, 1):
        if level > 1:
            x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
            x = np.maximum.reduce([x[:, dy::2, dx::2] for dy in (0, 1) for dx in (0, 1)])
        for index in range(count):
            name = f"block{level}.convs.{index}"
            x = np.maximum(convolution(x, weights[f"{name}.weight"], weights[f"{name}.bias"]), 0)
        name = f"block{level}.projection"
        small = np.tensordot(weights[f"{name}.weight"][0, :, 0, 0].astype(np.float64), x, 1) + weights[f"{name}.bias"]
        maps.append(resized(resized(small, image.shape[0]).T, image.shape[1]).T)
    return 255 / (1 + np.exp(-np.mean(maps, axis=0)))


@pytest.mark.parametrize("size", [(16, 16), (37, 50), (64, 33)])
def test_edges_equal_the_definition(model, weights, size):
    ramp = np.add.outer(np.arange(size[0]) * 3.0, np.arange(size[1]) * 2.0)[..., None]
    images = np.random.default_rng(size[0]).integers(0, 60, (2, *size, 3)) + ramp
    images = np.where(np.arange(size[1])[:, None] > size[1] // 2, 255 - images, images).clip(0, 255).astype(np.uint8)
    found = pixart.detect_edges(images, model)
    assert found.shape == images.shape and (found == found[..., :1]).all()
    for image, result in zip(images, found):
        expected = edges(image, weights)
        assert np.ptp(expected) > 20
        assert np.abs(result[..., 0] - expected).max() <= 0.51


def test_damaged_detectors(model, weights, tmp_path):
    image = np.zeros((16, 16, 3), np.uint8)
    for name, change, words in [
        ("norm", lambda x: x.ravel(), ["norm", "[3]", "[1, 3, 1, 1]"]),
        ("block3.convs.1.weight", lambda x: x[:, 1:], ["block3.convs.1.weight", "[256, 255, 3, 3]"]),
        ("block5.projection.bias", None, ["block5.projection.bias", "missing"]),
    ]:
        changed = {key: value for key, value in weights.items() if key != name or change}
        if change:
            changed[name] = np.ascontiguousarray(change(weights[name]))
        pixart.save_tensors(tmp_path / "changed", changed)
        with pytest.raises(pixart.ModelError) as error:
            pixart.detect_edges(image, tmp_path / "changed")
        assert all(word in str(error.value) for word in words), error.value
    pixart.save_tensors(tmp_path / "more", {**weights, "block6.convs.0.weight": np.zeros(3, np.float32)})
    with pytest.raises(pixart.ModelError, match="block6"):
        pixart.detect_edges(image, tmp_path / "more")
