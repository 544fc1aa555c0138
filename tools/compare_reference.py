#!/usr/bin/env python3
"""Compares libpixart with diffusers' pipelines for PixArt on the CPU in float32.

    tools/compare_reference.py                              small random checkpoints of many shapes, whole runs
    tools/compare_reference.py --models tiny sample         those whose name contains a word
    tools/compare_reference.py --checkpoint models/emoji    complete runs over your checkpoint
    tools/compare_reference.py --real 256 512 1024 vae taesd t5   each network at its real size, one forward pass

The reference is PixArtAlphaPipeline, PixArtSigmaPipeline and PixArtSigmaPAGPipeline. Image-to-image, and guidance in
part of the steps, are compared with loops over diffusers' parts (tools/reference/loops.py).

Each entry of the report is one run. Token ids and the noise of seeds must be equal. These must be within 1e-5 (relative
L2): embeddings, one prediction of the transformer, the latents before an image-to-image run ("start") and after every
step, pixels decoded from the reference's latents ("decoder") and from ours ("pixels"), and latents of encoded images
("encoder"). The PNG may differ by one level in at most 0.1% of the values. Real sizes must be within 2e-5. Violations
are bold, and make the exit status 1.

PyTorch's exponentials are MKL's, whose last bits depend on the processor. So small runs set MKL_CBWR=COMPATIBLE, which
gives the same bits on all of them, if it is not set.

If this interpreter cannot import torch and diffusers, a virtual environment is made and used (.venv/reference, with
tools/reference/requirements-reference.txt). The library is found as the Python binding finds it: build it, or set
PIXART_LIBRARY.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import tempfile
import time

from reference.environment import ROOT, TOOLS, VENV, restart_in_reference


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--real", nargs="+", metavar="NETWORK", help="of 256 512 1024 vae taesd t5: compare these instead"
    )
    parser.add_argument("--models", nargs="+", metavar="NAME", help="only those whose name contains one of these")
    parser.add_argument("--checkpoint", type=pathlib.Path, metavar="DIR", help="compare this one instead")
    parser.add_argument("--list", action="store_true", help="list the small models and their runs, and end")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the table there")
    parser.add_argument("--work", type=pathlib.Path, metavar="DIR", help="for checkpoints; default: a temporary one")
    parser.add_argument("--python", type=pathlib.Path, metavar="FILE", help="interpreter that has the reference")
    parser.add_argument("--venv", type=pathlib.Path, default=VENV, metavar="DIR")
    return parser.parse_args()


def wanted(name: str, args: argparse.Namespace) -> bool:
    return not args.models or any(part in name for part in args.models)


def compare(args: argparse.Namespace, work: pathlib.Path) -> int:
    """Prints the comparison and returns the number of rows with violations."""
    import pixart
    from reference.cases import CHECKPOINT_RUNS, MODELS
    from reference.diffusers_side import quiet
    from reference.images import NAME as IMAGES
    from reference.images import compare_images
    from reference.measures import Table
    from reference.real_sizes import NETWORKS, compare_network
    from reference.run import Model
    from reference.runs import compare_model, compare_random
    from reference.settings import NAME as SETTINGS
    from reference.settings import compare_settings
    from reference.texts import NAME as TEXTS
    from reference.texts import compare_texts

    quiet()
    print(f"libpixart {pixart.version()}")
    table = Table()
    if args.real:
        unknown = set(args.real) - set(NETWORKS)
        if unknown:
            sys.exit(f"--real knows {' '.join(NETWORKS)}, not {' '.join(sorted(unknown))}")
        for name in args.real:
            compare_network(name, work, table)
    elif args.checkpoint:
        model = Model(args.checkpoint.resolve().name, runs=CHECKPOINT_RUNS)
        compare_model(model, args.checkpoint, work, table)
    else:
        for model in MODELS:
            if wanted(model.name, args):
                compare_random(model, work, table)
        if wanted(SETTINGS, args):
            compare_settings(work, table)
        if wanted(TEXTS, args):
            compare_texts(work, table)
        if wanted(IMAGES, args):
            compare_images(work, table)
        if not table.rows:
            sys.exit("--models names none; --list lists them")
    if args.markdown:
        args.markdown.write_text(table.markdown())
    print(f"{len(table.rows)} comparisons, {table.failures} with violations")
    return table.failures


def main() -> None:
    args = parse_arguments()
    sys.path[:0] = [str(TOOLS), str(ROOT / "bindings" / "python" / "src")]
    if args.list:
        from reference.cases import MODELS

        for model in MODELS:
            print(model.name, *(f"\n    {run}" for run in model.runs), sep="")
        print(
            "settings\n    timesteps, noise and sizes, without denoising\nprompts\n    many prompts, token ids only\n"
            "images\n    images encoded, and tiny autoencoders"
        )
        return
    if not args.real:  # there it is too slow
        os.environ.setdefault("MKL_CBWR", "COMPATIBLE")
    restart_in_reference(args.python, args.venv)
    start = time.monotonic()
    if args.work:
        args.work.mkdir(parents=True, exist_ok=True)
        failures = compare(args, args.work)
    else:
        with tempfile.TemporaryDirectory(prefix="pixart-compare-") as work:
            failures = compare(args, pathlib.Path(work))
    print(f"{time.monotonic() - start:.0f} s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
