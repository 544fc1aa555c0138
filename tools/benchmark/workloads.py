"""The workloads, their engines and precisions, and the operations of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TOKENS = 20
"""Tokens of the prompt. The negative prompt has one."""

PADDED = 120
"""Tokens to which the reference pads both."""

PICTURE_STEPS = 20
"""Denoising steps of a complete image."""

PRESETS = ("exact", "balanced", "fast")

MEASURED_STEPS = {"exact": 2}
"""Steps that are measured of a complete image in a preset, if fewer. Its time is calculated from them. A preset that
caches results needs all, because its steps differ."""

WEIGHTS = {"exact": ("float32", "float32"), "balanced": ("int8", "int8"), "fast": ("int4", "int8")}
"""The stored precisions of the text encoder and of the transformer that a preset is measured with."""


@dataclass(frozen=True)
class Workload:
    """One call at a published size."""

    name: str
    title: str
    stage: str
    px: int
    folder: str
    """The folder of the checkpoint below the work directory: <part>-<size>."""
    gflop: float
    """Operations that the result needs; a multiply-add counts as two. Without padding, and without what depends on the
    prompt alone."""
    parameters: float
    """Weights that are read once, without T5's embedding table, of which a prompt needs a few rows."""


def encoder_gflop(tokens: int) -> float:
    """T5-XXL: four GEMMs of the attention, three of the gated feed-forward, and attention itself."""
    layers, width, hidden = 24, 4096, 10240
    return 2e-9 * layers * (tokens * width * (4 * width + 3 * hidden) + 2 * tokens**2 * width)


def step_gflop(px: int) -> float:
    """PixArt-XL-2 for a prompt and a negative prompt of one token, for which cross-attention computes nothing; keys
    and values of the prompt are not a step's."""
    blocks, width, tokens = 28, 1152, (px // 16) ** 2
    products = (
        tokens * width**2 * (2 * (4 + 8) + 2)
    )  # self-attention and feed-forward, and the prompt's cross-attention
    attention = 2 * tokens * width * (2 * tokens + TOKENS)
    return 2e-9 * blocks * (products + attention)


DECODE_GFLOP = {512: 2514.5, 1024: 10470.4}
"""Operations of the SD decoder with direct convolutions, as torch.utils.flop_counter counts them."""

IMAGE_GFLOP = 1116.7
"""Operations of its encoder at 512 pixels, counted in the same way."""

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("encode", "T5-XXL, 20 tokens", "encode", 0, "text_encoder-512", encoder_gflop(TOKENS), 4.63e9),
        Workload("step-512", "step, 512", "step", 512, "transformer-512", step_gflop(512), 0.61e9),
        Workload("step-1024", "step, 1024", "step", 1024, "transformer-1024", step_gflop(1024), 0.61e9),
        Workload("decode-512", "decode, 512", "decode", 512, "vae-512", DECODE_GFLOP[512], 0.05e9),
        Workload("decode-1024", "decode, 1024", "decode", 1024, "vae-512", DECODE_GFLOP[1024], 0.05e9),
        Workload("image-512", "encode an image, 512", "image", 512, "vae-512", IMAGE_GFLOP, 0.03e9),
    )
}

BYTES = {"float32": 4, "bfloat16": 2, "int8": 1, "int4": 0.5 + 4 / 64}
"""Bytes of a weight, including int4's scales."""

AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
"""What asks the peers not to use more than AVX2: PyTorch's own kernels, oneDNN's, which OpenVINO also uses, and MKL's.
OpenVINO's MLAS does not listen; avx2_only.c makes all of them."""

GGUF = ("Q4_K", "Q8_0")
"""Types of GGUF's blocks that text encoders are measured in, with the library's own int8 and int4."""

NAMES = {"libpixart": "libpixart", "torch": "PyTorch", "openvino": "OpenVINO"}
"""The names of the engines."""

ARITHMETIC = {"float32": "float32", "bfloat16": "bfloat16", "int8": "int8", "int4": "int8"}
"""The limit that a precision of weights is compared with."""

COMPUTE = ARITHMETIC
"""The precision that libpixart's rows compute in."""


@dataclass(frozen=True)
class Task:
    """One process."""

    workload: str
    engine: str
    precision: str
    kind: str = "time"
    """"time", "avx2" (the same with AVX2 only), "open" (to the first useful work), "picture" (all stages, in a preset)
    or "gguf" (time, including that to open)."""
    options: dict[str, Any] = field(default_factory=dict)
    """The options of libpixart's open."""
    runs: int = 3
    """Of a process."""

    @property
    def group(self) -> str:
        """What the rows that are compared with each other have in common."""
        return f"{self.kind}/{self.workload}"

    @property
    def key(self) -> str:
        mode = "/streamed" if self.options.get("residency") == "streamed" else ""
        compute = f"/{self.options['compute']}" if self.kind == "gguf" else ""
        return f"{self.group}/{self.engine}/{self.precision}{compute}{mode}"


def ours(workload: str, precision: str, kind: str = "time", runs: int = 3, **options: Any) -> Task:
    """A task of libpixart over a checkpoint that is stored in `precision`; the decoder only knows float32."""
    compute = {} if WORKLOADS[workload].stage in AUTOENCODER else {"compute": COMPUTE[precision]}
    return Task(workload, "libpixart", precision, kind, {**compute, **options}, runs)


STREAMED: dict[str, Any] = {"residency": "streamed"}
PRECISIONS = tuple(BYTES)
AUTOENCODER = ("decode", "image")
"""Stages that libpixart computes in float32 only, and the peers not in int8."""

RUNS = {"encode": 5, "decode-1024": 2}
"""Runs of a process, if not 3: more for short calls, fewer for calls that take a minute."""

ROUNDS = {"step-512": 2}
"""Rounds of all rows of a workload, each a process, if not 1: more if engines are close to each other."""


def peers(workload: Workload, precision: str) -> list[str]:
    """The other engines. None computes a VAE in int8, and PyTorch runs int8 steps at 512 pixels only."""
    if precision == "int4" or (precision == "int8" and workload.stage in AUTOENCODER):
        return []
    return ["openvino"] if (precision, workload.name) == ("int8", "step-1024") else ["openvino", "torch"]


def tasks() -> list[Task]:
    """All tasks in the order in which they run. Engines of a precision follow each other, under the same conditions."""
    found: list[Task] = []
    for name, workload in WORKLOADS.items():
        runs = RUNS.get(name, 3)
        for precision in PRECISIONS:
            if workload.stage not in AUTOENCODER or precision == "float32":
                found.append(ours(name, precision, runs=runs))
            found += [Task(name, engine, precision, runs=runs) for engine in peers(workload, precision)]
        if workload.stage == "encode":
            found += [ours(name, precision, runs=runs, **STREAMED) for precision in ("int8", "int4")]
    for precision in ("bfloat16", "int8", "int4"):
        found += [ours(name, precision, "open") for name in ("encode", "step-512", "step-1024")]
    found += [ours("encode", precision, "open", **STREAMED) for precision in ("int8", "int4")]
    found.append(ours("decode-512", "float32", "open"))
    found += [Task(f"picture-{px}", "libpixart", preset, "picture") for px in (512, 1024) for preset in PRESETS]
    return found + avx2_tasks() + gguf_tasks()


def avx2_tasks() -> list[Task]:
    """What a processor without AVX-512 gets: no engine has bfloat16 arithmetic there."""
    found: list[Task] = []
    for name in ("encode", "step-512", "decode-512"):
        for precision in ("float32", "int8"):
            workload = WORKLOADS[name]
            if workload.stage not in AUTOENCODER or precision == "float32":
                found.append(ours(name, precision, "avx2", instructions="avx2"))
            found += [Task(name, engine, precision, "avx2") for engine in peers(workload, precision)]
    return found


def gguf_tasks() -> list[Task]:
    """Text encoders in GGUF, and in the library's own encodings: by compute, each resident and streamed."""
    stored = [("int8", precision) for precision in ("int4", "int8", *GGUF)] + [("float32", kind) for kind in GGUF]
    return [
        Task("encode", "libpixart", precision, "gguf", {"compute": compute, **residency}, RUNS["encode"])
        for compute, precision in stored
        for residency in ({}, STREAMED)
    ]


def in_turns(chosen: list[Task]) -> Iterator[tuple[Task, int]]:
    """Tasks in the order in which they run, each with the number of its round."""
    for _, grouped in itertools.groupby(chosen, key=lambda task: task.group):
        rows = list(grouped)
        for turn in range(ROUNDS.get(rows[0].workload, 1) if rows[0].kind in ("time", "avx2") else 1):
            yield from ((task, turn) for task in rows)
