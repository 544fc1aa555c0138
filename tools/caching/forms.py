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


class Residual:
    """Whether each step between the first and the last is computed, then how many blocks before and after the residual
    are, at most `edge` each."""

    def __init__(self, steps: int, blocks: int, edge: int = 1) -> None:
        self.steps, self.blocks = steps, blocks
        inner = steps - 2
        self.low = np.zeros(inner + 2, int)
        self.high = np.array([1] * inner + [min(edge, (blocks - 1) // 2)] * 2)

    def computed(self, numbers: np.ndarray) -> list[int]:
        return [0, *(int(step) + 1 for step in np.flatnonzero(numbers[:-2])), self.steps - 1]

    def cache(self, numbers: np.ndarray) -> dict[str, Any]:
        before, after = (int(number) for number in numbers[-2:])
        return {"blocks": [before, self.blocks - 1 - after], "steps": self.computed(numbers)}

    def work(self, numbers: np.ndarray) -> float:
        return residual_work(self.computed(numbers), self.steps, numbers[-2:].sum() / self.blocks)

    def start(self, count: int, random: np.random.Generator) -> np.ndarray:
        rows = random.integers(self.low, self.high + 1, (count, len(self.low)))
        inner = self.steps - 2
        for row in rows:
            row[:inner] = random.random(inner) < random.uniform(0.15, 0.7)
        for row, interval in zip(rows, range(2, 7)):
            row[:inner] = [(step + 1) % interval == 0 for step in range(inner)]
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


FORMS = {"residual": Residual, "schedule": Schedule}
