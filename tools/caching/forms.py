"""What the search varies: each form of the option `cache` as a list of whole numbers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .work import WEIGHTS, residual_work, schedule_work


class Form(Protocol):
    """A form of the option: bounds of its numbers, and what they mean."""

    low: np.ndarray
    high: np.ndarray

    def cache(self, numbers: np.ndarray) -> dict[str, Any]:
        """The value of the option."""

    def work(self, numbers: np.ndarray) -> float:
        """The share of the work that it leaves."""

    def start(self, count: int, random: np.random.Generator) -> np.ndarray:
        """The first generation."""


NOTHING, PROMPT, ALL = range(3)
"""What a step between the first and the last computes."""


class Residual:
    """What each step between the first and the last computes, then how many blocks before and after the residual are,
    at most `edge` each, then the first step with guidance, at most a fifth of the run. The work is that of a checkpoint
    of `counted` blocks."""

    def __init__(self, steps: int, blocks: int, counted: int | None = None, edge: int = 1) -> None:
        self.steps, self.blocks, self.counted = steps, blocks, counted or blocks
        self.inner = steps - 2
        self.low = np.zeros(self.inner + 3, int)
        self.high = np.array([ALL] * self.inner + [min(edge, (blocks - 1) // 2)] * 2 + [steps // 5])

    def chosen(self, numbers: np.ndarray, kind: int) -> list[int]:
        return [int(step) + 1 for step in np.flatnonzero(numbers[: self.inner] == kind)]

    def cache(self, numbers: np.ndarray) -> dict[str, Any]:
        before, after, start = (int(number) for number in numbers[self.inner :])
        return {
            "blocks": [before, self.blocks - 1 - after],
            "steps": self.chosen(numbers, ALL),
            "prompt_steps": self.chosen(numbers, PROMPT),
            "guidance_start": start,
        }

    def work(self, numbers: np.ndarray) -> float:
        before, after, start = numbers[self.inner :]
        live = float(before + after) / self.counted
        return residual_work(self.steps, self.chosen(numbers, ALL), self.chosen(numbers, PROMPT), int(start), live)

    def start(self, count: int, random: np.random.Generator) -> np.ndarray:
        rows = random.integers(self.low, self.high + 1, (count, len(self.low)))
        for row in rows:
            some, most = np.sort(random.uniform(0.1, 0.7, 2))
            share = random.random(self.inner)
            row[: self.inner] = np.where(share < some, ALL, np.where(share < most, PROMPT, NOTHING))
        for row, interval in zip(rows, range(2, 7)):
            row[: self.inner] = [ALL * ((step + 1) % interval == 0) for step in range(self.inner)]
        return rows


class Schedule:
    """Whether each module of each block is computed in each step but the first."""

    def __init__(self, steps: int, blocks: int) -> None:
        self.shape = steps - 1, blocks, len(WEIGHTS)
        count = int(np.prod(self.shape))
        self.low, self.high = np.zeros(count, int), np.ones(count, int)

    def cache(self, numbers: np.ndarray) -> dict[str, Any]:
        later = numbers.reshape(self.shape).astype(bool)
        table = np.concatenate([np.ones((1, *self.shape[1:]), bool), later])
        rows = [
            {str(block): dict(zip(WEIGHTS, map(bool, row))) for block, row in enumerate(blocks)} for blocks in table
        ]
        return {"schedule": {f"{step:03d}": row for step, row in enumerate(rows)}}

    def work(self, numbers: np.ndarray) -> float:
        return schedule_work(self.cache(numbers)["schedule"])

    def start(self, count: int, random: np.random.Generator) -> np.ndarray:
        rows = np.empty((count, *self.shape), int)
        for index, row in enumerate(rows):
            # Some steps whole, and more of the rest in some generations than in others.
            whole = random.random(self.shape[0]) < random.uniform(0.2, 0.6)
            if index < 4:
                whole = np.arange(1, self.shape[0] + 1) % (index + 2) == 0
            row[:] = whole[:, None, None] | (random.random(self.shape) < random.choice([0.0, 0.1, 0.3]))
            row[-1] = 1
        return rows.reshape(count, -1)
