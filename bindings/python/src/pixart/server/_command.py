"""The command line of the server."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import logging
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from .._core.errors import PixArtError
from .._models import default_model
from ..cli._flags import Flags
from ..cli._model_flags import GROUPS, SHARED
from ._settings import MEBIBYTE, Settings

NEEDED = ("starlette", "uvicorn", "python_multipart", "prometheus_client")
KEY_VARIABLE = "PIXART_API_KEY"
STAGES = ("encoder", "denoiser", "decoder")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `pixart serve` to a parser."""
    default = Settings()
    parser.add_argument("model", nargs="?", metavar="MODEL", help="folder or Hub id (default: the model of pixart)")
    group = parser.add_argument_group("model")
    group.add_argument("--preset", choices=["exact", "balanced", "fast"], help="options by one name")
    group.add_argument("--weights", default="auto", choices=["auto", "float32", "bfloat16", "int8", "int4"])
    group.add_argument("--variant", help='variant of the weight files, such as "fp16"')
    group.add_argument("--threads", type=int, default=0, metavar="N", help="threads that compute (default: all)")
    group.add_argument(
        "--one-at-a-time", action="store_true", help="hold one stage in memory: slower, for small memory"
    )
    group = parser.add_argument_group("access")
    group.add_argument("--host", default=default.host, help=f"address to listen on (default: {default.host})")
    group.add_argument("--port", type=int, default=default.port, help=f"0 takes a free one (default: {default.port})")
    group.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name that Host may have")
    group.add_argument(
        "--allow-origin", action="append", default=[], metavar="ORIGIN", help="a site that may ask (CORS)"
    )
    group.add_argument("--api-key-file", metavar="FILE", help=f"file with the key of clients (or ${KEY_VARIABLE})")
    group.add_argument("--access-log", action="store_true", help="write a line of JSON for each request to stderr")
    group = parser.add_argument_group("limits")
    for flag, name, text in (
        ("--queue", "queue", "requests that may wait"),
        ("--max-images", "max_images", "images of a request"),
        ("--max-size", "max_side", "pixels of a side"),
        ("--max-steps", "max_steps", "steps of an image"),
        ("--max-connections", "max_connections", "connections"),
    ):
        shown = getattr(default, name)
        group.add_argument(
            flag, dest=name, type=_positive, default=shown, metavar="N", help=f"{text} (default: {shown})"
        )
    shown = default.max_body // MEBIBYTE
    group.add_argument(
        "--max-body", type=_positive, default=shown, metavar="MIB", help=f"MiB of a request (default: {shown})"
    )
    for flag, name, text in (
        ("--head-seconds", "head_seconds", "for the head of a request"),
        ("--body-seconds", "body_seconds", "for the body of a request"),
        ("--write-seconds", "write_seconds", "for a pause in reading a reply"),
        ("--shutdown-seconds", "shutdown_seconds", "to finish jobs after SIGTERM"),
    ):
        shown = getattr(default, name)
        text = f"time {text} (default: {shown:g})"
        group.add_argument(flag, dest=name, type=_seconds, default=shown, metavar="S", help=text)
    parser.set_defaults(stages={name: Flags(parser, *GROUPS[name], f"{name}.", SHARED) for name in STAGES})


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit status."""
    missing = [name for name in NEEDED if not _is_there(name)]
    if missing:
        print(f"pixart serve needs {', '.join(missing)}: pip install 'pixart[server]'", file=sys.stderr)
        return 1
    logging.basicConfig(format="%(message)s", level=logging.ERROR, stream=sys.stderr)
    logging.getLogger("pixart.server.access").setLevel(logging.INFO)
    from ._serving import serve  # only now: it imports the packages of the extra

    try:
        settings = settings_of(arguments)
        return serve(settings, arguments.model or str(default_model()))
    except (OSError, PixArtError, ValueError) as error:
        print(f"pixart serve: {error}", file=sys.stderr)
        return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command with the arguments of the process, or with those given."""
    parser = argparse.ArgumentParser(prog="pixart serve", description="Serves a model over HTTP.")
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings that arguments and the environment give."""
    given: dict[str, Any] = dict(vars(arguments))
    names = {field.name for field in dataclasses.fields(Settings)}
    values = {name: value for name, value in given.items() if name in names}
    values.update(max_body=arguments.max_body * MEBIBYTE, allowed_origins=tuple(arguments.allow_origin))
    values.update(
        allowed_hosts=tuple(name.lower() for name in arguments.allow_host), api_key=_key(arguments.api_key_file)
    )
    return Settings(**values, **{name: flags.given(arguments) for name, flags in arguments.stages.items()})


def _key(path: str | None) -> str | None:
    key = os.environ.get(KEY_VARIABLE)
    if path is not None:
        key = pathlib.Path(path).read_text(encoding="utf-8").strip()
        if not key:
            raise ValueError(f"--api-key-file: {path} is empty")
    return key or None


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a time in seconds")
    return value


def _is_there(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True
