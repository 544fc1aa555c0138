#!/usr/bin/env python3
"""Times every stage at its real size beside PyTorch, one process at a time, and writes docs/performance.md.

    bench.py [--work DIR] [--repeats N] [--only encode step-512 ...]

Checkpoints with random weights are made in DIR (default .build/bench; 22 GB, kept for the next run). Run it on a quiet
machine; the ratios are what counts. Sets up the reference's virtual environment as compare_reference.py does.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys

from reference.environment import ROOT, TOOLS, restart_in_reference

WORKLOADS = {  # name: stage, pixels, size and parts of the checkpoint
    "encode": ("encode", 0, "512", "text_encoder"),
    "step-512": ("step", 512, "512", "transformer"),
    "step-1024": ("step", 1024, "1024", "transformer"),
    "decode-512": ("decode", 512, "512", "vae"),
}
TITLES = {"encode": "T5-XXL, one prompt of 20 tokens", "step-512": "step with guidance, 512 x 512",
          "step-1024": "step with guidance, 1024 x 1024", "decode-512": "VAE decode, 512 x 512"}


def checkpoint(work, size, part):
    """The folder of one part with random float32 weights, made if it is not there."""
    folder = work / f"{part}-{size}"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, TOOLS / "make_checkpoint.py", folder, "--size", size, "--parts", part],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (folder / "complete").touch()
    return folder


def measure(name, engine, work, repeats):
    stage, px, size, part = WORKLOADS[name]
    folder = checkpoint(work, size, part)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "bindings" / "python" / "src")}
    command = [sys.executable, TOOLS / "bench_stage.py", folder, stage, "--engine", engine, "--px", str(px),
               "--repeats", str(repeats)]
    output = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def page(rows):
    import torch
    lines = [
        "# Performance", "",
        "Written by `make bench`: every workload in a process of its own, one after the other in one run; the least of "
        "the repeats. Real sizes, random weights, float32. The reference pads prompts to 120 tokens and computes all of "
        "them; this library computes the 20 real ones, to the same result.", "",
        f"{processor()}, {os.cpu_count()} processors, {datetime.date.today()}; PyTorch {torch.__version__}.", "",
        "| workload | libpixart, s | PyTorch, s | ratio | libpixart, peak MiB | of it not file-backed | PyTorch, peak MiB |",
        "|---|---|---|---|---|---|---|"]
    for name, ours, theirs in rows:
        lines.append(
            f"| {TITLES[name]} | {ours['seconds_min']:.2f} | {theirs['seconds_min']:.2f} | "
            f"{theirs['seconds_min'] / ours['seconds_min']:.2f} | {ours['peak_mib']} | {ours['anonymous_mib']} | "
            f"{theirs['peak_mib']} |")
    lines += ["", "Peak memory counts the pages of mapped weights that were touched; the system can drop those again at "
              "any time. What is not file-backed is the library's own: activations and scratch.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / ".build" / "bench")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    args = parser.parse_args()
    restart_in_reference()
    rows = []
    for name in args.only:
        ours, theirs = (measure(name, engine, args.work, args.repeats) for engine in ("pixart", "torch"))
        rows.append((name, ours, theirs))
        print(f"{TITLES[name]}: libpixart {ours['seconds_min']:.2f} s, {ours['peak_mib']} MiB; "
              f"PyTorch {theirs['seconds_min']:.2f} s, {theirs['peak_mib']} MiB", flush=True)
    if len(rows) == len(WORKLOADS):
        (ROOT / "docs" / "performance.md").write_text(page(rows))


if __name__ == "__main__":
    main()
