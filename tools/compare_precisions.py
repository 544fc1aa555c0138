#!/usr/bin/env python3
"""Runs precisions side by side on the same prompts and seeds, and reports how far apart stages and images are.

    compare_precisions.py                           bfloat16, int8 and int4 against float32, on models/emoji
    compare_precisions.py DIR --b weights=int8      one against float32, on your checkpoint
    compare_precisions.py --a weights=int8 --b weights=int8,encoder.weights=int4 --prompt "a rocket" --seed 7
    compare_precisions.py --b model=DIR-int8        a converted checkpoint against its original
    compare_precisions.py --real                    also each network at its real size, random weights

A setting is options of the opens, OPTION=VALUE with commas between; STAGE.OPTION=VALUE is for one stage (encoder,
denoiser, decoder). Relative errors are in the L2 norm, with cosine similarities in parentheses. --out gets the images
side by side, each with its amplified difference from the first. Nothing fails: the reader judges the numbers.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from reference.environment import ROOT, TOOLS, restart_in_reference

PROMPTS = (
    "a cute cat face on a blue background",
    "a red car on a yellow background",
    "rocket on black",
    "pizza",
)

HEAD = """# Precision

`make compare-precisions` writes this page: the accuracy of each precision of weights and arithmetic. The reference is
float32 weights computed in float32. Errors are relative, in the Euclidean norm, with the cosine similarity in
parentheses. "Least row" is the cosine of the pair of embedding rows that are least alike. "One pass" is the latents after
a run of one step without guidance, which contain one prediction of the transformer at full size. The figures of bfloat16
and int8 are those of one instruction set; another one gives slightly different numbers ([design.md](design.md)).
"""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=pathlib.Path, default=ROOT / "models" / "emoji")
    parser.add_argument("--a", metavar="SETTING", help="what to compare with (default: float32)")
    parser.add_argument("--b", metavar="SETTING", nargs="+", help="what to compare (default: bfloat16, int8, int4)")
    parser.add_argument("--prompt", nargs="+", default=PROMPTS, metavar="TEXT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.5)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "precisions.png", metavar="PNG")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write the tables there")
    parser.add_argument("--real", action="store_true", help="also real sizes with random weights (needs 8 GB of disk)")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    sys.path[:0] = [str(TOOLS), str(ROOT / "bindings" / "python" / "src")]
    restart_in_reference()
    from precisions.report import Report
    from precisions.setting import FLOAT32, OTHERS, Setting
    from precisions.sheet import AMPLIFIED, Sheet
    from precisions.stages import Run, compare_pipelines

    reference = FLOAT32 if args.a is None else Setting(args.a)
    others = [Setting(text) for text in args.b] if args.b else list(OTHERS)
    runs = [Run(prompt, args.seed, args.steps, args.guidance) for prompt in args.prompt]
    sheet = Sheet(str(reference))
    name = args.model.resolve().name
    alone = Report(f"{name}: each stage alone", f'Every stage gets the inputs that it has in "{reference}".')
    whole = Report(f"{name}: whole runs", "Every stage gets the output of the previous stage in the same setting.")
    compare_pipelines(str(args.model), [reference, *others], runs, alone, whole, sheet)
    sheet.write(args.out)
    print(f"images: {args.out}")
    tables = [whole, alone]
    if args.real:
        from precisions.published_sizes import compare_real

        tables.append(Report("Real sizes", "Random weights, one forward pass of each network."))
        compare_real([reference, *others], tables[-1])
    if args.markdown:
        image = f"![Images side by side, differences times {AMPLIFIED}](images/{args.out.name})\n"
        args.markdown.write_text("\n".join([HEAD, image, *(table.markdown() for table in tables)]))


if __name__ == "__main__":
    main()
