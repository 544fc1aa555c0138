"""ControlNets of random sizes in each published form, with the transformer that they are for."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import zlib
from typing import Any

import architectures
import forms
import numpy as np
import pickle_files
import tensor_names
from architectures import Network
from element_types import decode, encode, write_safetensors

TYPES = ["F32", "F16", "BF16"]


@dataclasses.dataclass
class Case:
    model: pathlib.Path
    """The transformer."""
    path: pathlib.Path
    """The ControlNet."""
    network: Network
    expected: dict[str, np.ndarray]
    """Float32 values of the transformer."""
    copies: int
    controlnet: dict[str, np.ndarray]
    """Float32 values of the ControlNet under the names of diffusers' adapter."""
    form: str
    names: str
    prefix: str
    options: dict[str, Any]
    """Of opening."""


FORMS = {}


def form(function):
    FORMS[function.__name__.replace("_", "-")] = function
    return function


def make(name, seed, folder):
    """A case of a form."""
    return FORMS[name](np.random.default_rng([seed, zlib.crc32(name.encode())]), folder)


class Made:
    """A transformer and a ControlNet for it, and their values as files will hold them."""

    def __init__(self, rng):
        self.rng = rng
        self.network = architectures.transformer(rng, fewest=2)
        self.controlnet = architectures.controlnet(rng, self.network)
        self.base, self.base_values = self._encoded(self.network)
        self.stored, self.values = self._encoded(self.controlnet)

    def _encoded(self, network):
        stored = {}
        values = {}
        kinds = [str(kind) for kind in self.rng.choice(TYPES, 2)]
        for name, item in network.tensors.items():
            # One type for tensors that some forms have in one.
            kind = kinds[0] if item.ndim > 1 else kinds[1]
            stored[name] = encode(item, kind)
            values[name] = decode(stored[name])
        return stored, values

    def case(self, folder, path, *, model=None, form="safetensors", names="diffusers", prefix=""):
        if model is None:
            model = folder / "transformer.safetensors"
            write_safetensors(model, self.base)
        copies = self.controlnet.config["num_layers"]
        options = forms.given(self.network)
        return Case(model, path, self.network, self.base_values, copies, self.values, form, names, prefix, options)

    def original(self, with_base):
        """Tensors in the names of PixArt's repository; fused ones have one type."""
        found = {
            name: encode(values, self.stored_type(name))
            for name, values in tensor_names.original_controlnet(self.values).items()
        }
        if with_base:
            whole = tensor_names.original(self.base_values)
            kind = self.base["pos_embed.proj.weight"].type
            found |= {
                f"base_model.{name}": encode(values, kind if values.ndim > 1 else self.base["pos_embed.proj.bias"].type)
                for name, values in whole.items()
            }
        return found

    def stored_type(self, name):
        example = "before_proj.bias" if name.endswith(".bias") else "before_proj.weight"
        return self.stored[f"controlnet_blocks.0.{example}"].type


@form
def original_pickle(rng, folder):
    """As PixArt-delta is published: the whole transformer may be in the same file."""
    made = Made(rng)
    with_base = rng.random() < 0.5
    prefix = "" if with_base else str(rng.choice(["", "module.", "_orig_mod."]))
    stored = {prefix + name: item for name, item in made.original(with_base).items()}
    wrap = str(rng.choice(["state_dict", "model", ""]))

    def wrapped(body):
        return {wrap: body, "epoch": 1, "optimizer": pickle_files.opaque(rng)} if wrap else body

    path = folder / "PixArt-XL-2-512-ControlNet.pth"
    path.write_bytes(pickle_files.checkpoint(rng, [stored], wrapped, is_legacy=bool(rng.integers(2))))
    model = path if with_base and rng.random() < 0.5 else None
    return made.case(folder, path, model=model, form="pickle", names="original", prefix=prefix)


@form
def original_safetensors(rng, folder):
    made = Made(rng)
    with_base = rng.random() < 0.3
    prefix = "" if with_base else str(rng.choice(["", "module."]))
    path = folder / "controlnet.safetensors"
    write_safetensors(path, {prefix + name: item for name, item in made.original(with_base).items()})
    return made.case(folder, path, names="original", prefix=prefix)


@form
def adapter_folder(rng, folder):
    """As save_pretrained of diffusers' research project writes it, maybe in shards or as a pickle."""
    made = Made(rng)
    path = folder / "controlnet"
    path.mkdir()
    kind = str(rng.choice(["safetensors", "shards", "bin"]))
    stem = "diffusion_pytorch_model"
    if kind == "shards":
        forms.shards(rng, path, stem, "safetensors", made.stored, write_safetensors)
    elif kind == "bin":
        content = pickle_files.checkpoint(rng, [made.stored], dict, is_legacy=bool(rng.integers(2)))
        (path / f"{stem}.bin").write_bytes(content)
    else:
        write_safetensors(path / f"{stem}.safetensors", made.stored)
    if rng.random() < 0.8:  # without one the copies are counted
        (path / "config.json").write_text(json.dumps(made.controlnet.config))
    return made.case(folder, path, form="pickle" if kind == "bin" else "safetensors")


@form
def adapter_file(rng, folder):
    made = Made(rng)
    prefix = str(rng.choice(["", "controlnet.", "module.", "_orig_mod."]))
    path = folder / "controlnet.safetensors"
    write_safetensors(path, {prefix + name: item for name, item in made.stored.items()})
    return made.case(folder, path, prefix=prefix)


@form
def both_in_one(rng, folder):
    """PixArtControlNetTransformerModel: the transformer and the ControlNet in one folder or file."""
    made = Made(rng)
    stored = {f"transformer.{name}": item for name, item in made.base.items()}
    stored |= {f"controlnet.{name}": item for name, item in made.stored.items()}
    if rng.random() < 0.5:
        path = folder / "both"
        write_safetensors(path / "diffusion_pytorch_model.safetensors", stored)
        config = {"_class_name": "PixArtControlNetTransformerModel"}
        (path / "config.json").write_text(json.dumps(config))
        return made.case(folder, path, prefix="controlnet.")
    path = folder / "both.safetensors"
    write_safetensors(path, stored)
    return made.case(folder, path, model=path if rng.random() < 0.5 else None, prefix="controlnet.")
