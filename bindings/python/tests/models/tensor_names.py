"""How other programs name the tensors of a network: from the names of diffusers and transformers."""

from __future__ import annotations

import re

import numpy as np

LLAMA = [
    ("encoder.block.", "enc.blk."),
    ("layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"),
    ("layer.0.SelfAttention.", "attn_"),
    ("layer.0.layer_norm", "attn_norm"),
    ("layer.1.layer_norm", "ffn_norm"),
    ("layer.1.DenseReluDense.wi_0", "ffn_gate"),
    ("layer.1.DenseReluDense.wi_1", "ffn_up"),
    ("layer.1.DenseReluDense.wo", "ffn_down"),
    ("encoder.final_layer_norm", "enc.output_norm"),
    ("shared", "token_embd"),
]


def llama(name):
    for theirs, own in LLAMA:
        name = name.replace(theirs, own)
    return name


ORIGINAL = {
    "pos_embed.proj": "x_embedder.proj",
    "caption_projection.linear_1": "y_embedder.y_proj.fc1",
    "caption_projection.linear_2": "y_embedder.y_proj.fc2",
    "adaln_single.emb.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "adaln_single.emb.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "adaln_single.emb.resolution_embedder.linear_1": "csize_embedder.mlp.0",
    "adaln_single.emb.resolution_embedder.linear_2": "csize_embedder.mlp.2",
    "adaln_single.emb.aspect_ratio_embedder.linear_1": "ar_embedder.mlp.0",
    "adaln_single.emb.aspect_ratio_embedder.linear_2": "ar_embedder.mlp.2",
    "adaln_single.linear": "t_block.1",
    "proj_out": "final_layer.linear",
}
ORIGINAL_BLOCK = {
    "attn1.to_out.0": "attn.proj",
    "attn2.to_q": "cross_attn.q_linear",
    "attn2.to_out.0": "cross_attn.proj",
    "ff.net.0.proj": "mlp.fc1",
    "ff.net.2": "mlp.fc2",
}


def original(tensors):
    """The tensors of a transformer as PixArt's repositories have them: q, k, v in one, and k, v of the other attention."""
    renamed = {}
    for name, values in tensors.items():
        module, _, leaf = name.rpartition(".")
        block = re.fullmatch(r"transformer_blocks\.(\d+)\.(.*)", name)
        if name == "scale_shift_table":
            renamed["final_layer.scale_shift_table"] = values
        elif module in ORIGINAL:
            renamed[f"{ORIGINAL[module]}.{leaf}"] = values
        elif block is None:
            renamed[name] = values
        else:
            index, rest = block.groups()
            inner = rest.rpartition(".")[0]
            whole = f"transformer_blocks.{index}."
            if rest == "scale_shift_table":
                renamed[f"blocks.{index}.scale_shift_table"] = values
            elif inner in ORIGINAL_BLOCK:
                renamed[f"blocks.{index}.{ORIGINAL_BLOCK[inner]}.{leaf}"] = values
            elif inner == "attn1.to_q":
                parts = [tensors[f"{whole}attn1.to_{part}.{leaf}"] for part in "qkv"]
                renamed[f"blocks.{index}.attn.qkv.{leaf}"] = np.concatenate(parts)
            elif inner == "attn2.to_k":
                parts = [tensors[f"{whole}attn2.to_{part}.{leaf}"] for part in "kv"]
                renamed[f"blocks.{index}.cross_attn.kv_linear.{leaf}"] = np.concatenate(parts)
    return renamed


def original_controlnet(tensors):
    """The tensors of a ControlNet as PixArt's repository has them."""
    blocks = {}
    renamed = {}
    for name, values in tensors.items():
        copy, _, rest = name.removeprefix("controlnet_blocks.").partition(".")
        if rest.startswith("transformer_block."):
            blocks[f"transformer_blocks.{copy}.{rest.removeprefix('transformer_block.')}"] = values
        else:
            renamed[f"controlnet.{copy}.{rest}"] = values
    for name, values in original(blocks).items():
        copy, _, rest = name.removeprefix("blocks.").partition(".")
        renamed[f"controlnet.{copy}.copied_block.{rest}"] = values
    return renamed


def latent_diffusion(name):
    """Of a VAE of four levels."""
    name = re.sub(r"encoder\.down_blocks\.(\d)\.downsamplers\.0", r"encoder.down.\1.downsample", name)
    name = re.sub(r"encoder\.down_blocks\.(\d)\.resnets", r"encoder.down.\1.block", name)
    up = re.match(r"decoder\.up_blocks\.(\d)\.(upsamplers\.0|resnets)(.*)", name)
    if up:
        kind = "upsample" if up[2] != "resnets" else "block"
        name = f"decoder.up.{3 - int(up[1])}.{kind}{up[3]}"
    name = name.replace("mid_block.resnets.0", "mid.block_1").replace("mid_block.resnets.1", "mid.block_2")
    for own, theirs in {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}.items():
        name = name.replace(f"mid_block.attentions.0.{own}.", f"mid.attn_1.{theirs}.")
    return name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")


def latent_diffusion_values(name, values):
    """Projections of attention are convolutions there."""
    is_projection = re.search(r"attentions\.0\.to_(q|k|v|out\.0)\.weight$", name)
    return values.reshape(*values.shape, 1, 1) if is_projection else values


def old_attention(name):
    """Of autoencoders of older versions of diffusers."""
    for own, theirs in {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}.items():
        name = name.replace(f".attentions.0.{own}.", f".attentions.0.{theirs}.")
    return name


def taesd(name):
    """Of one half of TAESD: numbers of layers. The decoder has one more in front."""
    half, _, rest = name.partition(".layers.")
    layer, _, leaf = rest.partition(".")
    return f"{int(layer) + (half == 'decoder')}.{leaf}"
