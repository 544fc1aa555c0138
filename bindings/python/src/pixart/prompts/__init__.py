"""Syntax in prompts: styles, size flags, and weights of words."""

from ._size_flags import Size, parse_size_flags
from ._styles import apply_style, styles
from ._weighting import encode_weighted, parse_weights

__all__ = ["Size", "apply_style", "encode_weighted", "parse_size_flags", "parse_weights", "styles"]
