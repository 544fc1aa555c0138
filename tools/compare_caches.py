#!/usr/bin/env python3
"""Compares the images of cached runs, and of runs with fewer steps, with those of the whole run.

    tools/compare_caches.py                                   the presets, on models/emoji and the prompts of the gallery
    tools/compare_caches.py DIR --compute int8 --prompt "a cat" "a harbour at dawn"
    tools/compare_caches.py --cache half '{"interval": 3}' front.json --steps 30 --shorter 12 15

Prints a table in Markdown: the PSNR of each prompt in dB, the least of its seeds. A value of --cache is one of the option,
or a file that tools/search_cache.py wrote, of which each line is a column. The run without a cache has the same precision.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from typing import Any

from reference.environment import ROOT, TOOLS


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=pathlib.Path, default=ROOT / "models" / "emoji")
    parser.add_argument("--cache", nargs="+", default=["half", "third"], metavar="VALUE")
    parser.add_argument("--shorter", type=int, nargs="*", default=[11, 7], metavar="STEPS")
    parser.add_argument("--prompt", nargs="+", metavar="TEXT", help="default: those of the gallery")
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.5)
    parser.add_argument("--scheduler", help="a class of diffusers")
    parser.add_argument("--compute", default="auto", help="of the denoiser")
    return parser.parse_args()


def caches(value: str) -> dict[str, Any]:
    """Values of the option, by the titles of their columns."""
    if value.endswith(".json"):
        front = json.loads(pathlib.Path(value).read_text())
        return {f"work {one['work']:.2f}": one["cache"] for one in front}
    return {value: json.loads(value) if value.startswith("{") else value}


def main() -> None:
    args = parse_arguments()
    sys.path[:0] = [str(TOOLS), str(ROOT / "bindings" / "python" / "src")]
    from caching.runs import GALLERY, UNSURE, Runs

    prompts = args.prompt or (*GALLERY, UNSURE)
    scheduler = {"scheduler": args.scheduler} if args.scheduler else {}
    columns: dict[str, Any] = {}
    with Runs(
        args.model, prompts, args.seed, args.steps, args.guidance, {"compute": args.compute}, **scheduler
    ) as runs:
        for value in args.cache:
            for title, cache in caches(value).items():
                columns[title] = runs.distances(cache)
        for steps in args.shorter:
            columns[f"{steps} steps"] = runs.distances(None, steps)
    print(f"| | {' | '.join(columns)} |\n|---|{'--:|' * len(columns)}")
    for index, prompt in enumerate(prompts):
        least = [distances.reshape(len(prompts), -1)[index].min() for distances in columns.values()]
        print(f"| {prompt} | {' | '.join(f'{value:.1f}' for value in least)} |")


if __name__ == "__main__":
    main()
