#!/usr/bin/env python3
"""Times every stage in every precision, compares with PyTorch and OpenVINO, and writes docs/performance.md with its
plot.

    bench.py                        everything, two to three hours on two processors
    bench.py --resume               continues an interrupted run, and repeats what failed
    bench.py --only step-512 torch  measures only rows whose name has all these parts (see --list) again
    bench.py --page-only            writes the page again, from existing results

Real sizes, random weights, one process at a time. Checkpoints are made in the work directory (default .build/bench: 22
GB in float32, 28 GB in other precisions, kept for the next run), and so are the results: results.json, and failures.log. Run it
on an idle machine: the ratios matter. Sets up the reference's virtual environment as compare_reference.py does, with
benchmark/requirements-bench.txt.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

from benchmark.memory import status
from benchmark.results import Results
from benchmark.workloads import (
    AVX2,
    GGUF,
    MEASURED_STEPS,
    PICTURE_STEPS,
    WEIGHTS,
    WORKLOADS,
    Task,
    in_turns,
    tasks,
)
from reference.environment import BENCH, ROOT, TOOLS, restart_in_reference

BINDING = ROOT / "bindings" / "python" / "src"
DOCS = ROOT / "docs"
TOKENIZER = ROOT / "Tests" / "PixArtFormatsTests" / "Resources" / "t5-tokenizer" / "spiece.model"
"""The tokenizer of GGUF files, which make_gguf.py writes without one."""

GGUF_FILE = "model.gguf"
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")},
    "PYTHONPATH": os.pathsep.join((str(BINDING), str(TOOLS))),
}
"""The environment of every process, without variables that would slow down a peer's BLAS."""


def checkpoint(name: str, precision: str, results: Results) -> pathlib.Path:
    """The folder "<part>-<size>" of a part in a precision. If missing, it is made: random float32, or that
    converted."""
    work = results.file.parent
    folder = work / (name if precision == "float32" else f"{name}-{precision}")
    if (folder / "complete").exists():
        return folder
    print(f"making {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    part, size = name.split("-")
    if precision in GGUF:
        folder.mkdir()
        subprocess.run([sys.executable, TOOLS / "make_gguf.py", folder / GGUF_FILE, "--type", precision], check=True)
    elif precision == "float32":
        command = [sys.executable, TOOLS / "make_checkpoint.py", folder, "--size", size, "--parts", part]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    else:
        source = checkpoint(name, "float32", results)
        row = process(work, "convert", source, folder, "--precision", precision)
        if "failed" in row:
            raise RuntimeError(f"{folder.name}: {row['failed']}")
        results.conversions[folder.name] = row
    (folder / "complete").touch()
    return folder


def process(work: pathlib.Path, *arguments: object, environment: dict[str, str] | None = None) -> dict:
    """Runs bench_stage.py. Returns what it printed, with the peak anonymous memory, or "failed" and the reason.

    If it failed, its other output is added to <work>/failures.log.
    """
    command = [sys.executable, "-m", "benchmark.bench_stage", *map(str, arguments)]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True}
    with (work / "process.log").open("w+") as log:
        child = subprocess.Popen(command, env={**ENVIRONMENT, **(environment or {})}, stderr=log, **streams)
        anonymous = 0
        while child.poll() is None:  # its line of JSON fits into the pipe
            anonymous = max(anonymous, status("RssAnon", child.pid))
            time.sleep(0.05)
        output = child.communicate()[0]
        if child.returncode == 0:
            return {**json.loads(output.splitlines()[-1]), "anonymous_peak": anonymous}
        log.seek(0)
        errors = log.read()
    with (work / "failures.log").open("a") as failures:
        failures.write(f"{' '.join(command)}\n{errors}\n")
    return {"failed": (errors.strip().splitlines() or [f"status {child.returncode}"])[-1]}


def measure(task: Task, results: Results) -> dict:
    if task.kind == "picture":
        px, (text, transformer) = task.workload.removeprefix("picture-"), WEIGHTS[task.precision]
        parts = [("text_encoder-512", text), (f"transformer-{px}", transformer), ("vae-512", "float32")]
        folders = [checkpoint(*part, results) for part in parts]
        steps = MEASURED_STEPS.get(task.precision, PICTURE_STEPS)
        options = json.dumps({"preset": task.precision})
        return process(results.file.parent, "picture", *folders, "--px", px, "--options", options, "--runs", steps)
    workload = WORKLOADS[task.workload]
    own = task.engine == "libpixart"
    folder = checkpoint(workload.folder, task.precision if own else "float32", results)
    if task.kind in ("open", "gguf"):
        read(folder)
    tokenizer = {"tokenizer": str(TOKENIZER)} if task.precision in GGUF else {}
    options = ["--options", json.dumps({**task.options, **tokenizer})] if own else ["--precision", task.precision]
    size = ["--px", workload.px, "--runs", task.runs]
    kind = "open" if task.kind == "open" else "time"
    model = folder / GGUF_FILE if task.precision in GGUF else folder
    environment = avx2_only(results.file.parent) if task.kind == "avx2" else {}
    arguments = [kind, model, workload.stage, "--engine", task.engine, *options, *size]
    return process(results.file.parent, *arguments, environment=environment)


def read(folder: pathlib.Path) -> None:
    """Reads a folder's files into the system's cache."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb", buffering=0) as stream:
                while stream.read(1 << 24):
                    pass


def compiled(work: pathlib.Path, name: str, *flags: str) -> pathlib.Path:
    """A file of `work`, compiled from a source of the same name."""
    made = work / name
    subprocess.run(["cc", "-O2", *flags, TOOLS / "benchmark" / f"{made.stem}.c", "-o", made], check=True)
    return made


def avx2_only(work: pathlib.Path) -> dict[str, str]:
    """The environment that keeps a process from using more than AVX2."""
    if not hides_instructions():
        return AVX2
    return {**AVX2, "LD_PRELOAD": str(compiled(work, "avx2_only.so", "-shared", "-fPIC"))}


def hides_instructions() -> bool:
    """Whether this machine can hide instruction sets from a process."""
    return "cpuid_fault" in pathlib.Path("/proc/cpuinfo").read_text().split()


def measure_limits(work: pathlib.Path) -> dict[str, float | None]:
    program = compiled(work, "machine_limits", "-pthread")
    return json.loads(subprocess.run([program], check=True, stdout=subprocess.PIPE).stdout)


def machine() -> dict[str, object]:
    sys.path.insert(0, str(BINDING))
    import pixart

    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    packages = ("torch", "diffusers", "transformers", "openvino")
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    described = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, **streams).stdout.strip()
    return {
        "command": "make bench",
        "date": str(datetime.date.today()),
        "started": datetime.datetime.now().isoformat(),
        "processor": names[0] if names else platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "hides_instructions": hides_instructions(),
        "libpixart": f"{pixart.version()} ({described})" if described else pixart.version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def summary(row: dict) -> str:
    if "failed" in row:
        return f"FAILED: {row['failed']}"
    if "seconds" in row:
        shown = f"{min(row['seconds']):.2f} s of {', '.join(f'{value:.2f}' for value in row['seconds'])}"
    else:
        shown = json.dumps(row.get("opens", row.get("stages")))
    return f"{shown}; peak {row['peak']} MiB, anonymous {row['anonymous_peak']}"


def run(chosen: list[Task], results: Results) -> None:
    work = results.file.parent
    results.machine = machine()
    group, round_ = "", 0
    for task, turn in in_turns(chosen):
        if (group, round_) != (task.group, turn):  # the machine's speed changes during a run
            results.add_limits(measure_limits(work), group, task.group)
            group, round_ = task.group, turn
        try:
            row = measure(task, results)
        except RuntimeError as error:
            row = {"failed": str(error)}
        results.add(task, row, turn)
        results.save()
        print(f"{task.key}: {summary(row)}", flush=True)
    results.add_limits(measure_limits(work), group)
    results.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / ".build" / "bench", metavar="DIR")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--page-only", action="store_true")
    parser.add_argument("--list", action="store_true", help="name the rows, and end")
    parser.add_argument("--docs", type=pathlib.Path, default=DOCS, metavar="DIR", help="folder for the page")
    args = parser.parse_args()
    chosen = [task for task in tasks() if set(args.only) <= set(task.key.split("/"))]
    if args.list:
        print(*(task.key for task in chosen), sep="\n")
        return
    restart_in_reference(requirements=BENCH)
    args.work = args.work.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    results = Results(args.work / "results.json", keep=args.resume or args.page_only or bool(args.only))
    if not args.page_only:
        run([task for task in chosen if not (args.resume and results.has(task))], results)
    from benchmark.page import page
    from benchmark.plot import draw

    missing = [task.key for task in tasks() if task.key not in results.rows]
    if missing and not args.page_only:
        sys.exit("no page: nothing measured of\n  " + "\n  ".join(missing))
    (args.docs / "images").mkdir(parents=True, exist_ok=True)
    (args.docs / "performance.md").write_text(page(results))
    draw(results, args.docs / "images" / "performance.png")


if __name__ == "__main__":
    main()
