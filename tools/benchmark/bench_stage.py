#!/usr/bin/env python3
"""Times one stage in one engine, in this process, and prints a line of JSON: the seconds of every run, memory in MiB.

    bench_stage.py time FOLDER encode|step|decode|image --engine libpixart|torch|openvino --precision int8 --px 512
    bench_stage.py open FOLDER encode|step|decode|image --options '{"residency": "streamed"}'
    bench_stage.py picture TEXT_ENCODER TRANSFORMER VAE --px 1024 --options '{"preset": "fast"}' --runs 20 --low-memory
    bench_stage.py convert FOLDER OUT --precision int8

    encode   one prompt of 20 tokens (the reference pads it to 120)
    step     one denoising step with guidance: 20 prompt tokens, 1 negative token
    decode   one image
    image    the latents of one image

A picture runs --runs steps.

libpixart uses the weights of FOLDER as they are stored, and opens with --options. The peers convert to --precision. All
use all processors. "peak" is the peak resident memory of libpixart's process since its start, and of a peer's since it
has loaded; "loading" is the peak before that. "opening" is the seconds of libpixart's open. "profile" is the profile of libpixart's fastest run. Compare engines only
within one run on one idle machine: see bench.py.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable

from benchmark.memory import forget_peak, status

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def timed(run: Callable[[], object], runs: int) -> list[float]:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def measure(args: argparse.Namespace) -> dict[str, object]:
    if args.kind == "picture":
        from benchmark import ours

        text, transformer, vae = args.arguments
        options = {"preset": args.options["preset"], "steps": args.runs, "low_memory": args.low_memory}
        return {"stages": ours.picture(text, transformer, vae, args.px, **options)}
    if args.kind == "convert":
        import pixart

        source, out = args.arguments
        return {"seconds": timed(lambda: pixart.convert(source, out, weights=args.precision), 1)}
    folder, stage = args.arguments
    if args.engine != "libpixart":
        from benchmark import peers

        run = peers.stage(args.engine, stage, folder, args.px, args.precision)
        loading = status("VmHWM")
        forget_peak()
        return {
            "seconds": timed(run, args.runs),
            "loading": loading,
            "instructions": peers.instructions(args.engine, run),
        }
    from benchmark import ours

    if args.kind == "open":
        return {"opens": [ours.opening(stage, folder, args.px, args.options) for _ in range(args.runs)]}
    ours.pixart.version()  # loads the library
    start = time.perf_counter()
    run, handle = ours.stage(stage, folder, args.px, args.options)
    opening = time.perf_counter() - start
    loading, seconds, profiles = status("VmHWM"), [], [handle.profile()]
    for _ in range(args.runs):
        seconds += timed(run, 1)
        profiles.append(handle.profile())
    fastest = seconds.index(min(seconds))
    return {
        "opening": opening,
        "loading": loading,
        "seconds": seconds,
        "instructions": handle.report()["kernels"]["instructions"],
        "profile": ours.growth(profiles[fastest], profiles[fastest + 1]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["time", "open", "picture", "convert"])
    parser.add_argument("arguments", nargs="+")
    parser.add_argument("--engine", choices=["libpixart", "torch", "openvino"], default="libpixart")
    parser.add_argument("--precision", choices=["float32", "bfloat16", "int8", "int4"], default="float32")
    parser.add_argument("--options", type=json.loads, default={}, metavar="JSON")
    parser.add_argument("--px", type=int, default=512)
    parser.add_argument(
        "--low-memory", action="store_true", help="of a picture: stream the denoiser, and decode in strips"
    )
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    result = measure(args)
    print(json.dumps({**result, "peak": status("VmHWM"), "anonymous": status("RssAnon")}))


if __name__ == "__main__":
    main()
