"""Where the time goes: seconds for each kind of kernel.

A profile is {kind: {"seconds", "gflop", "limit"}}: of one run of a workload, the work in G operations (or "gbyte" for
what only moves bytes), and the limit it is held against: G operations (or GB) a second, or the name of a limit.
"""

from __future__ import annotations

from typing import Any

from .results import Results

SHARE, FRACTION = 0.05, 0.7
"""Over this share of the time and under this fraction of its limit, a kind wants an explanation."""

EXPLANATIONS: dict[str, str] = {}
"""By kind."""


def profile_table(results: Results, title: str, profile: dict[str, dict[str, Any]]) -> list[str]:
    """The lines of one profile, and the explanations it needs."""
    total = sum(entry["seconds"] for entry in profile.values())
    lines = [f"### {title}, {total:.2f} s", ""]
    lines += ["| kernel | seconds | share | G/s | limit | of its limit |", "|---|" + "--:|" * 5]
    wanted = []
    for kind, entry in sorted(profile.items(), key=lambda item: -item[1]["seconds"]):
        seconds, work = entry["seconds"], entry.get("gflop") or entry.get("gbyte")
        limit = entry.get("limit")
        limit = results.limits.get(limit) if isinstance(limit, str) else limit
        rate = work / seconds if work and seconds else None
        fraction = rate / limit if rate and limit else None
        lines.append(
            f"| {kind} | {seconds:.3f} | {seconds / total:.1%} | {rate and format(rate, '.0f') or ''} | "
            f"{limit and format(limit, '.0f') or ''} | {fraction and format(fraction, '.0%') or ''} |"
        )
        if seconds > SHARE * total and (fraction is None or fraction < FRACTION):
            wanted.append(kind)
    lines.append("")
    lines += [f"- {kind}: {EXPLANATIONS.get(kind, '**not explained yet**')}" for kind in wanted]
    return [*lines, ""] if wanted else lines


def where_the_time_goes(results: Results) -> list[str]:
    """The section of the page; empty without profiles."""
    if not results.profiles:
        return []
    lines = ["## Where the time goes", ""]
    lines += [
        "Seconds of one run by kind of kernel, and what each reaches of its limit: the machine's for the arithmetic "
        "that it uses, or for reading memory where it only moves bytes.",
        "",
    ]
    for title, profile in results.profiles.items():
        lines += profile_table(results, title, profile)
    return lines
