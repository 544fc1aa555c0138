"""Targets of the library, and whether it meets them."""

from __future__ import annotations

from dataclasses import dataclass

from .results import Results, rows_of
from .workloads import NAMES, WORKLOADS, Task, tasks


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the fastest of some rows."""

    workload: str
    precision: str
    against: tuple[str, ...]
    """"<engine>/<precision>", or the beginning of it."""
    least: float
    kind: str = "time"

    def measured(self, results: Results) -> tuple[float, str] | None:
        """The ratio, and the row that it is relative to."""
        rows = rows_of(self.kind, self.workload)
        others = [
            (seconds, f"{NAMES[task.engine]} {task.precision}")
            for task in rows
            if f"{task.engine}/{task.precision}".startswith(self.against)
            and (seconds := results.seconds(task)) is not None
        ]
        own = next(task for task in rows if (task.engine, task.precision) == ("libpixart", self.precision))
        seconds = results.seconds(own)
        return (min(others)[0] / seconds, min(others)[1]) if others and seconds else None

    def line(self, results: Results) -> str:
        found = self.measured(results)
        shown, peer = (f"{found[0]:.2f}", found[1]) if found else ("", "")
        met = mark(found and found[0] >= self.least)
        title = f"{WORKLOADS[self.workload].title}, {self.precision}" + (", AVX2" if self.kind == "avx2" else "")
        return f"| {title} | {peer} | {shown} | {self.least:g} | {met} |"


ANY = ("torch/", "openvino/")
RATIOS = (
    Ratio("step-512", "float32", ("openvino/float32",), 1.05),
    Ratio("step-512", "bfloat16", ("openvino/bfloat16",), 1.05),
    Ratio("step-512", "int8", ANY, 1.85),
    Ratio("step-1024", "bfloat16", ("openvino/bfloat16",), 1.1),
    Ratio("step-1024", "int8", ANY, 2),
    Ratio("encode", "bfloat16", ("torch/bfloat16",), 3),
    Ratio("encode", "int8", ("torch/int8",), 3),
    Ratio("encode", "int4", ("libpixart/int8",), 1),
    Ratio("decode-512", "float32", ("torch/bfloat16", "openvino/bfloat16"), 1.2),
    Ratio("decode-1024", "float32", ("torch/bfloat16", "openvino/bfloat16"), 1.2),
    Ratio("step-512", "float32", ("openvino/float32",), 1.15, "avx2"),
    Ratio("step-512", "int8", ("libpixart/float32",), 1.5, "avx2"),
    Ratio("step-512", "int8", ANY, 1.3, "avx2"),
    Ratio("encode", "int8", ANY, 2, "avx2"),
)

MEMORY = {
    "picture/picture-1024/libpixart/balanced": ("complete 1024-pixel image, balanced", 1331),
    "picture/picture-1024/libpixart/fast": ("complete 1024-pixel image, fast", 1331),
    "time/step-512/libpixart/float32": ("step, 512, float32", 3072),
    "time/decode-1024/libpixart/float32": ("decode, 1024, float32", 1331),
}
"""The peak MiB of the whole process, by key."""

OPEN_SECONDS = 1.0
"""Seconds until the first useful work is done."""


def openings() -> list[Task]:
    return [task for task in tasks() if task.kind == "open"]


def mark(met: object) -> str:
    return {None: "", True: "yes", False: "**no**"}[None if met is None else bool(met)]
