"""Damaged and lying caches of the Hub."""

from __future__ import annotations

import json
import os

import architectures
import probe
import tokenizers
from element_types import encode, write_safetensors


def repository(cache, name="models--org--name", commit="a" * 40):
    root = cache / name
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(commit)
    snapshot = root / "snapshots" / commit / "text_encoder"
    snapshot.mkdir(parents=True)
    (root / "blobs").mkdir()
    return root, snapshot


def test_hub_caches(tmp_path, random):
    network = architectures.text_encoder(random)
    stored = {name: encode(values, "F32") for name, values in network.tensors.items()}
    cache = tmp_path / "cache"
    number = 0

    def case(change=None):
        """A repository that a function has damaged: its id."""
        nonlocal number
        number += 1
        root, snapshot = repository(cache, f"models--org--n{number}")
        blob = root / "blobs" / "0"
        write_safetensors(blob, stored)
        (snapshot / "model.safetensors").symlink_to("../../../blobs/0")
        (snapshot / "config.json").write_text(json.dumps(network.config))
        (snapshot.parent / "tokenizer").mkdir()
        (snapshot.parent / "tokenizer" / "spiece.model").write_bytes(tokenizers.spiece(tokenizers.vocabulary(random)))
        id_ = f"org/n{number}"
        return (change(root, snapshot) if change else None) or id_

    def link(path, target):
        path.unlink()
        path.symlink_to(target)

    def large(path, size):
        with open(path, "wb") as file:
            file.truncate(size)

    main, weights = "refs/main", "model.safetensors"
    models = {
        "good": case(),
        "lie: no reference": case(lambda root, _: (root / main).unlink()),
        "lie: empty reference": case(lambda root, _: (root / main).write_text("") and None),
        "lie: reference to no commit": case(lambda root, _: (root / main).write_text("main") and None),
        "lie: reference to a path": case(lambda root, _: (root / main).write_text("../../../" + "a" * 31) and None),
        "lie: reference to a missing commit": case(lambda root, _: (root / main).write_text("b" * 40) and None),
        "lie: reference of 41 digits": case(lambda root, _: (root / main).write_text("a" * 41) and None),
        "lie: large reference": case(lambda root, _: large(root / main, 1 << 33)),
        "lie: reference that is a folder": case(
            lambda root, _: ((root / main).unlink(), (root / main).mkdir()) and None
        ),
        "lie: reference to itself": case(lambda root, _: link(root / main, "main")),
        "lie: reference that is a device": case(lambda root, _: link(root / main, "/dev/zero")),
        "lie: reference that is a pipe": case(
            lambda root, _: ((root / main).unlink(), os.mkfifo(root / main)) and None
        ),
        "lie: dangling blob": case(lambda root, _: (root / "blobs" / "0").unlink()),
        "lie: blob that links to itself": case(lambda root, _: link(root / "blobs" / "0", "0")),
        "lie: blob in a loop": case(lambda root, s: link(root / "blobs" / "0", s / weights)),
        "lie: blob that is a pipe": case(
            lambda root, _: ((root / "blobs" / "0").unlink(), os.mkfifo(root / "blobs" / "0")) and None
        ),
        "lie: blob that is a device": case(lambda root, _: link(root / "blobs" / "0", "/dev/zero")),
        "lie: blob that is a folder": case(
            lambda root, _: ((root / "blobs" / "0").unlink(), (root / "blobs" / "0").mkdir()) and None
        ),
        "lie: empty blob": case(lambda root, _: (root / "blobs" / "0").write_bytes(b"") and None),
        "lie: interrupted blob": case(
            lambda root, _: (root / "blobs" / "0").rename(root / "blobs" / "0.incomplete") and None
        ),
        "lie: blob of zeros": case(lambda root, _: large(root / "blobs" / "0", 1 << 20)),
        "lie: large blob of zeros": case(lambda root, _: large(root / "blobs" / "0", 1 << 40)),
        "lie: configuration in a loop": case(lambda root, s: link(s / "config.json", "config.json")),
        "lie: configuration that is a pipe": case(
            lambda root, s: ((s / "config.json").unlink(), os.mkfifo(s / "config.json")) and None
        ),
        "lie: snapshot that is a file": case(
            lambda root, s: (
                ((root / "snapshots" / ("c" * 40)).write_text(""), (root / main).write_text("c" * 40)) and None
            )
        ),
        "lie: snapshots in a loop": case(
            lambda root, s: (
                ((root / "snapshots").rename(root / "old"), (root / "snapshots").symlink_to("snapshots")) and None
            )
        ),
        "lie: index in a loop": case(lambda root, s: (s.parent / "model_index.json").symlink_to("model_index.json")),
        "lie: repository's folder": str(cache / "models--org--n1"),
        "lie: missing revision": "org/n1@other",
        "lie: missing commit": "org/n1@" + "d" * 40,
        "lie: no revision": "org/n1@",
        "lie: revision with a path": "org/n1@../../../etc/passwd",
        "lie: revision from the root": "org/n1@/etc/passwd",
        "lie: revision of dots": "org/n1@refs/../main",
        "lie: revision with a space": "org/n1@a b",
        "lie: long revision": "org/n1@" + "x" * 5000,
        "lie: three names": "org/n1/x",
        "lie: organization of dots": "../n1",
        "lie: name of dots": "org/..",
        "lie: name with two hyphens": "org/n1--x",
        "lie: folder as a name": "models--org--n1",
        "lie: no name": "org/",
        "lie: no organization": "/n1",
        "lie: long name": "org/" + "x" * 300,
        "lie: long id": "x" * 3000 + "/n1",
        "lie: other letters": "órg/n1",
        "lie: other case": "ORG/N1",
        "lie: empty": "",
    }
    found = probe.run(tmp_path, models, ["encoder"], HF_HUB_CACHE=str(cache))
    assert not found.pop("good")[2][0]
    for name, results in found.items():
        for kind, message in results:
            kinds = ["", "FileError", "ModelError", "ArgumentError"] + ["OutOfMemoryError"] * ("large" in name)
            assert kind in kinds, (name, kind, message)
            assert not kind or message, name
        assert results[2][0] and (results[0][0] or '"error"' in results[0][1]), (name, results)
        id_ = models[name].partition("@")[0]
        message = results[2][1]
        assert id_[:50] in message or f"--{id_.rpartition('/')[2]}" in message or not id_, (name, message)
    for variable in ("HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"):
        loop = tmp_path / f"loop-{variable}"
        loop.symlink_to(loop.name)
        for value in (loop, "/dev/null", "", "~nobody/$HOME/${X}", tmp_path / "absent"):
            environment = {"HF_HUB_CACHE": "", "HF_HOME": "", "HUGGINGFACE_HUB_CACHE": "", "XDG_CACHE_HOME": ""}
            environment = {**environment, "HOME": str(tmp_path), variable: str(value)}
            if variable == "HF_HOME" or value == loop:
                results = probe.run(tmp_path, {"x": "org/absent"}, ["encoder"], **environment)["x"]
                assert all(kind == "FileError" and "org/absent" in message for kind, message in results)
