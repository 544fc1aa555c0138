"""Tensors and images on disk, and diffusers' padded form."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest

import pixart


def png_chunks(data):
    """The (type, content) of every chunk."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, chunks = 8, []
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        chunks.append((kind, data[position + 8 : position + 8 + length]))
        position += 12 + length
    return chunks


def png_rows(data, width):
    """The scan lines, filters undone, of an 8-bit RGB file."""
    stream = zlib.decompress(b"".join(content for kind, content in png_chunks(data) if kind == b"IDAT"))
    stride, rows = 3 * width, [np.zeros(3 * width, int)]
    for start in range(0, len(stream), stride + 1):
        kind, line = stream[start], np.frombuffer(stream, np.uint8, stride, start + 1).astype(int)
        row, above = np.zeros(stride, int), rows[-1]
        for i in range(stride):
            left, corner = (row[i - 3], above[i - 3]) if i >= 3 else (0, 0)
            paeth = min((left, above[i], corner), key=lambda value: abs(left + above[i] - corner - value))
            row[i] = (line[i] + (0, left, above[i], (left + above[i]) // 2, paeth)[kind]) % 256
        rows.append(row)
    return np.array(rows[1:], np.uint8).reshape(-1, width, 3)


def test_tensors_come_back(tmp_path, prompt):
    path = tmp_path / "stages.safetensors"
    images = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    pixart.save_tensors(path, {"prompt": prompt, "images": images, "half": np.float16([1, 2]), "scalar": np.float32(4)})
    back = pixart.load_tensors(path)
    assert set(back) == {"prompt", "images", "half", "scalar"}
    assert np.array_equal(back["prompt"], prompt) and back["images"].dtype == np.uint8
    assert np.array_equal(back["images"], images) and back["half"].dtype == np.float32
    assert back["scalar"].shape == () and back["scalar"] == 4
    some = pixart.load_tensors(path, ["scalar", "prompt"])
    assert list(some) == ["scalar", "prompt"]


def test_files_that_are_no_tensors(tmp_path):
    with pytest.raises(pixart.FileError) as failure:
        pixart.load_tensors(tmp_path / "missing")
    assert failure.value.status == 201
    for content in (b"", b"\xff" * 64, struct.pack("<Q", 2) + b"[["):
        (tmp_path / "bad").write_bytes(content)
        for names in (None, ["x"]):
            with pytest.raises(pixart.FileError) as failure:
                pixart.load_tensors(tmp_path / "bad", names)
            assert failure.value.status == 202


def test_names_that_are_not_there(tmp_path):
    pixart.save_tensors(tmp_path / "one", {"one": np.ones(3)})
    with pytest.raises(pixart.ModelError, match="two") as failure:
        pixart.load_tensors(tmp_path / "one", ["one", "two"])
    assert failure.value.status == 203


def test_half_precision_files_are_read(tmp_path):
    header = json.dumps({"x": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "half").write_bytes(struct.pack("<Q", len(header)) + header + np.float16([0.5, -2]).tobytes())
    assert pixart.load_tensors(tmp_path / "half")["x"].tolist() == [0.5, -2.0]


def test_pictures_are_png_files(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    pixart.write_image(tmp_path / "b.png", images, 1, text={"prompt": "a cat"})
    data = (tmp_path / "b.png").read_bytes()
    assert np.array_equal(png_rows(data, 7), images[1])
    assert (b"tEXt", b"prompt\0a cat") in png_chunks(data) or any(
        kind == b"iTXt" and content.startswith(b"prompt\0") and content.endswith(b"a cat")
        for kind, content in png_chunks(data)
    )
    pixart.write_image(tmp_path / "c.png", images[0])
    assert np.array_equal(png_rows((tmp_path / "c.png").read_bytes(), 7), images[0])
    with pytest.raises(pixart.ArgumentError):
        pixart.write_image(tmp_path / "d.png", images, 2)
    with pytest.raises(IndexError):
        pixart.write_image(tmp_path / "d.png", images, -1)
    with pytest.raises(pixart.FileError):
        pixart.write_image(tmp_path / "no" / "folder.png", images)


def test_padded_form_and_back(prompt):
    embeds, mask = pixart.to_padded(prompt, 40)
    count = len(prompt)
    assert embeds.shape == (1, 40, prompt.shape[1]) and embeds.dtype == np.float32
    assert mask.shape == (1, 40) and mask.dtype == np.int64 and mask.sum() == count
    assert np.array_equal(embeds[0, :count], prompt) and not embeds[0, count:].any()
    assert pixart.to_padded(prompt)[0].shape[1] == 120
    assert np.array_equal(pixart.from_padded(embeds, mask), prompt)
    noisy = embeds + (1 - mask[..., None])  # diffusers leaves values in the rows behind the mask
    assert np.array_equal(pixart.from_padded(noisy, mask.astype(bool)), prompt)


def test_padded_form_of_the_wrong_shape(prompt):
    with pytest.raises(ValueError, match="more than max_sequence_length"):
        pixart.to_padded(prompt, len(prompt) - 1)
    with pytest.raises(ValueError, match="shape"):
        pixart.to_padded(prompt[0])
    with pytest.raises(ValueError, match="expected"):
        pixart.from_padded(prompt, np.ones(len(prompt)))
