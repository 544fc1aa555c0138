"""Every form in which people have PixArt on disk, each as a function that writes a small random network.

A function takes a random generator and an empty folder, and returns what must be found."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import zlib
from collections.abc import Callable
from typing import Any

import architectures
import gguf_files
import numpy as np
import pickle_files
import quantized
import tensor_names
import tokenizers
from architectures import PARTS, PICKLES, Network
from element_types import FLOATS, decode, encode, raw, write_safetensors


@dataclasses.dataclass
class Case:
    path: pathlib.Path
    network: Network
    expected: dict[str, np.ndarray]
    """Float32 values under the names of diffusers and transformers. Those of int8 weights are the integers."""
    scales: dict[str, np.ndarray]
    """Of int8 weights."""
    form: str
    types: set[str]
    names: str = "diffusers"
    prefix: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    has_tokenizer: bool = False
    """Whether the file has one inside; else spiece.model lies beside it."""
    vocabulary: Any = None


FORMS: dict[str, Callable[[np.random.Generator, pathlib.Path], Case]] = {}


def form(function):
    FORMS[function.__name__.replace("_", "-")] = function
    return function


def named(name):
    def added(function):
        FORMS[name] = function
        return function

    return added


def make(name, seed, folder):
    """A case of a form."""
    return FORMS[name](np.random.default_rng([seed, zlib.crc32(name.encode())]), folder)


# ---- Helpers


def given(network):
    """The option `config` that says what the tensors do not."""
    return {"config": {key: network.config[key] for key in network.stated}}


def add_tokenizer(folder, words):
    (folder / "spiece.model").write_bytes(tokenizers.spiece(words))


def single(rng, folder, network, stored, expected, *, name="weights.safetensors", **facts):
    """A single safetensors file."""
    metadata = facts.pop("metadata", {"format": "pt"} if rng.random() < 0.5 else None)
    items = list(stored.items())
    rng.shuffle(items)
    write_safetensors(folder / name, dict(items), metadata)
    return single_file(rng, folder, network, expected, name, **{"form": "safetensors", **facts})


def single_file(rng, folder, network, expected, name, **facts):
    words = tokenizers.vocabulary(rng)
    if network.part == "text_encoder":
        add_tokenizer(folder, words)
    facts.setdefault("options", given(network))
    scales = facts.pop("scales", {})
    return Case(folder / name, network, expected, scales, vocabulary=words, **facts)


def part_folder(rng, folder, network, expected, write, **facts):
    """A folder of the part with its config.json."""
    config = {**network.config, **facts.pop("more_config", {})}
    (folder / "config.json").write_text(json.dumps(config))
    write(folder)
    if network.part == "text_encoder":
        add_tokenizer(folder, tokenizers.vocabulary(rng))
    return Case(folder, network, expected, facts.pop("scales", {}), **facts)


def in_types(rng, tensors, kinds, always="F32"):
    """Each tensor in a random type, small ones in `always`: (stored, expected)."""
    stored = {}
    for name, values in tensors.items():
        kind = str(rng.choice(kinds)) if values.ndim > 1 or always is None else always
        stored[name] = encode(values, kind)
    return stored, {name: decode(item) for name, item in stored.items()}


def used_types(stored):
    return {item.type for item in stored.values()}


# ---- GGUF


def gguf_t5(rng, folder, kinds, *, multiple, names="llama", tokenizer=True):
    network = architectures.text_encoder(rng, multiple)
    stored = {}
    for name, values in network.tensors.items():
        kind = str(rng.choice(kinds))
        if values.ndim == 1:
            kind = "F32"
        elif "relative_attention_bias" in name or values.shape[-1] % gguf_files.block_size(kind):
            kind = str(rng.choice(["F32", "F16"]))
        stored[name] = gguf_files.stored_as(rng, kind, values)
    expected = {name: gguf_files.values_of(item) for name, item in stored.items()}
    words, config = tokenizers.vocabulary(rng), network.config
    keys = {}
    if names == "llama":
        keys = {
            "general.architecture": (gguf_files.STRING, str(rng.choice(["t5encoder", "t5"]))),
            "general.quantization_version": (gguf_files.U32, 2),
        }
        own = keys["general.architecture"][1]
        keys[f"{own}.attention.layer_norm_rms_epsilon"] = (gguf_files.F32, 1e-6)
        keys[f"{own}.attention.head_count"] = (gguf_files.U32, config["num_heads"])
        keys[f"{own}.block_count"] = (gguf_files.U32, config["num_layers"])
    if tokenizer:
        keys |= tokenizers.gguf_keys(words, config["vocab_size"])
        if rng.random() < 0.5:
            (folder / "spiece.model").write_bytes(b"not this one")
    else:
        add_tokenizer(folder, words)
    rename = tensor_names.llama if names == "llama" else str
    renamed = {rename(name): item for name, item in stored.items()}
    if names == "llama" and rng.random() < 0.3:  # a whole T5
        renamed["dec.blk.0.attn_q.weight"] = encode(rng.standard_normal((4, 32)), "F32")
        renamed["output.weight"] = encode(rng.standard_normal((4, 32)), "F16")
    order = list(rng.permutation(list(renamed)))
    content = gguf_files.contents(
        renamed, keys, version=int(rng.choice([2, 3])), alignment=int(rng.choice([32, 32, 64, 8])), order=order
    )
    path = folder / str(rng.choice(["model.gguf", "t5.bin"]))
    path.write_bytes(content)
    # An epsilon of the file is a float32.
    config["layer_norm_epsilon"] = float(np.float32(1e-6)) if names == "llama" else 1e-6
    return Case(
        path,
        network,
        expected,
        {},
        "gguf",
        used_types(stored),
        names="llama" if names == "llama" else "diffusers",
        options=given(network),
        has_tokenizer=tokenizer,
        vocabulary=words,
    )


for _kind in gguf_files.NUMBERS:
    named(f"gguf-{_kind}")(
        lambda rng, folder, kind=_kind: gguf_t5(
            rng, folder, [kind], multiple=gguf_files.block_size(kind), tokenizer=bool(rng.integers(2))
        )
    )


@form
def gguf_mixed(rng, folder):
    kinds = rng.choice(list(gguf_files.NUMBERS), 6, replace=False)
    return gguf_t5(rng, folder, kinds, multiple=256)


@form
def gguf_names_of_transformers(rng, folder):
    kinds = rng.choice(["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q5_1", "IQ4_NL"], 3, replace=False)
    return gguf_t5(rng, folder, kinds, multiple=32, names="transformers", tokenizer=False)


@form
def gguf_transformer(rng, folder):
    """A transformer, with convolutions that are flattened."""
    network = architectures.transformer(rng, 32)
    kinds = ["Q8_0", "Q4_0", "F16", "BF16", "Q5_0"]
    own = rng.random() < 0.5
    tensors = network.tensors
    stored = {}
    for name, values in (tensor_names.original(tensors) if own else tensors).items():
        kind = str(rng.choice(kinds))
        if values.ndim != 2 or "table" in name or values.shape[-1] % gguf_files.block_size(kind):
            kind = str(rng.choice(["F32", "F16"]))
        stored[name] = gguf_files.stored_as(rng, kind, values)
    flat = {
        name: (item.shape[0], int(np.prod(item.shape[1:])))
        for name, item in stored.items()
        if len(item.shape) == 4 and rng.random() < 0.5
    }
    expected = {name: gguf_files.values_of(item) for name, item in stored.items()}
    if own:
        expected = split_original(expected, tensors)
    keys = {"general.architecture": (gguf_files.STRING, "pixart")} if rng.random() < 0.5 else {}
    path = folder / "transformer.gguf"
    path.write_bytes(gguf_files.contents(stored, keys, shapes=flat))
    return Case(
        path,
        network,
        expected,
        {},
        "gguf",
        used_types(stored),
        "original" if own else "diffusers",
        options=given(network),
    )


def split_original(values, tensors):
    """Values under PixArt's own names, as diffusers names them."""
    split = {}
    for name, (own, start, end) in original_places(tensors).items():
        split[name] = values[own] if start is None else values[own][start:end]
    return split


def original_places(tensors):
    """Where each tensor of diffusers is in PixArt's own: the name and its rows, or None for all."""
    numbered = {name: np.full(len(values), index) for index, (name, values) in enumerate(tensors.items())}
    names = list(tensors)
    places = {}
    for own, marks in tensor_names.original(numbered).items():
        found = sorted(set(marks.tolist()))
        for index in found:
            rows = np.flatnonzero(marks == index)
            places[names[index]] = (own, None, None) if len(found) == 1 else (own, int(rows[0]), int(rows[-1]) + 1)
    return places


# ---- Single safetensors files


def t5_file(rng, folder, kinds, *, prefix="", always="F32"):
    network = architectures.text_encoder(rng)
    stored, expected = in_types(rng, network.tensors, kinds, always)
    table = str(rng.choice(["shared", "embed_tokens", "both"]))
    if table == "both":  # the second copy is ignored
        stored["encoder.embed_tokens.weight"] = stored["shared.weight"]
    elif table == "embed_tokens":
        stored["encoder.embed_tokens.weight"] = stored.pop("shared.weight")
        expected["encoder.embed_tokens.weight"] = expected.pop("shared.weight")
    types = used_types(stored)
    stored = {prefix + name: item for name, item in stored.items()}
    if prefix:
        for name in ("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "first_stage_model.x.weight"):
            stored[name] = encode(rng.standard_normal((3, 5)), "F16")
        stored["text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.weight"] = encode([1, 2], "F16")
    return single(rng, folder, network, stored, expected, types=types, prefix=prefix)


@form
def t5_float16(rng, folder):
    return t5_file(rng, folder, ["F16"], always="F16")


@named("t5-float8-e4m3")
def _e4m3(rng, folder):
    return t5_file(rng, folder, ["F8_E4M3"], always=str(rng.choice(["F8_E4M3", "F16"])))


@named("t5-float8-e5m2")
def _e5m2(rng, folder):
    return t5_file(rng, folder, ["F8_E5M2"], always=str(rng.choice(["F8_E5M2", "BF16"])))


@form
def t5_mixed_floats(rng, folder):
    return t5_file(rng, folder, FLOATS)


@form
def t5_bundle(rng, folder):
    prefix = str(rng.choice(["text_encoders.t5xxl.transformer.", "t5xxl.transformer.", "text_encoder."]))
    return t5_file(rng, folder, ["F16", "F8_E4M3"], prefix=prefix)


def scaled_t5(rng, folder, kind, naming):
    network = architectures.text_encoder(rng)
    stored, expected, types = {}, {}, set()
    for name, values in network.tensors.items():
        if values.ndim == 2 and "SelfAttention." in name and "bias" not in name or "DenseReluDense" in name:
            tensors, value = quantized.scaled_float8(rng, name, values, kind, naming)
            types.add(f"{kind} with scales")
        else:
            tensors = {name: encode(values, str(rng.choice(["F16", "BF16", "F32"])))}
            value = decode(tensors[name])
            types.add(tensors[name].type)
        stored |= tensors
        expected[name] = value
    if naming == "old":
        stored["scaled_fp8"] = encode(np.zeros(int(rng.choice([0, 2]))), "F32" if kind == "F8_E4M3" else kind)
    elif rng.random() < 0.5:
        words = tokenizers.vocabulary(rng)
        stored["spiece_model"] = raw(list(tokenizers.spiece(words)))
        case = single(rng, folder, network, stored, expected, types=types)
        (folder / "spiece.model").write_bytes(b"not this one")
        return dataclasses.replace(case, has_tokenizer=True, vocabulary=words)
    prefix = str(rng.choice(["", "text_encoders.t5xxl.transformer."]))
    stored = {prefix + name: item for name, item in stored.items()}
    return single(rng, folder, network, stored, expected, types=types, prefix=prefix)


for _kind in ("F8_E4M3", "F8_E5M2"):
    for _naming in ("old", "new"):
        named(f"t5-scaled-{_kind.lower()[3:]}-{_naming}")(
            lambda rng, folder, kind=_kind, naming=_naming: scaled_t5(rng, folder, kind, naming)
        )


def extras(rng, network):
    """What PixArt's own files have beside the weights: a table of positions and a learned caption."""
    width, side = network.config["cross_attention_dim"], network.config["sample_size"] // 2
    more = {}
    if rng.random() < 0.5:
        more["pos_embed"] = rng.standard_normal((1, side * side, width)).astype(np.float32)
    if rng.random() < 0.7:
        rows = int(rng.choice([120, 300]))
        more["y_embedder.y_embedding"] = rng.standard_normal((rows, network.config["caption_channels"])).astype(
            np.float32
        )
    return more


@form
def transformer_diffusers_names(rng, folder):
    network = architectures.transformer(rng)
    stored, expected = in_types(rng, network.tensors, ["F32", "F16", "BF16", "F8_E4M3"])
    types = used_types(stored)
    if rng.random() < 0.5:
        rows = int(rng.choice([120, 300]))
        caption = rng.standard_normal((rows, network.config["caption_channels"]))
        stored["caption_projection.y_embedding"] = encode(caption, "F16")
    prefix = str(rng.choice(["", "transformer.", "module.", "_orig_mod."]))
    stored = {prefix + name: item for name, item in stored.items()}
    return single(rng, folder, network, stored, expected, types=types, prefix=prefix)


@form
def transformer_original_names(rng, folder):
    network = architectures.transformer(rng)
    stored, values = in_types(rng, tensor_names.original(network.tensors), ["F32", "F16", "BF16", "F8_E5M2"])
    expected, types = split_original(values, network.tensors), used_types(stored)
    stored |= {name: encode(item, "F16") for name, item in extras(rng, network).items()}
    prefix = str(rng.choice(["", "model.diffusion_model.", "diffusion_model.", "module."]))
    stored = {prefix + name: item for name, item in stored.items()}
    return single(rng, folder, network, stored, expected, names="original", types=types, prefix=prefix)


# ---- Folders


@form
def part_folder_shards(rng, folder):
    """A part's own folder with several safetensors files."""
    make_network = [architectures.text_encoder, architectures.transformer, architectures.vae][int(rng.integers(3))]
    network = make_network(rng)
    stored, expected = in_types(rng, network.tensors, ["F32", "F16"])

    def write(target):
        shards(rng, target, PARTS[network.part], "safetensors", stored, write_safetensors)

    return part_folder(rng, folder, network, expected, write, form="safetensors", types=used_types(stored))


def shards(rng, folder, stem, ending, stored, write):
    """Writes shards and their index. `write` takes a path and tensors."""
    count = int(rng.integers(2, 5))
    owner = {name: int(rng.integers(count)) for name in stored}
    owner |= dict(zip(list(stored)[:count], range(count), strict=False))
    files = [f"{stem}-{index + 1:05}-of-{count:05}.{ending}" for index in range(count)]
    for index, file in enumerate(files):
        write(folder / file, {name: item for name, item in stored.items() if owner[name] == index})
    index = {"metadata": {"total_size": 1}, "weight_map": {name: files[owner[name]] for name in stored}}
    (folder / f"{stem}.{ending}.index.json").write_text(json.dumps(index))


@form
def part_folder_without_configuration(rng, folder):
    network = architectures.transformer(rng)
    stored, expected = in_types(rng, network.tensors, ["F32", "F16"])
    write_safetensors(folder / "diffusion_pytorch_model.safetensors", stored)
    return Case(folder, network, expected, {}, "safetensors", used_types(stored), options=given(network))


# ---- Pickles


@form
def pickle_zip(rng, folder):
    """A file of diffusers' names, without wrappers, as DMD has it."""
    network = architectures.transformer(rng)
    stored, expected = in_types(rng, network.tensors, FLOATS)
    content = pickle_files.checkpoint(
        rng,
        [stored],
        lambda body: body,
        protocol=int(rng.choice([2, 3, 4, 5])),
        folder=str(rng.choice(["archive", "x"])),
    )
    (folder / "weights.bin").write_bytes(content)
    return single_file(rng, folder, network, expected, "weights.bin", form="pickle", types=used_types(stored))


def training(rng, folder, *, is_legacy, ema):
    """A checkpoint of PixArt's training."""
    network = architectures.transformer(rng)
    kinds = ["F32", "F16", "BF16"] + ([] if is_legacy else ["F8_E4M3"])
    stored, values = in_types(rng, tensor_names.original(network.tensors), kinds)
    other, _ = in_types(rng, {name: item + 1 for name, item in tensor_names.original(network.tensors).items()}, ["F32"])
    types = used_types(stored)
    stored |= {name: encode(item, "F32") for name, item in extras(rng, network).items()}
    prefix = str(rng.choice(["", "module.", "_orig_mod."]))
    weights, averages = ({prefix + name: item for name, item in group.items()} for group in (stored, other))

    wrapper = str(rng.choice(["state_dict", "model", "module"]))

    def wrap(body, average):
        if ema:
            body, average = average, body
        return {
            wrapper: body,
            "state_dict_ema": average,
            "epoch": 7,
            "loss": 0.25,
            "optimizer": pickle_files.opaque(rng),
            "config": {"args": pickle_files.opaque(rng), "sizes": [1, (2, 3)]},
        }

    content = pickle_files.checkpoint(rng, [weights, averages], wrap, is_legacy=is_legacy)
    (folder / "epoch_7.pth").write_bytes(content)
    options = {**given(network), **({"state_dict": "ema"} if ema else {})}
    return single_file(
        rng,
        folder,
        network,
        split_original(values, network.tensors),
        "epoch_7.pth",
        form="pickle",
        names="original",
        prefix=prefix,
        types=types,
        options=options,
    )


@form
def pickle_training(rng, folder):
    return training(rng, folder, is_legacy=False, ema=False)


@form
def pickle_training_ema(rng, folder):
    return training(rng, folder, is_legacy=bool(rng.integers(2)), ema=True)


@form
def pickle_legacy(rng, folder):
    return training(rng, folder, is_legacy=True, ema=False)


@form
def pickle_t5_shards(rng, folder):
    network = architectures.text_encoder(rng)
    stored, expected = in_types(rng, network.tensors, ["F32", "F16", "BF16"])
    types = used_types(stored)
    stored["decoder.block.0.layer.0.SelfAttention.q.weight"] = encode(rng.standard_normal((3, 4)), "F32")

    def write_shard(path, tensors):
        path.write_bytes(pickle_files.checkpoint(rng, [tensors], lambda body: body, is_legacy=bool(rng.integers(2))))

    def write(target):
        shards(rng, target, PICKLES["text_encoder"], "bin", stored, write_shard)

    return part_folder(rng, folder, network, expected, write, form="pickle", types=types)


@form
def pickle_vae(rng, folder):
    """A checkpoint of latent diffusion's training."""
    network = architectures.vae(rng)
    renamed, expected, types = ldm(rng, network)
    renamed["loss.logvar"] = encode(np.zeros(1), "F32")
    content = pickle_files.checkpoint(
        rng,
        [renamed],
        lambda body: {
            "epoch": 3,
            "callbacks": {pickle_files.Global("a.b", "C"): pickle_files.opaque(rng)},
            "state_dict": body,
        },
        is_legacy=bool(rng.integers(2)),
    )
    (folder / "vae.ckpt").write_bytes(content)
    return single_file(rng, folder, network, expected, "vae.ckpt", form="pickle", names="ldm", types=types)


# ---- bitsandbytes and quanto


def is_quantized(network, name, values):
    if values.ndim != 2 or not name.endswith(".weight"):
        return False
    if network.part == "text_encoder":
        return "DenseReluDense.wi" in name or ("SelfAttention." in name and "bias" not in name)
    return not name.startswith("pos_embed")


def bitsandbytes(rng, folder, kind, nested=False):
    network = (architectures.text_encoder if rng.integers(2) else architectures.transformer)(rng)
    wide = rng.random() < 0.5  # rows of whole blocks stay as they are stored
    if wide and kind != "int8":
        network = architectures.text_encoder(rng, 64)
    stored, expected, scales, types = {}, {}, {}, set()
    block = int(rng.choice([64, 128] if not wide else [64, 64, 32]))
    for name, values in network.tensors.items():
        if not is_quantized(network, name, values):
            stored[name] = encode(values, "F32" if "wo.weight" in name else str(rng.choice(["F16", "BF16"])))
            expected[name] = decode(stored[name])
            types.add(stored[name].type)
        elif kind == "int8":
            tensors, expected[name], scales[name] = quantized.bitsandbytes_int8(name, values, bool(rng.integers(2)))
            stored |= tensors
        else:
            storage = str(rng.choice(["U8", "U8", "BF16", "F32"]))
            tensors, expected[name] = quantized.bitsandbytes_4bit(
                rng, name, values, kind, nested=nested, block=block, storage=storage
            )
            stored |= tensors
    config = {"quantization_config": quantized.bitsandbytes_config(8 if kind == "int8" else 4, kind)}

    def write(target):
        if rng.random() < 0.3:
            shards(rng, target, PARTS[network.part], "safetensors", stored, write_safetensors)
        else:
            write_safetensors(target / f"{PARTS[network.part]}.safetensors", stored)

    if rng.random() < 0.4:
        return single(rng, folder, network, stored, expected, types=types, scales=scales)
    return part_folder(
        rng, folder, network, expected, write, more_config=config, form="safetensors", types=types, scales=scales
    )


named("bitsandbytes-int8")(lambda rng, folder: bitsandbytes(rng, folder, "int8"))
for _kind in ("nf4", "fp4"):
    for _nested in (False, True):
        named(f"bitsandbytes-{_kind}{'-nested' if _nested else ''}")(
            lambda rng, folder, kind=_kind, nested=_nested: bitsandbytes(rng, folder, kind, nested)
        )


def quanto(rng, folder, kind):
    network = (architectures.text_encoder if rng.integers(2) else architectures.transformer)(rng)
    stored, expected, scales, types = {}, {}, {}, set()
    qmap = {}
    for name, values in network.tensors.items():
        even = kind != "int4" or len(values) % 2 == 0
        is_convolution = values.ndim == 4 and rng.random() < 0.5
        if (is_quantized(network, name, values) or is_convolution) and even:
            qmap[name.removesuffix(".weight")] = {"weights": "q" + kind, "activations": "none"}
            if kind == "int4":
                tensors, expected[name] = quantized.quanto_int4(rng, name, values)
            else:
                type_ = {"int8": "I8", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"}[kind]
                tensors, data, factors = quantized.quanto_8bit(name, values, type_, str(rng.choice(["F32", "BF16"])))
                if kind == "int8" and not is_convolution:
                    expected[name], scales[name] = data, factors
                else:
                    expected[name] = data * factors.reshape(-1, *[1] * (values.ndim - 1))
            stored |= tensors
        else:
            stored[name] = encode(values, "F16")
            expected[name] = decode(stored[name])

    def write(target):
        write_safetensors(target / f"{PARTS[network.part]}.safetensors", stored)
        (target / "quanto_qmap.json").write_text(json.dumps(qmap))

    more = {"quantization_config": {"quant_method": "quanto", "weights_dtype": kind}} if rng.random() < 0.5 else {}
    return part_folder(
        rng, folder, network, expected, write, more_config=more, form="safetensors", types=types, scales=scales
    )


for _kind in ("int8", "float8_e4m3fn", "float8_e5m2", "int4"):
    named(f"quanto-{_kind}")(lambda rng, folder, kind=_kind: quanto(rng, folder, kind))


# ---- VAEs


def ldm(rng, network):
    """Tensors in the names of latent diffusion, what they stand for, and their types."""
    values = {
        name: tensor_names.latent_diffusion_values(name, item) if rng.random() < 0.8 else item
        for name, item in network.tensors.items()
    }
    stored, decoded = in_types(rng, values, ["F32", "F16", "BF16"], "F32")
    expected = {name: decoded[name].reshape(item.shape) for name, item in network.tensors.items()}
    return {tensor_names.latent_diffusion(name): item for name, item in stored.items()}, expected, used_types(stored)


@form
def vae_latent_diffusion(rng, folder):
    network = architectures.vae(rng, attention=True)
    renamed, expected, types = ldm(rng, network)
    prefix = str(rng.choice(["", "first_stage_model.", "vae.", "module."]))
    stored = {prefix + name: item for name, item in renamed.items()}
    if prefix == "first_stage_model.":  # a whole checkpoint
        stored["model.diffusion_model.input_blocks.0.0.weight"] = encode(rng.standard_normal((2, 2)), "F16")
        stored["cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.bias"] = encode([1.0], "F16")
    if rng.random() < 0.5:
        stored[f"{prefix}loss.logvar"] = encode(np.zeros(1), "F32")
    return single(rng, folder, network, stored, expected, names="ldm", prefix=prefix, types=types)


@form
def vae_half(rng, folder):
    """One half of an autoencoder."""
    network = architectures.vae(rng, halves=[("encoder",), ("decoder",)][int(rng.integers(2))])
    renamed, expected, types = ldm(rng, network)
    return single(rng, folder, network, renamed, expected, names="ldm", types=types)


@form
def vae_diffusers_file(rng, folder):
    network = architectures.vae(rng)
    stored, expected = in_types(rng, network.tensors, ["F32", "F16", "BF16"])
    return single(rng, folder, network, stored, expected, types=used_types(stored))


@form
def vae_old_attention(rng, folder):
    network = architectures.vae(rng, attention=True)
    stored, expected = in_types(rng, network.tensors, ["F32", "F16"])
    renamed = {tensor_names.old_attention(name): item for name, item in stored.items()}
    types = used_types(stored)
    if rng.random() < 0.5:
        return single(rng, folder, network, renamed, expected, names="old_diffusers", types=types)

    def write(target):
        write_safetensors(target / "diffusion_pytorch_model.safetensors", renamed)

    return part_folder(rng, folder, network, expected, write, form="safetensors", names="old_diffusers", types=types)


@form
def vae_tiny_half(rng, folder):
    """taesd_decoder.safetensors and its kin."""
    half = str(rng.choice(["encoder", "decoder"]))
    network = architectures.tiny_vae(rng, (half,))
    stored, expected = in_types(rng, network.tensors, ["F32", "F16"])
    renamed = {tensor_names.taesd(name): item for name, item in stored.items()}
    prefix = str(rng.choice(["", f"taesd_{half}."]))
    renamed = {prefix + name: item for name, item in renamed.items()}
    types = used_types(stored)
    if rng.random() < 0.5:
        content = pickle_files.checkpoint(rng, [renamed], lambda body: body, is_legacy=bool(rng.integers(2)))
        (folder / "taesd.pth").write_bytes(content)
        facts = {"form": "pickle", "names": "taesd", "prefix": prefix, "types": types}
        return single_file(rng, folder, network, expected, "taesd.pth", **facts)
    return single(rng, folder, network, renamed, expected, names="taesd", prefix=prefix, types=types)


@form
def vae_tiny_both(rng, folder):
    network = architectures.tiny_vae(rng)
    stored, expected = in_types(rng, network.tensors, ["F32", "F16"])
    types = used_types(stored)
    if rng.random() < 0.5:
        return single(rng, folder, network, stored, expected, types=types)
    renamed = {f"taesd_{name.partition('.')[0]}.{tensor_names.taesd(name)}": item for name, item in stored.items()}
    return single(rng, folder, network, renamed, expected, names="taesd", prefix="taesd_decoder.", types=types)


# ---- The Hub's cache


@form
def hub_cache(rng, folder):
    """A repository in the Hub's cache. The path is its id; the cache is the folder `cache`."""
    make_network = [architectures.text_encoder, architectures.transformer, architectures.vae][int(rng.integers(3))]
    network = make_network(rng)
    stored, expected = in_types(rng, network.tensors, ["F32", "F16"])
    commit = "".join(rng.choice(list("0123456789abcdef"), 40))
    org, name = str(rng.choice(["PixArt-alpha", "a_b"])), str(rng.choice(["PixArt-XL-2-1024-MS", "x.y", "T5"]))
    root = folder / "cache" / f"models--{org}--{name}"
    snapshot, blobs = root / "snapshots" / commit, root / "blobs"
    blobs.mkdir(parents=True)
    (root / "snapshots" / ("f" * 40)).mkdir(parents=True)  # an older one, without files
    own = folder / "own"
    write_safetensors(own / network.part / f"{PARTS[network.part]}.safetensors", stored)
    (own / network.part / "config.json").write_text(json.dumps(network.config))
    if network.part == "text_encoder":
        (own / "tokenizer").mkdir()
        add_tokenizer(own / "tokenizer", tokenizers.vocabulary(rng))
    if rng.random() < 0.7:
        index = {"_class_name": "PixArtAlphaPipeline", "transformer": [None, None]}
        (own / "model_index.json").write_text(json.dumps(index))
    for index, path in enumerate(sorted(item for item in own.rglob("*") if item.is_file())):
        relative = path.relative_to(own)
        blob = blobs / f"{index:040x}"
        path.rename(blob)
        link = snapshot / relative
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(pathlib.Path(*[".."] * (len(relative.parts) + 1)) / "blobs" / blob.name)
    revision = str(rng.choice(["main", "v1.0", "refs/pr/3", commit]))
    if revision != commit:
        reference = root / "refs" / revision
        reference.parent.mkdir(parents=True)
        reference.write_text(commit)
    id_ = f"{org}/{name}" + ("" if revision == "main" else f"@{revision}")
    return Case(pathlib.Path(id_), network, expected, {}, "safetensors", used_types(stored))
