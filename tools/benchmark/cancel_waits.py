#!/usr/bin/env python3
"""Measures how long a long call goes on after its progress callback has cancelled it, at the published sizes.

    PIXART_LIBRARY=... tools/benchmark/cancel_waits.py [MOMENTS]

The weights are zeros: sparse files of the size of PixArt-XL-2-1024-MS. Each call is cancelled at several moments, a
second apart. The table shows the longest wait. For each moment, the call runs from its start.
"""

import json
import pathlib
import shutil
import sys
import tempfile
import time
from ctypes import byref, c_char_p, c_void_p

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bindings" / "python" / "src"), str(ROOT / "bindings" / "python" / "tests" / "files")]

import numpy as np  # noqa: E402
import sparse_repository  # noqa: E402

import pixart  # noqa: E402
from pixart._core.library import PROGRESS, library  # noqa: E402
from pixart._core.tensor import borrowed_tensor  # noqa: E402

REPOSITORY = "PixArt-alpha/PixArt-XL-2-1024-MS"


def wait_after(seconds, call):
    """Seconds from the callback's result that cancels a call to the end of the call, or None if the call ended
    before."""
    start, answered = time.monotonic(), None

    def answer(_context, _step, _steps, _fraction):
        nonlocal answered
        if time.monotonic() - start < seconds:
            return 0
        answered = answered or time.monotonic()
        return 1

    callback = PROGRESS(answer)
    try:
        call(callback)
    except pixart.Cancelled:
        return time.monotonic() - answered
    return None


def opening(kind, folder, options):
    def call(callback):
        out = c_void_p()
        getattr(library(), f"pixart_{kind}_open")(
            str(folder).encode(), json.dumps(options).encode(), callback, None, byref(out)
        )
        getattr(library(), f"pixart_{kind}_release")(out)

    return call


def using(function, handle, argument, options=None):
    def call(callback):
        out = c_void_p()
        getattr(library(), function)(handle._pointer, argument, options, callback, None, byref(out))
        library().pixart_tensor_release(out)

    return call


def measure(name, moments, call):
    waits = [wait_after(moment, call) for moment in moments]
    known = [wait for wait in waits if wait is not None]
    print(
        f"| {name} | {len(known)} | {1000 * max(known):.0f} ms |" if known else f"| {name} | 0 | ended before |",
        flush=True,
    )


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "model"
        folder.mkdir()
        sparse_repository.write_repository(folder, REPOSITORY)
        (folder / "tokenizer" / "spiece.model").unlink()
        shutil.copy(sparse_repository.TOKENIZER, folder / "tokenizer")  # a conversion copies no links out of the folder
        seconds = [0.05, 0.3, *range(1, count - 1)]
        print("| call | cancelled | longest wait |\n|---|---|---|")
        measure("open the encoder, int8", seconds, opening("encoder", folder, {"weights": "int8"}))
        measure("open the denoiser, int8", seconds, opening("denoiser", folder, {"weights": "int8"}))
        measure("open the decoder, bfloat16", [0.02, 0.1], opening("decoder", folder, {"weights": "bfloat16"}))
        with pixart.Encoder(folder) as encoder:
            prompt = c_char_p(b"a red cat " * 40)
            measure("encode, 120 tokens", seconds, using("pixart_encode", encoder, prompt))
        with (
            pixart.Decoder(folder) as decoder,
            borrowed_tensor(np.zeros((1, 4, 128, 128), np.float32), "latents") as latents,
        ):
            measure("decode, 1024", seconds, using("pixart_decode", decoder, latents))
        images = np.zeros((1, 1024, 1024, 3), np.uint8)
        with pixart.ImageEncoder(folder) as encoder, borrowed_tensor(images, "images", np.uint8) as tensor:
            measure("encode an image, 1024", seconds, using("pixart_image_encode", encoder, tensor))
        out = str(pathlib.Path(temporary) / "converted").encode()
        measure(
            "convert to int8",
            seconds,
            lambda callback: library().pixart_convert(str(folder).encode(), out, None, callback, None),
        )


if __name__ == "__main__":
    main()
