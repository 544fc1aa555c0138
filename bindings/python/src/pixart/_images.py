"""Images with the settings that made them."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path, plain_json
from ._core.errors import FileError
from ._image import encode_png, write_image

if TYPE_CHECKING:
    from typing_extensions import Self

    _Base = npt.NDArray[np.uint8]
else:
    _Base = np.ndarray

SETTINGS_KEY = "pixart"
"""The key of the text of a PNG file that holds the settings of its image, as JSON."""


_MOST_TEXT = 1 << 20


class Images(_Base):
    """An array of images, uint8 [B, H, W, 3], which notebooks show. pixart.generate() returns it.

    `settings` has a dict for each image: prompt, negative_prompt, seed, model, version and each option that was given.
    Views and copies are plain images without settings.
    """

    settings: list[dict[str, Any]]

    def __new__(cls, images: npt.ArrayLike, settings: Iterable[Mapping[str, Any]] = ()) -> Self:
        array = np.asarray(images, np.uint8).view(cls)
        array.settings = [dict(each) for each in settings]
        return array

    def __array_finalize__(self, source: object) -> None:
        self.settings = []

    def png(self, index: int = 0) -> bytes:
        """Returns the bytes of a PNG file of one image, with its settings inside."""
        return encode_png(np.asarray(self), index, self._text(index))

    def save(self, path: Path) -> list[pathlib.Path]:
        """Writes each image as a PNG file with its settings inside. Returns the paths.

        One image is written to `path`. Of several, each has a number before the extension, cat-0.png and so on, or in
        place of "{index}" in the path.
        """
        paths = []
        for index in range(self._count()):
            paths.append(numbered(path, index, self._count()))
            write_image(paths[-1], np.asarray(self), index, self._text(index))
        return paths

    def _count(self) -> int:
        return self.shape[0] if self.ndim == 4 else 1

    def _text(self, index: int) -> dict[str, str]:
        return settings_text(self.settings[index]) if index < len(self.settings) else {}

    def _repr_png_(self) -> bytes | None:
        return self.png() if self._is_shown() and self._count() == 1 else None

    def _repr_html_(self) -> str | None:
        if not self._is_shown() or self._count() == 1:
            return None
        pictures = (base64.b64encode(self.png(index)).decode() for index in range(self._count()))
        return "".join(f'<img style="margin: 2px" src="data:image/png;base64,{each}">' for each in pictures)

    def _is_shown(self) -> bool:
        return self.ndim in (3, 4) and self.shape[-1] == 3 and self.size > 0 and self.dtype == np.uint8


def numbered(path: Path, index: int, count: int) -> pathlib.Path:
    """The path of image `index` of `count`."""
    text = os.fspath(path)
    if "{index}" in text:
        return pathlib.Path(text.replace("{index}", str(index)))
    if count == 1:
        return pathlib.Path(text)
    whole = pathlib.Path(text)
    return whole.with_name(f"{whole.stem}-{index}{whole.suffix}")


def settings_text(settings: Mapping[str, Any]) -> dict[str, str]:
    """The text of a PNG file that says how its image was made."""
    return {SETTINGS_KEY: plain_json(settings)}


def read_settings(path: Path) -> dict[str, Any]:
    """Returns the settings inside a PNG file that Images.save() or the command `pixart` wrote."""
    for key, text in _png_texts(pathlib.Path(path).read_bytes(), os.fspath(path)):
        if key == SETTINGS_KEY:
            found = json.loads(text)
            if isinstance(found, dict):
                return found
            raise FileError(f'{os.fspath(path)}: the text "{SETTINGS_KEY}" is no JSON object')
    raise FileError(f'{os.fspath(path)}: has no settings: no text "{SETTINGS_KEY}" is in the file')


def _png_texts(file: bytes, path: str) -> Iterator[tuple[str, str]]:
    """The keys and texts of the text chunks, in the order of the file."""
    if not file.startswith(b"\x89PNG\r\n\x1a\n"):
        raise FileError(f"{path}: is no PNG file")
    start = 8
    while start + 12 <= len(file):
        size, kind = int.from_bytes(file[start : start + 4], "big"), file[start + 4 : start + 8]
        data = file[start + 8 : start + 8 + size]
        if len(data) < size:
            raise FileError(f"{path}: a chunk has {size} bytes, but {len(data)} follow")
        key, _, rest = data.partition(b"\0")
        if kind == b"tEXt":
            yield key.decode("latin-1"), rest.decode("latin-1")
        elif kind == b"zTXt":
            yield key.decode("latin-1"), _inflated(rest[1:], path).decode("latin-1")
        elif kind == b"iTXt":
            text = rest[2:].split(b"\0", 2)[-1]
            yield (
                key.decode("latin-1"),
                (_inflated(text, path) if rest[:1] == b"\1" else text).decode("utf-8", "replace"),
            )
        start += 12 + size


def _inflated(data: bytes, path: str) -> bytes:
    """A compressed text, which may have _MOST_TEXT bytes."""
    machine = zlib.decompressobj()
    try:
        text = machine.decompress(data, _MOST_TEXT)
    except zlib.error as error:
        raise FileError(f"{path}: a compressed text is damaged: {error}") from error
    if machine.unconsumed_tail:
        raise FileError(f"{path}: a compressed text has more than {_MOST_TEXT} bytes")
    return text
