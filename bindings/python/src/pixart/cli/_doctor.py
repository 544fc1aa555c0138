"""`pixart doctor`: what this machine has, what will run on it, and how fast."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
from typing import Any

from .._checkpoint import inspect
from .._core.errors import PixArtError
from .._core.library import library, version
from .._core.schema import options_schema
from .._denoiser import Denoiser
from .._models import default_model
from ._estimate import estimates
from ._published import published_memory
from ._speed import picture_seconds
from ._units import megabytes

PARTS = ("text_encoder", "transformer", "vae")
SETTINGS: dict[str, dict[str, Any]] = {"float32": {}, "int8": {"weights": "int8"}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("--no-speed", action="store_true", help="measure nothing")


def run(arguments: argparse.Namespace) -> int:
    found = {**_machine(), "kernels": _kernels(), "library": _library()}
    found.update(checkpoints=_checkpoints(), published=_published())
    if not arguments.no_speed:
        found["speed"] = {name: picture_seconds(options) for name, options in SETTINGS.items()}
    print(json.dumps(found, indent=2, ensure_ascii=False) if arguments.json else _report(found))
    return 0


def _machine() -> dict[str, Any]:
    names = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in _lines("/proc/meminfo") if " kB" in line}
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": names[0] if names else platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory": memory.get("MemTotal", 0),
        "memory_available": memory.get("MemAvailable", 0),
    }


def _lines(path: str) -> list[str]:
    try:
        return pathlib.Path(path).read_text().splitlines()
    except OSError:
        return []


def _kernels() -> dict[str, Any]:
    """The instruction set that is chosen, and all that this processor has."""
    model = default_model()
    with Denoiser(model) as denoiser:
        chosen = denoiser.report()["kernels"]
    possible = []
    for name in options_schema("denoiser_open")["properties"]["instructions"]["enum"]:
        try:
            Denoiser(model, instructions=name).close()
        except PixArtError:
            continue
        possible.append(name)
    return {**chosen, "possible": [name for name in possible if name != "auto"]}


def _library() -> dict[str, Any]:
    return {"version": version(), "path": library()._name, "model": os.fspath(default_model())}


def _checkpoints() -> list[dict[str, Any]]:
    """The PixArt checkpoints in the Hub's cache: which parts open, and what is missing."""
    cache = _cache()
    found: list[dict[str, Any]] = []
    for folder in sorted(cache.glob("models--*")) if cache.is_dir() else ():
        name = folder.name[len("models--") :].replace("--", "/")
        if "pixart" not in name.lower():
            continue
        try:
            parts = inspect(name)["parts"]
        except PixArtError as error:
            found.append({"id": name, "error": str(error)})
            continue
        opens = [part for part in PARTS if part in parts and "error" not in parts[part]]
        found.append(
            {
                "id": name,
                "opens": opens,
                "missing": [part for part in PARTS if part not in opens],
                "errors": {part: parts[part]["error"] for part in PARTS if "error" in parts.get(part, {})},
            }
        )
    return found


def _cache() -> pathlib.Path:
    """The Hub's cache, which the library looks into (docs/models.md)."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return pathlib.Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("HF_HOME") or pathlib.Path(base, "huggingface")) / "hub"


def _published() -> dict[str, dict[str, dict[str, int]]]:
    try:
        return published_memory()
    except OSError as error:  # a machine without a place for temporary files
        if isinstance(error, PixArtError):
            raise
        return {}


def _report(found: dict[str, Any]) -> str:
    kernels, lib = found["kernels"], found["library"]
    lines = [
        f"system       {found['system']}, Python {found['python']}",
        f"processor    {found['processor']}, {found['processors']} processors for this process",
        f"memory       {megabytes(found['memory_available'])} free of {megabytes(found['memory'])}",
        f"library      {lib['version']}, {lib['path']}",
        f"kernels      {kernels['instructions']}; also possible: "
        + (", ".join(name for name in kernels["possible"] if name != kernels["instructions"]) or "none"),
        "",
        "checkpoints in the Hub's cache:",
        *([_checkpoint(each) for each in found["checkpoints"]] or ["  none; `hf download` brings one (see the docs)"]),
        "",
        "memory of published checkpoints by preset, with one stage open at a time (and with the text encoder streamed):",
        *([_uses(*each) for each in found["published"].items()] or ["  not known: no folder for temporary files"]),
    ]
    if "speed" in found:
        lines += ["", "PixArt-XL, 20 steps with guidance and decoding, calculated from two blocks at real size:"]
        for name, seconds in found["speed"].items():
            times = ", ".join(f"{px} pixels about {_duration(each)}" for px, each in seconds.items())
            lines.append(f"  {name:9} {times}")
    return "\n".join(lines)


def _checkpoint(each: dict[str, Any]) -> str:
    if "error" in each:
        return f"  {each['id']}: does not open: {each['error']}"
    text = f"  {each['id']}: {', '.join(each['opens']) or 'nothing'} opens"
    if each["missing"]:
        text += f"; no {', '.join(each['missing'])}"
    needs = [f"; {part}: {error}" for part, error in each["errors"].items()]
    if not each["missing"]:
        peaks = (use["peak"] for use in estimates(each["id"], {"weights": "int8"}).values())
        needs.append(f"; in int8 it needs {megabytes(max(peaks))}")
    return text + "".join(needs)


def _uses(name: str, presets: dict[str, dict[str, int]]) -> str:
    uses = (f"{preset} {megabytes(use['resident'])} ({megabytes(use['streamed'])})" for preset, use in presets.items())
    return f"  {name}: {', '.join(uses)}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
