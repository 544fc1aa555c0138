"""`pixart inspect`: what a checkpoint is."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .._checkpoint import inspect
from .._models import default_model
from ._flags import Flags
from ._units import megabytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="folder, file or Hub id of a checkpoint (default: emoji)")
    parser.add_argument("--json", action="store_true", help="everything that is known, as JSON")
    parser.set_defaults(flags=Flags(parser, "inspect", "options"))


def run(arguments: argparse.Namespace) -> int:
    found = inspect(arguments.model or default_model(), **arguments.flags.given(arguments))
    if arguments.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    print(f"{found['path']}: {found['kind']}, {found['pipeline'] or 'no pipeline named'}")
    for name, part in found["parts"].items():
        print(f"  {name:13} {_described(part)}")
    return 0


def _described(part: dict[str, Any]) -> str:
    if "error" in part:
        return f"does not open: {part['error']}"
    if "parameters" not in part:
        return ", ".join(part.get("files", []))
    types = ", ".join(part["types"])
    peaks = "; ".join(f"{stage} needs {megabytes(use['peak'])}" for stage, use in part.get("memory", {}).items())
    return f"{part['parameters'] / 1e6:,.1f} million parameters, {types}, {part['form']}; {peaks}"
