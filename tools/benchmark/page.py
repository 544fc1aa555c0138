"""docs/performance.md, out of results."""

from __future__ import annotations

from .aims import MEMORY, OPEN_SECONDS, RATIOS, mark, openings
from .profile import where_the_time_goes
from .results import Results, timed
from .workloads import NAMES, PICTURE_STEPS, TOKENS, WORKLOADS, Task, tasks

PARTS = {"encode": "T5-XXL", "step-512": "transformer, 512", "step-1024": "transformer, 1024", "decode-512": "VAE"}
Table = list[str]


def page(results: Results) -> str:
    """The page in Markdown."""
    sections = [
        head(results),
        times(results),
        fractions(results),
        ratios(results),
        memory(results),
        pictures(results),
        opens(results),
        conversions(results),
        where_the_time_goes(results),
    ]
    return "\n".join(line for section in sections for line in section)


def head(results: Results) -> Table:
    machine, limits = results.machine, results.limits
    shown = ", ".join(
        f"{name} {limits[name]:.0f} G/s" for name in ("float32", "bfloat16", "int8") if limits.get(name) is not None
    )
    return [
        "# Performance",
        "",
        f"Written by `{machine['command']}`: {sitting(results)}, every row a process of its own (of a step at 512 "
        "pixels two, in turns with the others), one after the other, on all processors; the least of its runs. Real "
        f"sizes, random weights, prompts of {TOKENS} tokens, a step with "
        "guidance by a negative prompt of one token.",
        "",
        f"{machine['processor']}, {machine['processors']} processors, {machine['memory']} GiB; {machine['date']}. "
        f"libpixart {machine['libpixart']}, PyTorch {machine['torch']}, diffusers {machine['diffusers']}, transformers "
        f"{machine['transformers']}, OpenVINO {machine['openvino']}.",
        "",
        f"Limits of this machine, measured in the same run (`tools/benchmark/machine_limits.c`): {shown}; reading memory "
        f"{limits['read']:.0f} GB/s.",
        "",
        "![Seconds and fraction of the limit](images/performance.png)",
        "",
    ]


def sitting(results: Results) -> str:
    """Whether all rows are of one run."""
    if not all(results.has(task) for task in tasks()):
        return "several runs of some rows each (`--only`), without those that are marked"
    return "one run" if results.of_one_run() else "several runs of some rows each (`--only`)"


def label(task: Task) -> str:
    streamed = ", streamed" if task.options.get("residency") == "streamed" else ""
    return f"{NAMES[task.engine]} {task.precision}{streamed}"


def labels() -> list[str]:
    """Of every row that is timed, ours first."""
    every = [label(task) for name in WORKLOADS for task in timed(name)]
    return sorted(dict.fromkeys(every), key=lambda text: list(NAMES.values()).index(text.split()[0]))


def matrix(cell: dict[tuple[str, str], str]) -> Table:
    """Rows are engines and precisions, columns workloads."""
    titles = [workload.title for workload in WORKLOADS.values()]
    lines = [f"| | {' | '.join(titles)} |", "|---|" + "--:|" * len(titles)]
    for row in labels():
        lines.append(f"| {row} | {' | '.join(cell.get((row, name), '') for name in WORKLOADS)} |")
    return lines


def times(results: Results) -> Table:
    cell = {}
    for name in WORKLOADS:
        for task in timed(name):
            seconds = results.seconds(task)
            failed = "failed" if task.key in results.rows else "not measured"
            cell[label(task), name] = failed if seconds is None else f"{seconds:.2f}"
    return [
        "## Seconds",
        "",
        *matrix(cell),
        "",
        "The peers pad prompts to 120 tokens and compute all of them; libpixart computes the real ones, to the same "
        "result. PyTorch int8 is its dynamic quantization of all linear layers; OpenVINO int8 has int8 weights, "
        "quantizes activations in groups of 32 as is its default, and does the rest in bfloat16. libpixart int4 "
        "computes in int8.",
        "",
    ]


def fractions(results: Results) -> Table:
    cell = {}
    for name in WORKLOADS:
        for task in timed(name):
            found = results.fraction(task)
            if found:
                cell[label(task), name] = f"{found[0]:.0%}{' r' if found[1] else ''}"
    return [
        "## Fraction of the machine's limit",
        "",
        *matrix(cell),
        "",
        "The seconds that the work takes at the machine's limit, over the seconds measured. Work is what the "
        "result needs: no padding, and every product in the row's precision (attention, which stays in bfloat16 or "
        "float32, is held against the row's limit too). r: the limit is that of reading the weights, which takes longer "
        "than the arithmetic. Convolutions are counted by the direct algorithm; Winograd's needs a quarter of the products, so "
        "that a decoder can be above 100%.",
        "",
    ]


def ratios(results: Results) -> Table:
    lines = ["## Beside the best peer", "", "| | beside | times as fast | aim | met |", "|---|---|--:|--:|---|"]
    return [*lines, *(ratio.line(results) for ratio in RATIOS), ""]


def memory(results: Results) -> Table:
    lines = ["## Memory", "", "| | peak MiB of the process | aim | met |", "|---|--:|--:|---|"]
    for key, (title, most) in MEMORY.items():
        peak = results.rows.get(key, {}).get("peak")
        met = mark(None if peak is None else peak <= most)
        lines.append(f"| {title} | {'' if peak is None else peak} | {most} | {met} |")
    lines += ["", "| | peak MiB | of it anonymous |", "|---|--:|--:|"]
    for name, workload in WORKLOADS.items():
        for task in timed(name):
            row = results.row(task)
            if row:
                anonymous = row["anonymous_peak"] if task.engine == "libpixart" else ""
                lines.append(f"| {workload.title}: {label(task)} | {row['peak']} | {anonymous} |")
    return [
        *lines,
        "",
        "libpixart: the most resident memory of the whole process since its start, Python and numpy (45 MiB) "
        "included. Peers: the most after loading, which takes more. Peaks count pages of mapped weight files; the "
        "system can drop those again at any time. Anonymous memory is what it cannot drop, seen every 50 ms.",
        "",
    ]


def pictures(results: Results) -> Table:
    lines = [
        "## One process, one picture",
        "",
        "1024 x 1024 through all three stages in one process: T5-XXL streamed, int8 transformer with guidance, "
        f"float32 VAE, each released before the next is opened; {PICTURE_STEPS} steps, from which "
        "the time of 20 is worked out.",
        "",
        "| T5-XXL | encode two, s | open transformer, s | step, s | decode, s | with 20 steps, s | peak | anonymous |",
        "|---|" + "--:|" * 7,
    ]
    for task in tasks():
        row = results.row(task) if task.kind == "picture" else None
        if row:
            stages = row["stages"]
            total = stages["encode"] + stages["open"] + 20 * stages["step"] + stages["decode"]
            cells = [*(f"{stages[name]:.2f}" for name in ("encode", "open", "step", "decode")), f"{total:.0f}"]
            lines.append(f"| {task.precision} | {' | '.join(cells)} | {row['peak']} | {row['anonymous_peak']} |")
    return [*lines, ""]


def opens(results: Results) -> Table:
    lines = [
        "## Opening",
        "",
        "Seconds of the first open in a process, files in the system's cache, and until the first useful work is done: "
        "one token encoded, a run created (which projects its prompts), 8 x 8 latents decoded.",
        "",
        f"| | open, s | with first work, s | under {OPEN_SECONDS:g} s |",
        "|---|--:|--:|---|",
    ]
    for task in openings():
        row = results.row(task)
        if row:
            first = row["opens"][0]
            title = f"{PARTS[task.workload]} {label(task).removeprefix('libpixart ')}"
            met = mark(first["work"] < OPEN_SECONDS)
            lines.append(f"| {title} | {first['open']:.3f} | {first['work']:.3f} | {met} |")
    return [*lines, ""]


def conversions(results: Results) -> Table:
    if not results.conversions:
        return []
    lines = ["## Converting", "", "From float32, files included.", ""]
    lines += ["| | s | peak MiB | of it anonymous |", "|---|--:|--:|--:|"]
    for name, row in results.conversions.items():
        lines.append(f"| {name} | {row['seconds'][0]:.1f} | {row['peak']} | {row['anonymous_peak']} |")
    return [*lines, ""]
