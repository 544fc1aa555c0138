#!/usr/bin/env python3
"""Compares every scheduler and each of its options with diffusers' PixArtAlphaPipeline, and writes docs/schedulers.md.

    tools/compare_scheduler_table.py                       all of them, runs of 1, 2, 4, 20 and 50 steps
    tools/compare_scheduler_table.py --only DDIM Euler     those whose name contains one of these
    tools/compare_scheduler_table.py --markdown FILE       write the table there

A small random checkpoint runs with each scheduler in the library and in the pipeline, from one seed, with noise drawn
during the run. The table shows the worst relative L2 error of any step's latents. An error above 1e-4 is a violation,
unless it comes from last bits of the reference; then it is measured and a note says so. Violations are bold, and make
the exit status 1.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile
import textwrap

from reference.environment import ROOT, TOOLS, VENV, restart_in_reference
from reference.schedulers import ABSENT, NUDGED, NUDGES, STEPS, cases

HEAD = """# Schedulers

The option `scheduler` of `pixart_denoise` sets the scheduler of a run: the name of a diffusers class, with or without
"Scheduler", or an object with fields of its configuration. Fields that are left out come from the checkpoint's file, or
else are the defaults of the class, as with `from_config`. [options.md](options.md) lists all fields.

    {"scheduler": "DDIM", "eta": 0.5}
    {"scheduler": {"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": true}}
    {"scheduler": {"name": "DDPM", "clip_sample": false}, "timesteps": [400]}

A run of one step ends at the predicted original, as in diffusers, where several schedulers fail then. The option
`result` selects the predicted original or the scheduler's last latents for any run.

## How close to diffusers

The table shows the worst relative error (Euclidean norm) of the latents after any step. The reference is diffusers'
pipeline on the CPU in float32, with a small random checkpoint and one seed, in runs of 1, 2, 4, 20 and 50 steps.
`make compare-schedulers` makes this table. It fails if an error is above 1e-4 and no note explains it. Stochastic
schedulers draw the same noise as the reference, so the same bound applies. "timesteps own" and "sigmas own" are uneven
lists that the run passes.

A note applies to the steps in brackets:

"""

TAIL = """
The tests compare runs that begin later (`set_begin_index` and `add_noise`), as image-to-image does, with diffusers'
schedulers: every scheduler and every option above, at strength 0.6, in 4 and 20 steps. The bound of these and of all
runs of the table is 2e-5 there, against PyTorch with correctly rounded functions and a model of a few lines.

## What is not supported

- Flow matching (`use_flow_sigmas`, `flow_prediction`): no PixArt model is trained with it.
- `variance_type` "learned" and "fixed_large_log" of DDPM: diffusers takes square roots of negative numbers there.
- SASolver with another tau than PixArt's: tau is not a field of a configuration.

UniPC's last step, to zero noise, is of first order also with "bh1". diffusers multiplies infinity by 0 there.

DPMSolverSDE takes its noise from a Brownian tree of another library (torchsde), which is reimplemented here. Without
`noise_sampler_seed`, diffusers seeds the tree from torch's global generator. Here the run's generator draws that seed
after the latents, one for each image if images have their own seeds. In the table, the reference does the same.
"""


NOTES = ABSENT | {
    "roots": "PyTorch gets the last bit of some square roots, exponentials and logarithms wrong (of one root in five on "
    "the machine that made this table). A small difference of large numbers follows from them, or a place in a Brownian "
    "tree. If these functions are rounded correctly, the same run of diffusers is as close as the note says, and the "
    "bound is 1e-4.",
    "own": "The reference's own result moves that far if its inputs move by their last bits: each number that its noise "
    f"levels follow from, and the initial latents. That is the largest move of {NUDGES} such runs. More digits cannot "
    f"agree, and the bound of the row is {NUDGED} times that.",
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="schedulers whose name contains one of these")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the page there")
    parser.add_argument("--python", type=pathlib.Path, metavar="FILE", help="interpreter that has the reference")
    parser.add_argument("--venv", type=pathlib.Path, default=VENV, metavar="DIR")
    return parser.parse_args()


def compare(args: argparse.Namespace, work: pathlib.Path) -> tuple[str, int]:
    """The rows of the table in Markdown, and the number of violations."""
    import torch

    import pixart
    from reference.diffusers_side import quiet
    from reference.random_checkpoint import write_checkpoint
    from reference.scheduler_table import Pipeline, cell

    quiet()
    # The model is too small for more.
    torch.set_num_threads(1)
    write_checkpoint(work, scheduler={"_class_name": "DPMSolverMultistepScheduler"})
    reference = Pipeline(work)
    table, violations, previous = "", 0, ""
    with pixart.Denoiser(work, threads=1) as denoiser:
        for case in cases():
            if args.only and not any(part in case.name for part in args.only):
                continue
            if case.name != previous:
                table += f"\n### {case.name}\n\n| options | " + " | ".join(map(str, STEPS)) + " | notes |\n"
                table += "|---" * (len(STEPS) + 2) + "|\n"
                previous = case.name
            cells = [cell(denoiser, reference, case, steps) for steps in case.steps()]
            violations += sum(not one.good for one in cells)
            shown = [one.text for one in cells] + [""] * (len(STEPS) - len(cells))
            noted = ", ".join(one.note for one in cells if one.note)
            print(f"{case.name}: {case}: {'  '.join(shown)}  {noted}", flush=True)
            table += f"| {case} | " + " | ".join(shown) + f" | {noted} |\n"
    return table, violations


def main() -> None:
    args = parse_arguments()
    sys.path[:0] = [str(TOOLS), str(ROOT / "bindings" / "python" / "src")]
    restart_in_reference(args.python, args.venv)
    with tempfile.TemporaryDirectory(prefix="pixart-schedulers-") as work:
        table, violations = compare(args, pathlib.Path(work) / "model")
    if args.markdown:
        notes = "".join(
            textwrap.fill(f"- {key}: {text}", 120, subsequent_indent="  ") + "\n" for key, text in NOTES.items()
        )
        args.markdown.write_text(HEAD + notes + table + TAIL)
    print(f"{violations} violations")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
