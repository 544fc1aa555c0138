"""The interpreter that has the reference: this one, or that of a virtual environment made for it."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys
import venv
from typing import NamedTuple

TOOLS = pathlib.Path(__file__).resolve().parents[1]
ROOT = TOOLS.parent
VENV = ROOT / ".venv" / "reference"
CPU_TORCH = "https://download.pytorch.org/whl/cpu"
RESTARTED = "PIXART_REFERENCE_RESTARTED"


class Requirements(NamedTuple):
    """The modules to import, and the requirements file that installs them."""

    modules: tuple[str, ...]
    file: str


REFERENCE = Requirements(
    ("torch", "diffusers", "transformers", "sentencepiece", "safetensors", "bs4", "ftfy", "PIL", "scipy", "torchsde"),
    "reference/requirements-reference.txt",
)
CACHING = Requirements(("numpy", "pymoo"), "caching/requirements-caching.txt")
BENCH = Requirements((*REFERENCE.modules, "openvino", "matplotlib"), "benchmark/requirements-bench.txt")


def restart_in_reference(
    python: pathlib.Path | None = None, folder: pathlib.Path = VENV, requirements: Requirements = REFERENCE
) -> None:
    """Restarts the program in an interpreter that has the requirements. Returns if this one has them.

    `python` names one that does; else a virtual environment in `folder` is made.
    """
    missing = [name for name in requirements.modules if importlib.util.find_spec(name) is None]
    if not missing and (not python or os.environ.get(RESTARTED)):
        return
    if os.environ.get(RESTARTED):
        sys.exit(f"{sys.executable} lacks {', '.join(missing)}")
    python = python or environment(folder, requirements)
    os.execve(python, [str(python), *sys.argv], {**os.environ, RESTARTED: "1"})


def environment(folder: pathlib.Path, requirements: Requirements) -> pathlib.Path:
    """The interpreter of a virtual environment with the requirements, which is made if it is missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"setting up {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet"]
    if subprocess.run(
        [python, "-c", "import " + ", ".join(requirements.modules)], stderr=subprocess.DEVNULL
    ).returncode:
        # The CPU build of torch if its index can be reached; else PyPI's, with CUDA.
        if "torch" in requirements.modules:
            subprocess.run([*install, "--no-deps", "--retries", "0", "--index-url", CPU_TORCH, "torch"], check=False)
        subprocess.run([*install, "-r", TOOLS / requirements.file], check=True)
    return python
