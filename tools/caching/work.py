"""The share of a run's work that a cache leaves: multiplications of the blocks, without those of attention itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

WEIGHTS = {"attn1": 4, "attn2": 1, "ff": 8}
"""Multiplications of the modules for a row of the stream, in units of the width squared. A negative prompt of one token
costs no cross-attention."""


def residual_work(
    steps: int, computed: Collection[int], prompt: Collection[int] = (), guidance_start: int = 0, live: float = 0.0
) -> float:
    """Of a run with guidance. The `computed` steps run all blocks for both predictions, those in `prompt` for the
    prompt's. A prediction that is not computed runs a share `live` of the blocks, and the negative prompt's begins with
    the step `guidance_start`, which is computed."""

    def predictions(step: int) -> float:
        others = step >= guidance_start
        if step in computed or step in (0, guidance_start, steps - 1):
            return 1 + others
        return (1 if step in prompt else live) + others * live

    return sum(map(predictions, range(steps))) / (2 * steps)


def schedule_work(table: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> float:
    modules = [module for blocks in table.values() for row in blocks.values() for module in row.items()]
    total = sum(WEIGHTS[name] for name, _ in modules)
    return sum(WEIGHTS[name] for name, is_computed in modules if is_computed) / total
