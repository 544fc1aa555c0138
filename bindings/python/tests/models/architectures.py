"""Small networks of random sizes: the tensors under the names of diffusers and transformers, and the config.json."""

from __future__ import annotations

import dataclasses

import numpy as np

FLOAT = np.float32
PARTS = {"text_encoder": "model", "transformer": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model"}
"""The stem of a part's safetensors."""
PICKLES = {**PARTS, "text_encoder": "pytorch_model"}


@dataclasses.dataclass
class Network:
    part: str
    tensors: dict[str, np.ndarray]
    config: dict[str, object]
    stated: tuple[str, ...]
    """Fields of the configuration that the tensors do not tell."""


class Weights(dict):
    """Random tensors by name."""

    def __init__(self, rng):
        super().__init__()
        self.rng = rng

    def add(self, name, *shape, scale=None):
        inputs = int(np.prod(shape[1:])) or 1
        self[name] = (self.rng.standard_normal(shape) * (scale or inputs**-0.5)).astype(FLOAT)

    def linear(self, name, outputs, *inputs, bias=True):
        self.add(f"{name}.weight", outputs, *inputs)
        if bias:
            self.add(f"{name}.bias", outputs, scale=0.1)

    def norm(self, name, width, bias=True):
        self[f"{name}.weight"] = (1 + 0.1 * self.rng.standard_normal(width)).astype(FLOAT)
        if bias:
            self.add(f"{name}.bias", width, scale=0.1)


def text_encoder(rng, multiple=1, vocabulary=None):
    """A T5 encoder whose rows are multiples of a number of elements."""

    def size(least, most):
        return multiple * int(rng.integers(-(-least // multiple), max(-(-least // multiple) + 1, most // multiple + 1)))

    heads = int(rng.choice([1, 2, 4]))
    inner = size(16, 32)
    while inner % heads:
        heads -= 1
    width, hidden, layers = size(16, 40), size(20, 72), int(rng.integers(1, 3 if multiple < 64 else 2))
    buckets = int(rng.choice([8, 16, 32]))
    vocabulary = vocabulary or int(rng.integers(70, 100))
    weights = Weights(rng)
    weights.add("shared.weight", vocabulary, width, scale=1)
    for layer in range(layers):
        attention, forward = f"encoder.block.{layer}.layer.0", f"encoder.block.{layer}.layer.1"
        for name in "qkv":
            weights.linear(f"{attention}.SelfAttention.{name}", inner, width, bias=False)
        weights.linear(f"{attention}.SelfAttention.o", width, inner, bias=False)
        if layer == 0:
            weights.add(f"{attention}.SelfAttention.relative_attention_bias.weight", buckets, heads, scale=1)
        weights.norm(f"{attention}.layer_norm", width, bias=False)
        for name in ("wi_0", "wi_1"):
            weights.linear(f"{forward}.DenseReluDense.{name}", hidden, width, bias=False)
        weights.linear(f"{forward}.DenseReluDense.wo", width, hidden, bias=False)
        weights.norm(f"{forward}.layer_norm", width, bias=False)
    weights.norm("encoder.final_layer_norm", width, bias=False)
    config = {
        "model_type": "t5",
        "feed_forward_proj": "gated-gelu",
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": inner // heads,
        "d_ff": hidden,
        "num_layers": layers,
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "relative_attention_max_distance": int(rng.choice([64, 128])),
        "layer_norm_epsilon": 1e-6,
    }
    return Network("text_encoder", dict(weights), config, ("relative_attention_max_distance",))


def _blocks(weights, width, names):
    """Blocks of a transformer, under these names."""
    for block in names:
        weights.add(f"{block}.scale_shift_table", 6, width, scale=0.3)
        for attention in ("attn1", "attn2"):
            for name in ("to_q", "to_k", "to_v", "to_out.0"):
                weights.linear(f"{block}.{attention}.{name}", width, width)
        weights.linear(f"{block}.ff.net.0.proj", 4 * width, width)
        weights.linear(f"{block}.ff.net.2", width, 4 * width)


def transformer(rng, multiple=4, conditions=None, fewest=1):
    """A PixArt transformer of at least `fewest` blocks; with conditions, as PixArt-alpha of 1024 pixels."""
    conditions = bool(rng.integers(2)) if conditions is None else conditions
    step = int(np.lcm(multiple, 12 if conditions else 4))
    width = step * int(rng.integers(1, max(2, 60 // step)))
    heads = int(rng.choice([count for count in (1, 2, 3, 4) if width % count == 0]))
    channels, caption, layers = (
        int(rng.choice([3, 4, 8])),
        multiple * int(rng.integers(1, 5)),
        int(rng.integers(fewest, fewest + 3)),
    )
    outputs = channels * int(rng.choice([1, 2]))
    weights = Weights(rng)
    weights.linear("pos_embed.proj", width, channels, 2, 2)
    weights.linear("adaln_single.emb.timestep_embedder.linear_1", width, 256)
    weights.linear("adaln_single.emb.timestep_embedder.linear_2", width, width)
    if conditions:
        for name in ("resolution_embedder", "aspect_ratio_embedder"):
            weights.linear(f"adaln_single.emb.{name}.linear_1", width // 3, 256)
            weights.linear(f"adaln_single.emb.{name}.linear_2", width // 3, width // 3)
    weights.linear("adaln_single.linear", 6 * width, width)
    weights.linear("caption_projection.linear_1", width, caption)
    weights.linear("caption_projection.linear_2", width, width)
    _blocks(weights, width, [f"transformer_blocks.{layer}" for layer in range(layers)])
    weights.add("scale_shift_table", 2, width, scale=0.3)
    weights.linear("proj_out", outputs * 4, width)
    config = {
        "_class_name": "PixArtTransformer2DModel",
        "num_attention_heads": heads,
        "attention_head_dim": width // heads,
        "cross_attention_dim": width,
        "num_layers": layers,
        "in_channels": channels,
        "out_channels": outputs,
        "patch_size": 2,
        "caption_channels": caption,
        "sample_size": int(rng.choice([8, 16, 32])),
        "interpolation_scale": float(rng.choice([0.5, 1, 2])),
        "use_additional_conditions": conditions,
        "attention_bias": True,
    }
    stated = ("num_attention_heads", "attention_head_dim", "sample_size", "interpolation_scale")
    return Network("transformer", dict(weights), config, stated)


def controlnet(rng, network):
    """A ControlNet of a transformer: copies of some of its blocks, but not of the last."""
    width, layers = network.config["cross_attention_dim"], network.config["num_layers"]
    copies = int(rng.integers(1, layers))
    weights = Weights(rng)
    _blocks(weights, width, [f"controlnet_blocks.{copy}.transformer_block" for copy in range(copies)])
    weights.linear("controlnet_blocks.0.before_proj", width, width)
    for copy in range(copies):
        weights.linear(f"controlnet_blocks.{copy}.after_proj", width, width)
    config = {"_class_name": "PixArtControlNetAdapterModel", "num_layers": copies}
    return Network("controlnet", dict(weights), config, ())


def _resnet(weights, name, inputs, outputs):
    weights.norm(f"{name}.norm1", inputs)
    weights.linear(f"{name}.conv1", outputs, inputs, 3, 3)
    weights.norm(f"{name}.norm2", outputs)
    weights.linear(f"{name}.conv2", outputs, outputs, 3, 3)
    if inputs != outputs:
        weights.linear(f"{name}.conv_shortcut", outputs, inputs, 1, 1)


def _middle(weights, name, width, attention):
    _resnet(weights, f"{name}.mid_block.resnets.0", width, width)
    if attention:
        weights.norm(f"{name}.mid_block.attentions.0.group_norm", width)
        for part in ("to_q", "to_k", "to_v", "to_out.0"):
            weights.linear(f"{name}.mid_block.attentions.0.{part}", width, width)
    _resnet(weights, f"{name}.mid_block.resnets.1", width, width)


def vae(rng, attention=None, halves=("encoder", "decoder")):
    """An AutoencoderKL of four levels."""
    attention = bool(rng.integers(2)) if attention is None else attention
    groups = int(rng.choice([2, 4]))
    widths = [groups * 2 * int(rng.integers(1, 4)) for _ in range(4)]
    layers, latents, last = int(rng.integers(1, 3)), int(rng.choice([4, 6])), widths[-1]
    weights = Weights(rng)
    if "encoder" in halves:
        weights.linear("encoder.conv_in", widths[0], 3, 3, 3)
        for level, width in enumerate(widths):
            block = f"encoder.down_blocks.{level}"
            for index in range(layers):
                _resnet(weights, f"{block}.resnets.{index}", widths[max(level - 1, 0)] if index == 0 else width, width)
            if level < 3:
                weights.linear(f"{block}.downsamplers.0.conv", width, width, 3, 3)
        _middle(weights, "encoder", last, attention)
        weights.norm("encoder.conv_norm_out", last)
        weights.linear("encoder.conv_out", 2 * latents, last, 3, 3)
        weights.linear("quant_conv", 2 * latents, 2 * latents, 1, 1)
    if "decoder" in halves:
        weights.linear("post_quant_conv", latents, latents, 1, 1)
        weights.linear("decoder.conv_in", last, latents, 3, 3)
        _middle(weights, "decoder", last, attention)
        before = last
        for level, width in enumerate(reversed(widths)):
            block = f"decoder.up_blocks.{level}"
            for index in range(layers + 1):
                _resnet(weights, f"{block}.resnets.{index}", before if index == 0 else width, width)
            if level < 3:
                weights.linear(f"{block}.upsamplers.0.conv", width, width, 3, 3)
            before = width
        weights.norm("decoder.conv_norm_out", widths[0])
        weights.linear("decoder.conv_out", 3, widths[0], 3, 3)
    config = {
        "_class_name": "AutoencoderKL",
        "block_out_channels": widths,
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": layers,
        "latent_channels": latents,
        "norm_num_groups": groups,
        "mid_block_add_attention": attention,
        "use_quant_conv": "encoder" in halves,
        "use_post_quant_conv": "decoder" in halves,
        "scaling_factor": float(rng.choice([0.18215, 0.13025, 0.5])),
    }
    return Network("vae", dict(weights), config, ("norm_num_groups", "scaling_factor"))


def tiny_vae(rng, halves=("encoder", "decoder")):
    """An AutoencoderTiny."""
    width, latents = 4 * int(rng.integers(1, 5)), 4
    counts = {"encoder": [1, 3, 3, 3], "decoder": [3, 3, 3, 1]}
    weights = Weights(rng)
    for half in halves:
        layer = 0
        inputs, outputs = (3, latents) if half == "encoder" else (latents, 3)
        weights.linear(f"{half}.layers.0", width, inputs, 3, 3)
        layer = 1 if half == "encoder" else 2  # the decoder has an activation here
        for level, count in enumerate(counts[half]):
            if half == "encoder" and level > 0:
                weights.linear(f"encoder.layers.{layer}", width, width, 3, 3, bias=False)
                layer += 1
            for _ in range(count):
                for index in (0, 2, 4):
                    weights.linear(f"{half}.layers.{layer}.conv.{index}", width, width, 3, 3)
                layer += 1
            if half == "decoder" and level < 3:
                weights.linear(f"decoder.layers.{layer + 1}", width, width, 3, 3, bias=False)  # after an upsampling
                layer += 2
        weights.linear(f"{half}.layers.{layer}", outputs, width, 3, 3)
    config = {
        "_class_name": "AutoencoderTiny",
        "latent_channels": latents,
        "num_encoder_blocks": counts["encoder"],
        "num_decoder_blocks": counts["decoder"],
        "encoder_block_out_channels": [width] * 4,
        "decoder_block_out_channels": [width] * 4,
        "scaling_factor": 1.0,
    }
    return Network("vae", dict(weights), config, ())
