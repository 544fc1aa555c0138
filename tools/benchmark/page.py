"""Makes docs/performance.md from results."""

from __future__ import annotations

import math
import pathlib

from .aims import MEMORY, OPEN_SECONDS, RATIOS, mark, openings
from .profile import where_the_time_goes
from .results import Results, timed
from .workloads import (
    MEASURED_STEPS,
    NAMES,
    PICTURE_STEPS,
    PRESETS,
    STREAMED,
    TOKENS,
    WEIGHTS,
    WORKLOADS,
    Task,
    avx2_tasks,
    gguf_tasks,
    tasks,
)

PARTS = {"encode": "T5-XXL", "step-512": "transformer, 512", "step-1024": "transformer, 1024", "decode-512": "VAE"}
Table = list[str]

ELSEWHERE = pathlib.Path(__file__).parent / "elsewhere.md"
"""Sections of other machines and programs, which stay as they are."""


def page(results: Results) -> str:
    """The page in Markdown."""
    sections = [
        title(results),
        images(results),
        head(results),
        times(results),
        fractions(results),
        ratios(results),
        avx2(results),
        memory(results),
        opens(results),
        gguf(results),
        conversions(results),
        where_the_time_goes(results),
        [ELSEWHERE.read_text()],
    ]
    return "\n".join(line for section in sections for line in section)


def title(results: Results) -> Table:
    machine = results.machine
    return [
        "# Performance",
        "",
        f"{machine['processor']}, {machine['processors']} processors, {machine['memory']} GiB; {machine['date']}. "
        f"libpixart {machine['libpixart']}, PyTorch {machine['torch']}, diffusers {machine['diffusers']}, transformers "
        f"{machine['transformers']}, OpenVINO {machine['openvino']}.",
        "",
    ]


def head(results: Results) -> Table:
    machine, limits = results.machine, results.limits
    shown = ", ".join(
        f"{name.replace('_avx2', ' with AVX2')} {limits[name]:.0f} G/s"
        for name in ("float32", "float32_avx2", "bfloat16", "int8")
        if limits.get(name) is not None
    )
    return [
        "## How it was measured",
        "",
        f"Written by `{machine['command']}`: {sitting(results)}. Every row is a separate process, and a row of a step at "
        "512 pixels two, in turns with the others. Processes run one after the other, on all processors. A row shows its "
        f"fastest run. Sizes are the published ones, weights are random, prompts have {TOKENS} tokens, and a step "
        "includes classifier-free guidance with a negative prompt of one token.",
        "",
        f"Limits of this machine, the greatest of the run (`tools/benchmark/machine_limits.c`): {shown}; reading memory "
        f"{limits['read']:.0f} GB/s.{chosen(results)}",
        "",
        f"A host can change its speed within minutes. {next_to(results)}",
        "",
        "![Seconds and fraction of the limit](images/performance.png)",
        "",
    ]


def sitting(results: Results) -> str:
    """Says if all rows are of one run."""
    if not all(results.has(task) for task in tasks()):
        return "several runs of some rows each (`--only`), without those that are marked"
    return "one run" if results.of_one_run() else "several runs of some rows each (`--only`)"


def next_to(results: Results) -> str:
    """Says which fractions are of limits that were measured next to their rows."""
    own = [workload.title for name, workload in WORKLOADS.items() if f"time/{name}" in results.limits_by_group]
    if len(own) == len(WORKLOADS):
        return "Fractions below are of the limits before and after the rows of a column."
    titles = " and ".join(f'"{title}"' for title in own) or "no column"
    return (
        f"Fractions of {titles} are of the limits before and after its rows. Others are of the greatest, which makes them "
        "too low if the host was slower then."
    )


def chosen(results: Results) -> str:
    """Says which of libpixart's sets of kernels ran, if the rows have it."""
    rows = (results.row(task) for name in WORKLOADS for task in timed(name) if task.engine == "libpixart")
    sets = sorted({row["instructions"] for row in rows if row and "instructions" in row})
    return f" libpixart chose its kernels {', '.join(f'`{name}`' for name in sets)}." if sets else ""


def label(task: Task) -> str:
    streamed = ", streamed" if task.options.get("residency") == "streamed" else ""
    return f"{NAMES[task.engine]} {task.precision}{streamed}"


def labels() -> list[str]:
    """Labels of all timed rows, libpixart's first."""
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
        "PyTorch and OpenVINO pad prompts to 120 tokens and compute all of them. libpixart computes only the real ones, "
        "with the same result. PyTorch int8 is its dynamic quantization of all linear layers. OpenVINO int8 has int8 "
        "weights, quantizes activations in groups of 32 (its default), and computes the rest in bfloat16. libpixart int4 "
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
        "The seconds that the work takes at the machine's limit, divided by the seconds measured. The work is what the "
        "result needs: no padding, and every GEMM in the row's precision. Attention stays in bfloat16 or float32, but is "
        "compared with the row's limit too. r: the limit is that of reading the weights, which takes longer than the "
        "arithmetic. Convolutions are counted by the direct algorithm. Winograd's algorithm needs a quarter of the "
        "multiplications, so a decoder can be above 100%.",
        "",
    ]


def ratios(results: Results) -> Table:
    lines = [
        "## Compared with the fastest peer",
        "",
        "| | compared with | times as fast | target | met |",
        "|---|---|--:|--:|---|",
    ]
    return [*lines, *(ratio.line(results) for ratio in RATIOS), ""]


def memory(results: Results) -> Table:
    lines = ["## Memory", "", "| | peak MiB of the process | target | met |", "|---|--:|--:|---|"]
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
        "libpixart: the peak resident memory of the whole process since its start, including Python and numpy (45 MiB). "
        "Peers: the peak after loading; loading takes more. Peaks include pages of memory-mapped weight files, which the "
        "system can drop at any time. Anonymous memory is what it cannot drop, sampled every 50 ms.",
        "",
        "With `low_memory`, a decoding at 1024 pixels has a peak of 692 MiB instead of 1,125, and the same image to the bit. "
        "It takes 1.33 times as long: 38.2 s and 28.7 s in the same three minutes on two processors with AVX2 and without "
        "AVX-512.",
        "",
        "With a streamed denoiser and `low_memory`, all stages of a 1024-pixel image in one process have a peak of 698 MiB, "
        "which is that of the decoder (`bench_stage.py picture TEXT_ENCODER TRANSFORMER VAE --px 1024 --low-memory`, both "
        "networks in int8). In processes of their own, the text encoder takes 238 MiB, the denoiser 301 instead of 849, and "
        "the decoder 692. A streamed step maps its pages again from the system's file cache, which took 0.05 to 0.1 s of "
        "processor time at 512 and 1024 pixels.",
        "",
    ]


def images(results: Results) -> Table:
    sizes = (512, 1024)
    lines = [
        f"An image from a prompt, with guidance and {PICTURE_STEPS} steps, by preset ([presets.md](presets.md)): seconds of "
        "encoding, denoising and decoding in one process, opening included, and its peak memory.",
        "",
        f"| | {' | '.join(f'{px} x {px}, s | of it steps | peak MiB' for px in sizes)} |",
        "|---|" + "--:|" * 3 * len(sizes),
    ]
    for preset in PRESETS:
        cells: list[str] = []
        for px in sizes:
            row = results.row(Task(f"picture-{px}", "libpixart", preset, "picture"))
            steps = row["stages"]["steps"] * PICTURE_STEPS / MEASURED_STEPS.get(preset, PICTURE_STEPS) if row else 0
            rest = sum(seconds for name, seconds in row["stages"].items() if name != "steps") if row else 0
            cells += [f"{rest + steps:.1f}", f"{steps:.1f}", f"{row['peak']}"] if row else [""] * 3
        lines.append(f"| libpixart, {preset} | {' | '.join(cells)} |")
    for engine in ("openvino", "torch"):
        cells = []
        for px in sizes:
            encode, step, decode = (fastest(results, engine, name) for name in ("encode", f"step-{px}", f"decode-{px}"))
            steps = PICTURE_STEPS * step
            cells += [f"{encode + steps + decode:.1f}", f"{steps:.1f}", ""]
        lines.append(f"| {NAMES[engine]}, fastest precision of each stage | {' | '.join(cells)} |")
    return [
        *lines,
        "",
        "The sum of a peer's stages is calculated from the rows below: one prompt of the fastest precision, "
        f"{PICTURE_STEPS} steps and one decoding, without loading. In `exact`, {MEASURED_STEPS['exact']} steps are "
        "measured, and the time of all is calculated from them. T5-XXL is streamed. It is stored in "
        f"{', '.join(f'{text} for {preset}' for preset, (text, _) in WEIGHTS.items())}.",
        "",
    ]


def fastest(results: Results, engine: str, workload: str) -> float:
    """Seconds of the engine's fastest precision."""
    seconds = [results.seconds(task) for task in timed(workload) if task.engine == engine]
    return min((value for value in seconds if value is not None), default=math.nan)


def avx2(results: Results) -> Table:
    lines = [
        "## With AVX2 only",
        "",
        restriction(results),
        "",
        "| | | s | uses |",
        "|---|---|--:|---|",
    ]
    for task in avx2_tasks():
        seconds, row = results.seconds(task), results.rows.get(task.key, {})
        shown = f"{seconds:.2f}" if seconds else "failed" if "failed" in row else ""
        used = row.get("instructions", "AVX2") if seconds else row.get("failed", "not measured")
        lines.append(f"| {WORKLOADS[task.workload].title} | {label(task)} | {shown} | {used} |")
    return [*lines, ""]


def restriction(results: Results) -> str:
    """How processes are kept from using more than AVX2."""
    if results.machine.get("hides_instructions"):
        return (
            "CPUID hides from these processes what the processor has beyond AVX2 (`tools/benchmark/avx2_only.c`), so that "
            "every engine computes as on a processor without it. The last column has the instruction sets that the engines "
            "then name, if they do."
        )
    return (
        'libpixart opens with `"instructions": "avx2"`. The peers are restricted by environment variables (`AVX2` in '
        "`tools/benchmark/workloads.py`). The last column has what they then say: the instruction set of PyTorch, and those "
        "of OpenVINO's kernels that use more than AVX2, or that choose by themselves (MLAS)."
    )


def opens(results: Results) -> Table:
    lines = [
        "## Opening",
        "",
        "Seconds of the first open in a process, with the files in the system's cache, and seconds until the first useful "
        "work is done: one token encoded, a run created (which projects its prompts), 8 x 8 latents decoded.",
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


def gguf(results: Results) -> Table:
    lines = [
        "## GGUF text encoders",
        "",
        f"T5-XXL at its real size: GGUF files beside the library's own int8 and int4, a prompt of {TOKENS} tokens, with the "
        'files in the system\'s cache (`tools/bench.py --only gguf`). "float32" is the default for GGUF. Blocks stay in '
        "the mapped file; in int8 they are rounded whenever they are multiplied. The ratio is to int4 of the same "
        "residency.",
        "",
        "| | compute | | open, s | prompt, s | ratio | peak MiB | of it anonymous |",
        "|---|---|---|--:|--:|--:|--:|--:|",
    ]
    int4 = {}
    for task in gguf_tasks():
        row, streamed = results.row(task), task.options.get("residency") == STREAMED["residency"]
        if row:
            seconds = min(row["seconds"])
            int4.setdefault(streamed, seconds)
            times = f"{row['opening']:.3f} | {seconds:.2f} | {seconds / int4[streamed]:.2f}"
            mode = "streamed" if streamed else "resident"
            memory = f"{row['peak']} | {row['anonymous_peak']}"
            lines.append(f"| {task.precision} | {task.options['compute']} | {mode} | {times} | {memory} |")
    return [*lines, ""]


def conversions(results: Results) -> Table:
    if not results.conversions:
        return []
    lines = ["## Converting", "", "From float32, including writing the files.", ""]
    lines += ["| | s | peak MiB | of it anonymous |", "|---|--:|--:|--:|"]
    for name, row in results.conversions.items():
        lines.append(f"| {name} | {row['seconds'][0]:.1f} | {row['peak']} | {row['anonymous_peak']} |")
    return [*lines, ""]
