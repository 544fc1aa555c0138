"""The types of options: made from the schemas of the library, and checked by a type checker."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pixart
from pixart._core.library import library

HERE = pathlib.Path(__file__).resolve().parent
ROOT = next(parent for parent in HERE.parents if (parent / "tools" / "docs" / "make_options_types.py").is_file())
PACKAGE = pathlib.Path(pixart.__file__).parent


def check(*paths):
    """The errors of mypy in files: {path: {line: message}}."""
    flags = ["--strict", "--explicit-package-bases", "--no-error-summary", "--hide-error-context"]
    command = [sys.executable, "-m", "mypy", *flags, *map(str, paths)]
    environment = {**os.environ, "MYPYPATH": f"{PACKAGE.parent}:{ROOT / 'tools'}", "COLUMNS": "200"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    found = {}
    for path, line, text in re.findall(r"^(.*?\.py):(\d+): error: (.*)$", result.stdout, re.MULTILINE):
        found.setdefault((ROOT / path).resolve(), {})[int(line)] = text
    assert found or result.returncode == 0, result.stdout + result.stderr
    return found


def test_types_are_made_from_the_schemas(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "docs"))
    import make_options_types

    expected = make_options_types.page(make_options_types.schemas_of(library()._name))
    assert (PACKAGE / "options.py").read_text() == expected, "options.py is not that of this library; run `make docs`"


def test_the_package_its_calls_and_the_examples_are_accepted():
    examples = sorted((ROOT / "examples" / "python").glob("*.py"))
    assert examples
    assert check(PACKAGE, HERE / "accepted.py", *examples) == {}


def test_the_calls_of_the_benchmark_are_accepted():
    """It runs for hours, and on no machine of the tests."""
    assert check(ROOT / "tools" / "benchmark" / "ours.py") == {}


def test_wrong_keys_and_types_are_refused():
    path = HERE / "refused.py"
    lines = path.read_text().splitlines()
    marked = {number: line.split("# refused: ")[1] for number, line in enumerate(lines, 1) if "# refused: " in line}
    found = check(path)[path]
    assert set(found) == set(marked)
    for number, word in marked.items():
        assert word in found[number]
