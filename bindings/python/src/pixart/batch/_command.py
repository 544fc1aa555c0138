"""The command `pixart batch`."""

from __future__ import annotations

import argparse
import functools
import json
import os
import signal
import sys
import time
from typing import Any, Callable

from .._core.errors import PixArtError
from .._core.schema import options_schema
from ._model import OPENING
from ._one_process import in_one_process
from ._requests import NOT_HERE, BadLines
from ._run import Execute, Summary, run_batch

DESCRIPTION = """Makes an image of each line of a file: {"prompt": "a cat", "seed": 7, "num_inference_steps": 20}.

A line may have "negative_prompt", "seed", "id" and every option of denoising. Flags give the values of lines that have
none. DIR/manifest.jsonl says which line became which file. A file is named by all settings that decide its pixels, so
the same command again makes only what is missing."""

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `pixart batch`."""
    parser.description, parser.formatter_class = DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("input", metavar="PROMPTS", help="file with a JSON object on each line")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder of the images; created if missing")
    parser.add_argument("--batch-size", type=_count(1), default=1, metavar="N", help="images in one run; default 1")
    parser.add_argument(
        "--retries", type=_count(0), default=2, metavar="N", help="times that a failed image is tried again; default 2"
    )
    ray = parser.add_argument_group("on many machines (pip install 'pixart[ray]')")
    ray.add_argument(
        "--ray", metavar="ADDRESS", help='address of a Ray cluster; "auto" finds it, "local" starts one on this machine'
    )
    ray.add_argument("--encoders", type=_count(1), default=1, metavar="N", help="processes that encode; default 1")
    ray.add_argument(
        "--denoisers", type=_count(1), metavar="N", help="processes that denoise; default: as many as there is room for"
    )
    ray.add_argument(
        "--decoders", type=_count(1), metavar="N", help="processes that decode; default: one for 8 that denoise"
    )
    opening = parser.add_argument_group("the model")
    opening.add_argument(
        "--model", required=True, help="folder in the diffusers layout, file, or id in the Hub's cache"
    )
    for name in sorted({name for names in OPENING.values() for name in names}):
        _add_option(opening, "denoiser_open", name, "open")
    fields = parser.add_argument_group("values for lines without them")
    fields.add_argument("--negative-prompt", dest="line.negative_prompt", default=argparse.SUPPRESS, metavar="TEXT")
    for verb in ("encode", "denoise"):
        for name in options_schema(verb)["properties"]:
            if name not in NOT_HERE:
                _add_option(fields, verb, name, "line")


def run(arguments: argparse.Namespace) -> int:
    """Runs `pixart batch`. Returns the exit code: 0 if every image is there, 1 if some failed, 2 if the input is wrong,
    130 and 143 if a signal ended the run."""
    given = vars(arguments)
    progress = _Progress(sys.stderr)
    previous = signal.signal(signal.SIGTERM, _terminate)  # Slurm and container engines send it before they kill
    try:
        summary = run_batch(
            arguments.input,
            arguments.out,
            _executor(arguments),
            model=arguments.model,
            opening=_group(given, "open"),
            defaults=_group(given, "line"),
            retries=arguments.retries,
            report=progress.show,
        )
    except BadLines as error:
        return _fail(str(error), progress)
    except (PixArtError, OSError, ValueError, RuntimeError, ImportError) as error:
        return _fail(f"pixart: {error}", progress)
    except KeyboardInterrupt:
        progress.end("interrupted; the same command goes on from here")
        return INTERRUPTED
    except _Terminated:
        progress.end("terminated; the same command goes on from here")
        return TERMINATED
    finally:
        signal.signal(signal.SIGTERM, previous)
    progress.end(_words(summary))
    if not summary.failed:
        return 0
    print(f"pixart: {len(summary.failed)} failed: {os.path.join(arguments.out, 'failed.jsonl')}", file=sys.stderr)
    return 1


def _executor(arguments: argparse.Namespace) -> Execute:
    if arguments.ray is None:
        return functools.partial(in_one_process, batch_size=arguments.batch_size)
    from ._ray import on_ray

    return functools.partial(
        on_ray,
        address=arguments.ray,
        encoders=arguments.encoders,
        denoisers=arguments.denoisers,
        decoders=arguments.decoders,
        batch_size=arguments.batch_size,
    )


def _group(given: dict[str, Any], group: str) -> dict[str, Any]:
    return {name[len(group) + 1 :]: value for name, value in given.items() if name.startswith(group + ".")}


def _add_option(parser: Any, verb: str, name: str, group: str) -> None:
    schema = options_schema(verb)["properties"][name]
    text = f"{schema['description']} Default: {json.dumps(schema.get('default'))}."
    parser.add_argument(
        "--" + name.replace("_", "-"),
        dest=f"{group}.{name}",
        type=_value,
        metavar="VALUE",
        default=argparse.SUPPRESS,
        help=text.replace("%", "%%"),
    )


def _value(text: str) -> Any:
    """A value of an option: JSON, or text that is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _count(least: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value}, expected at least {least}")
        return value

    return integer


class _Terminated(BaseException):
    """SIGTERM came."""


def _terminate(_signal: int, _frame: object) -> None:
    raise _Terminated


def _fail(message: str, progress: _Progress) -> int:
    progress.end("")
    print(message, file=sys.stderr)
    return 2


def _words(summary: Summary) -> str:
    words = f"{summary.wanted} images: {summary.made} made, {summary.found} found"
    return words + (f", {len(summary.failed)} failed" if summary.failed else "")


class _Progress:
    """A line that counts, on a terminal. Elsewhere only the last line is written."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._moves = stream, stream.isatty()
        self._start, self._shown = time.monotonic(), 0.0

    def show(self, summary: Summary) -> None:
        now = time.monotonic()
        done = summary.made + len(summary.failed)
        if self._moves and now - self._shown > 0.1:
            self._shown = now
            self._stream.write(f"\r\033[K{_words(summary)} ({done / (now - self._start):.2f} a second)")
            self._stream.flush()

    def end(self, words: str) -> None:
        if self._moves:
            self._stream.write("\r\033[K")
        if words:
            self._stream.write(f"pixart: {words}\n")
        self._stream.flush()
