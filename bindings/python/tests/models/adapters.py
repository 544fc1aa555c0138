"""Adapters of random modules and ranks in every naming and kind, and the weights that they make of a network's."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import zlib

import architectures
import forms
import numpy as np
import pickle_files
import tensor_names
from architectures import Network
from element_types import decode, encode, write_safetensors


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


# ---- What an update makes of a weight


def difference(kind, parts):
    """A matrix of all outputs and inputs, before it is scaled."""

    def flat(leaf):
        return parts[leaf].reshape(len(parts[leaf]), -1)

    if kind == "loha":
        return (flat("w1_a") @ flat("w1_b")) * (flat("w2_a") @ flat("w2_b"))
    if kind == "lokr":
        left, right = (flat(name) if name in parts else flat(f"{name}_a") @ flat(f"{name}_b") for name in ("w1", "w2"))
        return np.kron(left, right)
    return flat("up") @ flat("down")


def changed(weight, parts, update, strength):
    """The weight [outputs, inputs] with an update."""
    change = update.scale * difference(update.kind, parts)
    if "magnitude" not in parts:
        return weight + strength * change
    magnitude, kernel = parts["magnitude"], update.kernel
    whole = weight + (strength if update.rule == "difference" else 1) * change
    if update.axis == "outputs":
        lengths = np.linalg.norm(whole, axis=1)[:, None]
        magnitude = magnitude.reshape(-1, 1)
    else:
        channels = whole.reshape(len(whole), -1, kernel)
        lengths = np.repeat(np.sqrt((channels**2).sum((0, 2))), kernel)[None]
        magnitude = np.repeat(magnitude.reshape(-1), kernel)[None]
    factor = magnitude / lengths
    if update.rule == "difference":
        return whole * factor
    if update.rule == "change":
        return weight + strength * (whole * factor - weight)
    return whole * (strength * (factor - 1) + 1)


@dataclasses.dataclass
class Update:
    """Of one module of a file."""

    kind: str
    targets: list[str]
    rank: int | None
    """None for a Kronecker product of whole matrices."""
    outputs: int
    inputs: tuple[int, ...]
    scale: float = 1.0
    axis: str = "outputs"
    rule: str = "difference"
    """What a strength acts on if there are magnitudes."""

    @property
    def kernel(self):
        return int(np.prod(self.inputs[1:]))


def divisor(rng, number):
    return int(rng.choice([part for part in range(1, number + 1) if number % part == 0]))


class Maker:
    """A network in a file, and the parts of updates of some of its modules."""

    def __init__(self, rng, folder, kind, part):
        self.rng, self.folder, self.kind = rng, folder, kind
        self.network = (architectures.transformer if part == "transformer" else architectures.text_encoder)(rng)
        base = {name: encode(values, "F32") for name, values in self.network.tensors.items()}
        self.values = {name: decode(item) for name, item in base.items()}
        self.model = folder / "model.safetensors"
        write_safetensors(self.model, base)
        forms.beside(folder, forms.tokenizers.vocabulary(rng))
        self.strength = float(rng.choice([1, 0.5, -0.7, 1.5]))
        self.type = str(rng.choice(["F32", "F16", "BF16"]))
        self.merged, self.ignored, self.tensors = {}, set(), {}

    @property
    def is_text(self):
        return self.network.part == "text_encoder"

    def modules(self):
        """Random modules that adapters may change."""
        found = [name.removesuffix(".weight") for name, item in self.values.items() if item.ndim > 1]
        found = [name for name in found if "table" not in name]
        if self.is_text:
            found = [name for name in found if ".layer." in name and "relative" not in name]
        count = int(self.rng.integers(1, min(len(found), 6) + 1))
        return [str(name) for name in self.rng.choice(found, count, replace=False)]

    def originals(self):
        """Random modules as PixArt's repository names them, with those of diffusers that they hold."""
        found = {}
        for module in self.modules():
            block, _, rest = module.removeprefix("transformer_blocks.").partition(".")
            whole = module.removesuffix(rest)
            if module in tensor_names.ORIGINAL:
                found[tensor_names.ORIGINAL[module]] = [module]
            elif rest in tensor_names.ORIGINAL_BLOCK:
                found[f"blocks.{block}.{tensor_names.ORIGINAL_BLOCK[rest]}"] = [module]
            elif rest.startswith("attn1."):
                found[f"blocks.{block}.attn.qkv"] = [f"{whole}attn1.to_{part}" for part in "qkv"]
            else:
                found[f"blocks.{block}.cross_attn.kv_linear"] = [f"{whole}attn2.to_{part}" for part in "kv"]
        return found

    def update(self, targets, axis="outputs", rule="difference"):
        """(update, parts): of the modules of the network whose outputs follow one another."""
        rng, weight = self.rng, self.values[f"{targets[0]}.weight"]
        outputs, inputs = len(targets) * len(weight), weight.shape[1:]
        rank = int(rng.integers(1, 7))
        made = Update(self.kind, targets, rank, outputs, inputs, axis=axis, rule=rule)
        parts = self.factors(made)
        if self.kind == "dora":
            count = outputs if axis == "outputs" else inputs[0]
            parts["magnitude"] = rng.uniform(0.5, 1.5, count)
        stored = {leaf: encode(values, self.type) for leaf, values in parts.items()}
        return made, stored

    def factors(self, made):
        rng, outputs, inputs = self.rng, made.outputs, made.inputs

        def random(*shape):
            return rng.standard_normal(shape) * 0.4

        if self.kind == "loha":
            flat = int(np.prod(inputs))
            return {
                f"w{number}_{half}": random(outputs, made.rank) if half == "a" else random(made.rank, flat)
                for number in (1, 2)
                for half in "ab"
            }
        if self.kind == "lokr":
            out, into = divisor(rng, outputs), divisor(rng, inputs[0])
            parts, ranks = {}, []
            rest = (outputs // out, inputs[0] // into * made.kernel)
            for name, shape in (("w1", (out, into)), ("w2", rest)):
                if rng.random() < 0.5:
                    whole = (rest[0], inputs[0] // into, *inputs[1:]) if name == "w2" and len(inputs) > 1 else shape
                    parts[name] = random(*whole)
                else:
                    parts[f"{name}_a"], parts[f"{name}_b"] = random(shape[0], made.rank), random(made.rank, shape[1])
                    ranks.append(made.rank)
            made.rank = ranks[0] if ranks else None
            return parts
        up = (outputs, made.rank) + (1,) * (len(inputs) - 1)
        return {"down": random(made.rank, *inputs), "up": random(*up)}

    def apply(self, made, stored):
        """Notes what an update makes of the weights."""
        parts = {leaf: decode(item).astype(np.float64) for leaf, item in stored.items()}
        weights = [self.values[f"{target}.weight"].astype(np.float64) for target in made.targets]
        whole = np.concatenate([weight.reshape(len(weight), -1) for weight in weights])
        result = changed(whole, parts, made, self.strength)
        for target, rows, weight in zip(made.targets, np.split(result, len(weights)), weights, strict=True):
            self.merged[f"{target}.weight"] = rows.reshape(weight.shape)

    def add(self, module, made, stored, leaves, alpha=None, scalar=None):
        """Stores an update under a module's name. `leaves` are the names of its parts."""
        for leaf, item in stored.items():
            self.tensors[f"{module}.{leaves[leaf]}"] = item
        if alpha is not None:
            self.tensors[f"{module}.alpha"] = encode(np.float32(alpha), "F32")
        if scalar is not None:
            self.tensors[f"{module}.scalar"] = encode(np.float32(scalar), "F32")
        self.apply(made, stored)

    def write(self, path, metadata=None):
        """The file of the tensors, maybe as a pickle."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".bin":
            path.write_bytes(pickle_files.checkpoint(self.rng, [self.tensors], dict))
        else:
            write_safetensors(path, self.tensors, metadata)
        return path

    def alpha(self):
        return float(self.rng.choice([0.5, 1, 4, 8]))

    def stranger(self, name):
        """A tensor that changes nothing."""
        self.tensors[name] = encode(np.ones((2, 2)), "F16")
        self.ignored.add(name)


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
    """Updates of PEFT; `config_at` says where the configuration is: "inside", "beside", "above" or "none"."""
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
        "beside": path.with_name(f"{path.name}.json"),
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
    return peft(maker, "base_model.model.", str(maker.rng.choice(["beside", "above", "none"])))


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
