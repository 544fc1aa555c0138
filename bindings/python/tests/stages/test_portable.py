"""The portable kernels with OpenBLAS, which lies in a file beside the library, and without it."""

from __future__ import annotations

import os
import pathlib
import platform
import subprocess
import sys

import numpy as np
import pytest

import pixart
from pixart._core.library import library

OPENBLAS = "libpixart-blas.so.1"
LIBRARY = pathlib.Path(library()._name).resolve()
RUN = """
import sys
import numpy as np
import pixart
model, out, instructions, found = sys.argv[1:]
given = {"instructions": instructions, "threads": 2}
with pixart.Encoder(model, **given) as encoder:
    prompt, negative = encoder.encode("a cute cat face"), encoder.encode("")
with pixart.Denoiser(model, **given) as denoiser:
    latents = denoiser.denoise(prompt, negative, seed=3, num_inference_steps=3, use_resolution_binning=False)
    kernels = denoiser.report()["kernels"]
with pixart.Decoder(model, **given) as decoder:
    images = decoder.decode(latents, output_type="float32")
assert kernels == {"instructions": instructions, "blas": found == "True"}, kernels
assert any("libpixart-blas" in line for line in open("/proc/self/maps")) == (found == "True")
np.savez(out, prompt=prompt, latents=latents, images=images)
"""


def openblas_can_be_faster() -> bool:
    return platform.machine() != "x86_64" or " avx " in pathlib.Path("/proc/cpuinfo").read_text()


def run(folder, model, instructions, found):
    """Runs in a process that loads the library from `folder`, and returns the results."""
    out = folder / f"{instructions}.npz"
    subprocess.run(
        [sys.executable, "-c", RUN, str(model), str(out), instructions, str(found)],
        env={**os.environ, "PIXART_LIBRARY": str(folder / "libpixart.so.1"), "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    )
    with np.load(out) as results:
        return dict(results)


@pytest.fixture
def folder(tmp_path):
    """A folder with the library alone."""
    (tmp_path / "libpixart.so.1").symlink_to(LIBRARY)
    return tmp_path


def test_same_results_with_and_without(folder, model):
    without = run(folder, model, "portable", found=False)
    (folder / OPENBLAS).symlink_to(LIBRARY.parent / OPENBLAS)
    found = run(folder, model, "portable", found=openblas_can_be_faster())
    for name, expected in without.items():
        error = np.linalg.norm(found[name] - expected) / np.linalg.norm(expected)
        assert error < 1e-5, name
        assert error > 0 or not openblas_can_be_faster(), name


def test_loaded_only_if_the_kernels_use_it(folder, model):
    (folder / OPENBLAS).symlink_to(LIBRARY.parent / OPENBLAS)
    with pixart.Decoder(model) as decoder:
        best = decoder.report()["kernels"]
    run(folder, model, best["instructions"], found=best["blas"])


def test_a_file_that_cannot_be_loaded_is_named(folder, model):
    (folder / OPENBLAS).write_text("no object")
    with pytest.raises(subprocess.CalledProcessError) as error:
        run(folder, model, "portable", found=False)
    assert f"FileError: cannot load OpenBLAS for the portable kernels: {folder / OPENBLAS}" in error.value.stderr
