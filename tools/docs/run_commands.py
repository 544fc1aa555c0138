#!/usr/bin/env python3
"""Runs the commands of the pages for newcomers as they are written, in a clean clone, and closes with "N passed, N failed".

    run_commands.py [PAGE ...]        all pages below, or these
    run_commands.py --list            what would run, and what would not

Blocks marked ```sh and ```python run from top to bottom. The blocks of a page share one shell, so that an exported
variable holds for the next block. All pages share the clone and its virtual environment. A block after a comment
<!-- not run: REASON --> is not run, and is named at the end.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "docs/getting-started.md",
    "docs/command.md",
    "docs/presets.md",
    "docs/prompts.md",
    "docs/from-diffusers.md",
    "docs/on-a-laptop.md",
    "docs/serving.md",
    "docs/scaling.md",
    "bindings/python/README.md",
)
BLOCK = re.compile(r"(?:^<!-- not run: (?P<reason>.*?) -->\n)?^```(?P<kind>sh|python)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    kind: str
    text: str
    reason: str | None

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}: {self.text.strip().splitlines()[0]}"


def blocks_of(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        found.append(Block(page, line, match["kind"], match["text"], match["reason"]))
    return found


class Shell:
    """One shell for the blocks of a page. A block that fails ends it; the next one gets a new shell."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def run(self, block: Block) -> tuple[bool, str]:
        """Whether the block succeeded, and its output."""
        script = self._folder / ".block"
        script.write_text(block.text)
        process = self._opened()
        command = f". {script}" if block.kind == "sh" else f"python3 {script}"
        assert process.stdin and process.stdout
        process.stdin.write(f"set -e; {command}; set +e; echo; echo __END__\n")
        process.stdin.flush()
        output = []
        for line in process.stdout:
            if line.rstrip() == "__END__":
                return True, "".join(output)
            output.append(line)
        self._process = None
        return False, "".join(output)

    def close(self) -> None:
        if self._process is not None and self._process.stdin:
            self._process.stdin.close()
            self._process.wait()

    def _opened(self) -> subprocess.Popen[str]:
        if self._process is None:
            activate = self._folder / "venv" / "bin" / "activate"
            self._process = subprocess.Popen(
                ["bash", "-c", f"[ ! -e {activate} ] || . {activate}; exec bash -s"],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return self._process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", default=PAGES)
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    blocks = [block for page in args.pages for block in blocks_of(page)]
    chosen, left = [b for b in blocks if b.reason is None], [b for b in blocks if b.reason is not None]
    if args.list:
        print(*(block.name for block in chosen), *(f"not run ({b.reason}): {b.name}" for b in left), sep="\n")
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pixart-pages-"))
    passed = failed = 0
    try:
        clone = folder / "libpixart"
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        for page in args.pages:
            shell = Shell(clone)
            for block in (b for b in chosen if b.page == page):
                succeeded, output = shell.run(block)
                print(f"{'ok  ' if succeeded else 'FAIL'} {block.name}", flush=True)
                passed, failed = passed + succeeded, failed + (not succeeded)
                if not succeeded:
                    print("".join(f"     {line}\n" for line in output.splitlines()[-20:]), end="", flush=True)
            shell.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for block in left:
        print(f"not run ({block.reason}): {block.name}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
