#!/usr/bin/env python3
"""Checks the links of the Markdown pages as a forge shows them: files, anchors, and that each page of docs is reachable
from README.md and listed in docs/README.md.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(```|~~~).*?^\1$", re.M | re.S)
CODE = re.compile(r"(`+).*?\1", re.S)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*([^)\s]+)(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)?$", re.M)
NAMED = re.compile(r"<a\s+(?:name|id)=\"([^\"]+)\"")


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings: lower case, no punctuation, hyphens for spaces, numbers for repetitions."""
    found: set[str] = set(NAMED.findall(text))
    for heading in HEADING.findall(FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        base = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        name, number = base, 0
        while name in found:
            number += 1
            name = f"{base}-{number}"
        found.add(name)
    return found


def links(text: str) -> list[str]:
    return [target for target in LINK.findall(CODE.sub("", FENCE.sub("", text))) if not re.match(r"[a-z]+:", target)]


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in listed.stdout.split()}
    faults, edges, count = [], dict[str, set[str]](), 0
    for name, text in pages.items():
        edges[name] = set()
        for link in links(text):
            count += 1
            path, _, anchor = link.partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
            if target.startswith("..") or not (ROOT / target).exists():
                faults.append(f"{name}: {link}: no such file")
                continue
            target = f"{target}/README.md" if f"{target}/README.md" in pages else target
            edges[name].add(target)
            if anchor and target in pages and anchor not in anchors(pages[target]):
                faults.append(f"{name}: {link}: no such heading")
    docs = {name for name in pages if re.fullmatch(r"docs/[^/]+\.md", name)}
    faults += [f"{name}: not in docs/README.md" for name in docs - edges["docs/README.md"] - {"docs/README.md"}]
    faults += [f"{name}: no way leads there from README.md" for name in docs - reachable("README.md", edges)]
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"{count} links in {len(pages)} pages of Markdown: {len(faults)} faults")
    sys.exit(len(faults) > 0)


def reachable(start: str, edges: dict[str, set[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        new = edges.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


if __name__ == "__main__":
    main()
