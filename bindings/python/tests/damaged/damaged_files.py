"""The damaged and lying files of this folder: how they are made and read."""

from __future__ import annotations

import numpy as np
import probe
import tokenizers
from element_types import Stored, write_safetensors

LARGE = (1 << 63) - 1


def written(folder, contents, ending):
    """A file for each of the contents, in a folder of its own with a tokenizer: name -> path.

    Contents that are a dictionary are all files of the folder, which is then the path."""
    paths = {}
    for number, (name, content) in enumerate(contents.items()):
        path = folder / f"f{number}" / f"damaged.{ending}"
        path.parent.mkdir()
        if isinstance(content, dict):
            for file, data in content.items():
                (path.parent / file).write_bytes(data)
            paths[name] = path.parent
            continue
        path.write_bytes(content)
        (path.parent / "spiece.model").write_bytes(tokenizers.spiece(tokenizers.vocabulary(np.random.default_rng(1))))
        paths[name] = path
    return paths


def examine(folder, contents, ending, stages, *, refused, least=30, limit=probe.LIMIT, base=("", "")):
    """Reads files with these contents. `refused` says by name which of them must not open."""
    assert len(contents) >= least
    paths = written(folder, contents, ending)
    found = probe.run(folder, paths, stages, limit, base)
    assert found.keys() == paths.keys()
    probe.check(found, {name: str(path) for name, path in paths.items()}, refused=set(filter(refused, paths)))
    return found


def truncations(content, random, count=40):
    """The content, ended early: near its start, at random places, and just before its end."""
    places = {*range(0, 64, 7), *random.integers(0, len(content), count).tolist(), len(content) - 1}
    return {f"truncated at {place}": content[:place] for place in sorted(places)}


def flips(content, random, count=120, within=None):
    """The content with one or a few bytes changed."""
    changed = {}
    for index in range(count):
        copy = bytearray(content)
        for place in random.integers(0, within or len(content), int(random.integers(1, 4))).tolist():
            copy[place] = int(random.choice([copy[place] ^ 1, 0xFF, 0, 0x80, int(random.integers(256))]))
        changed[f"flipped {index}"] = bytes(copy)
    return changed


def is_lie(name):
    return name.startswith(("lie", "truncated"))


def subfolder(folder, name="good"):
    (folder / name).mkdir()
    return folder / name


def safetensors_bytes(folder, tensors, metadata=None):
    path = folder / "made.safetensors"
    write_safetensors(path, tensors, metadata)
    content = path.read_bytes()
    path.unlink()
    return content


def odd(kind, shape, data=b""):
    """A tensor as a header can state it, whether or not the library knows its type."""
    return Stored(kind, shape, data)


def patched(tensors, name, **changes):
    """Tensors of which one has another name, type, shape or data."""
    found = tensors[name]
    facts = {"type": found.type, "shape": found.shape, "data": found.data, **changes}
    return {**tensors, name: Stored(**facts)}
