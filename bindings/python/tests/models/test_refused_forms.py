"""Models and forms that are not read: the error says what they are."""

from __future__ import annotations

import io
import json
import struct
import zipfile

import architectures
import gguf_files
import numpy as np
import pickle_files
import pytest
import quantized
import tensor_names
from element_types import Stored, encode, raw, write_safetensors
from pickle_files import Call, Global, Persistent

import pixart

STAGES = {"text_encoder": pixart.Encoder, "transformer": pixart.Denoiser, "vae": pixart.Decoder}


@pytest.fixture
def random():
    return np.random.default_rng(4)


def message(path, part, *words):
    """The error of opening a part and of inspecting it, which have these words and the file."""
    with pytest.raises(pixart.PixArtError) as failure:
        STAGES[part](path, threads=1)
    found = str(failure.value)
    assert str(path) in found and all(word in found for word in words), found
    try:
        report = pixart.inspect(path)
    except pixart.PixArtError as error:
        inspected = str(error)
    else:
        inspected = json.dumps(report["parts"])
        assert "error" in inspected
    assert all(word in inspected for word in words), inspected
    return found


def tensors(names, *shape):
    return {name: encode(np.ones(shape or (4, 4)), "F16") for name in names}


def t5(random):
    return {name: encode(values, "F16") for name, values in architectures.text_encoder(random).tensors.items()}


def transformer(random):
    return {name: encode(values, "F16") for name, values in architectures.transformer(random).tensors.items()}


# ---- Other quantizations


def torchao(stored):
    """Weights of linear layers as torchao's safetensors have them."""
    found = {}
    for name, item in stored.items():
        if name.endswith(".weight") and len(item.shape) == 2:
            module = name.removesuffix(".weight")
            found[f"{module}._weight_qdata"] = raw(np.ones(item.shape), "I8")
            found[f"{module}._weight_scale"] = encode(np.ones((item.shape[0], 1)), "F32")
        else:
            found[name] = item
    return found


@pytest.mark.parametrize("part", ["text_encoder", "transformer"])
def test_torchao(tmp_path, random, part):
    stored = t5(random) if part == "text_encoder" else transformer(random)
    path = tmp_path / "x.safetensors"
    write_safetensors(path, torchao(stored))
    message(path, part, "torchao")
    folder = tmp_path / "folder"
    write_safetensors(folder / f"{architectures.PARTS[part]}.safetensors", torchao(stored))
    message(folder, part, "torchao")
    network = architectures.text_encoder(random) if part == "text_encoder" else architectures.transformer(random)
    config = {**network.config, "quantization_config": {"quant_method": "torchao", "quant_type": "int4wo"}}
    (folder / "config.json").write_text(json.dumps(config))
    message(folder, part, "torchao")


def test_torchao_pickle(tmp_path, random):
    storage = Persistent(("storage", Global("torch", "FloatStorage"), "0", "cpu", 4))
    body = {"pos_embed.proj.weight": Call(Global("torchao.dtypes", "AffineQuantizedTensor"), (storage,))}
    name = "caption_projection.linear_1.weight"
    body[name] = Call(Global("torch._utils", "_rebuild_tensor_v2"), (storage, 0, (2, 2), (2, 1), False, {}))
    path = tmp_path / "x.bin"
    path.write_bytes(pickle_files.archive(body, {"0": bytes(16)}, random))
    with pytest.raises(pixart.PixArtError, match="torchao"):
        pixart.Denoiser(path)


def test_nunchaku(tmp_path):
    names = [f"transformer_blocks.0.{name}" for name in ("qkv_proj.qweight", "qkv_proj.wscales", "qkv_proj.smooth")]
    path = tmp_path / "x.safetensors"
    write_safetensors(path, tensors([*names, "pos_embed.proj.weight", "transformer_blocks.0.qkv_proj.lora_down"]))
    message(path, "transformer", "nunchaku")


@pytest.mark.parametrize("form", ["nvfp4", "mxfp8", "int8_tensorwise", "int8_blockwise"])
@pytest.mark.parametrize("place", ["tensor", "metadata"])
def test_formats_of_comfyui(tmp_path, random, form, place):
    stored, metadata = t5(random), None
    module = "encoder.block.0.layer.0.SelfAttention.q"
    shape = stored[f"{module}.weight"].shape
    kind, scale = {
        "nvfp4": ("U8", encode(np.ones((shape[0], 2)), "F8_E4M3")),
        "mxfp8": ("F8_E4M3", Stored("F8_E8M0", (shape[0], 2), bytes(2 * shape[0]))),
        "int8_tensorwise": ("I8", encode(np.ones((shape[0], 1)), "F32")),
        "int8_blockwise": ("I8", encode(np.ones((shape[0], 2)), "F32")),
    }[form]
    stored |= {f"{module}.weight": encode(np.ones(shape), kind), f"{module}.weight_scale": scale}
    if form == "nvfp4":
        stored[f"{module}.weight_scale_2"] = encode(np.float32(1), "F32")
    if place == "tensor":
        stored[f"{module}.comfy_quant"] = raw(list(json.dumps({"format": form}).encode()))
    else:
        notes = {"format_version": "1.0", "layers": {module: {"format": form}}}
        metadata = {"_quantization_metadata": json.dumps(notes)}
    path = tmp_path / "x.safetensors"
    write_safetensors(path, stored, metadata)
    message(path, "text_encoder", form, module)


def test_nvfp4_without_notes(tmp_path, random):
    stored = t5(random)
    module = "encoder.block.0.layer.0.SelfAttention.q"
    shape = stored[f"{module}.weight"].shape
    stored |= {
        f"{module}.weight": raw(np.ones((shape[0], shape[1] // 2))),
        f"{module}.weight_scale": encode(np.ones((shape[0], 1)), "F8_E4M3"),
        f"{module}.weight_scale_2": encode(np.float32(1), "F32"),
    }
    write_safetensors(tmp_path / "x.safetensors", stored)
    message(tmp_path / "x.safetensors", "text_encoder", "nvfp4")


TYPES = {
    "IQ1_S": 19, "IQ1_M": 29, "IQ2_XXS": 16, "IQ2_XS": 17, "IQ2_S": 22, "IQ3_XXS": 18, "IQ3_S": 21, "MXFP4": 39,
    "NVFP4": 40, "TQ1_0": 34, "TQ2_0": 35, "Q8_K": 15, "number 99": 99,
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_types_of_gguf(tmp_path, random, kind, monkeypatch):
    monkeypatch.setitem(gguf_files.NUMBERS, kind, TYPES[kind])
    network = architectures.text_encoder(random, 256)
    stored = {tensor_names.llama(name): encode(values, "F32") for name, values in network.tensors.items()}
    name = "enc.blk.0.attn_q.weight"
    stored[name] = Stored(kind, stored[name].shape, random.bytes(4096))
    (tmp_path / "x.gguf").write_bytes(gguf_files.contents(stored, {}))
    (tmp_path / "spiece.model").write_bytes(b"")
    report = pixart.inspect(tmp_path / "x.gguf")["parts"]["text_encoder"]
    assert kind in report["memory"]["encode"]["error"]
    with pytest.raises(pixart.ModelError, match=kind) as failure:
        pixart.convert(tmp_path / "x.gguf", tmp_path / "out")
    assert "x.gguf" in str(failure.value) and "Q4_K" in str(failure.value)


def test_gguf_of_other_models(tmp_path, random):
    llama = tensors(["token_embd.weight", "blk.0.attn_q.weight", "blk.0.ffn_up.weight", "output_norm.weight"])
    (tmp_path / "x.gguf").write_bytes(
        gguf_files.contents(llama, {"general.architecture": (gguf_files.STRING, "llama")})
    )
    message(tmp_path / "x.gguf", "text_encoder", "decoder-only")
    flux = tensors(["double_blocks.0.img_attn.qkv.weight", "single_blocks.0.linear1.weight", "img_in.weight"])
    (tmp_path / "y.gguf").write_bytes(gguf_files.contents(flux, {"general.architecture": (gguf_files.STRING, "flux")}))
    message(tmp_path / "y.gguf", "transformer", "Flux")
    part = gguf_files.contents(llama, {"split.count": (gguf_files.U32, 3)})
    (tmp_path / "model-00001-of-00003.gguf").write_bytes(part)
    message(tmp_path / "model-00001-of-00003.gguf", "text_encoder", "one of 3 parts", "--merge")


def test_awkward_layout_of_bitsandbytes(tmp_path, random):
    network = architectures.text_encoder(random)
    name = "encoder.block.0.layer.0.SelfAttention.q.weight"
    stored = {key: encode(values, "F16") for key, values in network.tensors.items()}
    stored |= quantized.bitsandbytes_int8(name, network.tensors[name])[0]
    stored["encoder.block.0.layer.0.SelfAttention.q.weight_format"] = Stored("U8", (), b"\x02")
    write_safetensors(tmp_path / "x.safetensors", stored)
    message(tmp_path / "x.safetensors", "text_encoder", "layout 2")


# ---- Other files


def archive(**entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in entries.items():
            target.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


FILES = {
    "TorchScript": (
        archive(x__data_pkl=b"", **{"x/data.pkl": b"\x80\x02}.", "x/code/__torch__.py": b""}),
        ["TorchScript"],
    ),
    "TorchScript with other files first": (
        archive(**{"x/extra/a.json": b"", "x/data.pkl": b"\x80\x02}.", "x/constants.pkl": b""}),
        ["TorchScript", "state_dict"],
    ),
    "whole module": (
        pickle_files.archive(Call(Global("diffusers", "PixArtTransformer2DModel"), ()), {}, np.random.default_rng(1)),
        ["diffusers.PixArtTransformer2DModel", "state_dict"],
    ),
    "bare pickle": (pickle_files.Program({"a": 1}).bytes, ["Python pickle"]),
    "ONNX": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:", ["ONNX"]),
    "OpenVINO": (b'<?xml version="1.0"?>\n<net name="Model0" version="11">', ["OpenVINO"]),
    "Git LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2447\n",
        ["Git LFS", "lfs pull"],
    ),
    "web page": (b"<!DOCTYPE html>\n<html>", ["web page"]),
    "error": (b'{"error":"Repository not found"}', ["error message"]),
    "broken download": (bytes(1 << 16), ["interrupted download"]),
    "ZIP": (archive(**{"model.safetensors": b"x"}), ["ZIP archive", "unpack"]),
    "NumPy": (archive(**{"a.npy": b"x"}), ["NumPy"]),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(40), ["HDF5"]),
    "tar": (bytes(257) + b"ustar" + bytes(300), ["tar archive"]),
    "empty": (b"", ["0 bytes"]),
    "big-endian GGUF": (b"GGUF" + struct.pack(">I", 3) + bytes(40), ["big-endian"]),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", STAGES)
def test_files(tmp_path, name, part):
    content, words = FILES[name]
    (tmp_path / "weights.bin").write_bytes(content)
    message(tmp_path / "weights.bin", part, *words)


@pytest.mark.parametrize("name", ["openvino_model.bin", "model.onnx", "flax_model.msgpack", "tf_model.h5"])
def test_folders_of_other_engines(tmp_path, random, name):
    (tmp_path / name).write_bytes(b"\0")
    (tmp_path / "config.json").write_text(json.dumps(architectures.transformer(random).config))
    with pytest.raises(pixart.FileError) as failure:
        pixart.Denoiser(tmp_path)
    assert name in str(failure.value) and "not read" in str(failure.value)


# ---- Other networks

OTHER_TRANSFORMERS = {
    "Flux": ["double_blocks.0.img_attn.qkv.weight", "single_blocks.0.linear1.weight", "img_in.weight"],
    "Flux transformer": ["single_transformer_blocks.0.attn.to_q.weight", "x_embedder.weight"],
    "Stable Diffusion 3": [
        "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight",
        "model.diffusion_model.x_embedder.proj.weight",
        "model.diffusion_model.y_embedder.mlp.0.weight",
    ],
    "Stable Diffusion 3 transformer": ["context_embedder.weight", "pos_embed.proj.weight", "norm_out.linear.weight"],
    "U-Net": ["model.diffusion_model.input_blocks.0.0.weight", "model.diffusion_model.out.0.weight"],
    "U-Net of diffusers": ["down_blocks.0.resnets.0.conv1.weight", "time_embedding.linear_1.weight"],
    "DiT": ["x_embedder.proj.weight", "y_embedder.embedding_table.weight", "blocks.0.attn.qkv.weight"],
    "LTX-Video": ["patchify_proj.weight", "adaln_single.emb.timestep_embedder.linear_1.weight"],
    "Wan": ["blocks.0.self_attn.norm_q.weight", "patch_embedding.weight"],
    "Hunyuan-DiT": ["blocks.0.attn1.Wqkv.weight", "x_embedder.proj.weight"],
    "LoRA": ["base_model.model.transformer_blocks.0.attn1.to_q.lora_A.weight"],
    "LoHa": ["lycoris_transformer_blocks_0_attn1_to_q.hada_w1_a"],
    "LoKr": ["lycoris_transformer_blocks_0_attn1_to_q.lokr_w1"],
    "ControlNet": ["controlnet_blocks.0.after_proj.weight"],
    "T5 encoder": ["encoder.block.0.layer.0.SelfAttention.q.weight", "shared.weight"],
    "a VAE": ["decoder.mid.block_1.norm1.weight", "decoder.conv_in.weight"],
}


@pytest.mark.parametrize("name", OTHER_TRANSFORMERS)
@pytest.mark.parametrize("pickled", [False, True])
def test_other_transformers(tmp_path, random, name, pickled):
    stored = tensors(OTHER_TRANSFORMERS[name])
    path = tmp_path / "x.ckpt"
    if pickled:
        path.write_bytes(pickle_files.checkpoint(random, [stored], lambda body: {"state_dict": body}))
    else:
        write_safetensors(path, stored)
    with pytest.raises(pixart.ModelError) as failure:
        pixart.Denoiser(path)
    assert str(path) in str(failure.value) and name in str(failure.value)


def test_variants_of_pixart(tmp_path, random):
    """Transformers that PixArt's repositories also train, and diffusers does not have."""
    network = architectures.transformer(random)
    stored = {name: encode(values, "F16") for name, values in tensor_names.original(network.tensors).items()}
    options = {"config": {key: network.config[key] for key in network.stated}}
    for more, words in {
        "blocks.0.attn.q_norm.weight": "normalizes queries and keys",
        "blocks.0.attn.sr.weight": "compressed keys and values",
    }.items():
        write_safetensors(tmp_path / "x.safetensors", {**stored, more: encode(np.ones(4), "F16")})
        with pytest.raises(pixart.ModelError, match=words):
            pixart.Denoiser(tmp_path / "x.safetensors", **options)


OTHER_ENCODERS = {
    "CLIP": ["text_model.encoder.layers.0.mlp.fc1.weight", "text_model.embeddings.token_embedding.weight"],
    "UMT5": ["token_embedding.weight", "blocks.0.attn.q.weight"],
    "decoder-only": ["model.layers.0.self_attn.q_proj.weight", "model.embed_tokens.weight"],
    "BERT": ["bert.embeddings.word_embeddings.weight"],
    "PixArt transformer": ["pos_embed.proj.weight", "caption_projection.linear_1.weight"],
}


@pytest.mark.parametrize("name", OTHER_ENCODERS)
def test_other_text_encoders(tmp_path, name):
    write_safetensors(tmp_path / "x.safetensors", tensors(OTHER_ENCODERS[name]))
    with pytest.raises(pixart.ModelError, match=name) as failure:
        pixart.Encoder(tmp_path / "x.safetensors")
    assert "x.safetensors" in str(failure.value)


@pytest.mark.parametrize("llama", [False, True])
def test_umt5(tmp_path, random, llama):
    network = architectures.text_encoder(random)
    stored = {name: encode(values, "F16") for name, values in network.tensors.items()}
    block, bias = "encoder.block.0.", "layer.0.SelfAttention.relative_attention_bias.weight"
    more = {name.replace(block, "encoder.block.1."): item for name, item in stored.items() if name.startswith(block)}
    stored |= more
    assert f"encoder.block.1.{bias}" in stored
    (tmp_path / "spiece.model").write_bytes(b"")
    if llama:
        path = tmp_path / "x.gguf"
        renamed = {tensor_names.llama(name): item for name, item in stored.items()}
        path.write_bytes(gguf_files.contents(renamed, {}))
    else:
        path = tmp_path / "x.safetensors"
        write_safetensors(path, stored)
    with pytest.raises(pixart.ModelError, match="UMT5"):
        pixart.convert(path, tmp_path / "out")
    assert "UMT5" in json.dumps(pixart.inspect(path))


def test_t5_without_gates(tmp_path, random):
    stored = t5(random)
    for name in [name for name in stored if "wi_" in name]:
        item = stored.pop(name)
        stored[name.replace("wi_0", "wi").replace("wi_1", "wi")] = item
    write_safetensors(tmp_path / "x.safetensors", stored)
    message(tmp_path / "x.safetensors", "text_encoder", "T5 1.0")


OTHER_VAES = {
    "consistency decoder": ["decoder_unet.conv_in.weight", "encoder.conv_in.weight", "means"],
    "video autoencoder": ["decoder.up_blocks.0.resnets.0.conv1.conv.weight", "decoder.conv_in.conv.weight"],
    "VQ autoencoder": ["quantize.embedding.weight", "quant_conv.weight"],
    "Flux": ["double_blocks.0.img_attn.qkv.weight"],
}


@pytest.mark.parametrize("name", OTHER_VAES)
def test_other_vaes(tmp_path, name):
    write_safetensors(tmp_path / "x.safetensors", tensors(OTHER_VAES[name]))
    message(tmp_path / "x.safetensors", "vae", name)


def test_vaes_of_16_channels(tmp_path, random):
    """Stable Diffusion 3 and Flux shift their latents by a number that the file does not have."""
    network = architectures.vae(random, attention=True)
    stored = {
        tensor_names.latent_diffusion(name): encode(values, "F16")
        for name, values in network.tensors.items()
        if "quant_conv" not in name
    }
    width = network.config["block_out_channels"][-1]
    stored["decoder.conv_in.weight"] = encode(np.ones((width, 16, 3, 3)), "F16")
    stored["encoder.conv_out.weight"] = encode(np.ones((32, width, 3, 3)), "F16")
    stored["encoder.conv_out.bias"] = encode(np.ones(32), "F16")
    write_safetensors(tmp_path / "ae.safetensors", stored)
    message(tmp_path / "ae.safetensors", "vae", "Stable Diffusion 3 or Flux", "16 latent channels")


def test_the_wrong_part(tmp_path, random):
    """A file of one part where another is asked for."""
    made = {
        "text_encoder": architectures.text_encoder(random),
        "transformer": architectures.transformer(random),
        "vae": architectures.vae(random),
    }
    words = {"text_encoder": "T5 encoder", "transformer": "PixArt transformer", "vae": "VAE"}
    for part, network in made.items():
        path = tmp_path / f"{part}.safetensors"
        write_safetensors(path, {name: encode(values, "F16") for name, values in network.tensors.items()})
        for other, kind in STAGES.items():
            if other != part:
                with pytest.raises(pixart.ModelError) as failure:
                    kind(path)
                assert f"holds the weights of a {words[part]}" in str(failure.value)
                assert f"expected those of a {words[other]}" in str(failure.value)
