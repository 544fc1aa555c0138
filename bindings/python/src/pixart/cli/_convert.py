"""`pixart convert`: a checkpoint in another precision."""

from __future__ import annotations

import argparse

from .._checkpoint import convert
from .._core.bar import Bar
from ._flags import Flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="folder, file or Hub id of a checkpoint")
    parser.add_argument("out", help="the folder to write, created if missing")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    parser.set_defaults(flags=Flags(parser, "convert", "options"))


def run(arguments: argparse.Namespace) -> int:
    with Bar(False if arguments.quiet else None) as bar:
        bar.start("converting")
        convert(arguments.model, arguments.out, progress=bar, **arguments.flags.given(arguments))
    if not arguments.quiet:
        print(f"wrote {arguments.out}")
    return 0
