"""The difference of two results, and the table that reports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

BOUND = 1e-5
"""Largest relative L2 error of small models: float32 sums of another order, over a whole run."""

REAL_BOUND = 2e-5
"""The same for one forward pass of a model of real size."""

PNG_LEVELS = 1
PNG_SHARE = 0.001
"""One value in 1000 may differ by one level, because the exact value is close to a rounding boundary."""


def relative_error(ours: np.ndarray, reference: np.ndarray) -> float:
    """|ours - reference| / |reference| in the L2 norm; infinite if shapes differ or a value is not finite."""
    if ours.shape != reference.shape or not np.isfinite(ours).all():
        return float("inf")
    difference = np.linalg.norm((ours.astype(np.float64) - reference).ravel())
    size = np.linalg.norm(reference.astype(np.float64).ravel())
    return float(difference / size) if size else float(difference)


@dataclass
class Row:
    """One comparison. Violations are bold."""

    model: str
    run: str
    cells: dict[str, str] = field(default_factory=dict)
    failed: bool = False

    def check(self, column: str, shown: str, good: bool) -> None:
        self.cells[column] = shown if good else f"**{shown}**"
        self.failed |= not good

    def equal(self, column: str, good: bool) -> None:
        self.check(column, "equal" if good else "differ", good)

    def errors(
        self, column: str, ours: Sequence[np.ndarray], reference: Sequence[np.ndarray], bound: float = BOUND
    ) -> None:
        """The worst of several pairs of arrays."""
        values = [relative_error(one, other) for one, other in zip(ours, reference)]
        worst = max(values)
        place = f" at {values.index(worst) + 1}" if worst > bound and len(values) > 1 else ""
        self.check(column, f"{worst:.1e}{place}", worst <= bound and len(ours) == len(reference))

    def png(self, column: str, ours: np.ndarray, reference: np.ndarray) -> None:
        if ours.shape != reference.shape:
            self.check(column, f"shape {ours.shape}, not {reference.shape}", False)
            return
        difference = np.abs(ours.astype(int) - reference)
        share = float((difference > 0).mean())
        good = difference.max() <= PNG_LEVELS and share <= PNG_SHARE
        self.check(column, f"{difference.max()} in {share:.3%}", good)


class Table:
    """Rows that are printed at once, and kept for Markdown."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        self.rows.append(row)
        measured = "  ".join(f"{column} {cell}" for column, cell in row.cells.items())
        print(f"{'FAIL' if row.failed else 'ok  '} {row.model}: {row.run}\n     {measured}", flush=True)

    @property
    def failures(self) -> int:
        return sum(row.failed for row in self.rows)

    def markdown(self) -> str:
        columns = list(dict.fromkeys(column for row in self.rows for column in row.cells))
        lines = [["model", "run", *columns], ["---"] * (len(columns) + 2)]
        lines += [[row.model, row.run, *(row.cells.get(column, "") for column in columns)] for row in self.rows]
        return "".join("| " + " | ".join(line) + " |\n" for line in lines)
