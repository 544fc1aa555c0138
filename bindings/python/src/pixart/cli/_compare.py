"""`pixart compare`: the same prompts and seeds in several precisions or presets, side by side."""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core.bar import Bar
from ._flags import Flags
from ._measured import measure
from ._model_flags import ModelFlags
from ._units import megabytes

Pixels = npt.NDArray[np.uint8]

SETTINGS: dict[str, dict[str, Any]] = {
    **{name: {"weights": name} for name in ("float32", "bfloat16", "int8", "int4")},
    **{name: {"preset": name} for name in ("exact", "balanced", "fast")},
}
DIFFERENCE = 8
"""What differences are multiplied by in the picture."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "pixart compare [OPTION ...] PROMPT ..."
    parser.description = (
        "Makes each prompt in each setting, with the same seed, one process for each setting. Writes one picture, with "
        f"the differences to the first setting times {DIFFERENCE}, and prints one table. It needs Pillow."
    )
    parser.add_argument("prompt", nargs="+")
    names = "|".join(SETTINGS)
    parser.add_argument("--in", dest="settings", default="float32,int8", metavar=f"{names},...", help="two or more")
    parser.add_argument("-o", "--output", default="compare.png", metavar="FILE")
    parser.add_argument("-n", "--negative-prompt", default="", metavar="TEXT")
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    parser.add_argument("-q", "--quiet", action="store_true", help="no bar")
    run_flags = Flags(parser, "denoise", "options of the run", without=frozenset({"preset", "num_images_per_prompt"}))
    parser.set_defaults(flags=(ModelFlags(parser, weights=False), run_flags), parser=parser)


def run(arguments: argparse.Namespace) -> int:
    from ._sheet import sheet  # needs Pillow

    names = arguments.settings.split(",")
    unknown = [name for name in names if name not in SETTINGS]
    if unknown or len(names) < 2:
        found = f"--in: {unknown[0]!r}" if unknown else f"--in: only {names[0]!r}"
        arguments.parser.error(f"{found}; expected two or more of {', '.join(SETTINGS)}")
    model_flags, run_flags = arguments.flags
    request = {"prompt": arguments.prompt, "negative_prompt": arguments.negative_prompt, **run_flags.given(arguments)}
    seed = request.get("seed", 0)
    request["seed"] = seed if isinstance(seed, list) else [seed] * len(arguments.prompt)
    shared = {"model": arguments.model, **model_flags.options(arguments)}
    images: dict[str, Pixels] = {}
    rows: list[dict[str, Any]] = []
    with Bar(False if arguments.quiet else None) as bar:
        for place, name in enumerate(names):
            bar.start(name)
            bar(place, len(names), place / len(names))
            images[name], seconds, peak = measure({**shared, **SETTINGS[name]}, request)
            rows.append(
                {"setting": name, "seconds": seconds, "peak": peak, **_compared(images[name], images[names[0]])}
            )
    sheet(images, arguments.prompt, DIFFERENCE).save(arguments.output)
    print(json.dumps(rows, indent=2) if arguments.json else _table(rows, arguments.prompt))
    if not arguments.json:
        print(f"\nwrote {arguments.output}")
    return 0


def _compared(images: Pixels, first: Pixels) -> dict[str, Any]:
    """How far images are from those of the first setting: the PSNR of each in dB, None if equal, and the largest
    difference."""
    difference = images.astype(np.float64) - first
    squares = [float(np.mean(each**2)) for each in difference]
    psnr = [None if square == 0 else 10 * np.log10(255**2 / square) for square in squares]
    return {"psnr": psnr, "largest_difference": int(np.abs(difference).max())}


def _table(rows: list[dict[str, Any]], prompts: list[str]) -> str:
    shown = [prompt if len(prompt) <= 24 else prompt[:23] + "…" for prompt in prompts]
    head = ["setting", "seconds", "peak memory", *(f"PSNR, {prompt}" for prompt in shown), "largest difference"]
    lines = [head]
    for row in rows:
        psnr = ["equal" if value is None else f"{value:.1f} dB" for value in row["psnr"]]
        line = [row["setting"], f"{row['seconds']:.2f}", megabytes(row["peak"]), *psnr, str(row["largest_difference"])]
        lines.append(line)
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(widths[0]) if column == 0 else cell.rjust(widths[column]) for column, cell in enumerate(line)
        )
        for line in lines
    )
