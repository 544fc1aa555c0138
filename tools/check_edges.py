#!/usr/bin/env python3
"""Compares the edges between targets that Package.swift states with those that the files use; exits with 1 if they differ.

A Swift file uses a target by importing it, a C file by including one of its headers.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def stated():
    """{target: (folder, dependencies)}"""
    described = subprocess.run(
        ["swift", "package", "dump-package"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    targets = {}
    for target in json.loads(described.stdout)["targets"]:
        folder = target.get("path") or ("Tests/" if target["type"] == "test" else "Sources/") + target["name"]
        names = {next(iter(dependency.values()))[0] for dependency in target["dependencies"]}
        targets[target["name"]] = ROOT / folder, names
    return targets


def used(folder, headers, targets):
    """Targets that the files of a folder import or include."""
    found = set()
    for path in folder.rglob("*"):
        if path.suffix == ".swift":
            found |= {
                name for name in re.findall(r"^(?:internal )?import (\w+)", path.read_text(), re.M) if name in targets
            }
        elif path.suffix in (".c", ".h"):
            included = {pathlib.Path(name).name for name in re.findall(r'^#include "(.+)"', path.read_text(), re.M)}
            found |= {headers[name] for name in included if name in headers}
    return found


def main():
    targets = stated()
    headers = {path.name: name for name, (folder, _) in targets.items() for path in (folder / "include").glob("*.h")}
    differing = 0
    for name, (folder, dependencies) in targets.items():
        uses = used(folder, headers, targets) - {name}
        for other in sorted(uses - dependencies):
            print(f"Package.swift: {name} uses {other}, which is not stated")
        for other in sorted(dependencies - uses):
            print(f"Package.swift: {name} states {other}, which it does not use")
        differing += len(uses ^ dependencies)
    print(
        f"{sum(len(dependencies) for _, dependencies in targets.values())} edges of {len(targets)} targets, {differing} differ"
    )
    return differing > 0


if __name__ == "__main__":
    sys.exit(main())
