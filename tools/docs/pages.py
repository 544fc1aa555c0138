"""The command blocks of the pages: fenced ones in Markdown, with the comments that say what to do with them."""

from __future__ import annotations

import pathlib
import re
import subprocess
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]

FIRST = ("README.md", "docs/getting-started.md", "docs/command.md")
"""The pages that a newcomer reads first. README.md builds and installs what the other pages use."""

ELSEWHERE = re.compile(
    r"(Tests|training|tools/benchmark|examples/(?!c/|cpp/|python/))/?|CHANGELOG\.md|docs/(options|schedulers)\.md"
)
"""Pages without commands, and those of hosts, which make test-hosts builds and runs."""

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>not run|stays running)(?:: (?P<reason>[^>]*?))? -->\n)?"
    r"^```(?P<kind>sh|bash|console|python)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
MARK = re.compile(r"^<!-- (?:not run|stays running)[^>]* -->$", re.M)
INDENTED = re.compile(
    r"^\n {4}(?:make|pip|pixart|python3?|cc|cmake|apt-get|sudo|hf|curl|git|swift|docker|podman) ", re.M
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    kind: str
    text: str
    mark: str | None
    reason: str | None

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}: {self.text.strip().splitlines()[0]}"


def all_pages() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    others = [name for name in listed.stdout.split() if not ELSEWHERE.match(name) and name not in FIRST]
    return [*FIRST, *others]


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page. Raises ValueError if commands or a mark would be passed over in silence."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        if match["mark"] == "not run" and not match["reason"]:
            raise ValueError(f"{page}:{line}: a block is not run, and no reason is given")
        found.append(Block(page, line, match["kind"], match["text"], match["mark"], match["reason"]))
    if len(MARK.findall(text)) != sum(block.mark is not None for block in found):
        raise ValueError(f"{page}: a mark is not above a block of commands")
    if indented := INDENTED.search(text):
        line = text.count("\n", 0, indented.start()) + 2
        raise ValueError(f"{page}:{line}: indented commands; fence them with ```sh")
    return found
