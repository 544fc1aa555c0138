#!/usr/bin/env python3
"""Searches values of the option `cache` for a checkpoint: the least work for the best of the worst image.

    tools/search_cache.py                                       residuals for models/emoji, 20 steps with guidance
    tools/search_cache.py DIR --form schedule --out front.json  schedules for your checkpoint
    tools/search_cache.py DIR --compute int8 --prompt "a cat" "a harbour at dawn" --seed 0 1 2

NSGA-II (pymoo) minimizes two objectives: the share of the multiplications that a run does, and the PSNR of its worst
image to that of the run without a cache. The result is the front: caches of which none is better in both. Each line of
the progress shows it as WORK:PSNR. --out gets it as JSON; each "cache" in it is a value of the option.

If this interpreter cannot import pymoo, a virtual environment is made and used (.venv/caching, with
tools/caching/requirements-caching.txt). The library is found as the Python binding finds it.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

from reference.environment import CACHING, ROOT, TOOLS, restart_in_reference


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=pathlib.Path, default=ROOT / "models" / "emoji")
    parser.add_argument("--form", choices=["residual", "schedule"], default="residual")
    parser.add_argument("--prompt", nargs="+", metavar="TEXT", help="default: those of the gallery")
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.5)
    parser.add_argument("--compute", default="auto", help="of the denoiser")
    parser.add_argument(
        "--counted-blocks",
        type=int,
        metavar="N",
        help="count the work of residuals as that of a checkpoint of N blocks",
    )
    parser.add_argument("--population", type=int, default=24)
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--search-seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, metavar="JSON", help="write the front there")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    sys.path[:0] = [str(TOOLS), str(ROOT / "bindings" / "python" / "src")]
    restart_in_reference(folder=ROOT / ".venv" / "caching", requirements=CACHING)
    from caching.forms import Form, Residual, Schedule
    from caching.runs import GALLERY, Runs
    from caching.search import search

    prompts = args.prompt or GALLERY
    with Runs(args.model, prompts, args.seed, args.steps, args.guidance, {"compute": args.compute}) as runs:
        form: Form = Schedule(args.steps, runs.blocks)
        if args.form == "residual":
            form = Residual(args.steps, runs.blocks, args.counted_blocks)
        front = search(runs, form, args.population, args.generations, args.search_seed)
    for one in front:
        shown = one["cache"] if args.form == "residual" else "a schedule"
        print(f"work {one['work']:.3f}, {one['psnr']:.1f} dB: {shown}")
    if args.out:
        args.out.write_text(json.dumps(front, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
