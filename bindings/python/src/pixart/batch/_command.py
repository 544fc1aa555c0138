"""The command `pixart batch`."""

from __future__ import annotations

import argparse
import functools
import os
import signal
import sys
import time
from typing import Any, Callable

from .._core.errors import PixArtError
from .._models import default_model
from ..cli._flags import Flags
from ..cli._model_flags import ModelFlags
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
    fields = parser.add_argument_group("values for lines without them")
    fields.add_argument("-n", "--negative-prompt", metavar="TEXT", help="what images do not show")
    run_flags = Flags(
        parser, "denoise", "options of runs, for lines without them", without=frozenset(NOT_HERE) - {"preset"}
    )
    parser.set_defaults(flags=(ModelFlags(parser), run_flags))


def run(arguments: argparse.Namespace) -> int:
    """Runs `pixart batch`. Returns the exit code: 0 if every image is there, 1 if some failed, 2 if the input or an
    argument is wrong, 130 and 143 if a signal ended the run."""
    opening, defaults = _options(arguments)
    progress = _Progress(sys.stderr)
    previous = signal.signal(signal.SIGTERM, _terminate)  # Slurm and container engines send it before they kill
    try:
        summary = run_batch(
            arguments.input,
            arguments.out,
            _executor(arguments),
            model=os.fspath(default_model() if arguments.model is None else arguments.model),
            opening=opening,
            defaults=defaults,
            retries=arguments.retries,
            report=progress.show,
        )
    except BadLines as error:
        return _fail(str(error), progress)
    except (PixArtError, OSError, ValueError, RuntimeError, ImportError) as error:
        is_usage = isinstance(error, ValueError) and not isinstance(error, OSError)
        return _fail(f"pixart: {error}", progress, 2 if is_usage else 1)
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


def _options(arguments: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """How the stages are opened, and the fields of lines without them."""
    model_flags, run_flags = arguments.flags
    given, opening = run_flags.given(arguments), model_flags.options(arguments)
    opening |= {"weights": arguments.weights, "preset": given.pop("preset", None)}
    negative = {} if arguments.negative_prompt is None else {"negative_prompt": arguments.negative_prompt}
    return opening, {**opening.pop("encode", {}), **given, **negative}


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


def _fail(message: str, progress: _Progress, code: int = 2) -> int:
    progress.end("")
    print(message, file=sys.stderr)
    return code


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
