#!/usr/bin/env python3
"""Runs the commands of all pages as they are written, in a clean clone, and closes with "N passed, N failed".

    run_commands.py [PAGE ...]          all pages, or these
    run_commands.py --list              what would run, and what would not
    run_commands.py --clone FOLDER ...  in this clone, which has been built, with an environment in FOLDER/venv

Blocks marked ```sh and ```python run from top to bottom. The blocks of a page share one shell, so that an exported
variable holds for the next block, and one Python. All pages share the clone, its virtual environment, and a home
folder of their own. Invisible comments above a block say what else to do:

    <!-- not run: REASON -->            the block is not run, and is named at the end
    <!-- stays running -->              the block goes on until the end of the page; the next one waits for its first
                                        line with an address
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable

from pages import ROOT, Block, all_pages, blocks_of

LIMIT = 3600.0
"""Seconds after which a block has hung."""

PYTHON = """
import sys, traceback
names = {"__name__": "__main__"}
for path in sys.stdin:
    try:
        exec(compile(open(path.strip()).read(), "block", "exec"), names)
        print("\\n__END__", flush=True)
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
"""


class Page:
    """A shell and a Python for the blocks of a page. A block that fails ends its process; the next one gets a new one."""

    def __init__(self, clone: pathlib.Path) -> None:
        self._clone = clone
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._servers: list[subprocess.Popen[str]] = []

    def run(self, block: Block) -> tuple[bool, str]:
        """Whether the block succeeded, and its output."""
        text = block.text
        if block.kind == "console":
            text = "".join(f"{line[2:]}\n" for line in text.splitlines() if line.startswith("$ "))
        script = self._clone.parent / f"block-{block.line}"
        script.write_text(text)
        if block.mark == "stays running":
            self._servers.append(self._opened(f"exec bash -e {script}"))
            return read_until(self._servers[-1], lambda line: "http://" in line)
        kind = "python" if block.kind == "python" else "sh"
        if kind not in self._processes:
            self._processes[kind] = self._opened(f"exec python3 -c '{PYTHON}'" if kind == "python" else "exec bash -s")
        process = self._processes[kind]
        assert process.stdin
        command = f"{script}\n" if kind == "python" else f"set -e; . {script} </dev/null; set +e; echo; echo __END__\n"
        process.stdin.write(command)
        process.stdin.flush()
        succeeded, output = read_until(process, lambda line: line.rstrip() == "__END__")
        if not succeeded:
            del self._processes[kind]
        return succeeded, output

    def close(self) -> None:
        for process in [*self._processes.values(), *self._servers]:
            end(process)

    def _opened(self, command: str) -> subprocess.Popen[str]:
        activate = self._clone / "venv" / "bin" / "activate"
        cache = os.environ.get("PIP_CACHE_DIR", os.path.expanduser("~/.cache/pip"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIXART_", "PYTHON"))}
        home = self._clone.parent / "home"
        home.mkdir(exist_ok=True)
        return subprocess.Popen(
            ["bash", "-c", f"[ ! -e {activate} ] || . {activate}; {command}"],
            cwd=self._clone,
            env={**environment, "HOME": str(home), "PIP_CACHE_DIR": cache},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def read_until(process: subprocess.Popen[str], last: Callable[[str], bool]) -> tuple[bool, str]:
    """Whether a line came of which `last` is true, and the lines before it."""
    clock = threading.Timer(LIMIT, terminate, [process])
    clock.start()
    output = []
    try:
        assert process.stdout
        for line in process.stdout:
            if last(line):
                return True, "".join(output)
            output.append(line)
        return False, "".join(output)
    finally:
        clock.cancel()


def end(process: subprocess.Popen[str]) -> None:
    """Ends a process and those that it started, and waits for it."""
    terminate(process)
    process.communicate()


def terminate(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it has ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--clone", type=pathlib.Path)
    args = parser.parse_args()
    pages = args.pages or all_pages()
    try:
        blocks = [block for page in pages for block in blocks_of(page)]
    except ValueError as error:
        sys.exit(f"run_commands.py: {error}")
    left = [block for block in blocks if block.mark == "not run"]
    chosen = [block for block in blocks if block not in left]
    if args.list:
        print(*(block.name for block in chosen), *(f"not run ({b.reason}): {b.name}" for b in left), sep="\n")
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pixart-pages-"))
    try:
        clone = args.clone.resolve() if args.clone else folder / "libpixart"
        if not args.clone:
            subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        passed = run(pages, chosen, clone)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for block in left:
        print(f"not run ({block.reason}): {block.name}")
    print(f"{passed} passed, {len(chosen) - passed} failed")
    sys.exit(passed < len(chosen) or passed == 0)


def run(pages: list[str], blocks: list[Block], clone: pathlib.Path) -> int:
    """Runs the blocks, prints how each went, and returns the number of those that succeeded."""
    passed = 0
    for name in pages:
        page = Page(clone)
        try:
            for block in (block for block in blocks if block.page == name):
                succeeded, output = page.run(block)
                passed += succeeded
                print(f"{'ok  ' if succeeded else 'FAIL'} {block.name}", flush=True)
                if not succeeded:
                    print("".join(f"     {line}\n" for line in output.splitlines()[-20:]), end="", flush=True)
        finally:
            page.close()
    return passed


if __name__ == "__main__":
    main()
