"""Makes images in a process of its own, to measure its time and memory: `python -m pixart.cli._measured`.

It reads the arguments of Pipeline() and Pipeline.generate() from standard input, writes the images to a .npy file, and
prints seconds and peak memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core.errors import PixArtError
from .._pipeline import Pipeline


def measure(pipeline: dict[str, Any], request: dict[str, Any]) -> tuple[npt.NDArray[np.uint8], float, int]:
    """The images of a request, the seconds, and the peak resident memory of the process in bytes."""
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        order = json.dumps({"pipeline": pipeline, "request": request, "file": file.name})
        command = [sys.executable, "-m", "pixart.cli._measured"]
        done = subprocess.run(command, input=order, capture_output=True, text=True)
        if done.returncode != 0:
            raise PixArtError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
        found = json.loads(done.stdout)
        return np.load(file.name), found["seconds"], found["peak"]


def main() -> None:
    order = json.load(sys.stdin)
    begun = time.perf_counter()
    try:
        with Pipeline(**order["pipeline"], one_at_a_time=True) as pipeline:
            images = pipeline.generate(**order["request"])
    except (PixArtError, OSError) as error:
        sys.exit(str(error))
    seconds = time.perf_counter() - begun
    np.save(order["file"], np.asarray(images))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
