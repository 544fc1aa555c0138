"""The share of a run's work that a cache leaves: multiplications of the blocks, without those of attention itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

WEIGHTS = {"attn1": 4, "attn2": 1, "ff": 8}
"""Multiplications of the modules for a row of the stream, in units of the width squared. A negative prompt of one token
costs no cross-attention."""


def residual_work(computed: Collection[int], steps: int, live: float) -> float:
    """`computed` are the steps that run all blocks. The others run a share `live` of them."""
    return (len(computed) + (steps - len(computed)) * live) / steps


def schedule_work(table: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> float:
    modules = [module for blocks in table.values() for row in blocks.values() for module in row.items()]
    total = sum(WEIGHTS[name] for name, _ in modules)
    return sum(WEIGHTS[name] for name, is_computed in modules if is_computed) / total
