#!/usr/bin/env python3
"""Write the files that the tests of the ControlNet compare against: a small random transformer with a random ControlNet,
and what PyTorch makes of both.

    make_controlnet_goldens.py [OUT]      default: Tests/PixArtNetworksTests/Resources

The weights are in the form of diffusers' PixArtControlNetTransformerModel, which has both networks in one file. Needs
torch, diffusers, safetensors.
"""

import copy
import pathlib
import sys

import torch
from diffusers import DDIMScheduler, PixArtTransformer2DModel
from make_network_goldens import OUT, randomize, write
from torch import nn

SCALES = (0.0, 0.7, 1.0)
RESIDUALS = (0, 1), (1, 2), (2, 2), (1, 3)
"""The first and the last block of each; copies are beside blocks 1 to 3."""


class Copy(nn.Module):
    """A copy of a block with the layers around it; only the first has one before it."""

    def __init__(self, block, width, is_first):
        super().__init__()
        if is_first:
            self.before_proj = nn.Linear(width, width)
        self.transformer_block = copy.deepcopy(block)
        self.after_proj = nn.Linear(width, width)


class ControlNet(nn.Module):
    def __init__(self, blocks, width):
        super().__init__()
        self.controlnet_blocks = nn.ModuleList(Copy(block, width, i == 0) for i, block in enumerate(blocks))


class Both(nn.Module):
    """The transformer and its ControlNet, as PixArtControlNetTransformerModel of diffusers' research projects runs them, with
    a scale on what the copies add."""

    def __init__(self, transformer, copies):
        super().__init__()
        self.transformer = transformer
        width = transformer.config.num_attention_heads * transformer.config.attention_head_dim
        self.controlnet = ControlNet(transformer.transformer_blocks[:copies], width)

    def forward(self, latents, hint, prompts, mask, timestep, scale):
        model, streams = self.transformer, {}
        size = {"resolution": None, "aspect_ratio": None}
        hidden, control = model.pos_embed(latents), model.pos_embed(hint)
        modulation, embedded = model.adaln_single(timestep, size, batch_size=len(latents), hidden_dtype=hidden.dtype)
        run = {
            "encoder_hidden_states": model.caption_projection(prompts),
            "encoder_attention_mask": ((1 - mask) * -10000.0).unsqueeze(1),
            "timestep": modulation,
        }
        hidden = self.advance(hidden, control, scale, run, streams)
        shift, gain = (model.scale_shift_table[None] + embedded[:, None]).chunk(2, dim=1)
        rows = model.proj_out(model.norm_out(hidden) * (1 + gain) + shift)
        patch, (_, _, height, width) = model.config.patch_size, latents.shape
        grid = rows.reshape(len(latents), height // patch, width // patch, patch, patch, -1)
        return torch.einsum("nhwpqc->nchpwq", grid).reshape(len(latents), -1, height, width), streams

    def advance(self, hidden, control, scale, run, streams):
        """The stream after all blocks."""
        for i in range(len(self.transformer.transformer_blocks)):
            hidden, control = self.block(i, hidden, control, scale, run, streams)
        return hidden

    def block(self, i, hidden, control, scale, run, streams):
        """The streams of both networks after a block and the copy beside it."""
        if 1 <= i <= len(self.controlnet.controlnet_blocks):
            part = self.controlnet.controlnet_blocks[i - 1]
            if i == 1:
                control = hidden + part.before_proj(control)
            control = part.transformer_block(control, **run)
            hidden = hidden + scale * part.after_proj(control)
            streams[f"added.{i - 1}"] = hidden
        hidden = self.transformer.transformer_blocks[i](hidden, **run)
        streams[f"block.{i}"] = hidden
        return hidden, control


class Cached(Both):
    """The same with the residual of some blocks and of the copies beside them, which `reuses` says to add again."""

    first, last, reuses = 0, 0, False

    def advance(self, hidden, control, scale, run, streams):
        for i in range(self.first):
            hidden, control = self.block(i, hidden, control, scale, run, streams)
        # The copies' stream begins with the transformer's at the first copy.
        before = hidden, hidden if self.first <= 1 else control
        if self.reuses:
            hidden, control = (stream + kept for stream, kept in zip(before, self.kept))
        else:
            for i in range(self.first, self.last + 1):
                hidden, control = self.block(i, hidden, control, scale, run, streams)
            self.kept = hidden - before[0], control - before[1]
        for i in range(self.last + 1, len(self.transformer.transformer_blocks)):
            hidden, control = self.block(i, hidden, control, scale, run, streams)
        return hidden


def run(both, latents, hints, items, guidance_scale, scale, start, end, steps, computed=None):
    """Latents after each step of a run of both images with classifier-free guidance. The ControlNet guides some steps. In
    those that are not `computed`, a residual is added again if the step before had the ControlNet too, or neither has."""
    scheduler = DDIMScheduler(clip_sample=False)
    scheduler.set_timesteps(steps)
    states, kept = [], None
    for i, timestep in enumerate(scheduler.timesteps):
        keeps = i / steps >= start and (i + 1) / steps <= end
        both.reuses, kept = computed is not None and i not in computed and keeps == kept, keeps
        inputs = {**items, "timestep": timestep.expand(4)}
        output, _ = both(latents[[0, 1, 0, 1]], hints[[0, 1, 0, 1]], scale=scale if keeps else 0.0, **inputs)
        negative, prompt = output[:, :4].chunk(2)
        latents = scheduler.step(negative + guidance_scale * (prompt - negative), timestep, latents).prev_sample
        states.append(latents)
    return torch.stack(states)


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    transformer = PixArtTransformer2DModel(
        num_attention_heads=3,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=4,
        cross_attention_dim=24,
        caption_channels=20,
        sample_size=8,
        use_additional_conditions=False,
    )
    both = randomize(Both(transformer, copies=3), 11)
    generator = torch.Generator().manual_seed(12)
    # Two images under a negative and a prompt; the items of a pass follow one another.
    latents = torch.randn(2, 4, 6, 10, generator=generator)
    hints = torch.randn(2, 4, 6, 10, generator=generator)
    prompts = torch.randn(2, 9, 20, generator=generator)
    mask = torch.zeros(2, 9)
    mask[0, :2], mask[1, :9] = 1, 1
    items = {"prompts": prompts[[0, 0, 1, 1]], "mask": mask[[0, 0, 1, 1]], "timestep": torch.tensor([730] * 4)}
    golden = {"latents": latents, "hints": hints, "negative": prompts[0, :2], "prompt": prompts[1]}
    with torch.no_grad():
        for scale in SCALES:
            output, streams = both(latents[[0, 1, 0, 1]], hints[[0, 1, 0, 1]], scale=scale, **items)
            golden[f"output.{scale}"] = output
            if scale == 0.7:
                golden |= streams
        golden["output.one-hint"], _ = both(latents[[0, 1, 0, 1]], hints[[0, 0, 0, 0]], scale=1.0, **items)
        settings = {"guidance_scale": 3.0, "scale": 0.7, "start": 0.2, "end": 0.8, "steps": 5}
        golden["run"] = run(both, latents, hints, items, **settings)
        both.__class__ = Cached
        settings = {"guidance_scale": 3.0, "scale": 0.7, "start": 0.25, "end": 0.75, "steps": 8, "computed": {0, 4, 7}}
        for both.first, both.last in RESIDUALS:
            golden[f"cached.{both.first}-{both.last}"] = run(both, latents, hints, items, **settings)
        plain = transformer(
            latents[[0, 1, 0, 1]],
            encoder_hidden_states=items["prompts"],
            encoder_attention_mask=items["mask"],
            timestep=items["timestep"],
            added_cond_kwargs={"resolution": None, "aspect_ratio": None},
        ).sample
        assert torch.allclose(golden["output.0.0"], plain, atol=1e-5), (
            "the pass without control is not the transformer's"
        )
    write(out, "controlnet", both, golden)


if __name__ == "__main__":
    main()
