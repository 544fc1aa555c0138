"""Damaged and lying checkpoints of PyTorch."""

from __future__ import annotations

import os
import pathlib
import struct
import warnings
import zipfile

import forms
import pickle_files
import probe
from damaged_files import LARGE, examine, flips, is_lie, subfolder, truncations
from pickle_files import Call, Global, Persistent


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
    examine(tmp_path, content, "pth", ["denoiser"], refused=is_lie, least=4, limit=probe.LIMIT and 1 << 30)


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
