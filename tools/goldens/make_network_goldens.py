#!/usr/bin/env python3
"""Writes the reference results of the network tests: small random networks and the reference's outputs.

    make_network_goldens.py [OUT]      default: Tests/PixArtNetworksTests/Resources

Each network gives two safetensors files: its weights under their published names, and inputs and outputs of its parts.
Needs torch, diffusers, transformers, safetensors.
"""

import pathlib
import sys

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, PixArtTransformer2DModel
from diffusers.models.attention_processor import PAGCFGIdentitySelfAttnProcessor2_0
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "PixArtNetworksTests" / "Resources"


def randomize(module, seed):
    """Seeded weights that keep activations near 1, so that every part of a network affects the result."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(module.named_parameters()):
        values = torch.randn(parameter.shape, generator=generator)
        is_scale = parameter.ndim == 1 and "norm" in name and name.endswith("weight")
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
        parameter.data = 1 + 0.1 * values if is_scale else values * (fan_in**-0.5 if fan_in > 1 else 0.2)
    return module.eval()


def record(module, names):
    """Outputs of the submodules called `names`, filled in by the next forward pass."""
    outputs = {}
    for name, part in module.named_modules():
        if name in names:

            def keep(_, __, output, name=name):
                outputs[name] = (output[0] if isinstance(output, tuple) else output).detach()

            part.register_forward_hook(keep)
    return outputs


def write(out, name, module, golden):
    weights = {name: parameter.detach().contiguous() for name, parameter in module.named_parameters()}
    save_file(weights, out / f"{name}.safetensors")
    save_file({k: v.detach().float().contiguous() for k, v in golden.items()}, out / f"{name}-golden.safetensors")


def t5(out):
    config = T5Config(
        vocab_size=50,
        d_model=24,
        d_kv=8,
        d_ff=40,
        num_layers=3,
        num_heads=3,
        feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=8,
        relative_attention_max_distance=16,
        layer_norm_epsilon=1e-6,
        tie_word_embeddings=False,
    )
    model = randomize(T5EncoderModel(config), 1)
    parts = record(model, [f"encoder.block.{i}" for i in range(3)])
    ids = torch.randint(0, 50, (1, 37), generator=torch.Generator().manual_seed(2))
    output = model(ids).last_hidden_state
    bias = model.encoder.block[0].layer[0].SelfAttention.compute_bias(37, 37)
    golden = {"ids": ids[0], "output": output[0], "position_bias": bias[0]}
    write(out, "t5", model, golden | {f"block.{i}": parts[f"encoder.block.{i}"][0] for i in range(3)})


def transformer(out, name, size_conditions, height, width, **config):
    model = randomize(
        PixArtTransformer2DModel(
            num_attention_heads=3,
            attention_head_dim=8,
            in_channels=4,
            out_channels=8,
            num_layers=2,
            cross_attention_dim=24,
            caption_channels=20,
            use_additional_conditions=size_conditions,
            **config,
        ),
        3,
    )
    blocks = [f"transformer_blocks.{i}" for i in range(2)]
    parts = record(model, ["pos_embed", "adaln_single.linear", "caption_projection", *blocks])
    generator = torch.Generator().manual_seed(4)
    latents = torch.randn(2, 4, height, width, generator=generator)
    prompts = torch.randn(2, 9, 20, generator=generator)
    mask = torch.zeros(2, 9)
    mask[0, :2], mask[1, :9] = 1, 1
    size = {"resolution": None, "aspect_ratio": None}
    if size_conditions:
        size = {
            "resolution": torch.tensor([[8.0 * height, 8.0 * width]] * 2),
            "aspect_ratio": torch.tensor([[height / width]] * 2),
        }
    output = model(
        latents,
        encoder_hidden_states=prompts,
        encoder_attention_mask=mask,
        timestep=torch.tensor([730, 730]),
        added_cond_kwargs=size,
    ).sample
    golden = {
        "latents": latents,
        "negative": prompts[0, :2],
        "prompt": prompts[1],
        "output": output,
        "embedded": parts["pos_embed"],
        "modulation": parts["adaln_single.linear"][0],
        "caption": parts["caption_projection"][1],
    }
    golden |= {f"block.{i}": parts[blocks[i]] for i in range(2)}
    # The last item again, without self-attention in the second block: perturbed-attention guidance.
    model.transformer_blocks[1].attn1.processor = PAGCFGIdentitySelfAttnProcessor2_0()
    golden["perturbed"] = model(
        latents[[0, 1, 1]],
        encoder_hidden_states=prompts[[0, 1, 1]],
        encoder_attention_mask=mask[[0, 1, 1]],
        timestep=torch.tensor([730] * 3),
        added_cond_kwargs={k: v if v is None else v[[0, 1, 1]] for k, v in size.items()},
    ).sample
    write(out, name, model, golden)


def vae(out, name, **config):
    model = randomize(
        AutoencoderKL(
            in_channels=3,
            out_channels=3,
            latent_channels=4,
            act_fn="silu",
            norm_num_groups=8,
            layers_per_block=1,
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            block_out_channels=(16, 32),
            **config,
        ),
        5,
    )
    latents = torch.randn(1, 4, 7, 5, generator=torch.Generator().manual_seed(6))
    parts = record(
        model,
        [
            "decoder.mid_block",
            "decoder.up_blocks.0",
            "decoder.up_blocks.1",
            "encoder.mid_block",
            "encoder.down_blocks.0",
            "encoder.down_blocks.1",
        ],
    )
    image = model.decode(latents).sample
    picture = 2 * torch.rand(1, 3, 18, 26, generator=torch.Generator().manual_seed(7)) - 1
    moments = model.encode(picture).latent_dist.parameters
    golden = {"latents": latents, "image": image, "picture": picture, "moments": moments}
    names = {name: name if name == "encoder.mid_block" else name.split("coder.")[1] for name in parts}
    write(out, name, model, golden | {names[name]: values for name, values in parts.items()})


def tiny_vae(out):
    model = randomize(
        AutoencoderTiny(
            encoder_block_out_channels=(16,) * 3,
            decoder_block_out_channels=(16,) * 3,
            num_encoder_blocks=(1, 2, 1),
            num_decoder_blocks=(2, 1, 1),
        ),
        8,
    )
    latents = 2 * torch.randn(1, 4, 7, 5, generator=torch.Generator().manual_seed(9))
    picture = 2 * torch.rand(1, 3, 20, 28, generator=torch.Generator().manual_seed(10)) - 1
    write(
        out,
        "tiny-vae",
        model,
        {
            "latents": latents,
            "image": model.decode(latents).sample,
            "picture": picture,
            "encoded": model.encode(picture).latents,
        },
    )


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        t5(out)
        transformer(out, "transformer", False, 6, 10, sample_size=8)
        transformer(out, "transformer-sizes", True, 8, 4, sample_size=16, interpolation_scale=2)
        vae(out, "vae")
        vae(out, "vae-plain", mid_block_add_attention=False, use_quant_conv=False, use_post_quant_conv=False)
        tiny_vae(out)


if __name__ == "__main__":
    main()
