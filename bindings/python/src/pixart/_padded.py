"""Converts embeddings to and from diffusers' form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ._core.tensor import array_of, contiguous


def to_padded(
    embedding: object, max_sequence_length: int = 120
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Returns an embedding [S, E] as diffusers' `prompt_embeds` [1, L, E], padded with zeros, and its mask [1, L].

    save_tensors() takes the mask as `mask.astype(numpy.uint8)`, and from_padded() takes it back as such.
    """
    rows = contiguous(embedding, "embedding")
    if rows.ndim != 2:
        raise ValueError(f"embedding must have shape [S, E], not {list(rows.shape)}")
    count = len(rows)
    if count > max_sequence_length:
        raise ValueError(f"embedding has {count} rows, more than max_sequence_length = {max_sequence_length}")
    padded = np.zeros((1, max_sequence_length, rows.shape[1]), np.float32)
    padded[0, :count] = rows
    mask = np.zeros((1, max_sequence_length), np.int64)
    mask[0, :count] = 1
    return padded, mask


def from_padded(prompt_embeds: object, mask: object) -> npt.NDArray[np.float32]:
    """Returns the embedding [S, E] in diffusers' `prompt_embeds` [1, L, E] and mask [1, L]: the rows that the mask
    keeps."""
    rows, kept = contiguous(prompt_embeds, "prompt_embeds"), array_of(mask, "mask")
    if rows.ndim != 3 or len(rows) != 1 or kept.shape != rows.shape[:2]:
        raise ValueError(f"expected [1, L, E] and [1, L], not {list(rows.shape)} and {list(kept.shape)}")
    if not np.isin(kept, (0, 1)).all():
        raise ValueError("mask: values other than 0 and 1; expected bool, or 1 for the rows to keep, else 0")
    return np.compress(kept[0] != 0, rows[0], axis=0)
