"""Adapters of random modules and ranks in every naming and kind, and the weights that they make of a network's."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import zlib

import numpy as np
from adapter_updates import Maker
from architectures import Network


@dataclasses.dataclass
class Case:
    model: pathlib.Path
    path: pathlib.Path
    """The adapter."""
    network: Network
    values: dict[str, np.ndarray]
    """Float32 values of the network without it."""
    merged: dict[str, np.ndarray]
    """The weights that it changes, in double precision, at `strength`."""
    strength: float
    naming: str
    ignored: set[str]
    """Tensors of the file that change nothing."""


FORMS = {}


def form(naming, *kinds, networks=("transformer", "text_encoder")):
    """Adds a form of a naming for each of the kinds of updates; the function names modules and stores tensors."""

    def added(function):
        for kind in kinds:
            own = function.__name__.replace("_", "-").removeprefix("-")
            FORMS[own if kind == "lora" else f"{own}-{kind}"] = (naming, kind, networks, function)
        return function

    return added


def make(name, seed, folder):
    """A case of a form."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    naming, kind, networks, function = FORMS[name]
    maker = Maker(rng, folder, kind, str(rng.choice(networks)))
    path = function(maker)
    return Case(maker.model, path, maker.network, maker.values, maker.merged, maker.strength, naming, maker.ignored)


LORA = {"down": "lora_A.weight", "up": "lora_B.weight", "magnitude": "lora_magnitude_vector"}
KOHYA = {"down": "lora_down.weight", "up": "lora_up.weight", "magnitude": "dora_scale"}
LOHA = {f"w{number}_{half}": f"hada_w{number}_{half}" for number in (1, 2) for half in "ab"}
LOKR = {f"w{number}{half}": f"lokr_w{number}{half}" for number in (1, 2) for half in ("", "_a", "_b")}
LEAVES = {"lora": {}, "dora": {}, "loha": LOHA, "lokr": LOKR}


# ---- PEFT


def peft_config(maker, updates):
    """PEFT's configuration, with patterns for some modules. Sets the scales of updates."""
    rng = maker.rng
    key = "lora_alpha" if maker.kind in ("lora", "dora") else "alpha"
    config = {"peft_type": {"loha": "LOHA", "lokr": "LOKR"}.get(maker.kind, "LORA"), "r": 4, key: maker.alpha()}
    config |= {"bias": "none"} if maker.kind in ("lora", "dora") else {}
    if maker.kind == "dora":
        config["use_dora"] = True
    stable = maker.kind in ("lora", "dora") and rng.random() < 0.4
    if stable:
        config["use_rslora"] = True
    alphas, ranks = {}, {}
    for made, module in updates:
        alpha, rank = config[key], made.rank
        if rng.random() < 0.4:
            alphas[module] = alpha = maker.alpha()
        if rank is None:
            rank = config["r"]
            if rng.random() < 0.4:
                ranks[module] = rank = int(rng.integers(1, 9))
        elif rank != config["r"]:
            ranks[module] = rank
        made.scale = alpha / (np.sqrt(rank) if stable else rank)
    config |= {"alpha_pattern": alphas, "rank_pattern": ranks}
    return config


def peft(maker, prefix, config_at):
    """Updates of PEFT; `config_at` says where the configuration is: "inside", "next to it", "above" or "none"."""
    path = maker.folder / "adapter" / str(maker.rng.choice(["adapter_model.safetensors", "adapter_model.bin"]))
    made = []
    for module in maker.modules():
        update, stored = maker.update([module])
        made.append((update, module, stored))
    config = peft_config(maker, [(update, module) for update, module, _ in made])
    leaves = {**LORA, **LEAVES[maker.kind]}
    for update, module, stored in made:
        if config_at == "none":
            update.scale = 8 / (update.rank or 8)
        default = ".default" if maker.rng.random() < 0.2 else ""
        names = {part: leaf.replace(".weight", f"{default}.weight") for part, leaf in leaves.items()}
        maker.add(f"{prefix}{module}", update, stored, names)
    maker.write(path)
    places = {
        "inside": path.parent / "adapter_config.json",
        "next to it": path.with_name(f"{path.name}.json"),
        "above": maker.folder / "adapter_config.json",
    }
    if config_at != "none":
        places[config_at].write_text(json.dumps(config))
    return path


@form("peft", "lora", "dora", "loha", "lokr")
def peft_folder(maker):
    return peft(maker, "base_model.model.", "inside").parent


@form("peft", "lora")
def peft_file(maker):
    return peft(maker, "base_model.model.", str(maker.rng.choice(["next to it", "above", "none"])))


@form("peft_script", "lora", networks=("transformer",))
def script(maker):
    """The second copy of PixArt's training scripts."""
    return peft(maker, "unet.base_model.model.", str(maker.rng.choice(["inside", "none"])))


# ---- diffusers


def diffusers_prefix(maker):
    return "text_encoder." if maker.is_text else "transformer."


@form("diffusers", "lora")
def diffusers(maker):
    """The scale is 1, unless there are tensors that say it."""
    for module in maker.modules():
        update, stored = maker.update([module])
        alpha = maker.alpha() if maker.rng.random() < 0.3 else None
        update.scale = 1 if alpha is None else alpha / update.rank
        maker.add(diffusers_prefix(maker) + module, update, stored, LORA, alpha)
    other = "transformer.proj_out" if maker.is_text else "text_encoder.encoder.block.0.layer.0.SelfAttention.q"
    if maker.rng.random() < 0.5:
        maker.stranger(f"{other}.lora_A.weight")
    name = str(maker.rng.choice(["pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin"]))
    path = maker.write(maker.folder / "lora" / name)
    return path if maker.rng.random() < 0.5 else path.parent


@form("diffusers", "lora")
def diffusers_metadata(maker):
    """The configuration of PEFT is in the file."""
    component = diffusers_prefix(maker)
    made = [(module, *maker.update([module])) for module in maker.modules()]
    config = peft_config(maker, [(update, module) for module, update, _ in made])
    for module, update, stored in made:
        maker.add(component + module, update, stored, LORA)
    metadata = {"lora_adapter_metadata": json.dumps({f"{component}{key}": item for key, item in config.items()})}
    return maker.write(maker.folder / "x.safetensors", metadata)


@form("plain", "lora", networks=("transformer",))
def diffusers_old(maker):
    """Names of attention processors."""
    weights = [module for module in maker.values if ".attn1." in module or ".attn2." in module]
    modules = sorted({name.rpartition(".")[0] for name in weights})
    for module in maker.rng.choice(modules, min(3, len(modules)), replace=False):
        update, stored = maker.update([str(module)])
        attention, _, leaf = str(module).removesuffix(".0").rpartition(".")
        processor = ".processor" if maker.rng.random() < 0.5 else ""
        for part, item in stored.items():
            maker.tensors[f"{attention}{processor}.{leaf}_lora.{part}.weight"] = item
        maker.apply(update, stored)
    return maker.write(maker.folder / "x.safetensors")


# ---- Names without dots, and names of PixArt's repository


def magnitude_shape(update, item):
    """The shape in which OneTrainer and LyCORIS store magnitudes: along the axis that they belong to."""
    rest = len(update.inputs)
    shape = (update.outputs,) + (1,) * rest if update.axis == "outputs" else (1, *item.shape) + (1,) * (rest - 1)
    return dataclasses.replace(item, shape=shape)


def with_alphas(maker, named, rule, leaves=KOHYA):
    """Updates with a tensor that says alpha. `named` are names in the file and the modules that they stand for."""
    for name, targets in named.items():
        axis = str(maker.rng.choice(["outputs", "inputs"])) if len(targets) == 1 else "outputs"
        update, stored = maker.update(targets, axis, rule)
        if "magnitude" in stored:
            stored["magnitude"] = magnitude_shape(update, stored["magnitude"])
        alpha = maker.alpha()
        update.scale = 1 if update.rank is None else alpha / update.rank
        scalar = None
        if rule == "lengths" and maker.rng.random() < 0.3:
            scalar = float(maker.rng.choice([0.5, 2]))
            update.scale *= scalar
        maker.add(name, update, stored, {**leaves, **LEAVES[maker.kind]}, alpha, scalar)


def flat(prefix, named):
    return {prefix + name.replace(".", "_"): targets for name, targets in named.items()}


@form("onetrainer", "lora", "dora", "loha")
def onetrainer(maker):
    prefix = "lora_te_" if maker.is_text else "lora_transformer_"
    with_alphas(maker, flat(prefix, {module: [module] for module in maker.modules()}), "change")
    if maker.rng.random() < 0.5:
        maker.stranger("bundle_emb.cat.t5")
    return maker.write(maker.folder / "x.safetensors")


@form("kohya", "lora", "dora")
def kohya(maker):
    if maker.is_text:
        prefix = str(maker.rng.choice(["lora_te1_", "lora_te2_", "lora_te3_", "lora_t5xxl_"]))
        named = {module: [module] for module in maker.modules()}
    else:
        prefix, named = "lora_unet_", maker.originals()
        if maker.rng.random() < 0.5:
            maker.stranger("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight")
    with_alphas(maker, flat(prefix, named), "change")
    return maker.write(maker.folder / "x.safetensors")


@form("lycoris", "lora", "dora", "loha", "lokr")
def lycoris(maker):
    named = maker.originals() if not maker.is_text and maker.rng.random() < 0.3 else None
    with_alphas(maker, flat("lycoris_", named or {module: [module] for module in maker.modules()}), "lengths")
    return maker.write(maker.folder / "x.safetensors")


@form("comfyui", "lora", "dora", "lokr")
def comfyui(maker):
    leaves = KOHYA if maker.kind == "dora" or maker.rng.random() < 0.5 else LORA
    if maker.is_text:
        prefix = str(maker.rng.choice(["text_encoders.t5xxl.transformer.", "t5xxl.transformer."]))
        named = {module: [module] for module in maker.modules()}
    else:
        prefix, named = str(maker.rng.choice(["diffusion_model.", "model.diffusion_model."])), maker.originals()
    with_alphas(maker, {prefix + name: targets for name, targets in named.items()}, "change", leaves)
    return maker.write(maker.folder / "x.safetensors")


@form("plain", "lora")
def plain(maker):
    named = {module: [module] for module in maker.modules()}
    if not maker.is_text and maker.rng.random() < 0.5:
        named = maker.originals()
    for name, targets in named.items():
        update, stored = maker.update(targets)
        maker.add(name, update, stored, LORA)
    return maker.write(maker.folder / "x.safetensors")
