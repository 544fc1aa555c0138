#!/usr/bin/env python3
"""Makes the site of all pages, the C header and the Python package, and checks its links: make_site.py OUT

It needs doxygen, and the packages of tools/site/requirements.txt. Pages keep their places in the tree, so relative
links hold. A link to a source file becomes plain text, because sources are not part of the site.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "bindings" / "python" / "src"))

SECTIONS = {
    "Start": ["getting-started", "command", "from-diffusers", "on-a-laptop", "troubleshooting", "faq", "gallery"],
    "Build it into something": ["languages", "swift", "serving", "scaling", "packaging", "abi"],
    "Models and options": [
        "models",
        "checkpoints",
        "adapters",
        "prompts",
        "options",
        "schedulers",
        "presets",
        "caching",
    ],
    "Facts": ["performance", "precision", "numerics", "platforms", "checkpoint-format", "design"],
}
"""The pages of docs in the order of the site's menu."""

MORE = {
    "Reference": ["reference/c", "reference/python", "bindings/c/README", "bindings/python/README"],
    "Project": ["CHANGELOG", "CONTRIBUTING", "SECURITY", "docs/README"],
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")

C_REFERENCE = """# The C header

`#include <pixart.h>`. What holds for all functions is at the start of the header:

```{doxygenfile} pixart.h
:project: pixart
```
"""
PYTHON_GROUPS = {
    "Images in one call": "generate Pipeline Images default_model read_settings",
    "Stages": "Encoder Denoiser Sampler Decoder ImageEncoder",
    "Models": "convert inspect memory_estimate",
    "Images": "read_image write_image encode_png decode_png resize_image blend_images detect_edges",
    "Tensors": "save_tensors load_tensors list_tensors to_padded from_padded",
    "Options and versions": "options_schema verbs version",
    "Errors": "PixArtError ArgumentError StateError ClosedError FileError ModelError OutOfMemoryError Cancelled"
    " InternalError LibraryNotFound Status",
}
"""The names of the package in the order of the site's page."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pixart-site-") as folder:
        source, doxygen = pathlib.Path(folder, "source"), pathlib.Path(folder, "doxygen")
        stage(source)
        doxygen.mkdir()
        settings = f"INPUT={ROOT}/include/pixart.h\nOUTPUT_DIRECTORY={doxygen}\n" + (HERE / "Doxyfile").read_text()
        subprocess.run(["doxygen", "-"], input=settings, text=True, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(args.out, ignore_errors=True)
        environment = {**os.environ, "PIXART_ROOT": str(ROOT), "PIXART_DOXYGEN": str(doxygen / "xml")}
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "-q",
            "-W",
            "--keep-going",
            "-b",
            "html",
            "-c",
            HERE,
            source,
            args.out,
        ]
        subprocess.run(command, env=environment, check=True)
    dead = dead_links(args.out)
    print(*dead, sep="\n")
    pages = sum(1 for _ in args.out.rglob("*.html"))
    print(f"{pages} pages in {args.out}: {len(dead)} dead links")
    sys.exit(len(dead) > 0)


def stage(source: pathlib.Path) -> None:
    """Copies pages and images, and writes the page of the menu and those of the references."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md", "*.png"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    files = [name for name in listed.stdout.split() if not name.startswith(("Tests/", "tools/benchmark/"))]
    for name in files:
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".md"):
            target.write_text(with_links((ROOT / name).read_text(encoding="utf-8"), name, set(files)), encoding="utf-8")
        else:
            shutil.copy(ROOT / name, target)
    reference = source / "reference"
    reference.mkdir()
    (reference / "c.md").write_text(C_REFERENCE)
    (reference / "python.md").write_text(python_reference())
    menu = {**{title: [f"docs/{page}" for page in pages] for title, pages in SECTIONS.items()}, **MORE}
    trees = [
        tree(title, [page for page in pages if (source / f"{page}.md").is_file()]) for title, pages in menu.items()
    ]
    named = {page for pages in menu.values() for page in pages} | {"README", "index"}
    others = sorted(name[:-3] for name in files if name.endswith(".md") and name[:-3] not in named)
    trees.append(tree("Examples and models", others))
    (source / "index.md").write_text("```{include} README.md\n```\n\n" + "\n".join(trees), encoding="utf-8")
    unlisted = (
        {name[5:-3] for name in files if re.fullmatch(r"docs/[^/]+\.md", name)}
        - {page for pages in SECTIONS.values() for page in pages}
        - {"README"}
    )
    if unlisted:
        sys.exit(f"make_site.py: the menu lacks {', '.join(sorted(unlisted))}")


def python_reference() -> str:
    """The page of the Python package. Ends the program if a name of the package is in no group, or a group names another."""
    import pixart

    grouped = [name for names in PYTHON_GROUPS.values() for name in names.split()]
    if differing := set(grouped) ^ (set(pixart.__all__) - {"__version__", "options", "prompts"}):
        sys.exit(
            f"make_site.py: the groups of the Python page and pixart.__all__ differ: {', '.join(sorted(differing))}"
        )
    lines = ["# The Python package", "", "```{eval-rst}", ".. automodule:: pixart", "   :no-members:", ""]
    for title, names in PYTHON_GROUPS.items():
        lines += [title, "-" * len(title), ""]
        for name in names.split():
            item = getattr(pixart, name)
            if isinstance(item, type):
                lines += [f".. autoclass:: pixart.{name}", "   :members:", "   :special-members: __iter__", ""]
            else:
                lines += [f".. autofunction:: pixart.{name}", ""]
    lines += [
        "Prompts",
        "-------",
        "",
        ".. automodule:: pixart.prompts",
        "   :members:",
        "   :imported-members:",
        "```",
    ]
    return "\n".join([*lines, ""])


def tree(title: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", f":caption: {title}", ":hidden:", ":maxdepth: 1", "", *pages, "```", ""])


def with_links(text: str, page: str, pages: set[str]) -> str:
    return LINK.sub(lambda link: rewritten(link, page, pages), text)


def rewritten(link: re.Match[str], page: str, pages: set[str]) -> str:
    """A link of a page as it is on the site."""
    mark, text, target = link.groups()
    path, _, anchor = target.partition("#")
    if not path or "://" in target or target.startswith("mailto:"):
        return link[0]
    place = os.path.normpath(os.path.join(os.path.dirname(page), path))
    if not (ROOT / place).exists():
        sys.exit(f"make_site.py: {page}: a link to {target}, which is not there")
    if place in pages:
        return link[0]
    if place == "include/pixart.h":
        return f"[{text}]({os.path.relpath('reference/c.md', os.path.dirname(page) or '.')})"
    if f"{place}/README.md" in pages:
        return f"[{text}]({path.rstrip('/')}/README.md)"
    return text


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value and (name == "id" or (tag == "a" and name == "name")):
                self.anchors.add(value)
            if value and name in ("href", "src"):
                self.links.append(value)
                if tag != "a" and dict(attributes).get("rel") != "canonical":
                    self.loaded.append(value)


def dead_links(site: pathlib.Path) -> list[str]:
    """Links to files or anchors of the site that are not there, and anything that is loaded from elsewhere."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    dead = []
    for sheet in site.rglob("*.css"):
        if loaded := re.search(
            r"""(?:@import|url\()\s*["']?(?:https?:)?//[^"')]*""", sheet.read_text(encoding="utf-8")
        ):
            dead.append(f"{sheet.relative_to(site)}: {loaded[0]}: loaded from elsewhere")
    for path, page in pages.items():
        for link in page.loaded:
            if re.match(r"(?:https?:)?//", link):
                dead.append(f"{path.relative_to(site)}: {link}: loaded from elsewhere")
        for link in page.links:
            name, _, anchor = link.split("?")[0].partition("#")
            if re.match(r"[a-z]+:", name) or name.startswith("//"):
                continue
            target = (path.parent / name).resolve() if name else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                dead.append(f"{path.relative_to(site)}: {link}: no such file")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                dead.append(f"{path.relative_to(site)}: {link}: no such anchor")
    return dead


if __name__ == "__main__":
    main()
