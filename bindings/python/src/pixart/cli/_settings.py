"""`pixart settings`: the settings inside a PNG file."""

from __future__ import annotations

import argparse
import json

from .._images import read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="PNG")
    parser.add_argument("--json", action="store_true", help="a JSON object on each line")


def run(arguments: argparse.Namespace) -> int:
    for path in arguments.files:
        settings = read_settings(path)
        if arguments.json:
            print(json.dumps(settings, ensure_ascii=False))
            continue
        if len(arguments.files) > 1:
            print(f"{path}:")
        width = max(map(len, settings))
        for name, value in settings.items():
            print(f"{name:{width}}  {value if isinstance(value, str) else json.dumps(value)}")
    return 0
