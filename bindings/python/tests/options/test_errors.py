"""Failures: their classes, codes and messages."""

from __future__ import annotations

import ctypes
import os
import pickle
import threading

import numpy as np
import pytest
from conftest import SMALL

import pixart
from pixart._core.errors import error_for
from pixart._core.library import library


def fails(call, name, status=102):
    """`call` raises ArgumentError with `status` and a message that contains `name`."""
    with pytest.raises(pixart.ArgumentError, match=name) as failure:
        call()
    assert failure.value.status == status


def test_unknown_options_are_errors_that_name_the_key(model, encoder, denoiser, decoder, prompt, negative, latents):
    fails(lambda: pixart.Encoder(model, bogus=1), "bogus")
    fails(lambda: pixart.Denoiser(model, bogus=1), "bogus")
    fails(lambda: pixart.Decoder(model, bogus=1), "bogus")
    fails(lambda: encoder.encode("", bogus=1), "bogus")
    fails(lambda: encoder.tokenize("", bogus=1), "bogus")
    fails(lambda: denoiser.denoise(prompt, negative, bogus=1), "bogus")
    fails(lambda: denoiser.sampler(prompt, negative, bogus=1), "bogus")
    fails(lambda: decoder.decode(latents, bogus=1), "bogus")


@pytest.mark.parametrize(
    "key, value",
    [
        ("num_inference_steps", "ten"),
        ("num_inference_steps", 2.5),
        ("num_inference_steps", 0),
        ("guidance_scale", "high"),
        ("seed", -1),
        ("height", 7),
        ("use_resolution_binning", 1),
    ],
)
def test_wrong_values_are_errors_that_name_the_key(denoiser, prompt, negative, key, value):
    fails(lambda: denoiser.denoise(prompt, negative, **{**SMALL, key: value}), key)


def test_values_that_json_has_no_word_for(denoiser, prompt, negative):
    fails(lambda: denoiser.denoise(prompt, negative, guidance_scale=float("nan")), "option")


def test_options_of_unknown_types_are_type_errors(encoder):
    with pytest.raises(TypeError, match="object"):
        encoder.encode("", clean_caption=object())


def test_arguments_of_the_wrong_shape_and_type(denoiser, decoder, encoder, prompt, negative, latents):
    fails(lambda: denoiser.denoise(prompt[0], negative, **SMALL), "prompt", 101)
    fails(lambda: denoiser.denoise(prompt[:, :-1], negative, **SMALL), "prompt", 101)
    fails(lambda: decoder.decode(latents[0]), "latents", 101)
    with pytest.raises(TypeError, match="prompt: an array of .*; expected real numbers"):
        denoiser.denoise(prompt.astype(complex), negative)
    for texts in ("a cat", ["a cat", "an owl"]):
        with pytest.raises(TypeError, match=r"prompt: text; expected an array .* from Encoder.encode\(\)"):
            denoiser.denoise(texts, negative)
    with pytest.raises(TypeError, match="prompt must be str"):
        encoder.encode(b"cat")
    fails(lambda: encoder.encode("a\0b"), "NUL", 101)


def test_missing_files_are_os_errors(tmp_path, model):
    for stage in (pixart.Encoder, pixart.Denoiser, pixart.Decoder, pixart.ImageEncoder):
        with pytest.raises(pixart.FileError) as failure:
            stage(tmp_path / "nothing")
        assert isinstance(failure.value, OSError) and failure.value.status == 201
        assert "nothing" in str(failure.value)


def test_every_group_has_its_class():
    groups = {
        101: ValueError,
        103: pixart.StateError,
        199: ValueError,
        202: OSError,
        203: pixart.ModelError,
        301: MemoryError,
        401: pixart.Cancelled,
        999: RuntimeError,
    }
    for status, kind in groups.items():
        error = error_for(status, "the message")
        assert isinstance(error, kind) and isinstance(error, pixart.PixArtError)
        assert error.status == status and str(error) == "the message"
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error) and (copy.status, str(copy)) == (status, "the message")
    assert type(error_for(555, "later")) is pixart.PixArtError


def test_errors_are_those_of_the_calling_thread(encoder):
    messages = {}

    def work(key):
        try:
            for _ in range(50):
                encoder.encode("", **{key: 1})
        except pixart.ArgumentError as error:
            messages[key] = str(error)

    threads = [threading.Thread(target=work, args=(f"bogus_{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(messages) == 4 and all(key in message for key, message in messages.items())


def test_a_missing_library_is_an_import_error_at_first_use(run_python, tmp_path):
    place = str(tmp_path / "libpixart.so")
    code = "import pixart; print('imported')\ntry: pixart.version()\nexcept ImportError as error: print(error)"
    result = run_python(code, PIXART_LIBRARY=place)
    assert result.returncode == 0 and result.stdout.startswith("imported")
    assert f"{place}: no such file" in result.stdout and "PIXART_LIBRARY" in result.stdout


def test_another_library_is_refused(run_python):
    import _ctypes

    result = run_python("import pixart; pixart.version()", PIXART_LIBRARY=_ctypes.__file__)
    assert result.returncode != 0 and "LibraryNotFound" in result.stderr and "pixart_version" in result.stderr


def test_the_package_needs_numpy_and_nothing_else(run_python, model):
    code = (
        "import sys\nfor name in ('torch', 'tqdm', 'diffusers'): sys.modules[name] = None\n"
        f"import pixart\nprint(pixart.Encoder({str(model)!r}).encode('a cat').dtype)"
    )
    result = run_python(code, PIXART_LIBRARY=os.environ.get("PIXART_LIBRARY", ""))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "float32"


def test_statuses_are_those_of_the_library():
    name = ctypes.CDLL(library()._name).pixart_status_name
    name.restype = ctypes.c_char_p
    named = {status: text for status in range(1000) if (text := name(status).decode()).startswith("PIXART_")}
    del named[0]
    assert {int(status): f"PIXART_{status.name}" for status in pixart.Status} == named


def test_a_state_is_no_argument(encoder, denoiser, prompt, negative):
    assert not issubclass(pixart.StateError, ValueError) and issubclass(pixart.ClosedError, pixart.StateError)
    assert issubclass(pixart.ModelError, ValueError) and issubclass(pixart.ModelError, pixart.FileError)
    with pytest.raises(pixart.StateError):
        _ = denoiser.sampler(prompt, negative, **SMALL).predicted_original


def test_the_package_has_the_version_of_the_library():
    assert pixart.__version__ == pixart.version()


def test_schemas():
    assert "seed" in pixart.options_schema("denoise")["properties"]
    fails(lambda: pixart.options_schema("paint"), "paint", 101)


def test_images_must_be_bytes(tmp_path):
    with pytest.raises(TypeError, match="uint8"):
        pixart.write_image(tmp_path / "x.png", np.zeros((8, 8, 3), np.float32))
