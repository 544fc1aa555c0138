"""Where the package lies: in the source tree of libpixart, or installed."""

from __future__ import annotations

import pathlib

PACKAGE = pathlib.Path(__file__).resolve().parent


def source_tree() -> pathlib.Path | None:
    """Returns the root of the source tree that this package is part of, or None if it was installed as a copy."""
    if PACKAGE.parts[-4:] != ("bindings", "python", "src", "pixart"):
        return None
    root = PACKAGE.parents[3]
    return root if (root / "VERSION").is_file() and (root / "Package.swift").is_file() else None
