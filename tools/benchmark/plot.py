"""The plot of docs/performance.md."""

from __future__ import annotations

import pathlib

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

from .page import label, labels
from .results import Results, timed
from .workloads import WORKLOADS

COLOURS = {
    "libpixart": ("#08306b", "#2171b5", "#4fa3dc", "#9ecae1"),
    "PyTorch": ("#a63603", "#e6550d", "#fdae6b"),
    "OpenVINO": ("#00592a", "#31a354", "#a1d99b"),
}


def draw(results: Results, file: pathlib.Path) -> None:
    """Plots seconds, and below them the fraction of the limit, with a bar for each engine and precision."""
    rows = [row for row in labels() if "streamed" not in row]
    colours = {}
    for engine, shades in COLOURS.items():
        colours |= dict(zip([row for row in rows if row.startswith(engine)], shades))
    figure, (above, below) = plt.subplots(2, 1, figsize=(11, 8.5), layout="constrained")
    for place, name in enumerate(WORKLOADS):
        shown = [task for task in timed(name) if label(task) in rows and results.seconds(task)]
        for index, task in enumerate(sorted(shown, key=lambda task: rows.index(label(task)))):
            row, at = label(task), place + 0.08 * (index - (len(shown) - 1) / 2)
            seconds, fraction = results.seconds(task), results.fraction(task)
            above.bar(at, seconds, 0.075, color=colours[row])
            above.text(at, seconds, f"{seconds:.2g}", ha="center", va="bottom", fontsize=6, rotation=90)
            if fraction:
                below.bar(at, 100 * fraction[0], 0.075, color=colours[row])
    above.set_yscale("log")
    above.set_ylabel("seconds (less is better)")
    above.margins(y=0.15)
    below.set_ylabel("% of the machine's limit (more is better)")
    below.axhline(100, color="black", linewidth=0.5)
    for axes in above, below:
        axes.set_xlim(-0.6, len(WORKLOADS) - 0.4)
        axes.set_xticks(range(len(WORKLOADS)), [workload.title for workload in WORKLOADS.values()])
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", linewidth=0.3)
        axes.set_axisbelow(True)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours[row]) for row in rows]
    figure.legend(handles, rows, loc="outside upper center", ncols=5, frameon=False, fontsize=8)
    figure.savefig(file, dpi=110)
    plt.close(figure)
