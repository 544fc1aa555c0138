"""The measurements, saved to a JSON file after every process, so a run can be resumed and its page written again."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from .workloads import ARITHMETIC, BYTES, NAMES, WORKLOADS, Task, tasks


class Results:
    """`machine`: texts; `limits`: G operations and GB a second in the machine's fastest minute; `limits_by_group`: those
    next to the rows of a group; `rows`: what bench_stage.py printed, by Task.key; `conversions`: seconds
    and memory by "<folder>-<precision>"."""

    def __init__(self, file: pathlib.Path, keep: bool) -> None:
        self.file = file
        read = json.loads(file.read_text()) if keep and file.exists() else {}
        self.machine: dict[str, Any] = read.get("machine", {})
        self.limits: dict[str, float | None] = read.get("limits", {})
        self.limits_by_group: dict[str, dict[str, float | None]] = read.get("limits_by_group", {})
        self.rows: dict[str, dict[str, Any]] = read.get("rows", {})
        self.conversions: dict[str, dict[str, Any]] = read.get("conversions", {})

    def save(self) -> None:
        content = {name: value for name, value in vars(self).items() if name != "file"}
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1) + "\n")
        partial.replace(self.file)

    def add_limits(self, measured: dict[str, float | None], *groups: str) -> None:
        """Adds what was measured next to the rows of some groups. Keeps the greater of each limit, because a
        disturbance lowers a measurement."""
        for limits in (self.limits, *(self.limits_by_group.setdefault(group, {}) for group in groups if group)):
            for name, value in measured.items():
                limits[name] = max((v for v in (value, limits.get(name)) if v is not None), default=None)

    def add(self, task: Task, row: dict[str, Any], turn: int) -> None:
        """Adds the runs of a later round to those of earlier rounds. The other values are those of the fastest
        process."""
        before = self.row(task)
        if turn > 0 and before and "failed" not in row:
            fastest = min((before, row), key=lambda one: min(one["seconds"]))
            most = {name: max(before[name], row[name]) for name in ("peak", "anonymous_peak")}
            row = {**fastest, **most, "seconds": before["seconds"] + row["seconds"]}
        self.rows[task.key] = {**row, "run": self.machine["started"]}

    def of_one_run(self) -> bool:
        return len({row.get("run") for row in self.rows.values()}) == 1

    def has(self, task: Task) -> bool:
        return "failed" not in self.rows.get(task.key, {"failed": True})

    def row(self, task: Task) -> dict[str, Any] | None:
        return self.rows[task.key] if self.has(task) else None

    def seconds(self, task: Task) -> float | None:
        """The seconds of the fastest run."""
        row = self.row(task)
        return min(row["seconds"]) if row else None

    def limits_of(self, task: Task) -> dict[str, float | None]:
        """The limits next to the rows of a task's group."""
        return self.limits_by_group.get(task.group) or self.limits

    def limit_of(self, task: Task, precision: str) -> float:
        """G operations per second. If the processor lacks the instructions, those of float32."""
        limits = self.limits_of(task)
        return limits.get(ARITHMETIC[precision]) or limits["float32"] or 0

    def fraction(self, task: Task) -> tuple[float, bool] | None:
        """The fraction of its time that a task would need at the machine's limit, and True if that is the limit of
        reading."""
        seconds, workload = self.seconds(task), WORKLOADS.get(task.workload)
        if seconds is None or workload is None or not self.limits:
            return None
        arithmetic = workload.gflop / self.limit_of(task, task.precision)
        reading = workload.parameters * BYTES[task.precision] * 1e-9 / (self.limits_of(task)["read"] or 1)
        return max(arithmetic, reading) / seconds, reading > arithmetic


def rows_of(kind: str, workload: str) -> list[Task]:
    """The tasks of one kind and workload, in the order of the tables: engine by engine."""
    rows = [task for task in tasks() if task.kind == kind and task.workload == workload]
    return sorted(rows, key=lambda task: list(NAMES).index(task.engine))


def timed(workload: str) -> list[Task]:
    """The timed tasks of one workload."""
    return rows_of("time", workload)
