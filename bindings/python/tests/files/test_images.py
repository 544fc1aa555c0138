"""Encoding, reading, resizing and blending images."""

from __future__ import annotations

import gc
import struct
import threading
import zlib

import numpy as np
import pytest

import pixart


def waves(height=64, width=48, channels=3, seed=0):
    """Waves of colour."""
    y, x, c = np.mgrid[:height, :width, :channels]
    return np.uint8(127 + 120 * np.sin(seed + y / 9 + x / 7 + c))


def png(width, height, depth, kind, rows):
    """A PNG file of these raw rows."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_latents_have_an_eighth_of_the_size(image_encoder, latents):
    found = image_encoder.encode(waves())
    assert found.shape == (1, latents.shape[1], 8, 6) and found.dtype == np.float32 and np.isfinite(found).all()
    assert image_encoder.encode(np.stack([waves()] * 3)).shape == (3, latents.shape[1], 8, 6)


def test_options_reach_the_encoder(image_encoder):
    mean = image_encoder.encode(waves(), sample_mode="argmax")
    assert np.array_equal(image_encoder.encode(waves(), sample_mode="argmax", seed=5), mean)
    drawn = image_encoder.encode(waves(), seed=5)
    assert not np.array_equal(drawn, mean) and not np.array_equal(image_encoder.encode(waves(), seed=6), drawn)
    assert np.array_equal(image_encoder.encode(waves(), sample_mode="sample", seed=np.int64(5)), drawn)
    both = image_encoder.encode(np.stack([waves(), waves(seed=2)]), seed=[4, 5])
    assert np.array_equal(both[:1], image_encoder.encode(waves(), seed=4))
    assert np.array_equal(both[1:], image_encoder.encode(waves(seed=2), seed=5))


def test_decoding_gives_the_picture_back(image_encoder, decoder, denoiser, prompt, negative):
    images = decoder.decode(denoiser.denoise(prompt, negative, seed=1))
    again = decoder.decode(image_encoder.encode(images, sample_mode="argmax"))
    assert np.sqrt(np.mean((again.astype(float) - images) ** 2)) < 15


def test_any_array_of_bytes_is_taken(image_encoder):
    expected = image_encoder.encode(waves())
    turned = np.asfortranarray(waves())
    assert np.array_equal(image_encoder.encode(turned), expected)
    assert np.array_equal(image_encoder.encode(memoryview(waves())), expected)
    with pytest.raises(TypeError, match="images: an array of float32; expected uint8"):
        image_encoder.encode(waves().astype(np.float32))


@pytest.mark.parametrize("shape", [(8, 8), (12, 8, 3), (8, 8, 4), (1, 8, 8, 1), (0, 8, 8, 3)])
def test_images_that_do_not_fit(image_encoder, shape):
    with pytest.raises(pixart.ArgumentError, match="images are uint8") as failure:
        image_encoder.encode(np.zeros(shape, np.uint8))
    assert failure.value.status == 101


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"sample_mode": "mode"}, "sample_mode"),
        ({"seed": -1}, "seed"),
        ({"seed": [1, 2]}, "seed"),
        ({"bogus": 1}, "bogus"),
    ],
)
def test_wrong_options_are_named(image_encoder, options, named):
    with pytest.raises(pixart.ArgumentError, match=named) as failure:
        image_encoder.encode(waves(), **options)
    assert failure.value.status == 102


def test_memory_and_profile(model, image_encoder):
    small, large = image_encoder.memory(height=64, width=64), image_encoder.memory(height=512, width=512)
    assert 0 < small["activations"] < large["activations"]
    estimate = pixart.memory_estimate(model, "image_encode", height=512, width=512)
    assert {key: large[key] for key in estimate} == estimate
    before = image_encoder.profile()
    image_encoder.encode(waves())
    assert image_encoder.profile()["convolution"]["operations"] > before["convolution"]["operations"]


def test_latents_outlive_their_encoder(model):
    with pixart.ImageEncoder(model) as encoder:
        latents = encoder.encode(waves())
        copy = latents.copy()
    del encoder
    gc.collect()
    assert np.array_equal(latents, copy) and not latents.flags.writeable


def test_threads_share_an_encoder(image_encoder):
    expected = [image_encoder.encode(waves(seed=seed), seed=seed) for seed in range(2)]
    found = {}

    def work(seed):
        found[seed] = [image_encoder.encode(waves(seed=seed), seed=seed) for _ in range(3)]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(one, expected[seed]) for seed in range(2) for one in found[seed])


def test_images_come_back_from_files(tmp_path):
    path = tmp_path / "x.png"
    pixart.write_image(path, waves())
    assert np.array_equal(pixart.read_image(path), waves())
    assert np.array_equal(pixart.read_image(str(path), channels=4)[..., 3], np.full((64, 48), 255))
    grey = pixart.read_image(path, channels=1)
    assert grey.shape == (64, 48, 1)
    luma = (waves().astype(int) @ [19595, 38470, 7471] + 32768) >> 16
    assert np.array_equal(grey[..., 0], luma)
    with pytest.raises(pixart.ArgumentError, match="channels"):
        pixart.read_image(path, channels=2)


def test_sixteen_bits_are_rounded(tmp_path):
    values = np.uint16([0, 127, 128, 129, 383, 386, 32767, 65406, 65407, 65535])
    (tmp_path / "x.png").write_bytes(png(len(values), 1, 16, 0, [values.astype(">u2").tobytes()]))
    expected = np.round(values / 257).astype(np.uint8)
    assert np.array_equal(pixart.read_image(tmp_path / "x.png", channels=1)[0, :, 0], expected)


def test_files_that_are_no_images(tmp_path):
    whole = png(3, 2, 8, 2, [bytes(9)] * 2)
    contents = {"text": b"text", "empty": b"", "cut": whole[:-20], "flipped": whole[:45] + b"\xff" + whole[46:]}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(pixart.FileError, match=name) as failure:
            pixart.read_image(tmp_path / name)
        assert failure.value.status == 202
    with pytest.raises(pixart.FileError) as failure:
        pixart.read_image(tmp_path / "missing")
    assert failure.value.status == 201


def exif(orientation, order="II", kind=3, count=1):
    """The content of an eXIf chunk: another tag, and then the orientation."""
    mark = "<" if order == "II" else ">"
    value = struct.pack(mark + "H2x", orientation) if kind == 3 else struct.pack(mark + "I", orientation)
    head = order.encode() + struct.pack(mark + "HI", 42, 8)
    entries = struct.pack(mark + "HHII", 0x0100, 4, 1, 7) + struct.pack(mark + "HHI", 0x0112, kind, count) + value
    return head + struct.pack(mark + "H", 2) + entries + bytes(4)


def oriented(path, pixels, content, after=False):
    """Writes a PNG file with an eXIf chunk before or after its pixels."""
    height, width, _ = pixels.shape
    whole = png(width, height, 8, 2, [row.tobytes() for row in pixels])
    chunk = struct.pack(">I", len(content)) + b"eXIf" + content + struct.pack(">I", zlib.crc32(b"eXIf" + content))
    place = len(whole) - 12 if after else 33
    path.write_bytes(whole[:place] + chunk + whole[place:])


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}
"""The result of PIL.ImageOps.exif_transpose() for stored pixels."""


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("order", ["II", "MM"])
def test_orientations(tmp_path, orientation, order):
    pixels, path = waves(5, 7, seed=3), tmp_path / "x.png"
    expected = UPRIGHT[orientation](pixels)
    for content in (exif(orientation, order), exif(orientation, order, kind=4), b"Exif\0\0" + exif(orientation, order)):
        for after in (False, True):
            oriented(path, pixels, content, after)
            assert np.array_equal(pixart.read_image(path), expected)
            assert np.array_equal(pixart.read_image(path, channels=4)[..., :3], expected)
            assert pixart.read_image(path, channels=1).shape == (*expected.shape[:2], 1)


def test_damaged_orientations_are_ignored(tmp_path):
    pixels, path, good = waves(5, 7), tmp_path / "x.png", exif(6)
    damaged = [good[:end] for end in range(len(good) - 4 - 2)]  # without its last entry's value
    damaged += [exif(0), exif(9), exif(65535), exif(6, kind=2), exif(6, count=2), b"XX" + good[2:], bytes(40)]
    damaged += [good[:4] + struct.pack("<I", offset) + good[8:] for offset in (0xFFFFFFFF, len(good), len(good) - 1)]
    for content in damaged:
        oriented(path, pixels, content)
        assert np.array_equal(pixart.read_image(path), pixels), content


def test_resizing():
    images = np.stack([waves(), waves(seed=1)])
    assert pixart.resize_image(images, 32, 80).shape == (2, 32, 80, 3)
    assert pixart.resize_image(images[0], height=32).shape == (32, 48, 3)
    assert np.array_equal(pixart.resize_image(images), images)
    flat = np.full((20, 30, 3), 77, np.uint8)
    assert np.array_equal(pixart.resize_image(flat, 8, 8), np.full((8, 8, 3), 77))
    # The middle of an image that is twice as wide: the left quarter is cut off.
    wide = np.repeat(np.uint8([0, 100, 100, 200])[None, :, None], 10, axis=1).repeat(20, axis=0)
    cropped = pixart.resize_image(wide, 20, 20, resize_mode="crop")
    assert np.array_equal(cropped, np.full((20, 20, 1), 100))
    assert not np.array_equal(pixart.resize_image(wide, 20, 20), cropped)
    with pytest.raises(pixart.ArgumentError, match="resize_mode"):
        pixart.resize_image(images, resize_mode="fill")
    with pytest.raises(pixart.ArgumentError, match="height"):
        pixart.resize_image(images, height=0)


@pytest.mark.parametrize("mask_shape", [(64, 48), (1, 64, 48), (2, 64, 48), (64, 48, 1), (2, 64, 48, 1)])
def test_blending(mask_shape):
    images, original = np.stack([waves(), waves(seed=1)]), waves(seed=2)
    mask = np.random.default_rng(0).integers(0, 256, mask_shape, dtype=np.uint8)
    rows = mask.reshape(-1, 64, 48, 1) if mask.ndim != 2 else mask[None, ..., None]
    expected = np.where(rows >= 128, images, original)
    assert np.array_equal(pixart.blend_images(images, original, mask), expected)


def test_masks_must_fit():
    with pytest.raises(pixart.ArgumentError, match="mask is uint8"):
        pixart.blend_images(waves(), waves(), np.zeros((48, 64), np.uint8))


def test_png_in_memory(tmp_path):
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    pixart.write_image(tmp_path / "x.png", image, text={"prompt": "a cat"})
    data = pixart.encode_png(image, text={"prompt": "a cat"})
    assert data == (tmp_path / "x.png").read_bytes()
    for given in (data, bytearray(data), memoryview(data)):
        assert np.array_equal(pixart.decode_png(given), image)
    assert pixart.decode_png(data, channels=1).shape == (5, 7, 1)
    for damaged in (b"", data[:-1], b"not an image"):
        with pytest.raises(pixart.FileError, match="data"):
            pixart.decode_png(damaged)
    with pytest.raises(IndexError):
        pixart.encode_png(image, -1)
