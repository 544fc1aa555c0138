"""Where the time goes: the section of the page about the kinds of kernels in libpixart's steps.

A profile is the increase of a handle's profile() in the fastest run of a row, {kind: {"seconds", "operations"}}.
"""

from __future__ import annotations

from typing import Any

from .results import Results, timed
from .workloads import COMPUTE, WORKLOADS, Task

PROFILED = ("step-512", "step-1024")

SHARE, FRACTION = 0.05, 0.7
"""A kind over this share of the time and under this fraction of its limit needs an explanation."""

SOFTMAX = "the limit counts its two GEMMs; exponentials, maxima, sums and rescaling come on top"
EPILOGUE = (
    "bias, GELU, gate and residual are float32 in every precision, and take a larger share the faster the GEMMs are"
)
TILES = "AMX multiplies faster than tiles can be loaded from the second cache: 4 for 4 products."

EXPLANATIONS: dict[str, str] = {
    "GEMM in float32": "in the cache its tiles reach the limit (`make -C Tests/kernels speed`), while the host is fast.",
    "attention in bfloat16": f"{SOFTMAX}, and the rounding of weights to bfloat16.",
    "attention in float32": f"{SOFTMAX}.",
    "attention in int8": f"{SOFTMAX}, and sums are rescaled after every 64 keys.",
    "GEMM in bfloat16": f"weights are laid out in panels; {EPILOGUE}. {TILES}",
    "GEMM in int8": f"weights are laid out in panels, int4 unpacked on the way, and sums scaled by row and column; "
    f"{EPILOGUE}. {TILES}",
    "rows": "norms, modulation and rounding move bytes; there is no arithmetic to compare them with.",
    "between kernels": "work of the calling thread alone: patches, positions, and the start of each kernel.",
}
"""By the name in the tables."""


def name(kind: str, task: Task) -> str:
    """The name of a kind in the tables."""
    if kind.startswith("gemm_"):
        return f"GEMM in {kind.removeprefix('gemm_')}"
    return f"attention in {COMPUTE[task.precision]}" if kind == "attention" else kind


def limit(results: Results, kind: str, task: Task) -> float | None:
    """G operations a second that the machine allows; None for kinds with hardly any arithmetic."""
    if kind.startswith("gemm_"):
        return results.limit_of(task, kind.removeprefix("gemm_"))
    return results.limit_of(task, COMPUTE[task.precision]) if kind == "attention" else None


def spent(row: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The profile of a row, with the calling thread's own work as a separate kind."""
    profile = {kind: entry for kind, entry in row["profile"].items() if entry["seconds"] > 0}
    rest = min(row["seconds"]) - sum(entry["seconds"] for entry in profile.values())
    return {**profile, "between kernels": {"seconds": max(rest, 0.0), "operations": 0.0}}


def table(results: Results, task: Task, row: dict[str, Any]) -> list[str]:
    """The lines of one row's profile, with the explanations that it needs."""
    total = min(row["seconds"])
    lines = [f"### {WORKLOADS[task.workload].title}, {task.precision}: {total:.2f} s", ""]
    lines += ["| kernel | seconds | share | G/s | limit | of its limit |", "|---|" + "--:|" * 5]
    wanted = []
    for kind, entry in sorted(spent(row).items(), key=lambda item: -item[1]["seconds"]):
        seconds, shown, most = entry["seconds"], name(kind, task), limit(results, kind, task)
        rate = 1e-9 * entry["operations"] / seconds if entry["operations"] else None
        fraction = rate / most if rate and most else None
        cells = [f"{seconds:.3f}", f"{seconds / total:.1%}", *(f"{v:.0f}" if v else "" for v in (rate, most))]
        lines.append(f"| {shown} | {' | '.join(cells)} | {fraction and format(fraction, '.0%') or ''} |")
        if seconds > SHARE * total and (fraction is None or fraction < FRACTION):
            wanted.append(shown)
    lines.append("")
    lines += [f"- {shown}: {EXPLANATIONS.get(shown, '**not explained yet**')}" for shown in wanted]
    return [*lines, ""] if wanted else lines


def where_the_time_goes(results: Results) -> list[str]:
    """The section of the page; empty without profiles."""
    tasks = [task for workload in PROFILED for task in timed(workload) if task.engine == "libpixart"]
    rows = [(task, row) for task in tasks if (row := results.row(task)) and "profile" in row]
    if not rows:
        return []
    lines = [
        "## Where the time goes",
        "",
        "The profile of the fastest run of a step, from `pixart_denoiser_profile`: seconds by kind of kernel, and how close "
        "GEMMs and attention come to the machine's limit for their arithmetic. A kind is explained if it takes more than "
        f"{SHARE:.0%} of the time and reaches less than {FRACTION:.0%} of its limit, or has no limit.",
        "",
    ]
    for task, row in rows:
        lines += table(results, task, row)
    return lines
