"""Damaged and lying files of each form: an error that names the file, and neither a crash nor a hang nor much memory."""

from __future__ import annotations

import json
import os
import pathlib
import struct
import warnings
import zipfile

import architectures
import controlnets
import forms
import gguf_files
import hostile
import numpy as np
import pickle_files
import pytest
import quantized
import tensor_names
import tokenizers
from element_types import Stored, encode, raw, write_safetensors
from gguf_files import ARRAY, F32, I32, STRING, U32
from pickle_files import Call, Global, Persistent

import pixart

LARGE = (1 << 63) - 1


@pytest.fixture
def random():
    return np.random.default_rng(12)


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


def examine(folder, contents, ending, stages, *, refused, least=30, limit=hostile.LIMIT, beside=("", "")):
    """Reads files with these contents. `refused` says by name which of them must not open."""
    assert len(contents) >= least
    paths = written(folder, contents, ending)
    found = hostile.run(folder, paths, stages, limit, beside)
    assert found.keys() == paths.keys()
    hostile.check(found, {name: str(path) for name, path in paths.items()}, refused=set(filter(refused, paths)))
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


# ---- GGUF


def t5(random, multiple=32):
    network = architectures.text_encoder(random, multiple)
    kinds = {True: "Q8_0", False: "F32"}
    return {
        tensor_names.llama(name): gguf_files.stored_as(
            random, kinds[values.ndim == 2 and "bias" not in name and values.shape[1] % 32 == 0], values
        )
        for name, values in network.tensors.items()
    }


def patched(tensors, name, **changes):
    """Tensors of which one has another name, type, shape or data."""
    found = tensors[name]
    facts = {"type": found.type, "shape": found.shape, "data": found.data, **changes}
    return {**tensors, name: Stored(**facts)}


def test_gguf(tmp_path, random):
    tensors = t5(random)
    words = tokenizers.vocabulary(random)
    table = tensors["token_embd.weight"]
    keys = {"general.architecture": (STRING, "t5encoder"), **tokenizers.gguf_keys(words, table.shape[0])}
    whole = gguf_files.contents(tensors, keys)
    lists = whole.index(b"general.architecture") - 8  # where the keys begin
    names = whole.index(struct.pack("<Q", len("token_embd.weight")) + b"token_embd.weight")

    own = (3, len(tensors), len(keys))

    def head(version=own[0], count=own[1], kv=own[2]):
        return b"GGUF" + struct.pack("<Iqq", version, count, kv) + whole[lists:]

    def key(kind, content=b"", name=b"x"):
        return (
            whole[:16]
            + struct.pack("<q", len(keys) + 1)
            + gguf_files.text(name)
            + struct.pack("<I", kind)
            + content
            + (whole[lists:])
        )

    def info(change, name="token_embd.weight"):
        """The entry of a tensor, changed by a function of its number of dimensions, dimensions, type and offset."""
        place = whole.index(struct.pack("<Q", len(name)) + name.encode()) + 8 + len(name)
        (count,) = struct.unpack_from("<I", whole, place)
        size = 4 + 8 * count + 12
        facts = struct.unpack_from(f"<I{count}qIQ", whole, place)
        count, dimensions, kind, offset = change(facts[0], list(facts[1:-2]), facts[-2], facts[-1])
        entry = struct.pack("<I", count) + b"".join(struct.pack("<q", item) for item in dimensions)
        return whole[:place] + entry + struct.pack("<IQ", kind, offset) + whole[place + size :]

    def with_keys(**more):
        return gguf_files.contents(tensors, {**keys, **{name.replace("__", "."): item for name, item in more.items()}})

    q = "enc.blk.0.attn_q.weight"
    assert tensors[q].type == "Q8_0"
    nan = bytearray(tensors[q].data)
    nan[0:2] = b"\0\x7e"
    lies = {
        "lie: no tensors": head(count=0),
        "lie: most tensors": head(count=LARGE),
        "lie: negative tensors": head(count=-1),
        "lie: one tensor more": head(count=len(tensors) + 1),
        "lie: most keys": head(kv=LARGE),
        "lie: negative keys": head(kv=-(1 << 63)),
        "lie: one key more": head(kv=len(keys) + 1),
        "lie: one key less": head(kv=len(keys) - 1),
        "lie: version 1": head(version=1),
        "lie: version 4": head(version=4),
        "lie: big-endian": head(version=3 << 24),
        "lie: long key": whole[:24] + struct.pack("<Q", LARGE) + whole[32:],
        "lie: longest key": whole[:24] + struct.pack("<Q", (1 << 64) - 1) + whole[32:],
        "lie: type of a key": key(13),
        "lie: array of arrays": key(ARRAY, struct.pack("<IQ", ARRAY, 1)),
        "lie: array of an unknown type": key(ARRAY, struct.pack("<IQ", 99, 1)),
        "lie: most elements": key(ARRAY, struct.pack("<IQ", 10, (1 << 64) - 1)),
        "lie: many elements": key(ARRAY, struct.pack("<IQ", 12, 1 << 30)),
        "lie: many texts": key(ARRAY, struct.pack("<IQ", STRING, 1 << 30)),
        "lie: longest text": key(STRING, struct.pack("<Q", 1 << 62)),
        "lie: a key twice": key(U32, struct.pack("<I", 1), b"general.architecture"),
        "lie: alignment 0": key(U32, struct.pack("<I", 0), b"general.alignment"),
        "lie: alignment 3": key(U32, struct.pack("<I", 3), b"general.alignment"),
        "lie: alignment 2^31": key(U32, struct.pack("<I", 1 << 31), b"general.alignment"),
        "lie: negative alignment": key(11, struct.pack("<q", -32), b"general.alignment"),
        "lie: largest alignment": key(11, struct.pack("<q", 1 << 62), b"general.alignment"),
        "lie: five dimensions": info(lambda n, d, t, o: (5, [*d, 1, 1, 1], t, o)),
        "lie: most dimensions": info(lambda n, d, t, o: ((1 << 32) - 1, d, t, o)),
        "lie: negative dimension": info(lambda n, d, t, o: (n, [d[0], -1], t, o)),
        "lie: largest dimension": info(lambda n, d, t, o: (n, [d[0], LARGE], t, o)),
        "lie: product of dimensions": info(lambda n, d, t, o: (4, [1 << 32, 1 << 32, 1 << 32, 32], t, o)),
        "lie: no columns": info(lambda n, d, t, o: (n, [0, d[1]], t, o)),
        "lie: no rows": info(lambda n, d, t, o: (n, [d[0], 0], t, o)),
        "lie: no dimensions": info(lambda n, d, t, o: (0, [], 0, o)),
        "lie: rows of half a block": info(lambda n, d, t, o: (n, [d[0] + 16, d[1]], t, o)),
        "lie: one row more": info(lambda n, d, t, o: (n, [d[0], d[1] + 1], t, o)),
        "lie: type 99": info(lambda n, d, t, o: (n, d, 99, o)),
        "lie: type that was removed": info(lambda n, d, t, o: (n, d, 4, o)),
        "lie: largest type": info(lambda n, d, t, o: (n, d, (1 << 32) - 1, o)),
        "lie: unknown type of any shape": info(lambda n, d, t, o: (4, [LARGE, LARGE, LARGE, LARGE], 99, o)),
        "lie: offset off by one": info(lambda n, d, t, o: (n, d, t, o + 1)),
        "lie: offset off by 16": info(lambda n, d, t, o: (n, d, t, o + 16)),
        "lie: offset overlaps": info(lambda n, d, t, o: (n, d, t, o + 32)),
        "lie: offset of another": info(lambda n, d, t, o: (n, d, t, 0), q),
        "lie: offset behind the file": info(lambda n, d, t, o: (n, d, t, 1 << 40)),
        "lie: largest offset": info(lambda n, d, t, o: (n, d, t, (1 << 64) - 32)),
        "lie: a tensor twice": whole.replace(b"enc.blk.0.attn_k.weight", b"enc.blk.0.attn_q.weight"),
        "lie: a tensor under both names": gguf_files.contents({**tensors, "shared.weight": encode([1.0], "F32")}, keys),
        "lie: one part of several": key(U32, struct.pack("<I", 3), b"split.count"),
        "lie: tokenizer of another kind": with_keys(tokenizer__ggml__model=(STRING, "llama")),
        "lie: fewer scores": with_keys(tokenizer__ggml__scores=((ARRAY, F32), [0.0])),
        "lie: scores of another type": with_keys(tokenizer__ggml__scores=((ARRAY, I32), [0] * table.shape[0])),
        "lie: type of a token": with_keys(tokenizer__ggml__token_type=((ARRAY, I32), [9] * table.shape[0])),
        "lie: negative type of a token": with_keys(tokenizer__ggml__token_type=((ARRAY, I32), [-1] * table.shape[0])),
        "lie: token behind the last": with_keys(tokenizer__ggml__eos_token_id=(U32, 1 << 30)),
        "lie: NaN scores": with_keys(tokenizer__ggml__scores=((ARRAY, F32), [float("nan")] * table.shape[0])),
        "lie: charsmap": with_keys(tokenizer__ggml__precompiled_charsmap=((ARRAY, 0), [255] * 40)),
        "NaN scale of a block": gguf_files.contents(patched(tensors, q, data=bytes(nan)), keys),
    }
    for name, original in {
        "lie: original shape of another size": [table.shape[0] + 1, table.shape[1]],
        "lie: negative original shape": [-table.shape[0], -table.shape[1]],
        "lie: original shape without rows": [0, 0],
        "lie: original rows of half a block": [table.shape[0] * 2, table.shape[1] // 2],
        "lie: largest original shape": [(1 << 31) - 1] * 64,
        "lie: flat original shape": [table.shape[0] * table.shape[1]],
    }.items():
        lies[name] = gguf_files.contents(
            tensors, {**keys, "comfy.gguf.orig_shape.token_embd.weight": ((ARRAY, I32), original)}
        )
    content = {**lies, **truncations(whole[:-32], random), **flips(whole, random, 150, names + 2000)}
    examine(tmp_path, content, "gguf", ["encoder"], refused=lambda name: is_lie(name) and name not in GGUF_OPENS)


GGUF_OPENS = {"lie: NaN scores"}


# ---- PyTorch


def storage(key="0", name="FloatStorage", count=4, module="torch", extra=()):
    return Persistent(("storage", Global(module, name), key, "cpu", count, *extra))


HOOKS = Call(Global("collections", "OrderedDict"), ())


def rebuilt(base, offset=0, shape=(4,), strides=(1,)):
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), (base, offset, shape, strides, False, HOOKS))


LYING_TENSORS = {
    "offset": rebuilt(storage(), offset=1),
    "largest offset": rebuilt(storage(), offset=LARGE),
    "negative offset": rebuilt(storage(), offset=-1),
    "offset of 80 bits": rebuilt(storage(), offset=1 << 80),
    "offset of a text": rebuilt(storage(), offset="0"),
    "shape": rebuilt(storage(), shape=(5,)),
    "largest shape": rebuilt(storage(), shape=(LARGE,)),
    "product of a shape": rebuilt(storage(), shape=(1 << 32, 1 << 32), strides=(0, 0)),
    "bytes of a shape": rebuilt(storage(), shape=(1 << 62,), strides=(0,)),
    "repeated element": rebuilt(storage(), shape=(1 << 20, 1 << 20), strides=(0, 0)),
    "negative shape": rebuilt(storage(), shape=(-4,)),
    "shape of a list": rebuilt(storage(), shape=[4]),
    "shape of texts": rebuilt(storage(), shape=("4",)),
    "stride": rebuilt(storage(), strides=(2,)),
    "largest stride": rebuilt(storage(), strides=(LARGE,)),
    "negative stride": rebuilt(storage(), strides=(-1,)),
    "strides of another rank": rebuilt(storage(), strides=(1, 1)),
    "65 dimensions": rebuilt(storage(), shape=(1,) * 65, strides=(1,) * 65),
    "no arguments": Call(Global("torch._utils", "_rebuild_tensor_v2"), ()),
    "no storage": rebuilt(None),
    "opaque storage": rebuilt(Call(Global("os", "system"), ("touch executed",))),
    "storage that is missing": rebuilt(storage("7")),
    "storage of another size": rebuilt(storage(count=5)),
    "storage of most elements": rebuilt(storage(count=LARGE)),
    "storage of a negative count": rebuilt(storage(count=-4)),
    "storage of another type": rebuilt(storage(name="DoubleStorage")),
    "storage of an unknown type": rebuilt(storage(name="OtherStorage")),
    "storage of a long type": rebuilt(storage(name="X" * 100_000)),
    "storage of a long key": rebuilt(storage("7" * 100_000)),
    "storage with a path": rebuilt(storage("../../0")),
    "storage of three items": rebuilt(Persistent(("storage", Global("torch", "FloatStorage"), "0"))),
    "storage whose class is a text": rebuilt(Persistent(("storage", "torch.FloatStorage", "0", "cpu", 4))),
    "storage of another kind": rebuilt(Persistent(("module", Global("a", "b"), "0", "cpu", 4))),
    "view behind its storage": rebuilt(storage(extra=(("0", 2, 4),))),
    "largest view": rebuilt(storage(extra=(("0", LARGE, LARGE),))),
    "unknown type": Call(
        Global("torch._utils", "_rebuild_tensor_v3"),
        (
            storage(name="UntypedStorage", module="torch.storage", count=16),
            0,
            (4,),
            (1,),
            False,
            {},
            Global("torch", "q9"),
        ),
    ),
    "type that is called": Call(
        Global("torch._utils", "_rebuild_tensor_v3"),
        (storage(), 0, (4,), (1,), False, {}, Call(Global("os", "system"), ("touch executed",))),
    ),
    "opaque tensor": Call(Global("os", "system"), ("touch executed",)),
    "torchao": Call(Global("torchao.dtypes", "AffineQuantizedTensor"), (1,)),
    "parameter of nothing": Call(Global("torch._utils", "_rebuild_parameter"), (None, True, {})),
}


def programs():
    """Pickles that are none: bytes by name."""
    start, integer = b"\x80\x02", b"K\x01"
    return {
        "empty": b"",
        "no protocol": integer + b".",
        "protocol 0": b"\x80\x00N.",
        "protocol 9": b"\x80\x09N.",
        "no end": start + b"}",
        "unknown opcode": start + b"\xff.",
        "opcode of protocol 0": start + b"I1\n.",
        "nothing left": start + b".",
        "two values": start + b"NN.",
        "mark left": start + b"(N.",
        "no mark": start + b"t.",
        "pop of nothing": start + b"0.",
        "items of nothing": start + b"(NNu.",
        "odd items": start + b"}(Nu.",
        "append to a text": start + b"X\x01\0\0\0aNa.",
        "memo that is empty": start + b"h\x07.",
        "memo of 2^32": start + b"j\xff\xff\xff\xff.",
        "call of a number": start + integer + b")R.",
        "call below the mark": start + b"cos\nsystem\n()R.",
        "text of 2^63": start + b"\x8d" + struct.pack("<Q", LARGE) + b".",
        "text of 2^64": start + b"\x8d" + b"\xff" * 8 + b".",
        "integer of 2^31": start + b"\x8b" + struct.pack("<i", -1) + b".",
        "name without an end": start + b"cos\nsystem",
        "object of a number": start + integer + b")\x81.",
        "global of numbers": start + integer + integer + b"\x93.",
        "id of a number": start + integer + b"Q.",
        "build of nothing": start + b"Nb.",
        "frame of 2^63": b"\x80\x04\x95" + struct.pack("<Q", LARGE) + b"N.",
        "a list": start + b"].",
        "a number": start + integer + b".",
        "an empty dictionary": start + b"}.",
        "keys of numbers": start + b"}" + integer + b"Ns.",
        "deep tuples": start + b"N" + b"\x85" * 1_000_000 + b".",
        "deep lists": start + b"(" * 1_000_000 + b".",
        "deep dictionaries": start + b"}" * 1_000_000 + b".",
        "marks": start + b"N" + b"(1" * 1_000_000 + b".",
        "copies": start + b"}" + b"2" * 5_000_000 + b".",
        "itself": start + b"}q\0X\x01\0\0\0ah\0s.",
        "many memos": start + b"}" + b"".join(b"r" + struct.pack("<I", index) for index in range(1_000_000)) + b".",
    }


def zipped(pickle, data=None, folder="archive", more=(), compressed=()):
    path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"pixart-{os.getpid()}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in [("data.pkl", pickle), ("data/0", data or struct.pack("<4f", 1, 2, 3, 4)), *more]:
            kind = zipfile.ZIP_DEFLATED if name in compressed else zipfile.ZIP_STORED
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that an entry is there twice
                archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content, kind)
    content = path.read_bytes()
    path.unlink()
    return content


NAME = "pos_embed.proj.weight"


def test_torch_archives(tmp_path, random):
    whole = (forms.make("pickle-zip", 3, subfolder(tmp_path)).path).read_bytes()
    good = pickle_files.Program({NAME: rebuilt(storage())}).bytes
    plain = zipped(good)
    directory = plain.rindex(b"PK\x05\x06")
    central = plain.index(b"PK\x01\x02")

    def end(offset, format_, value):
        content = bytearray(plain)
        struct.pack_into(format_, content, directory + offset, value)
        return bytes(content)

    def entry(offset, format_, value, at=central):
        content = bytearray(plain)
        struct.pack_into(format_, content, at + offset, value)
        return bytes(content)

    second = plain.index(b"PK\x01\x02", central + 4)
    content = {
        **{f"lie: pickle: {name}": zipped(program) for name, program in programs().items()},
        **{
            f"lie: tensor: {name}": zipped(pickle_files.Program({NAME: tensor}).bytes)
            for name, tensor in LYING_TENSORS.items()
        },
        "lie: compressed": zipped(good, compressed=["data/0"]),
        "lie: compressed pickle": zipped(good, compressed=["data.pkl"]),
        "lie: encrypted": entry(8, "<H", 1),
        "lie: another method": entry(10, "<H", 99),
        "lie: size": entry(24, "<I", 1 << 31),
        "lie: both sizes": entry(20, "<Q", (1 << 31) * ((1 << 32) + 1)),
        "lie: ZIP64 without its field": entry(20, "<Q", (1 << 64) - 1),
        "lie: header behind the file": entry(42, "<I", 1 << 31),
        "lie: overlapping entries": entry(42, "<I", 0, second),
        "lie: name of 65535 bytes": entry(28, "<H", 65535),
        "lie: most entries": end(10, "<H", 65535),
        "lie: no entries": end(10, "<H", 0),
        "lie: directory of 2^32 bytes": end(12, "<I", (1 << 32) - 1),
        "lie: directory behind the file": end(16, "<I", (1 << 32) - 1),
        "lie: an entry twice": zipped(good, more=[("data/0", b"1234")]),
        "lie: no pickle": plain.replace(b"data.pkl", b"data.pkk"),
        "lie: TorchScript": zipped(good, more=[("constants.pkl", b"\x80\x02).")]),
        "lie: TorchScript's code": zipped(good, more=[("code/__torch__.py", b"x")]),
        "lie: big-endian": zipped(good, more=[("byteorder", b"big")]),
        "lie: name that is not UTF-8": zipped(good.replace(b"pos_embed", b"pos\xff\xfebed")),
        **truncations(whole, random),
        **flips(whole, random, 150, 3000),
        **flips(whole[-3000:], random, 1),
    }
    tail = whole[:-2000]
    content |= {f"{name} in the directory": tail + end_ for name, end_ in flips(whole[-2000:], random, 60).items()}
    examine(tmp_path, content, "pth", ["denoiser"], refused=is_lie)
    assert not list(tmp_path.rglob("executed")) and not pathlib.Path("executed").exists()


def subfolder(folder, name="good"):
    (folder / name).mkdir()
    return folder / name


def test_torch_bombs(tmp_path):
    """Small files that stand for many values, or for one tensor in many places."""
    count = 200_000
    start = b"\x80\x02}q\x01("
    shape = b"(" + b"K\x01" * 64 + b"tq\x02"
    tensor = pickle_files.Program(rebuilt(storage(), shape=(1,) * 64, strides=(1,) * 64)).bytes[2:-1]
    keys = b"".join(b"U\x06" + f"{index:06}".encode() + b"h\xfa" for index in range(count))
    bomb = start + b"U\x05first" + tensor + b"q\xfa" + keys + b"u."
    lists = b"\x80\x02]q\x01" + b"(" + b"h\x01" * count + b"e" + b"."
    doubled = b"\x80\x02)q\x01" + b"h\x01h\x01\x86q\x01" * count + b"."
    content = {
        "lie: tensors of 64 dimensions": zipped(bomb),
        "lie: a list in itself": zipped(lists),
        "lie: doubled tuples": zipped(doubled),
        "lie: shapes": zipped(start + shape + b"u."),
    }
    examine(tmp_path, content, "pth", ["denoiser"], refused=is_lie, least=4, limit=hostile.LIMIT and 1 << 30)


def legacy_file(value, keys=("0",), data=None, magic=pickle_files.MAGIC, version=1001, machine=None, counts=(4,)):
    facts = machine or {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    parts = [pickle_files.Program(item).bytes for item in (magic, version, facts, value, list(keys))]
    parts[3] = value if isinstance(value, bytes) else parts[3]
    for count in counts:
        parts.append(struct.pack("<q", count) + (data or struct.pack("<4f", 1, 2, 3, 4)))
    return b"".join(parts)


def test_legacy_torch(tmp_path, random):
    case = forms.make("pickle-legacy", 4, subfolder(tmp_path))
    whole = case.path.read_bytes()
    good = {NAME: rebuilt(storage(extra=(None,)))}
    with_views = {
        name: rebuilt(storage(extra=(view,)))
        for name, view in {
            "behind": ("1", 2, 4),
            "negative": ("1", -1, 4),
            "largest": ("1", LARGE, LARGE),
            "of two items": ("1", 0),
            "of texts": ("1", "0", "4"),
            "of a number": 3,
        }.items()
    }
    content = {
        **{
            f"lie: pickle: {name}": legacy_file(program)
            for name, program in programs().items()
            if "deep" not in name and "many" not in name and program
        },
        **{f"lie: tensor: {name}": legacy_file({NAME: tensor}) for name, tensor in LYING_TENSORS.items()},
        **{f"lie: view {name}": legacy_file({NAME: tensor}) for name, tensor in with_views.items()},
        "lie: protocol": legacy_file(good, version=1000),
        "lie: big-endian": legacy_file(good, machine={"little_endian": False}),
        "lie: no machine": legacy_file(good, machine=[1]),
        "lie: no keys": legacy_file(good, keys=()),
        "lie: another key": legacy_file(good, keys=("1",)),
        "lie: a key twice": legacy_file(good, keys=("0", "0"), counts=(4, 4)),
        "lie: key of a number": legacy_file(good, keys=(0,)),
        "lie: another count": legacy_file(good, counts=(5,)),
        "lie: negative count": legacy_file(good, counts=(-4,)),
        "lie: largest count": legacy_file(good, counts=(LARGE,)),
        "lie: no storages": legacy_file(good, counts=()),
        "lie: short storage": legacy_file(good, data=b"1234"),
        "lie: one storage of two types": legacy_file(
            {NAME: rebuilt(storage()), "b": rebuilt(storage(name="IntStorage"))}
        ),
        **truncations(whole, random),
        **flips(whole, random, 150, 6000),
    }
    examine(tmp_path, content, "pth", ["denoiser"], refused=is_lie)
    assert not list(tmp_path.rglob("executed")) and not pathlib.Path("executed").exists()


# ---- Several tensors for one weight


def safetensors_bytes(folder, tensors, metadata=None):
    path = folder / "made.safetensors"
    write_safetensors(path, tensors, metadata)
    content = path.read_bytes()
    path.unlink()
    return content


def odd(kind, shape, data=b""):
    """A tensor as a header can state it, whether or not the library knows its type."""
    return Stored(kind, shape, data)


def test_bitsandbytes(tmp_path, random):
    network = architectures.text_encoder(random)
    weight = "encoder.block.0.layer.0.SelfAttention.q.weight"
    module = weight.removesuffix(".weight")
    base = {name: encode(values, "F16") for name, values in network.tensors.items()}
    shape = network.tensors[weight].shape
    four, _ = quantized.bitsandbytes_4bit(random, weight, network.tensors[weight], "nf4")
    nested, _ = quantized.bitsandbytes_4bit(random, weight, network.tensors[weight], "nf4", nested=True)
    eight, *_ = quantized.bitsandbytes_int8(weight, network.tensors[weight])
    state = f"{weight}.quant_state.bitsandbytes__nf4"
    count = int(np.prod(shape))
    good = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": list(shape)}

    def of(tensors, **changes):
        changed = dict(tensors)
        for name, item in changes.items():
            key = {"state": state, "weight": weight, "SCB": f"{module}.SCB", "format": f"{module}.weight_format"}.get(
                name, f"{weight}.{name}"
            )
            if item is None:
                changed.pop(key)
            else:
                changed[key] = item
        return safetensors_bytes(tmp_path, {**base, **changed})

    def json_state(tensors=four, **changes):
        return of(tensors, state=raw(list(json.dumps({**good, **changes}).encode())))

    content = {
        **{
            f"lie: state: {name}": of(four, state=raw(list(text)))
            for name, text in {
                "empty": b"",
                "no JSON": b"x",
                "a list": b"[]",
                "a number": b"7",
                "open": b'{"blocksize": 64, "shape": [',
                "deep": b"[" * 100_000,
                "deep objects": b'{"a":' * 100_000,
                "not UTF-8": b'{"blocksize": 64, "shape": [2], "\xff": 1}',
                "a key twice": b'{"blocksize": 64, "blocksize": 64, "shape": [1, 1]}',
                "infinite": b'{"blocksize": 1e999, "shape": [1, 1]}',
                "NaN": b'{"blocksize": NaN, "shape": [1, 1]}',
            }.items()
        },
        **{f"lie: block {size}": json_state(blocksize=size) for size in (0, -64, 1.5, "64", None, 1 << 62, [64], 3)},
        **{
            f"lie: shape {index}": json_state(shape=size)
            for index, size in enumerate(
                [
                    [],
                    [0, 0],
                    [-1, -1],
                    [1 << 62, 4],
                    [1 << 32, 1 << 32],
                    [1 << 32, 1 << 31],
                    [LARGE],
                    [shape[0], str(shape[1])],
                    [shape[0], shape[1] + 1],
                    [shape[1], shape[0] + 1],
                    "x",
                    None,
                    [1] * 100,
                    [1.5, 2],
                    {"a": 1},
                ]
            )
        },
        "lie: shape of a vector": json_state(shape=[count]),
        "lie: no codes of levels": of(four, quant_map=None),
        "lie: 15 levels": of(four, quant_map=encode(np.zeros(15), "F32")),
        "lie: levels of bytes": of(four, quant_map=raw(np.zeros(16))),
        "NaN levels": of(four, quant_map=encode(np.full(16, np.nan), "F32")),
        "lie: no scales": of(four, absmax=None),
        "lie: one scale more": of(four, absmax=encode(np.ones(-(-count // 64) + 1), "F32")),
        "lie: scales of bytes": of(four, absmax=raw(np.ones(-(-count // 64)))),
        "NaN scales": of(four, absmax=encode(np.full(-(-count // 64), np.nan), "F32")),
        "lie: one byte less": of(four, weight=raw(np.zeros((-(-count // 2) - 1, 1)))),
        "lie: no codes": of(four, weight=raw(np.zeros((0, 1)))),
        "lie: codes of an unknown type": of(four, weight=odd("F9", (1 << 62, 1 << 62), b"1234")),
        "lie: nested without levels": of(nested, nested_quant_map=None),
        "lie: 255 nested levels": of(nested, nested_quant_map=encode(np.zeros(255), "F32")),
        "lie: nested scales": of(nested, nested_absmax=encode(np.ones(9), "F32")),
        "lie: nested scales of floats": of(nested, absmax=encode(np.ones(-(-count // 64)), "F32")),
        "lie: nested without a size": json_state(nested),
        **{
            f"lie: nested size {size}": json_state(nested, nested_blocksize=size, nested_offset=0.5)
            for size in (0, -1, 1.5, 1 << 62)
        },
        "lie: nested offset": json_state(nested, nested_blocksize=256, nested_offset="x"),
        "lie: scales of rows": of(eight, SCB=encode(np.ones(shape[0] + 1), "F32")),
        "lie: scales of two dimensions": of(eight, SCB=encode(np.ones((shape[0], 1)), "F32")),
        "lie: scales of integers": of(eight, SCB=raw(np.ones(shape[0]), "I8")),
        "lie: weights of floats": of(eight, weight=encode(network.tensors[weight], "F32")),
        "lie: weights of three dimensions": of(eight, weight=raw(np.ones((*shape, 1)), "I8")),
        "lie: weights of one dimension": of(eight, weight=raw(np.ones(shape[0]), "I8")),
        "lie: layout of a GPU": of(eight, format=Stored("U8", (), b"\x02")),
        "lie: two forms": of({**four, **{name: item for name, item in eight.items() if name != weight}}),
        "NaN scales of rows": of(eight, SCB=encode(np.full(shape[0], np.nan), "F32")),
        "lie: codes without a weight": safetensors_bytes(tmp_path, {**base, f"{module}.x.SCB": encode([1.0], "F32")}),
    }
    whole = of(nested)
    content |= truncations(whole, random, 10) | flips(whole, random, 80, 4000)
    examine(tmp_path, content, "safetensors", ["encoder"], refused=is_lie)


def test_quanto_and_float8(tmp_path, random):
    network = architectures.text_encoder(random)
    weight = "encoder.block.0.layer.0.SelfAttention.q.weight"
    module = weight.removesuffix(".weight")
    base = {name: encode(values, "F16") for name, values in network.tensors.items()}
    values = network.tensors[weight]
    shape = values.shape
    without = {name: item for name, item in base.items() if name != weight}
    qint8, *_ = quantized.quanto_8bit(weight, values, "I8")
    qint4, _ = quantized.quanto_int4(random, weight, values)

    def of(tensors, metadata=None, **changes):
        changed = dict(tensors)
        for name, item in changes.items():
            key = f"{weight}.{name}" if name.startswith("_") else f"{module}.{name}"
            key = {"_packed": f"{weight}._data._data", "_weight": weight}.get(name, key)
            if item is None:
                changed.pop(key)
            else:
                changed[key] = item
        return safetensors_bytes(tmp_path, {**without, **changed}, metadata)

    float8 = {weight: encode(values, "F8_E4M3")}
    scale = encode(np.float32(0.5), "F32")
    huge = 1 << 40
    note = "_quantization_metadata"
    content = {
        "lie: no scale": of(qint8, _scale=None),
        "lie: one scale": of(qint8, _scale=encode([1.0], "F32")),
        "lie: scales of integers": of(qint8, _scale=raw(np.ones((shape[0], 1)), "I8")),
        "lie: data of bytes": of(qint8, _data=raw(np.ones(shape))),
        "lie: data of floats": of(qint8, _data=encode(values, "F32")),
        "lie: data of an unknown type": of(qint8, _data=odd("X1", (shape[0], LARGE), b"12")),
        "lie: data without elements": of(qint8, _data=raw(np.ones((shape[0], 0)), "I8")),
        "lie: data without rows": of(qint8, _data=raw(np.ones((0, 4)), "I8"), _scale=encode(np.ones((0, 1)), "F32")),
        "lie: data of one dimension": of(qint8, _data=raw(np.ones(shape[0]), "I8")),
        "lie: data without dimensions": of(qint8, _data=Stored("I8", (), b"1"), _scale=encode([1.0], "F32")),
        "NaN scales": of(qint8, _scale=encode(np.full((shape[0], 1), np.nan), "F32")),
        "lie: no shifts": of(qint4, _shift=None),
        "lie: fewer shifts": of(qint4, _shift=encode([[1.0]], "F32")),
        "lie: fewer scales": of(qint4, _scale=encode([[1.0]], "F32")),
        "lie: codes of floats": of(qint4, _packed=encode(np.ones((2, 2)), "F32")),
        "lie: codes without dimensions": of(qint4, _packed=Stored("U8", (), b"1")),
        "lie: no codes": of(qint4, _packed=raw(np.ones((0, 4))), _scale=encode(np.ones((0, 1)), "F32")),
        "lie: codes of half": of(qint4, _packed=raw(np.ones((1, 4))), _scale=encode(np.ones((2, 1)), "F32")),
        "lie: codes of an unknown type": of(qint4, _packed=odd("X1", (1 << 62, 1 << 62), b"12")),
        "lie: largest codes of an unknown type": of(qint4, _packed=odd("X1", (LARGE, 2), b"12")),
        "lie: many groups without elements": of(qint4, _packed=odd("U8", (1 << 60, 0))),
        **{
            f"lie: {name} scales of no elements": safetensors_bytes(
                tmp_path, {**without, weight: odd("F8_E4M3", (huge, 0)), f"{module}.{name}": scale}
            )
            for name in ("scale_weight", "weight_scale")
        },
        "lie: scale of an unknown type": safetensors_bytes(
            tmp_path, {**without, weight: odd("X1", (huge, huge), b"1"), f"{module}.scale_weight": scale}
        ),
        "lie: scale of integers": of(float8, weight_scale=raw(np.ones(1))),
        "lie: no scales": of(float8, weight_scale=encode(np.ones(0), "F32")),
        "lie: scales of blocks": of(float8, weight_scale=encode(np.ones((shape[0], 2)), "F32")),
        "lie: scaled floats": of({weight: encode(values, "F32")}, scale_weight=scale),
        "lie: scaled bytes": of({weight: raw(np.ones(shape))}, scale_weight=scale),
        "lie: scale without a weight": of({}, scale_weight=scale),
        "NaN scale": of(float8, weight_scale=encode(np.float32(np.nan), "F32")),
        "NaN weights": of({weight: Stored("F8_E4M3", shape, b"\x7f" * values.size)}),
        **{
            f"lie: note {index}": of(float8, weight_scale=scale, comfy_quant=raw(list(text)))
            for index, text in enumerate(
                [b"", b"x", b"{}", b"[1]", b'{"format": 3}', b"[" * 100_000, b'{"format": "x\\u0000"}']
            )
        },
        **{
            f"lie: notes {index}": of(float8, {note: text}, weight_scale=scale)
            for index, text in enumerate(
                ["x", "[" * 9999, '{"layers": {"a": {}}}', '{"layers": {"a": {"format": "q"}}}']
            )
        },
        "lie: two scales": of(float8, weight_scale=scale, scale_weight=encode(np.ones((2, 2)), "F32")),
    }
    for form, whole in {"quanto": of(qint4), "float8": of(float8, weight_scale=scale)}.items():
        damaged = truncations(whole, random, 10) | flips(whole, random, 40, 4000)
        content |= {f"{name} of {form}": item for name, item in damaged.items()}
    examine(tmp_path, content, "safetensors", ["encoder"], refused=is_lie)


# ---- Names


def test_names(tmp_path, random):
    """Names and shapes that say what cannot be."""
    tiny = architectures.tiny_vae(random, ("decoder",))
    stored = {tensor_names.taesd(name): encode(values, "F32") for name, values in tiny.tensors.items()}
    both = {name: encode(values, "F32") for name, values in architectures.tiny_vae(random).tensors.items()}
    network = architectures.transformer(random, conditions=False)
    own = {name: encode(values, "F32") for name, values in tensor_names.original(network.tensors).items()}
    diffusers = {name: encode(values, "F32") for name, values in network.tensors.items()}
    t5_own = {name: encode(values, "F32") for name, values in architectures.text_encoder(random).tensors.items()}
    t5_llama = {tensor_names.llama(name): item for name, item in t5_own.items()}
    vae = {name: encode(values, "F32") for name, values in architectures.vae(random, attention=True).tensors.items()}
    ldm = {tensor_names.latent_diffusion(name): item for name, item in vae.items()}
    one = encode([1.0], "F32")

    def of(tensors, changes=(), without=()):
        changed = {name: item for name, item in {**tensors, **dict(changes)}.items() if name not in without}
        return safetensors_bytes(tmp_path, changed)

    def unknown(*shape):
        return odd("X1", shape, b"1")

    width = network.config["cross_attention_dim"]
    content = {
        "lie: lowest layer": of(stored, {f"{-(1 << 63)}.weight": one}),
        "lie: highest layer": of(stored, {f"{LARGE}.weight": one}),
        "lie: layer of 2^40": of(stored, {f"{1 << 40}.weight": one}),
        "lie: highest layer of diffusers": of(both, {f"decoder.layers.{LARGE}.weight": one}),
        "lie: layer of 2^40 of diffusers": of(both, {f"encoder.layers.{1 << 40}.weight": one}),
        "lie: layer that is no number": of(both, {"decoder.layers.x.weight": one}),
        "lie: tiny without its first": of(stored, without=["1.weight"]),
        "lie: tiny of another rank": of(stored, {"1.weight": one}),
        "lie: tiny of unknown types": of(stored, {"1.weight": unknown(LARGE, LARGE, 3, 3)}),
        "lie: fused rows": of(own, {"blocks.0.attn.qkv.weight": encode(np.ones((3 * width + 1, width)), "F32")}),
        "lie: fused without dimensions": of(own, {"blocks.0.attn.qkv.weight": encode(np.float32(1), "F32")}),
        "lie: fused without rows": of(own, {"blocks.0.attn.qkv.weight": encode(np.ones((0, width)), "F32")}),
        "lie: fused of an unknown type": of(own, {"blocks.0.attn.qkv.weight": unknown(LARGE, LARGE)}),
        "lie: a tensor under two names": of(own, {"transformer_blocks.0.attn1.to_q.weight": one}),
        "lie: a block of 2^63": of(own, {f"blocks.{LARGE}.attn.qkv.weight": one}),
        "lie: a block of 2^80": of(own, {f"blocks.{1 << 80}.attn.qkv.weight": one}),
        "lie: a negative block": of(own, {"blocks.-1.attn.qkv.weight": one}),
        "lie: no blocks": of(own, without=[name for name in own if name.startswith("blocks.")]),
        "lie: patches of an unknown type": of(own, {"x_embedder.proj.weight": unknown(LARGE, 4, LARGE, LARGE)}),
        "lie: patches of 2^40": of(own, {"x_embedder.proj.weight": unknown(16, 4, 1 << 40, 1 << 40)}),
        "lie: patches of two dimensions": of(own, {"x_embedder.proj.weight": encode(np.ones((width, 16)), "F32")}),
        "lie: no patches": of(own, {"x_embedder.proj.weight": encode(np.ones((width, 4, 0, 0)), "F32")}),
        "lie: positions of an unknown type": of(own, {"pos_embed": unknown(1, LARGE, 2)}),
        "lie: positions without rows": of(own, {"pos_embed": encode(np.ones((1, 0, width)), "F32")}),
        "lie: outputs of an unknown type": of(own, {"final_layer.linear.weight": unknown(LARGE, 1)}),
        "lie: captions of an unknown type": of(own, {"y_embedder.y_proj.fc1.weight": unknown(1, LARGE)}),
        "lie: transformer of diffusers without blocks": of(
            diffusers, without=[name for name in diffusers if "transformer_blocks" in name]
        ),
        "lie: T5 without a table": of(t5_own, without=["shared.weight"]),
        "lie: T5 without a bias": of(t5_own, without=[name for name in t5_own if "bias" in name]),
        "lie: T5 of an unknown type": of(t5_own, {"shared.weight": unknown(LARGE, LARGE)}),
        "lie: T5 without heads": of(
            t5_own, {name: encode(np.ones((32, 0)), "F32") for name in t5_own if "relative" in name}
        ),
        "lie: T5 of more heads than rows": of(
            t5_own, {name: encode(np.ones((4, 999)), "F32") for name in t5_own if "relative" in name}
        ),
        "lie: T5 under both names": of(t5_llama, {"shared.weight": one}),
        "lie: T5 of layer 2^63": of(t5_llama, {f"enc.blk.{LARGE}.attn_q.weight": one}),
        "lie: VAE of five levels": of(ldm, {"decoder.up.4.block.0.conv1.weight": one}),
        "lie: VAE without levels": of(ldm, without=[name for name in ldm if ".up." in name or ".down." in name]),
        "lie: VAE of an unknown type": of(ldm, {"decoder.conv_in.weight": unknown(LARGE, LARGE, 1, 1)}),
        "lie: VAE under both names": of(ldm, {"decoder.mid_block.resnets.0.norm1.weight": one}),
        "lie: VAE's attention": of(ldm, {"decoder.mid.attn_1.q.weight": encode(np.ones((3, 1, 1, 1, 1)), "F32")}),
        "lie: names of one letter": of({"a": one, "b": one}),
        "lie: no name": of({**own, "": one}),
        "lie: no tensors": of({}),
        "lie: long name": of(own, {"blocks.0." + "x" * 100_000: one}),
        "lie: prefix alone": of(
            {f"model.diffusion_model.{name}": item for name, item in own.items()}, {"model.diffusion_model.": one}
        ),
    }
    for form, tensors in {"original names": own, "VAE": ldm, "tiny VAE": stored}.items():
        damaged = flips(of(tensors), random, 40, 4000)
        content |= {f"{name} of {form}": item for name, item in damaged.items()}
    found = examine(
        tmp_path, content, "safetensors", ["encoder", "denoiser", "decoder", "image"], refused=lambda _: False
    )
    opened = {name for name, results in found.items() if is_lie(name) and any(not kind for kind, _ in results[2:])}
    # One half of a file can be right while the other is not.
    assert opened <= {name for name in content if any(word in name for word in NAMES_OPEN)}, opened


NAMES_OPEN = ("VAE", "no number", "layer of diffusers", "2^40 of diffusers", "positions")


# ---- Adapters and ControlNets


def adapter_base(folder, random):
    """A transformer of one block: its path, and a linear module of it with its shape."""
    network = architectures.transformer(random, conditions=False)
    path = subfolder(folder, "base") / "transformer.safetensors"
    write_safetensors(path, {name: encode(values, "F32") for name, values in network.tensors.items()})
    return path, "transformer_blocks.0.ff.net.2", network.tensors["transformer_blocks.0.ff.net.2.weight"].shape


def test_adapters(tmp_path, random):
    base, module, (outputs, inputs) = adapter_base(tmp_path, random)
    flat = module.replace(".", "_")
    down, up = encode(np.ones((2, inputs)), "F32"), encode(np.ones((outputs, 2)), "F32")
    one = encode(np.float32(1), "F32")
    huge = 1 << 40

    def of(name, parts, metadata=None):
        return safetensors_bytes(tmp_path, {f"{name}.{leaf}": item for leaf, item in parts.items()}, metadata)

    def lora(prefix="lora_transformer_", **changes):
        parts = {"lora_down.weight": down, "lora_up.weight": up}
        for leaf, item in changes.items():
            parts[{"down": "lora_down.weight", "up": "lora_up.weight"}.get(leaf, leaf)] = item
        return of(prefix + flat, {leaf: item for leaf, item in parts.items() if item is not None})

    def peft(settings, **changes):
        weights = of(f"base_model.model.{module}", {"lora_A.weight": down, "lora_B.weight": up, **changes})
        text = settings if isinstance(settings, bytes) else json.dumps(settings).encode()
        return {"adapter_model.safetensors": weights, "adapter_config.json": text}

    def noted(text):
        return of(
            f"transformer.{module}", {"lora_A.weight": down, "lora_B.weight": up}, {"lora_adapter_metadata": text}
        )

    def loha(**changes):
        parts = {f"hada_w{n}_{half}": up if half == "a" else down for n in (1, 2) for half in "ab"} | changes
        return of(f"lycoris_{flat}", {leaf: item for leaf, item in parts.items() if item is not None})

    def lokr(**parts):
        return of(f"lycoris_{flat}", {f"lokr_{leaf}": item for leaf, item in parts.items()})

    whole = of(
        f"lora_transformer_{flat}",
        {
            "lora_down.weight": down,
            "lora_up.weight": up,
            "alpha": one,
            "dora_scale": encode(np.ones((outputs, 1)), "F32"),
        },
    )
    content = {
        "lie: no tensors": safetensors_bytes(tmp_path, {}),
        "lie: no adapter": safetensors_bytes(tmp_path, {"a": one, "b": one}),
        "lie: the network itself": base.read_bytes(),
        "lie: another network": of("lora_unet_down_blocks_0_attentions_0_proj_in", {"lora_down.weight": down}),
        "lie: another block": lora().replace(b"transformer_blocks_0", b"transformer_blocks_9"),
        "lie: no up": lora(up=None),
        "lie: no down": lora(down=None),
        "lie: ranks that differ": lora(up=encode(np.ones((outputs, 3)), "F32")),
        "lie: one output more": lora(up=encode(np.ones((outputs + 1, 2)), "F32")),
        "lie: one input less": lora(down=encode(np.ones((2, inputs - 1)), "F32")),
        "lie: inputs for outputs": lora(
            down=encode(np.ones((2, outputs)), "F32"), up=encode(np.ones((inputs, 2)), "F32")
        ),
        "lie: rank 0": lora(down=encode(np.ones((0, inputs)), "F32"), up=encode(np.ones((outputs, 0)), "F32")),
        "lie: huge rank of nothing": lora(down=odd("F32", (huge, 0)), up=odd("F32", (0, huge))),
        "lie: factors of an unknown type": lora(down=odd("X1", (LARGE, LARGE), b"12")),
        "lie: factors of integers": lora(down=raw(np.ones((2, inputs)), "I8")),
        "lie: a vector": lora(down=encode(np.ones(2 * inputs), "F32")),
        "lie: a number": lora(down=one),
        "lie: five dimensions": lora(down=encode(np.ones((2, inputs, 2, 1, 1)), "F32")),
        "lie: alpha of two numbers": lora(alpha=encode(np.ones(2), "F32")),
        "lie: alpha of none": lora(alpha=encode(np.ones(0), "F32")),
        "lie: NaN alpha": lora(alpha=encode(np.float32(np.nan), "F32")),
        "lie: infinite alpha": lora(alpha=encode(np.float32(np.inf), "F32")),
        "lie: alpha of bytes": lora(alpha=raw(np.ones(1))),
        "lie: scale beyond float32": lora(alpha=encode(np.float32(3e38), "F32"), scalar=encode(np.float32(1e9), "F32")),
        "lie: magnitudes of no axis": lora(dora_scale=encode(np.ones((2, 3)), "F32")),
        "lie: magnitudes of another number": lora(dora_scale=encode(np.ones((outputs + 1, 1)), "F32")),
        "lie: no magnitudes": lora(dora_scale=encode(np.ones((0, 1)), "F32")),
        "lie: NaN magnitudes": lora(dora_scale=encode(np.full((outputs, 1), np.nan), "F32")),
        "lie: magnitudes of integers": lora(dora_scale=raw(np.ones((outputs, 1)), "I8")),
        "lie: magnitudes of two kinds": lora(
            dora_scale=encode(np.ones((outputs, 1)), "F32"), lora_magnitude_vector=encode(np.ones(outputs), "F32")
        ),
        "lie: two kinds": lora(hada_w1_a=up),
        "lie: the same twice": lora(**{"lora_A.weight": down}),
        "lie: a module under two names": safetensors_bytes(
            tmp_path,
            {
                f"{prefix}{flat}.{leaf}": item
                for prefix in ("lora_transformer_", "lycoris_")
                for leaf, item in (("lora_down.weight", down), ("lora_up.weight", up))
            },
        ),
        "lie: half of LoHa": loha(hada_w2_a=None, hada_w2_b=None),
        "lie: LoHa of two shapes": loha(hada_w2_b=encode(np.ones((2, inputs + 1)), "F32")),
        "lie: LoHa of another rank": loha(hada_w1_b=encode(np.ones((3, inputs)), "F32")),
        "lie: LoHa of unknown types": loha(hada_w1_a=odd("X1", (LARGE, LARGE), b"1")),
        "lie: half of LoKr": lokr(w1=one),
        "lie: LoKr of other shapes": lokr(w1=encode(np.ones((3, 2)), "F32"), w2=encode(np.ones((outputs, 7)), "F32")),
        "lie: LoKr whole and in factors": lokr(w1=up, w1_a=up, w1_b=down, w2=down),
        "lie: LoKr that cannot be counted": lokr(w1=odd("F32", (1 << 33, 0)), w2=odd("F32", (1 << 33, 0))),
        "lie: Tucker's form": loha(hada_t1=encode(np.ones((2, 2, 1, 1)), "F32")),
        "lie: full difference": of(f"lycoris_{flat}", {"diff": encode(np.ones((outputs, inputs)), "F32")}),
        "lie: long name": of("lora_transformer_" + "x" * 100_000, {"lora_down.weight": down}),
        **{
            f"lie: settings: {name}": peft(settings)
            for name, settings in {
                "no JSON": b"x",
                "empty": b"",
                "a list": b"[]",
                "deep": b"[" * 100_000,
                "not UTF-8": b'{"r": 2, "\xff": 1}',
                "rank 0": {"r": 0},
                "negative rank": {"r": -4},
                "rank of a text": {"r": "4"},
                "huge rank": {"r": LARGE},
                "alpha of a text": {"lora_alpha": "4"},
                "huge alpha": {"lora_alpha": 1e300},
                "patterns of a list": {"alpha_pattern": [1]},
                "pattern of a text": {"alpha_pattern": {"net": "x"}},
                "expression": {"rank_pattern": {".*": 4}},
                "magnitudes that are missing": {"use_dora": True},
                "another kind": {"peft_type": "OFT"},
                "kind of a number": {"peft_type": 3},
                "trained biases": {"bias": "all"},
                "other base weights": {"init_lora_weights": "pissa_niter_4"},
            }.items()
        },
        "lie: settings that are a folder": peft({"r": 2}, **{"lora_B.bias": encode(np.ones(outputs), "F32")}),
        **{
            f"lie: notes: {name}": noted(text)
            for name, text in {
                "no JSON": "x",
                "a list": "[]x",
                "deep": "[" * 9999,
                "rank 0": '{"transformer.r": 0}',
                "alpha of a text": '{"transformer.lora_alpha": "x"}',
                "NaN alpha": '{"transformer.lora_alpha": NaN}',
                "patterns of a number": '{"transformer.rank_pattern": 1}',
            }.items()
        },
        "rank that no factor has": peft({"r": 1 << 20, "lora_alpha": 1}),
        **truncations(whole, random, 15),
        **flips(whole, random, 120, 700),
    }
    examine(tmp_path, content, "safetensors", ["denoiser"], refused=is_lie, beside=(base, "adapters"))


def test_controlnets(tmp_path, random):
    made = controlnets.Made(random)
    base = subfolder(tmp_path, "base") / "transformer.safetensors"
    write_safetensors(base, {name: encode(values, "F32") for name, values in made.network.tensors.items()})
    own = {name: encode(values, "F32") for name, values in made.controlnet.tensors.items()}
    original = {
        name: encode(values, "F32")
        for name, values in tensor_names.original_controlnet(made.controlnet.tensors).items()
    }
    width, layers = made.network.config["cross_attention_dim"], made.network.config["num_layers"]
    one = encode([1.0], "F32")
    copies = made.controlnet.config["num_layers"]
    last = f"controlnet_blocks.{copies - 1}"
    fused = "controlnet.0.copied_block.attn.qkv.weight"

    def of(tensors, changes=(), without=()):
        changed = {name: item for name, item in {**tensors, **dict(changes)}.items() if name not in without}
        return safetensors_bytes(tmp_path, changed)

    def copied(number):
        """The tensors of the first copy as another."""
        start = "controlnet_blocks.0."
        found = {name: item for name, item in own.items() if name.startswith(start) and "before" not in name}
        return {name.replace(start, f"controlnet_blocks.{number}."): item for name, item in found.items()}

    def folder(config):
        text = config if isinstance(config, bytes) else json.dumps(config).encode()
        return {"diffusion_pytorch_model.safetensors": of(own), "config.json": text}

    def adapter(**fields):
        return folder({"_class_name": "PixArtControlNetAdapterModel", "num_layers": copies, **fields})

    def unknown(*shape):
        return odd("X1", shape, b"1")

    content = {
        "lie: no tensors": of({}),
        "lie: the transformer": base.read_bytes(),
        "lie: another ControlNet": of({"controlnet_cond_embedding.conv_in.weight": one, "down_blocks.0.x": one}),
        "lie: mark alone": of({"controlnet_blocks.0.before_proj.weight": one}),
        "lie: original mark alone": of({"controlnet.0.before_proj.weight": one}),
        "lie: as many copies as blocks": of({**own, **{k: v for n in range(layers) for k, v in copied(n).items()}}),
        "lie: a copy of 2^63": of(own, {f"controlnet_blocks.{LARGE}.after_proj.weight": one}),
        "lie: a copy of 2^80": of(own, {f"controlnet_blocks.{1 << 80}.after_proj.weight": one}),
        "lie: a negative copy": of(own, {"controlnet_blocks.-1.after_proj.weight": one}),
        "lie: a copy left out": of(own, copied(copies + 1)),
        "lie: no layer after": of(own, without=[f"{last}.after_proj.weight"]),
        "lie: no bias after": of(own, without=[f"{last}.after_proj.bias"]),
        "lie: no layer before": of(own, without=["controlnet_blocks.0.before_proj.weight"]),
        "lie: a layer before another copy": of(own, {"controlnet_blocks.1.before_proj.weight": one}),
        "lie: no table": of(own, without=[f"{last}.transformer_block.scale_shift_table"]),
        "lie: no block": of(own, without=[name for name in own if name.startswith(f"{last}.transformer_block")]),
        "lie: another tensor": of(own, {"controlnet_blocks.0.norm.weight": one}),
        "lie: another width": of(own, {"controlnet_blocks.0.after_proj.weight": encode(np.ones((12, 12)), "F32")}),
        "lie: no width": of(own, {"controlnet_blocks.0.after_proj.weight": encode(np.ones((0, 0)), "F32")}),
        "lie: width of one dimension": of(
            own, {"controlnet_blocks.0.after_proj.weight": encode(np.ones(width), "F32")}
        ),
        "lie: width of an unknown type": of(own, {"controlnet_blocks.0.after_proj.weight": unknown(LARGE, LARGE)}),
        "lie: layer of integers": of(own, {"controlnet_blocks.0.before_proj.weight": raw(np.ones((width, width)))}),
        "lie: table of an unknown type": of(own, {f"{last}.transformer_block.scale_shift_table": unknown(6, LARGE)}),
        "lie: feed-forward of another width": of(
            own, {f"{last}.transformer_block.ff.net.2.weight": encode(np.ones((width, width)), "F32")}
        ),
        "lie: long name": of(own, {"controlnet_blocks.0." + "x" * 100_000: one}),
        "lie: fused rows": of(original, {fused: encode(np.ones((3 * width + 1, width)), "F32")}),
        "lie: fused without rows": of(original, {fused: encode(np.ones((0, width)), "F32")}),
        "lie: fused without dimensions": of(original, {fused: encode(np.float32(1), "F32")}),
        "lie: fused of an unknown type": of(original, {fused: unknown(LARGE, LARGE)}),
        "lie: no fused projection": of(original, without=[fused]),
        "lie: original copy of 2^63": of(original, {f"controlnet.{LARGE}.after_proj.weight": one}),
        "lie: original copy that is no number": of(original, {"controlnet.x.after_proj.weight": one}),
        "names of diffusers beside it": of(original, {"controlnet_blocks.0.after_proj.weight": one}),
        "names of diffusers for a fused part": of(
            original, {"controlnet_blocks.0.transformer_block.attn1.to_q.weight": one}
        ),
        "lie: prefix alone": of({f"controlnet.{name}": item for name, item in own.items()}, {"controlnet.": one}),
        **{f"lie: {count!r} copies": adapter(num_layers=count) for count in (0, -1, LARGE, 1.5, "1", [1], copies + 1)},
        "lie: class of another": adapter(_class_name="ControlNetModel"),
        "lie: class of a number": adapter(_class_name=3),
        "lie: configuration of no JSON": folder(b"x"),
        "lie: empty configuration": folder(b""),
        "lie: list for a configuration": folder(b"[]"),
        "lie: deep configuration": folder(b"[" * 100_000),
        "lie: unknown quantization": adapter(quantization_config={"quant_method": "gptq"}),
        "NaN weights": of(own, {"controlnet_blocks.0.before_proj.bias": encode(np.full(width, np.nan), "F32")}),
        **truncations(of(own), random, 15),
        **flips(of(original), random, 120, 3000),
    }
    examine(tmp_path, content, "safetensors", ["denoiser"], refused=is_lie, beside=(base, "controlnet"))


# ---- The Hub's cache


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
    found = hostile.run(tmp_path, models, ["encoder"], HF_HUB_CACHE=str(cache))
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
                results = hostile.run(tmp_path, {"x": "org/absent"}, ["encoder"], **environment)["x"]
                assert all(kind == "FileError" and "org/absent" in message for kind, message in results)


def test_the_fixture_is_sound(tmp_path):
    """The files that are damaged above can be read when they are whole."""
    for name in ("pickle-zip", "pickle-legacy", "gguf-mixed", "bitsandbytes-nf4-nested", "quanto-int4"):
        case = forms.make(name, 3, subfolder(tmp_path, name))
        pixart.inspect(case.path, **case.options)
