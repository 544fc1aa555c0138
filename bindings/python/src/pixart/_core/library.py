"""Finds and loads the C library, and declares the functions of pixart.h with their types."""

from __future__ import annotations

import ctypes
import functools
import os
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_size_t, c_void_p
from typing import Any

from .._source_tree import PACKAGE, source_tree
from .errors import LibraryNotFound, error_for

MAJOR = 1
SONAME = f"libpixart.so.{MAJOR}"

PROGRESS = ctypes.CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64, c_double)
"""pixart_progress: (context, step, steps, fraction) -> non-zero to cancel."""

_handle, _text, _out = c_void_p, c_char_p, POINTER(c_void_p)

_STATUS_FUNCTIONS: dict[str, list[Any]] = {
    "pixart_tensor_create": [c_int32, c_size_t, POINTER(c_int64), c_void_p, c_size_t, _out],
    "pixart_tensors_save": [_text, c_size_t, POINTER(c_char_p), _out],
    "pixart_tensors_load": [_text, c_size_t, POINTER(c_char_p), _out],
    "pixart_tensors_list": [_text, _out],
    "pixart_encoder_open": [_text, _text, PROGRESS, c_void_p, _out],
    "pixart_encode": [_handle, _text, _text, PROGRESS, c_void_p, _out],
    "pixart_encoder_tokenize": [_handle, _text, _text, _out],
    "pixart_encoder_memory": [_handle, _text, _out],
    "pixart_encoder_profile": [_handle, _out],
    "pixart_encoder_report": [_handle, _out],
    "pixart_denoiser_open": [_text, _text, PROGRESS, c_void_p, _out],
    "pixart_denoise": [_handle, _handle, _handle, _text, PROGRESS, c_void_p, _out],
    "pixart_denoiser_memory": [_handle, _text, _out],
    "pixart_denoiser_profile": [_handle, _out],
    "pixart_denoiser_report": [_handle, _out],
    "pixart_sampler_create": [_handle, _handle, _handle, _text, _out],
    "pixart_sampler_create_batch": [_handle, c_size_t, _out, _out, _text, _out],
    "pixart_sampler_set_noise": [_handle, _handle],
    "pixart_sampler_set_control": [_handle, _handle],
    "pixart_sampler_set_image_latents": [_handle, _handle],
    "pixart_sampler_set_mask": [_handle, _handle],
    "pixart_sampler_timestep": [_handle, c_int64, POINTER(c_double)],
    "pixart_sampler_step": [_handle, PROGRESS, c_void_p],
    "pixart_sampler_latents": [_handle, _out],
    "pixart_sampler_predicted_original": [_handle, _out],
    "pixart_sampler_preview": [_handle, _text, _out],
    "pixart_decoder_open": [_text, _text, PROGRESS, c_void_p, _out],
    "pixart_decode": [_handle, _handle, _text, PROGRESS, c_void_p, _out],
    "pixart_decoder_memory": [_handle, _text, _out],
    "pixart_decoder_profile": [_handle, _out],
    "pixart_decoder_report": [_handle, _out],
    "pixart_image_encoder_open": [_text, _text, PROGRESS, c_void_p, _out],
    "pixart_image_encode": [_handle, _handle, _text, PROGRESS, c_void_p, _out],
    "pixart_image_encoder_memory": [_handle, _text, _out],
    "pixart_image_encoder_profile": [_handle, _out],
    "pixart_image_encoder_report": [_handle, _out],
    "pixart_convert": [_text, _text, _text, PROGRESS, c_void_p],
    "pixart_inspect": [_text, _text, _out],
    "pixart_memory_estimate": [_text, _text, _out],
    "pixart_image_read": [_text, _text, _out],
    "pixart_image_read_memory": [c_void_p, c_size_t, _text, _out],
    "pixart_image_write": [_handle, c_size_t, _text, _text],
    "pixart_image_write_memory": [_handle, c_size_t, _text, _out],
    "pixart_image_resize": [_handle, _text, _out],
    "pixart_image_edges": [_handle, _text, _text, PROGRESS, c_void_p, _out],
    "pixart_image_blend": [_handle, _handle, _handle, _out],
}
"""Functions that return a pixart_status. If one fails, the call raises the exception of the status."""

_PLAIN_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "pixart_error_message": (c_char_p, []),
    "pixart_version": (c_char_p, []),
    "pixart_options_schema": (c_char_p, [_text]),
    "pixart_tensor_type": (c_int32, [_handle]),
    "pixart_tensor_rank": (c_size_t, [_handle]),
    "pixart_tensor_shape": (POINTER(c_int64), [_handle]),
    "pixart_tensor_data": (c_void_p, [_handle]),
    "pixart_tensor_size": (c_size_t, [_handle]),
    "pixart_tensor_release": (None, [_handle]),
    "pixart_string_release": (None, [c_void_p]),
    "pixart_encoder_release": (None, [_handle]),
    "pixart_denoiser_release": (None, [_handle]),
    "pixart_sampler_steps": (c_int64, [_handle]),
    "pixart_sampler_step_index": (c_int64, [_handle]),
    "pixart_sampler_release": (None, [_handle]),
    "pixart_decoder_release": (None, [_handle]),
    "pixart_image_encoder_release": (None, [_handle]),
}


@functools.cache
def library() -> ctypes.CDLL:
    """Returns libpixart. The first call finds and loads it."""
    loaded, place = _find()
    try:
        version = _declare(loaded, "pixart_version", c_char_p, [])().decode()
        if int(version.split(".")[0]) != MAJOR:
            raise LibraryNotFound(f"{place} is version {version} of libpixart; this package needs {MAJOR}.x")
        for name, arguments in _STATUS_FUNCTIONS.items():
            _declare(loaded, name, c_int32, arguments).errcheck = _raise_on_failure
        for name, (result, arguments) in _PLAIN_FUNCTIONS.items():
            _declare(loaded, name, result, arguments)
    except AttributeError as error:
        raise LibraryNotFound(f"{place} is not the libpixart this package was made for: {error}") from error
    return loaded


def version() -> str:
    """Version of the loaded library as "major.minor.patch"."""
    return str(library().pixart_version().decode())


def _declare(loaded: ctypes.CDLL, name: str, result: Any, arguments: list[Any]) -> Any:
    function = getattr(loaded, name)
    function.restype, function.argtypes = result, arguments
    return function


def _raise_on_failure(status: int, function: Any, arguments: tuple[Any, ...]) -> int:
    if status:
        raise error_for(status, library().pixart_error_message().decode("utf-8", "replace"))
    return status


def _places() -> list[str]:
    """The places to try, best first. A bare name is for the system's loader. If $PIXART_LIBRARY is set, it is the only
    place."""
    given = os.environ.get("PIXART_LIBRARY")
    if given:
        return [given]
    tree = source_tree()
    return [str(tree / ".build" / "release" / "libpixart.so" if tree else PACKAGE / SONAME), SONAME]


def _find() -> tuple[ctypes.CDLL, str]:
    failures = []
    for place in _places():
        if os.sep in place and not os.path.exists(place):
            failures.append(f"{place}: no such file")
            continue
        try:
            return ctypes.CDLL(place), place
        except OSError as error:
            failures.append(f"{place}: {error}")
    raise LibraryNotFound(
        "libpixart cannot be loaded. Looked at:\n  "
        + "\n  ".join(failures)
        + "\nBuild it (`make build`), install it (`make install`), or name it in the environment variable PIXART_LIBRARY."
    )
