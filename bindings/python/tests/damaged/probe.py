"""Reads damaged files in a process of its own, with little memory and little time, and says what each led to."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pixart

# Each line of the answer is a list: the name of the file, then what each call led to: "", or the kind and the message.
PROBE = r"""
import json, os, resource, signal, sys
import pixart
folder, stages, limit = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
base, option = sys.argv[4:6]
kinds = {"encoder": pixart.Encoder, "denoiser": pixart.Denoiser, "decoder": pixart.Decoder, "image": pixart.ImageEncoder}
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
out = os.path.join(folder, "converted")
for line in sys.stdin:
    name, model = json.loads(line)
    print(json.dumps(["begin", name]), flush=True)
    signal.alarm(60)
    given = {"threads": 1, **({option: [model] if option == "adapters" else model} if option else {})}
    calls = [lambda: pixart.inspect(model)]
    if option == "controlnet":
        calls.append(lambda: pixart.memory_estimate(base, **given))
    else:
        calls.append(lambda: pixart.convert(base or model, out, weights="float32", **given))
    calls += [lambda kind=kinds[stage]: kind(base or model, **given).close() for stage in stages]
    results = []
    for call in calls:
        try:
            found = call()
            results.append(["", json.dumps(found) if found else ""])
        except pixart.PixArtError as error:
            results.append([type(error).__name__, str(error)])
    print(json.dumps([name, *results]), flush=True)
"""
MEBIBYTE = 1 << 20
LIMIT = 0 if os.environ.get("PIXART_SANITIZED") else 2048 * MEBIBYTE


def run(folder, models, stages, limit=LIMIT, base=("", ""), **environment):
    """What inspecting, converting and opening each model led to: name -> [(kind of the error, message)].

    `base` is a sound model and the option that names the damaged file, if the file is no model."""
    package = str(pathlib.Path(pixart.__file__).parents[1])
    lines = "".join(json.dumps([name, str(model)]) + "\n" for name, model in models.items())
    process = subprocess.run(
        [sys.executable, "-c", PROBE, str(folder), ",".join(stages), str(limit), *map(str, base)],
        input=lines,
        env={**os.environ, "PYTHONPATH": package, **environment},
        capture_output=True,
        text=True,
    )
    answers = [json.loads(line) for line in process.stdout.splitlines()]
    last = answers[-1] if answers else None
    assert process.returncode == 0, (process.returncode, last, process.stderr[-2000:])
    return {name: [tuple(result) for result in results] for name, *results in answers if name != "begin"}


def check(found, names, *, refused):
    """No call fails without a reason or for one of the library's own. `refused` are names that cannot be opened."""
    for name, results in found.items():
        for kind, message in results:
            if kind:
                assert kind in ("FileError", "ModelError", "ArgumentError"), (name, kind, message)
                assert names[name] in message and len(message) > len(names[name]) + 10, (name, message)
        if name in refused:
            assert all(kind for kind, _ in results[2:]), (name, results)
            report, text = results[0]
            assert report or '"error"' in text or '"assumed"' in text, (name, results)
