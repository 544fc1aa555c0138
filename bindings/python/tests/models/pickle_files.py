"""Checkpoints of PyTorch, zip and legacy, written opcode by opcode: neither PyTorch nor Python's pickle is used."""

from __future__ import annotations

import dataclasses
import io
import struct
import zipfile

import numpy as np
from element_types import SIZES, Stored

MAGIC = 0x1950A86A20F9469CFC6C
CLASSES = {
    "F32": "FloatStorage",
    "F16": "HalfStorage",
    "BF16": "BFloat16Storage",
    "I8": "CharStorage",
    "U8": "ByteStorage",
    "F64": "DoubleStorage",
    "I64": "LongStorage",
}
DTYPES = {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
"""Types that have no class of storages: PyTorch writes the type beside an untyped storage."""


@dataclasses.dataclass(frozen=True)
class Global:
    module: str
    name: str


@dataclasses.dataclass(frozen=True)
class Call:
    function: Global
    arguments: tuple
    state: object = None


@dataclasses.dataclass(frozen=True)
class Persistent:
    id: tuple


class Program:
    """A pickle of a value."""

    def __init__(self, value, protocol=2):
        self.protocol, self.memo, self.kept = protocol, {}, []
        body = self.opcodes(value) + b"."
        frame = b"\x95" + struct.pack("<Q", len(body)) if protocol >= 4 else b""
        self.bytes = b"\x80" + bytes([protocol]) + frame + body

    def put(self, value, opcodes):
        """Keeps a value in the memo."""
        number = len(self.memo)
        self.memo[id(value)] = number
        self.kept.append(value)
        if self.protocol >= 4:
            return opcodes + b"\x94"
        return opcodes + (b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number))

    def get(self, value):
        number = self.memo[id(value)]
        return b"h" + bytes([number]) if number < 256 else b"j" + struct.pack("<I", number)

    def text(self, value):
        data = value.encode()
        if self.protocol >= 4 and len(data) < 256:
            return b"\x8c" + bytes([len(data)]) + data
        return b"X" + struct.pack("<I", len(data)) + data

    def opcodes(self, value):
        if value is None:
            return b"N"
        if isinstance(value, bool):
            return b"\x88" if value else b"\x89"
        if isinstance(value, int):
            return self.integer(value)
        if isinstance(value, float):
            return b"G" + struct.pack(">d", value)
        if not isinstance(value, str) and id(value) in self.memo:
            return self.get(value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return b"B" + struct.pack("<I", len(value)) + value
        if isinstance(value, tuple):
            return self.tuple(value)
        if isinstance(value, list):
            items = b"".join(self.opcodes(item) for item in value)
            return self.put(value, b"]") + (b"(" + items + b"e" if value else b"")
        if isinstance(value, dict):
            start = self.put(value, b"}")
            items = b"".join(self.opcodes(key) + self.opcodes(item) for key, item in value.items())
            return start + (b"(" + items + b"u" if value else b"")
        if isinstance(value, Global):
            if self.protocol >= 4:
                return self.put(value, self.text(value.module) + self.text(value.name) + b"\x93")
            return self.put(value, b"c" + f"{value.module}\n{value.name}\n".encode())
        if isinstance(value, Persistent):
            return self.opcodes(value.id) + b"Q"
        assert isinstance(value, Call)
        made = self.opcodes(value.function) + self.opcodes(value.arguments) + b"R"
        return self.put(value, made) + (b"" if value.state is None else self.opcodes(value.state) + b"b")

    def integer(self, value):
        if 0 <= value < 256:
            return b"K" + bytes([value])
        if 0 <= value < 65536:
            return b"M" + struct.pack("<H", value)
        if -(1 << 31) <= value < 1 << 31:
            return b"J" + struct.pack("<i", value)
        size = value.bit_length() // 8 + 1
        return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)

    def tuple(self, value):
        items = b"".join(self.opcodes(item) for item in value)
        if len(value) <= 3:
            return items + [b")", b"\x85", b"\x86", b"\x87"][len(value)]
        return b"(" + items + b"t"


def dictionary(entries):
    """An OrderedDict, as state_dict() gives it, with the versions of modules that nobody needs."""
    made = Call(Global("collections", "OrderedDict"), (), {"_metadata": {"": {"version": 1}}})
    return made, entries


class Tensors:
    """Tensors on their way into a checkpoint: some share a storage, some are transposed or lie behind unused elements."""

    def __init__(self, rng):
        self.rng, self.storages, self.classes = rng, {}, {}

    def storage(self, kind, data, legacy):
        key = str(len(self.storages))
        self.storages[key] = data
        untyped = kind in DTYPES
        module, name = ("torch.storage", "UntypedStorage") if untyped else ("torch", CLASSES[kind])
        count = len(data) if untyped else len(data) // SIZES[kind]
        device = str(self.rng.choice(["cpu", "cuda:0"]))
        return Persistent(("storage", self.shared(module, name), key, device, count) + ((None,) if legacy else ()))

    def shared(self, module, name):
        return self.classes.setdefault((module, name), Global(module, name))

    def add(self, stored, legacy=False):
        """A call that rebuilds the tensor."""
        shape, size = stored.shape, SIZES[stored.type]
        data, offset = stored.data, 0
        strides = [int(np.prod(shape[index + 1 :])) for index in range(len(shape))]
        if len(shape) == 2 and self.rng.random() < 0.3:
            items = np.frombuffer(data, f"V{size}").reshape(shape)
            data, strides = np.ascontiguousarray(items.T).tobytes(), [1, shape[0]]
        if self.rng.random() < 0.3:
            offset = int(self.rng.integers(1, 9))
            data = self.rng.bytes(offset * size) + data + self.rng.bytes(int(self.rng.integers(4)) * size)
        storage = self.storage(stored.type, data, legacy)
        hooks = Call(self.shared("collections", "OrderedDict"), ())
        arguments = (storage, offset, tuple(shape), tuple(strides), False, hooks)
        if stored.type in DTYPES:
            dtype = self.shared("torch", DTYPES[stored.type])
            return Call(self.shared("torch._utils", "_rebuild_tensor_v3"), (*arguments, dtype))
        tensor = Call(self.shared("torch._utils", "_rebuild_tensor_v2"), arguments)
        if self.rng.random() < 0.2:
            return Call(self.shared("torch._utils", "_rebuild_parameter"), (tensor, True, Call(hooks.function, ())))
        return tensor


class _Stream(io.RawIOBase):
    """A stream that cannot be rewound: the sizes of entries then follow them, as PyTorch writes them."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def archive(value, storages, rng, *, folder="archive", protocol=2, extra=()):
    """The bytes of a zip file that torch.save might have written."""
    stream = _Stream() if rng.random() < 0.5 else io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as target:

        def write(name, data):
            entry = zipfile.ZipInfo(f"{folder}/{name}")
            if rng.random() < 0.5:
                filler = rng.bytes(int(rng.integers(0, 60)))
                entry.extra = b"FB" + struct.pack("<H", len(filler)) + filler
            with target.open(entry, "w") as file:
                file.write(data)

        write("data.pkl", Program(value, protocol).bytes)
        if rng.random() < 0.5:
            write("byteorder", b"little")
        for key, data in storages.items():
            write(f"data/{key}", data)
        write("version", b"3\n")
        for name, data in extra:
            write(name, data)
    return bytes(stream.data) if isinstance(stream, _Stream) else stream.getvalue()


def legacy(value, storages, sizes):
    """The bytes of a file as PyTorch before 1.6 wrote it. `sizes` are bytes of an element by storage."""
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    keys = sorted(storages)
    pickles = [MAGIC, 1001, machine, value, keys]
    data = b"".join(Program(item).bytes for item in pickles)
    for key in keys:
        data += struct.pack("<q", len(storages[key]) // sizes[key]) + storages[key]
    return data


def checkpoint(rng, dictionaries, wrap, *, is_legacy=False, protocol=2, folder="archive"):
    """The bytes of a checkpoint. `dictionaries` are state dicts of Stored by name; `wrap` makes the object of them."""
    tensors = Tensors(rng)
    made = []
    for entries in dictionaries:
        body = {name: tensors.add(stored, is_legacy) for name, stored in entries.items()}
        made.append(body)
    value = wrap(*made)
    if not is_legacy:
        return archive(value, tensors.storages, rng, folder=folder, protocol=protocol)
    sizes = {}

    def walk(item):
        if isinstance(item, Persistent):
            name = item.id[1].name
            kinds = {CLASSES[kind]: SIZES[kind] for kind in CLASSES}
            sizes[item.id[2]] = kinds.get(name, 1)
        elif isinstance(item, Call):
            walk(item.arguments)
        elif isinstance(item, (tuple, list)):
            for part in item:
                walk(part)
        elif isinstance(item, dict):
            for part in item.values():
                walk(part)

    walk(value)
    return legacy(value, tensors.storages, sizes)


def opaque(rng):
    """What training scripts leave in checkpoints: objects that only Python could make."""
    name = str(rng.choice(["argparse.Namespace", "pytorch_lightning.callbacks.ModelCheckpoint", "os.system"]))
    module, _, leaf = name.rpartition(".")
    return Call(Global(module, leaf), ("echo",) if leaf == "system" else (), {"lr": 1e-4, "steps": [1, 2, {"x": None}]})


__all__ = ["Call", "Global", "Persistent", "Program", "Stored", "archive", "checkpoint", "legacy", "opaque"]
