#!/usr/bin/env python3
"""Compares every scheduler and each of its options with diffusers' PixArtAlphaPipeline, and writes docs/schedulers.md.

    tools/compare_schedulers.py                       all of them, runs of 1, 2, 4, 20 and 50 steps
    tools/compare_schedulers.py --only DDIM Euler     those whose name contains one of these
    tools/compare_schedulers.py --markdown FILE       write the table there

A small random checkpoint runs with each scheduler through the library and through the pipeline, from one seed, with
noise that is drawn on the way. What is shown is the worst relative L2 error of any step's latents. Above 1e-4 is a
violation: bold, and exit status 1.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
import sys
import tempfile
from typing import Any

from reference.environment import ROOT, TOOLS, VENV, restart_in_reference
from reference.schedulers import STEPS, Case, bound, cases, runnable

SEED = 7

HEAD = """# Schedulers

`pixart_denoise` takes the scheduler of a run as an option: the name of diffusers' class, with or without "Scheduler", or an
object with fields of its configuration. Fields that are left out are those of the checkpoint's file, else the defaults of the
class, as `from_config` has it; all fields are in [options.md](options.md).

    {"scheduler": "DDIM", "eta": 0.5}
    {"scheduler": {"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": true}}
    {"scheduler": {"name": "DDPM", "clip_sample": false}, "timesteps": [400]}

A run of one step ends at the picture that it predicts, as in diffusers, where several schedulers fail then; the option `result`
asks for that or for the scheduler's own last latents in any run.

## How close to diffusers

The worst relative error (Euclidean norm) of the latents after any step, against diffusers' pipeline on the CPU in float32, with a
small random checkpoint and one seed. `make compare-schedulers` makes this table, and fails above 1e-4. Stochastic
schedulers draw the same noise, so that they are held to the same bound.

"""

TAIL = """
"-": diffusers fails, or computes what is not a number, and this library goes on. PNDM needs 4 steps there unless
`skip_prk_steps` is set; here it takes the steps of Runge and Kutta's method that there are. Ancestral steps between the very
high noise levels of "squaredcos_cap_v2" take roots of what rounding made negative; here they are taken by another formula. UniPC's "bh1"
multiplies infinity by 0 in a last step to no noise; here that is a step of first order, as it is with "bh2".

## Rows with another bound

PyTorch takes square roots and exponentials of tensors from MKL, whose last bit depends on the processor; here they are rounded
correctly. Where diffusers takes the small difference of two numbers that carry such a bit, its own result is no surer than
that, and rows are held to more than 1e-4:

- `rescale_betas_zero_snr` (5e-4): the noise of the first training timestep is what is left of 1 after a root of 0.9999, and
  has three digits in float32. Runs that visit timestep 0 see it.
- UniPC with `predict_x0` false (5e-4): a step across the whole range of noise multiplies latents by 158, and takes away
  nearly as much.
- KDPM2Ancestral in runs of 2 and 4 steps (5e-3), and with "squaredcos_cap_v2" (2e-2): the level that a step goes down to is the
  root of the difference of two nearly equal squares. It has few digits there, and the timestep that follows from it moves with
  them.
- Heun with the prediction "sample" in 2 steps (1e-3): from noise 157 to 0.01, the second look's picture is divided by 0.01 and
  multiplied by 79, and so are the last bits of the transformer.

## What is not there

DPMSolverSDE: its noise is that of a Brownian tree of another library (torchsde), which has a generator of its own.
Flow matching (`use_flow_sigmas`, `flow_prediction`): no PixArt is trained so. `variance_type` "learned" and "fixed_large_log" of
DDPM, where diffusers takes square roots of negative numbers. SASolver with another tau than PixArt's, which is no field of a
configuration. "learned_range" of DDPM is held against `step` of the full output by the tests, since the pipeline drops
the half that it needs.
"""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="schedulers whose name contains one of these")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the page there")
    parser.add_argument("--python", type=pathlib.Path, metavar="FILE", help="interpreter that has the reference")
    parser.add_argument("--venv", type=pathlib.Path, default=VENV, metavar="DIR")
    return parser.parse_args()


def reference_states(reference: Any, case: Case, steps: int, prompt: Any) -> list[Any]:
    """Latents after each step of the pipeline; a run of one step is taken as any other."""
    import diffusers
    import torch

    # The name of the checkpoint's algorithm, which SA-Solver refuses instead of taking its own.
    own = {"algorithm_type": "data_prediction"} if case.name == "SASolverScheduler" else {}
    scheduler = getattr(diffusers, case.name).from_config(reference.settings, **own | case.fields)
    states: list[Any] = []
    original = scheduler.step

    @functools.wraps(original)
    def step(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        after = original(*arguments, **options)[0]
        states.append(after.numpy().copy())
        return after, after

    scheduler.step = step
    pipeline = reference.pipeline
    pipeline.scheduler = scheduler
    embeds = torch.from_numpy(prompt)[None]
    pipeline(
        prompt_embeds=embeds, prompt_attention_mask=torch.ones(embeds.shape[:2]), negative_prompt=None, guidance_scale=1.0,
        num_inference_steps=steps, num_images_per_prompt=2, generator=torch.Generator().manual_seed(SEED),
        output_type="latent", use_resolution_binning=False, **case.run,
    )
    return states


def library_states(denoiser: Any, case: Case, steps: int, prompt: Any) -> list[Any]:
    options = {"scheduler": {"_class_name": case.name, **case.fields}, "result": "sample", **case.run}
    with denoiser.sampler(
        prompt, guidance_scale=1.0, num_inference_steps=steps, num_images_per_prompt=2, seed=SEED, **options
    ) as sampler:
        return list(sampler)


def cell(denoiser: Any, reference: Any, case: Case, steps: int, prompt: Any) -> tuple[str, bool]:
    """The worst error of a run, and whether that is within the bound."""
    import numpy as np
    from reference.measures import relative_error

    ours = library_states(denoiser, case, steps, prompt)
    theirs = [] if runnable(case, steps) else reference_states(reference, case, steps, prompt)
    if not all(np.isfinite(state).all() for state in ours):
        return "**not a number**", False
    if not theirs or not all(np.isfinite(state).all() for state in theirs):
        return "-", True
    if len(ours) != len(theirs):
        return f"**{len(ours)} steps, not {len(theirs)}**", False
    worst = max(map(relative_error, ours, theirs))
    return (f"{worst:.1e}", True) if worst <= bound(case, steps) else (f"**{worst:.1e}**", False)


def compare(args: argparse.Namespace, work: pathlib.Path) -> tuple[str, int]:
    """The rows of the table in Markdown, and the number of violations."""
    import numpy as np
    import pixart
    from make_checkpoint import write_checkpoint
    from reference.diffusers_side import Reference, quiet

    quiet()
    write_checkpoint(work, scheduler={"_class_name": "DPMSolverMultistepScheduler"})
    reference = Reference(work)
    reference.settings = dict(reference.pipeline.scheduler.config)
    width = reference.pipeline.transformer.config.caption_channels
    prompt = np.random.default_rng(0).standard_normal((5, width)).astype(np.float32)
    table, violations = "", 0
    with pixart.Denoiser(work) as denoiser:
        previous = ""
        for case in cases():
            if args.only and not any(part in case.name for part in args.only):
                continue
            if case.fields.get("variance_type") == "learned_range":
                continue
            if case.name != previous:
                table += f"\n### {case.name}\n\n| options | " + " | ".join(map(str, STEPS)) + " |\n"
                table += "|---" * (len(STEPS) + 1) + "|\n"
                previous = case.name
            counts = case.steps()
            cells = [cell(denoiser, reference, case, steps, prompt) for steps in counts]
            violations += sum(not good for _, good in cells)
            shown = [text for text, _ in cells]
            if len(counts) == 1:
                shown = [f"{shown[0]} ({counts[0]} steps)"] + [""] * (len(STEPS) - 1)
            print(f"{case.name}: {case}: {'  '.join(shown)}", flush=True)
            table += f"| {case} | " + " | ".join(shown) + " |\n"
    return table, violations


def main() -> None:
    args = parse_arguments()
    sys.path[:0] = [str(TOOLS), str(ROOT / "bindings" / "python" / "src")]
    restart_in_reference(args.python, args.venv)
    with tempfile.TemporaryDirectory(prefix="pixart-schedulers-") as work:
        table, violations = compare(args, pathlib.Path(work) / "model")
    if args.markdown:
        args.markdown.write_text(HEAD + table.lstrip("\n") + TAIL)
    print(f"{violations} violations")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
