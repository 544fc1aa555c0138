"""Random updates of a network's modules, and what each makes of a weight."""

from __future__ import annotations

import dataclasses

import architectures
import forms
import numpy as np
import pickle_files
import tensor_names
from element_types import decode, encode, write_safetensors


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
        forms.add_tokenizer(folder, forms.tokenizers.vocabulary(rng))
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
