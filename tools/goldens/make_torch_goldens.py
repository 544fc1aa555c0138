#!/usr/bin/env python3
"""Write small PyTorch checkpoints of every kind, and what a reader must make of them.

    make_torch_goldens.py [FOLDER]        default: Tests/PixArtFormatsTests/Resources/torch

Writes the checkpoints and expected.json: for each file (and `weights`, if a dictionary is asked for by name) the
tensors by name with `type` (as safetensors names it), `shape` and `bytes` (hexadecimal; left out for types that are
not read), the names of objects that are no tensors, or `refuse`, parts of the message. Legacy files differ from run to
run in the keys of their storages, which are addresses. Needs torch and numpy.
"""

import argparse
import collections
import io
import json
import os
import pathlib
import sys
import warnings

import numpy as np
import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "PixArtFormatsTests" / "Resources" / "torch"

READ = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int8: "I8",
    torch.uint8: "U8",
}
LISTED = {
    torch.float64: "F64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.uint16: "U16",
    torch.bool: "BOOL",
    torch.complex64: "C64",
}

MARKER = "pickle-was-executed"


class Evil:
    """Runs a command if it is unpickled by Python."""

    def __reduce__(self):
        return os.system, (f"touch {MARKER}",)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.norm = torch.nn.BatchNorm1d(2)

    def forward(self, x):
        return self.norm(self.linear(x))


def randn(*shape):
    return torch.randn(*shape, generator=GENERATOR)


GENERATOR = torch.Generator().manual_seed(7)


def weights():
    return {"w": randn(2, 3), "b": randn(2)}


def types():
    tensors = {str(kind)[6:]: (randn(2, 3) * 4).to(kind) for kind in [*READ, *LISTED]}
    return tensors | {"scalar": torch.tensor(2.5), "none": torch.zeros(0, 5), "long none": torch.zeros(3, 0)}


def views():
    base = randn(4, 6)
    cube = randn(2, 3, 4)
    bytes_ = torch.arange(12, dtype=torch.uint8).reshape(3, 4)
    return {
        "whole": base,
        "rows": base[1:3],
        "row": base[2],
        "columns": base[:, 2:5],
        "transposed": base.t(),
        "steps": base[::2, ::3],
        "element": base[3, 5],
        "permuted": cube.permute(2, 0, 1),
        "middle": cube[:, 1:2],
        "expanded": randn(1, 3).expand(4, 3),
        "repeated": randn(1).expand(2, 2, 2),
        "halves": randn(3, 2).half().t(),
        "bytes": bytes_.t(),
        "window": torch.as_strided(base, (3, 3), (2, 1), 4),
        "parameter": torch.nn.Parameter(base[0]),
        "frozen": torch.nn.Parameter(randn(2).bfloat16(), requires_grad=False),
    }


def foreign():
    namespace = argparse.Namespace(lr=1e-4, layers=[1, 2, {"a": (1, 2)}], device=torch.device("cpu"))
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters())
    network(randn(4, 3)).sum().backward()
    optimizer.step()
    counts = collections.defaultdict(list)
    counts["a"].append(1)
    return {
        **weights(),
        "args": namespace,
        "scalar": np.float64(2.5),
        "array": np.arange(4),
        "optimizer": optimizer,
        "state": optimizer.state_dict(),
        "random": np.random.RandomState(1).get_state(),
        "counts": counts,
        "others": [None, True, 1 << 70, -(1 << 40), 1.5, b"bytes", bytearray(b"array"), {1, 2}, frozenset([3]), 2j],
        "type": torch.float16,
        "size": torch.Size([1, 2]),
        3: "an integer key",
        (1, 2): torch.zeros(1),
    }


OPAQUE = ["args", "scalar", "array", "optimizer"]


def legacy(value, **options):
    return zipped(value, _use_new_zipfile_serialization=False, **options)


def zipped(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def described(tensors):
    result = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            continue
        tensor = tensor.detach()
        item = {"shape": list(tensor.shape)}
        if tensor.dtype in READ:
            item["type"] = READ[tensor.dtype]
            item["bytes"] = tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes().hex()
        else:
            item["type"] = LISTED[tensor.dtype]
        result[name] = item
    return result


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    items = []

    def put(name, data, tensors=None, **more):
        (out / name).write_bytes(data)
        assert len(data) < 20_000, name
        items.append({"file": name} | ({"tensors": described(tensors)} if tensors is not None else {}) | more)

    torch.manual_seed(7)
    network = Network()
    state = network.state_dict()
    put("zip.pth", zipped({"state_dict": state, "epoch": 3}), state)
    put("legacy.pth", legacy({"state_dict": state, "epoch": 3}), state)
    for protocol in (3, 4, 5):
        put(f"protocol{protocol}.pth", zipped({"state_dict": state}, pickle_protocol=protocol), state)
    put("legacy-protocol4.pth", legacy({"state_dict": state}, pickle_protocol=4), state)
    for make, name in ((types, "types"), (views, "views"), (weights, "flat")):
        tensors = make()
        put(f"{name}.pth", zipped(tensors), tensors)
        put(f"legacy-{name}.pth", legacy(tensors), tensors)
    tensors = weights()
    put("model.pth", zipped({"model": tensors, "module": {}, "step": 1}), tensors)
    put("module.pth", zipped({"module": {f"module.{key}": value for key, value in tensors.items()}}),
        {f"module.{key}": value for key, value in tensors.items()})  # fmt: skip
    put("not-nested.pth", zipped({"model": torch.ones(1), "module": 3, "other": tensors}), {"model": torch.ones(1)})
    tensors = foreign()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        put("foreign.pth", zipped(tensors), tensors, opaque=OPAQUE)
        put("foreign-protocol4.pth", zipped(tensors, pickle_protocol=4), tensors, opaque=OPAQUE)
    tensors = weights()
    put("evil.pth", zipped({**tensors, "x": Evil()}), tensors, opaque=["x"])
    put("evil-key.pth", zipped({"evil": Evil(), "state_dict": tensors}), tensors)
    ema = {name: (tensor / 2).half() for name, tensor in tensors.items()}
    optimizer = {"state": {0: {"step": torch.tensor(1.0), "exp_avg": randn(2, 3)}}, "param_groups": [{"lr": 1e-4}]}
    training = {"state_dict": tensors, "state_dict_ema": ema, "optimizer": optimizer, "epoch": 1, "global_step": 10}
    put("training.pth", zipped(training), tensors)
    items.append({"file": "training.pth", "weights": "ema", "tensors": described(ema)})
    put("ema.pth", zipped({"model": tensors, "ema": ema}), tensors)
    items.append({"file": "ema.pth", "weights": "ema", "tensors": described(ema)})
    items.append({"file": "zip.pth", "weights": "ema", "refuse": ["state_dict_ema or ema", '"epoch"']})
    put("whole-module.pth", zipped(network), refuse=["__main__.Network", "state_dict()"])
    put("tensor.pth", zipped(torch.ones(1)), refuse=["holds a tensor"])
    put("nothing.pth", zipped({"epoch": 1}), refuse=["holds no tensors", '"epoch"'])
    assert not os.path.exists(MARKER)
    (out / "expected.json").write_text(json.dumps(items, indent=1) + "\n")


if __name__ == "__main__":
    main()
