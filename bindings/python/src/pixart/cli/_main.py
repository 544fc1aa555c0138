"""Reads the command line, runs a subcommand, and turns its failures into messages and exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from .._core.errors import ArgumentError, Cancelled, PixArtError
from .._version import __version__

COMMANDS = {
    "generate": ("pixart.cli._generate", "make images of prompts"),
    "settings": ("pixart.cli._settings", "print the settings inside a PNG file"),
    "compare": ("pixart.cli._compare", "the same prompts in several precisions or presets, side by side"),
    "convert": ("pixart.cli._convert", "store a checkpoint in another precision"),
    "inspect": ("pixart.cli._inspect", "say what a checkpoint is"),
    "estimate": ("pixart.cli._estimate", "say how much memory a checkpoint needs"),
    "doctor": ("pixart.cli._doctor", "say what this machine has, and how fast images are here"),
    "serve": ("pixart.server", "serve a model over HTTP"),
    "batch": ("pixart.batch", "make the images of a file of prompts, also on a Ray cluster"),
    "completion": ("pixart.cli._completion", "print the completion script of a shell"),
}
"""The module and a line of help of each subcommand."""

EXTRAS = {"serve": "server", "batch": "ray", "compare": "compare"}
"""The extra of the package that a subcommand needs, if one of its packages is missing."""

SUCCESS, FAILURE, USAGE, INTERRUPTED = 0, 1, 2, 130

EPILOGUE = """exit codes: 0 success; 1 failure; 2 wrong arguments; 130 interrupted.

`pixart COMMAND --help` lists the options of a command. Without a model, the small emoji model of the package is used.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line. Returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            return _run(given)
        finally:
            sys.stdout.flush()  # at the end of the process, a failure would be printed
    except KeyboardInterrupt:
        print("pixart: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Cancelled:
        return INTERRUPTED
    except (PixArtError, OSError) as error:
        print(f"pixart: {error}", file=sys.stderr)
        return USAGE if isinstance(error, ArgumentError) else FAILURE


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a subcommand."""
    module, line = COMMANDS[name]
    parser = argparse.ArgumentParser(
        prog=f"pixart {name}",
        description=f"{line[0].upper()}{line[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    importlib.import_module(module).add_arguments(parser)
    return parser


def _run(given: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="pixart",
        description="PixArt text-to-image on the CPU.",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pixart {__version__}")
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:{width}}  {line}" for name, (_, line) in COMMANDS.items())
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.description = f"{parser.description}\n\ncommands:\n{lines}"
    chosen = parser.parse_args(given)
    try:
        arguments = parser_of(chosen.command).parse_args(given[given.index(chosen.command) + 1 :])
        return int(importlib.import_module(COMMANDS[chosen.command][0]).run(arguments))
    except ImportError as error:
        extra = EXTRAS.get(chosen.command)
        if extra is None or (error.name or "").startswith("pixart"):
            raise
        print(f"pixart {chosen.command}: {error}; pip install 'pixart[{extra}]' brings what it needs", file=sys.stderr)
        return FAILURE
