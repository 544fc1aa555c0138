"""The version of the package, which equals that of the library released with it. In an installed package this file
holds the number alone: `setup.py` writes it."""

from ._source_tree import source_tree

_tree = source_tree()
if _tree is None:
    raise ImportError("pixart is neither installed nor in its source tree, so its version is not known")
__version__ = (_tree / "VERSION").read_text(encoding="ascii").strip()
