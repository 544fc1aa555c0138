"""The PixArt transformer and its ControlNet in numpy, in double precision, as diffusers has them."""

from __future__ import annotations

import numpy as np

EPSILON = 1e-6


def gelu(values):
    return 0.5 * values * (1 + np.tanh(np.sqrt(2 / np.pi) * (values + 0.044715 * values**3)))


def silu(values):
    return values / (1 + np.exp(-values))


def norm(rows):
    return (rows - rows.mean(-1, keepdims=True)) / np.sqrt(rows.var(-1, keepdims=True) + EPSILON)


def waves(value):
    """The embedding of a timestep or a size."""
    angles = value * np.exp(-np.log(10000) * np.arange(128) / 128)
    return np.concatenate([np.cos(angles), np.sin(angles)])


def positions(height, width, columns, base, scale):
    """Of a grid of patches: half of the columns for the patch's column, and half for its row."""

    def along(count):
        place = np.arange(count) / (count / base) / scale
        angles = place[:, None] / 10000 ** (np.arange(columns // 4) / (columns // 4))
        return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)

    across = np.tile(along(width), (height, 1))
    return np.concatenate([across, np.repeat(along(height), width, axis=0)], axis=1)


class Weights:
    """Tensors of a network under a prefix."""

    def __init__(self, tensors, prefix=""):
        self.tensors, self.prefix = tensors, prefix

    def __getitem__(self, name):
        return self.tensors[self.prefix + name].astype(np.float64)

    def within(self, prefix):
        return Weights(self.tensors, f"{self.prefix}{prefix}.")

    def linear(self, name, rows):
        weight = self[f"{name}.weight"]
        return rows @ weight.reshape(len(weight), -1).T + self[f"{name}.bias"]


def attend(weights, rows, context, heads):
    def split(values):
        return values.reshape(len(values), heads, -1).transpose(1, 0, 2)

    query, key, value = (
        split(weights.linear(name, of)) for name, of in (("to_q", rows), ("to_k", context), ("to_v", context))
    )
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    found = (scores / scores.sum(-1, keepdims=True)) @ value
    return weights.linear("to_out.0", found.transpose(1, 0, 2).reshape(len(rows), -1))


def block(weights, rows, caption, modulation, heads):
    shift, scale, gate, shift_forward, scale_forward, gate_forward = weights["scale_shift_table"] + modulation
    normed = norm(rows) * (1 + scale) + shift
    rows = rows + gate * attend(weights.within("attn1"), normed, normed, heads)
    rows = rows + attend(weights.within("attn2"), rows, caption, heads)
    hidden = gelu(weights.linear("ff.net.0.proj", norm(rows) * (1 + scale_forward) + shift_forward))
    return rows + gate_forward * weights.linear("ff.net.2", hidden)


class Transformer:
    """A transformer by its tensors and its configuration, and maybe the tensors of a ControlNet."""

    def __init__(self, tensors, config, controlnet=None):
        self.weights, self.config = Weights(tensors), config
        self.control = None if controlnet is None else Weights(controlnet, "controlnet_blocks.")
        self.copies = 0
        while controlnet is not None and f"controlnet_blocks.{self.copies}.after_proj.weight" in controlnet:
            self.copies += 1

    def embed(self, latents):
        channels, height, width = latents.shape
        patches = latents.reshape(channels, height // 2, 2, width // 2, 2).transpose(1, 3, 0, 2, 4)
        rows = self.weights.linear("pos_embed.proj", patches.reshape(height * width // 4, -1))
        base, scale = self.config["sample_size"] // 2, self.config["interpolation_scale"]
        return rows + positions(height // 2, width // 2, rows.shape[1], base, scale)

    def condition(self, timestep, size):
        """The embedding of timestep and size in pixels, and the modulation of all blocks."""
        emb = self.weights.within("adaln_single.emb")

        def embedder(name, value):
            return emb.linear(f"{name}.linear_2", silu(emb.linear(f"{name}.linear_1", waves(value))))

        embedding = embedder("timestep_embedder", timestep)
        if self.config["use_additional_conditions"]:
            height, width = size
            parts = [embedder("resolution_embedder", value) for value in size]
            embedding = embedding + np.concatenate([*parts, embedder("aspect_ratio_embedder", height / width)])
        return embedding, self.weights.linear("adaln_single.linear", silu(embedding)).reshape(6, -1)

    def __call__(self, latents, prompt, timestep, control=None, scale=1.0):
        """[outputs, Y, X] of latents [C, Y, X] and an embedding [S, E]."""
        _, height, width = latents.shape
        heads = self.config["num_attention_heads"]
        rows = self.embed(latents)
        embedding, modulation = self.condition(timestep, (8 * height, 8 * width))
        caption = self.weights.linear(
            "caption_projection.linear_2", gelu(self.weights.linear("caption_projection.linear_1", prompt))
        )
        for index in range(self.config["num_layers"]):
            copy = index - 1
            if control is not None and 0 <= copy < self.copies:
                if copy == 0:
                    stream = rows + self.control.linear("0.before_proj", self.embed(control))
                own = self.control.within(f"{copy}.transformer_block")
                stream = block(own, stream, caption, modulation, heads)
                rows = rows + scale * self.control.linear(f"{copy}.after_proj", stream)
            rows = block(self.weights.within(f"transformer_blocks.{index}"), rows, caption, modulation, heads)
        shift, gain = self.weights["scale_shift_table"] + embedding
        rows = self.weights.linear("proj_out", norm(rows) * (1 + gain) + shift)
        grid = rows.reshape(height // 2, width // 2, 2, 2, -1)
        return grid.transpose(4, 0, 2, 1, 3).reshape(-1, height, width)


def predicted_original(noise, prediction, timestep):
    """What a step of DDIM concludes from the noise that is predicted, with linear betas from 1e-4 to 0.02."""
    kept = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[timestep]
    return (noise - np.sqrt(1 - kept) * prediction) / np.sqrt(kept)
