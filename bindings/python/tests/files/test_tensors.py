"""Arrays of other libraries, and types in safetensors files."""

from __future__ import annotations

import json
import re
import struct
import types

import numpy as np
import pytest
from conftest import SMALL

import pixart


class Foreign:
    """A tensor that behaves like torch's: numpy() fails for bfloat16, with a gradient, and on other devices."""

    def __init__(self, values, dtype="float32", device="cpu", requires_grad=False):
        self._values, self._requires_grad = np.asarray(values), requires_grad
        self.dtype = type("dtype", (), {"__str__": lambda self: f"torch.{dtype}"})()
        self.dtype.is_floating_point = "float" in dtype
        self.device = types.SimpleNamespace(type=device)
        self.ndim = self._values.ndim

    def detach(self):
        return Foreign(self._values, str(self.dtype)[6:], self.device.type)

    def float(self):
        return Foreign(self._values.astype(np.float32), "float32", self.device.type, self._requires_grad)

    def __array__(self, dtype=None, copy=None):
        if (
            self.device.type != "cpu"
            or self._requires_grad
            or str(self.dtype) in ("torch.bfloat16", "torch.float8_e4m3fn")
        ):
            raise TypeError("torch's own message")
        return np.asarray(self._values, dtype=dtype)


class Capsule:
    """Offers DLPack and nothing else."""

    def __init__(self, values):
        self._values = values

    def __dlpack__(self, **options):
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._values.__dlpack_device__()


@pytest.fixture(scope="module")
def rounded(prompt):
    """An embedding that bfloat16 represents exactly."""
    return (prompt.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64", "float8_e4m3fn"])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_tensors_go_in(denoiser, rounded, negative, dtype, requires_grad):
    expected = denoiser.denoise(rounded, negative, **SMALL)
    tensor = Foreign(rounded, dtype, requires_grad=requires_grad)
    assert np.array_equal(denoiser.denoise(tensor, negative, **SMALL), expected)
    assert np.array_equal(denoiser.denoise([tensor], [negative], **SMALL), expected)
    assert np.array_equal(denoiser.denoise(Capsule(rounded.copy()), negative, **SMALL), expected)


def test_every_argument_takes_them(denoiser, decoder, image_encoder, prompt, negative, latents, tmp_path):
    low = (latents.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    expected = denoiser.denoise(prompt, negative, noise=low, **SMALL)
    assert np.array_equal(denoiser.denoise(prompt, negative, noise=Foreign(low, "bfloat16"), **SMALL), expected)
    assert np.array_equal(decoder.decode(Foreign(low, "bfloat16", requires_grad=True)), decoder.decode(low))
    image = np.full((64, 64, 3), 77, np.uint8)
    assert np.array_equal(image_encoder.encode(Foreign(image, "uint8")), image_encoder.encode(image))
    mask = np.eye(64, dtype=bool)
    assert np.array_equal(
        pixart.blend_images(255 - image, image, Foreign(mask, "bool")), pixart.blend_images(255 - image, image, mask)
    )
    pixart.save_tensors(tmp_path / "x", {"x": Foreign(low, "bfloat16", requires_grad=True)})
    assert np.array_equal(pixart.load_tensors(tmp_path / "x")["x"], low)


@pytest.mark.parametrize("device", ["cuda", "meta", "mps"])
def test_other_devices_are_named(denoiser, decoder, prompt, negative, latents, device):
    image = np.zeros((8, 8, 3), np.uint8)
    for name, call in {
        "prompt": lambda: denoiser.denoise(Foreign(prompt, device=device), negative, **SMALL),
        "negative": lambda: denoiser.denoise(prompt, Foreign(negative, device=device), **SMALL),
        "latents": lambda: decoder.decode(Foreign(latents, device=device)),
        "mask": lambda: pixart.blend_images(image, image, Foreign(image[..., 0], device=device)),
    }.items():
        with pytest.raises(TypeError, match=f"{name}: a tensor on the device .*{device}.*; expected one on the CPU"):
            call()


def test_what_no_array_can_be_made_of_names_the_argument(denoiser, negative):
    with pytest.raises(TypeError, match="prompt: "):
        denoiser.denoise(Foreign(negative, "float8_e4m3fn").__array__, negative, **SMALL)
    with pytest.raises(TypeError, match="prompt: list that numpy cannot read"):
        denoiser.denoise([[1.0], [1.0, 2.0]], negative, **SMALL)


def safetensors(path, tensors):
    """Writes {name: (type, shape, bytes)}."""
    header, data = {}, b""
    for name, (kind, shape, content) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


OTHERS = {"I64": 8, "I32": 4, "I16": 2, "I8": 1, "BOOL": 1, "F64": 8, "F8_E4M3": 1, "U16": 2}


def test_files_with_other_types_give_what_can_be_read(tmp_path):
    path = tmp_path / "mixed.safetensors"
    floats = np.float32([1, 2, 3, 4])
    others = {f"other.{kind}": (kind, [4], bytes(4 * size)) for kind, size in OTHERS.items()}
    safetensors(
        path,
        {
            **others,
            "float": ("F32", [4], floats.tobytes()),
            "half": ("F16", [4], floats.astype(np.float16).tobytes()),
            "brain": ("BF16", [4], floats.view(np.uint16)[1::2].tobytes()),
            "bytes": ("U8", [4], floats.astype(np.uint8).tobytes()),
        },
    )
    found = pixart.load_tensors(path)
    assert set(found) == {"float", "half", "brain", "bytes"}
    assert all(np.array_equal(values, floats) for values in found.values())
    assert list(pixart.load_tensors(path, ["half"])) == ["half"]
    for kind in OTHERS:
        found = f'mixed.safetensors: tensor "other.{kind}" has type {kind}; expected F32'
        with pytest.raises(pixart.ModelError, match=found):
            pixart.load_tensors(path, ["float", f"other.{kind}"])


def test_a_header_that_is_no_header(tmp_path):
    for text in (b'{"x":', b"[]", b"7", b"[" * 100000, b"\xff\xfe"):
        (tmp_path / "bad").write_bytes(struct.pack("<Q", len(text)) + text)
        with pytest.raises(pixart.FileError):
            pixart.load_tensors(tmp_path / "bad")


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16, np.int8, bool, np.complex64, "datetime64[s]"])
def test_types_that_would_change_are_not_saved(tmp_path, dtype):
    with pytest.raises(TypeError, match=re.escape(f"ids: an array of {np.dtype(dtype)}") + ".*; expected uint8 or"):
        pixart.save_tensors(tmp_path / "x", {"good": np.ones(2), "ids": np.ones(3).astype(dtype)})
    assert not (tmp_path / "x").exists()


def test_padded_embeddings_are_saved_with_their_mask(tmp_path, prompt):
    embeds, mask = pixart.to_padded(prompt, 40)
    pixart.save_tensors(tmp_path / "x", {"embeds": embeds, "mask": mask.astype(np.uint8)})
    back = pixart.load_tensors(tmp_path / "x")
    assert np.array_equal(pixart.from_padded(back["embeds"], back["mask"]), prompt)


def test_the_tensors_of_a_file_are_listed(tmp_path):
    path = tmp_path / "x.safetensors"
    pixart.save_tensors(path, {"b": np.zeros((2, 3)), "a": np.zeros((0,), np.uint8)})
    assert pixart.list_tensors(path) == {"a": {"dtype": "U8", "shape": [0]}, "b": {"dtype": "F32", "shape": [2, 3]}}
    header = b'{"\\u00e9":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    assert pixart.list_tensors(path) == {"é": {"dtype": "I64", "shape": [1]}}
    with pytest.raises(pixart.FileError, match="cannot be opened"):
        pixart.list_tensors(tmp_path / "none")
