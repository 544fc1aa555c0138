"""The model that is used when none is named."""

from __future__ import annotations

import pathlib

from ._core.errors import FileError
from ._source_tree import PACKAGE, source_tree


def default_model() -> pathlib.Path:
    """Returns the folder of the emoji model: `models/emoji` of the source tree, or the copy inside an installed package.

    It is a small trained model, which makes an image in about a second.
    """
    folder = (source_tree() or PACKAGE) / "models" / "emoji"
    if not (folder / "model_index.json").is_file():
        raise FileError(f"no model was named, and pixart's own emoji model is not at {folder}; name a model")
    return folder
