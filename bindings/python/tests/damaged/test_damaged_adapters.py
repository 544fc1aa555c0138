"""Damaged and lying adapters and ControlNets."""

from __future__ import annotations

import json

import architectures
import controlnets
import numpy as np
import tensor_names
from damaged_files import LARGE, examine, flips, is_lie, odd, safetensors_bytes, subfolder, truncations
from element_types import encode, raw, write_safetensors


def adapter_base(folder, random):
    """A transformer of one block: its path, and a linear module of it with its shape."""
    network = architectures.transformer(random, conditions=False)
    path = subfolder(folder, "base") / "transformer.safetensors"
    write_safetensors(path, {name: encode(values, "F32") for name, values in network.tensors.items()})
    return path, "transformer_blocks.0.ff.net.2", network.tensors["transformer_blocks.0.ff.net.2.weight"].shape


def test_adapters(tmp_path, random):
    base, module, (outputs, inputs) = adapter_base(tmp_path, random)
    flat = module.replace(".", "_")
    down, up = encode(np.ones((2, inputs)), "F32"), encode(np.ones((outputs, 2)), "F32")
    one = encode(np.float32(1), "F32")
    huge = 1 << 40

    def of(name, parts, metadata=None):
        return safetensors_bytes(tmp_path, {f"{name}.{leaf}": item for leaf, item in parts.items()}, metadata)

    def lora(prefix="lora_transformer_", **changes):
        parts = {"lora_down.weight": down, "lora_up.weight": up}
        for leaf, item in changes.items():
            parts[{"down": "lora_down.weight", "up": "lora_up.weight"}.get(leaf, leaf)] = item
        return of(prefix + flat, {leaf: item for leaf, item in parts.items() if item is not None})

    def peft(settings, **changes):
        weights = of(f"base_model.model.{module}", {"lora_A.weight": down, "lora_B.weight": up, **changes})
        text = settings if isinstance(settings, bytes) else json.dumps(settings).encode()
        return {"adapter_model.safetensors": weights, "adapter_config.json": text}

    def noted(text):
        return of(
            f"transformer.{module}", {"lora_A.weight": down, "lora_B.weight": up}, {"lora_adapter_metadata": text}
        )

    def loha(**changes):
        parts = {f"hada_w{n}_{half}": up if half == "a" else down for n in (1, 2) for half in "ab"} | changes
        return of(f"lycoris_{flat}", {leaf: item for leaf, item in parts.items() if item is not None})

    def lokr(**parts):
        return of(f"lycoris_{flat}", {f"lokr_{leaf}": item for leaf, item in parts.items()})

    whole = of(
        f"lora_transformer_{flat}",
        {
            "lora_down.weight": down,
            "lora_up.weight": up,
            "alpha": one,
            "dora_scale": encode(np.ones((outputs, 1)), "F32"),
        },
    )
    content = {
        "lie: no tensors": safetensors_bytes(tmp_path, {}),
        "lie: no adapter": safetensors_bytes(tmp_path, {"a": one, "b": one}),
        "lie: the network itself": base.read_bytes(),
        "lie: another network": of("lora_unet_down_blocks_0_attentions_0_proj_in", {"lora_down.weight": down}),
        "lie: another block": lora().replace(b"transformer_blocks_0", b"transformer_blocks_9"),
        "lie: no up": lora(up=None),
        "lie: no down": lora(down=None),
        "lie: ranks that differ": lora(up=encode(np.ones((outputs, 3)), "F32")),
        "lie: one output more": lora(up=encode(np.ones((outputs + 1, 2)), "F32")),
        "lie: one input less": lora(down=encode(np.ones((2, inputs - 1)), "F32")),
        "lie: inputs for outputs": lora(
            down=encode(np.ones((2, outputs)), "F32"), up=encode(np.ones((inputs, 2)), "F32")
        ),
        "lie: rank 0": lora(down=encode(np.ones((0, inputs)), "F32"), up=encode(np.ones((outputs, 0)), "F32")),
        "lie: huge rank of nothing": lora(down=odd("F32", (huge, 0)), up=odd("F32", (0, huge))),
        "lie: factors of an unknown type": lora(down=odd("X1", (LARGE, LARGE), b"12")),
        "lie: factors of integers": lora(down=raw(np.ones((2, inputs)), "I8")),
        "lie: a vector": lora(down=encode(np.ones(2 * inputs), "F32")),
        "lie: a number": lora(down=one),
        "lie: five dimensions": lora(down=encode(np.ones((2, inputs, 2, 1, 1)), "F32")),
        "lie: alpha of two numbers": lora(alpha=encode(np.ones(2), "F32")),
        "lie: alpha of none": lora(alpha=encode(np.ones(0), "F32")),
        "lie: NaN alpha": lora(alpha=encode(np.float32(np.nan), "F32")),
        "lie: infinite alpha": lora(alpha=encode(np.float32(np.inf), "F32")),
        "lie: alpha of bytes": lora(alpha=raw(np.ones(1))),
        "lie: scale beyond float32": lora(alpha=encode(np.float32(3e38), "F32"), scalar=encode(np.float32(1e9), "F32")),
        "lie: magnitudes of no axis": lora(dora_scale=encode(np.ones((2, 3)), "F32")),
        "lie: magnitudes of another number": lora(dora_scale=encode(np.ones((outputs + 1, 1)), "F32")),
        "lie: no magnitudes": lora(dora_scale=encode(np.ones((0, 1)), "F32")),
        "lie: NaN magnitudes": lora(dora_scale=encode(np.full((outputs, 1), np.nan), "F32")),
        "lie: magnitudes of integers": lora(dora_scale=raw(np.ones((outputs, 1)), "I8")),
        "lie: magnitudes of two kinds": lora(
            dora_scale=encode(np.ones((outputs, 1)), "F32"), lora_magnitude_vector=encode(np.ones(outputs), "F32")
        ),
        "lie: two kinds": lora(hada_w1_a=up),
        "lie: the same twice": lora(**{"lora_A.weight": down}),
        "lie: a module under two names": safetensors_bytes(
            tmp_path,
            {
                f"{prefix}{flat}.{leaf}": item
                for prefix in ("lora_transformer_", "lycoris_")
                for leaf, item in (("lora_down.weight", down), ("lora_up.weight", up))
            },
        ),
        "lie: half of LoHa": loha(hada_w2_a=None, hada_w2_b=None),
        "lie: LoHa of two shapes": loha(hada_w2_b=encode(np.ones((2, inputs + 1)), "F32")),
        "lie: LoHa of another rank": loha(hada_w1_b=encode(np.ones((3, inputs)), "F32")),
        "lie: LoHa of unknown types": loha(hada_w1_a=odd("X1", (LARGE, LARGE), b"1")),
        "lie: half of LoKr": lokr(w1=one),
        "lie: LoKr of other shapes": lokr(w1=encode(np.ones((3, 2)), "F32"), w2=encode(np.ones((outputs, 7)), "F32")),
        "lie: LoKr whole and in factors": lokr(w1=up, w1_a=up, w1_b=down, w2=down),
        "lie: LoKr that cannot be counted": lokr(w1=odd("F32", (1 << 33, 0)), w2=odd("F32", (1 << 33, 0))),
        "lie: Tucker's form": loha(hada_t1=encode(np.ones((2, 2, 1, 1)), "F32")),
        "lie: full difference": of(f"lycoris_{flat}", {"diff": encode(np.ones((outputs, inputs)), "F32")}),
        "lie: long name": of("lora_transformer_" + "x" * 100_000, {"lora_down.weight": down}),
        **{
            f"lie: settings: {name}": peft(settings)
            for name, settings in {
                "no JSON": b"x",
                "empty": b"",
                "a list": b"[]",
                "deep": b"[" * 100_000,
                "not UTF-8": b'{"r": 2, "\xff": 1}',
                "rank 0": {"r": 0},
                "negative rank": {"r": -4},
                "rank of a text": {"r": "4"},
                "huge rank": {"r": LARGE},
                "alpha of a text": {"lora_alpha": "4"},
                "huge alpha": {"lora_alpha": 1e300},
                "patterns of a list": {"alpha_pattern": [1]},
                "pattern of a text": {"alpha_pattern": {"net": "x"}},
                "expression": {"rank_pattern": {".*": 4}},
                "magnitudes that are missing": {"use_dora": True},
                "another kind": {"peft_type": "OFT"},
                "kind of a number": {"peft_type": 3},
                "trained biases": {"bias": "all"},
                "other base weights": {"init_lora_weights": "pissa_niter_4"},
            }.items()
        },
        "lie: settings that are a folder": peft({"r": 2}, **{"lora_B.bias": encode(np.ones(outputs), "F32")}),
        **{
            f"lie: notes: {name}": noted(text)
            for name, text in {
                "no JSON": "x",
                "a list": "[]x",
                "deep": "[" * 9999,
                "rank 0": '{"transformer.r": 0}',
                "alpha of a text": '{"transformer.lora_alpha": "x"}',
                "NaN alpha": '{"transformer.lora_alpha": NaN}',
                "patterns of a number": '{"transformer.rank_pattern": 1}',
            }.items()
        },
        "rank that no factor has": peft({"r": 1 << 20, "lora_alpha": 1}),
        **truncations(whole, random, 15),
        **flips(whole, random, 120, 700),
    }
    examine(tmp_path, content, "safetensors", ["denoiser"], refused=is_lie, base=(base, "adapters"))


def test_controlnets(tmp_path, random):
    made = controlnets.Made(random)
    base = subfolder(tmp_path, "base") / "transformer.safetensors"
    write_safetensors(base, {name: encode(values, "F32") for name, values in made.network.tensors.items()})
    own = {name: encode(values, "F32") for name, values in made.controlnet.tensors.items()}
    original = {
        name: encode(values, "F32")
        for name, values in tensor_names.original_controlnet(made.controlnet.tensors).items()
    }
    width, layers = made.network.config["cross_attention_dim"], made.network.config["num_layers"]
    one = encode([1.0], "F32")
    copies = made.controlnet.config["num_layers"]
    last = f"controlnet_blocks.{copies - 1}"
    fused = "controlnet.0.copied_block.attn.qkv.weight"

    def of(tensors, changes=(), without=()):
        changed = {name: item for name, item in {**tensors, **dict(changes)}.items() if name not in without}
        return safetensors_bytes(tmp_path, changed)

    def copied(number):
        """The tensors of the first copy as another."""
        start = "controlnet_blocks.0."
        found = {name: item for name, item in own.items() if name.startswith(start) and "before" not in name}
        return {name.replace(start, f"controlnet_blocks.{number}."): item for name, item in found.items()}

    def folder(config):
        text = config if isinstance(config, bytes) else json.dumps(config).encode()
        return {"diffusion_pytorch_model.safetensors": of(own), "config.json": text}

    def adapter(**fields):
        return folder({"_class_name": "PixArtControlNetAdapterModel", "num_layers": copies, **fields})

    def unknown(*shape):
        return odd("X1", shape, b"1")

    content = {
        "lie: no tensors": of({}),
        "lie: the transformer": base.read_bytes(),
        "lie: another ControlNet": of({"controlnet_cond_embedding.conv_in.weight": one, "down_blocks.0.x": one}),
        "lie: mark alone": of({"controlnet_blocks.0.before_proj.weight": one}),
        "lie: original mark alone": of({"controlnet.0.before_proj.weight": one}),
        "lie: as many copies as blocks": of({**own, **{k: v for n in range(layers) for k, v in copied(n).items()}}),
        "lie: a copy of 2^63": of(own, {f"controlnet_blocks.{LARGE}.after_proj.weight": one}),
        "lie: a copy of 2^80": of(own, {f"controlnet_blocks.{1 << 80}.after_proj.weight": one}),
        "lie: a negative copy": of(own, {"controlnet_blocks.-1.after_proj.weight": one}),
        "lie: a copy left out": of(own, copied(copies + 1)),
        "lie: no layer after": of(own, without=[f"{last}.after_proj.weight"]),
        "lie: no bias after": of(own, without=[f"{last}.after_proj.bias"]),
        "lie: no layer before": of(own, without=["controlnet_blocks.0.before_proj.weight"]),
        "lie: a layer before another copy": of(own, {"controlnet_blocks.1.before_proj.weight": one}),
        "lie: no table": of(own, without=[f"{last}.transformer_block.scale_shift_table"]),
        "lie: no block": of(own, without=[name for name in own if name.startswith(f"{last}.transformer_block")]),
        "lie: another tensor": of(own, {"controlnet_blocks.0.norm.weight": one}),
        "lie: another width": of(own, {"controlnet_blocks.0.after_proj.weight": encode(np.ones((12, 12)), "F32")}),
        "lie: no width": of(own, {"controlnet_blocks.0.after_proj.weight": encode(np.ones((0, 0)), "F32")}),
        "lie: width of one dimension": of(
            own, {"controlnet_blocks.0.after_proj.weight": encode(np.ones(width), "F32")}
        ),
        "lie: width of an unknown type": of(own, {"controlnet_blocks.0.after_proj.weight": unknown(LARGE, LARGE)}),
        "lie: layer of integers": of(own, {"controlnet_blocks.0.before_proj.weight": raw(np.ones((width, width)))}),
        "lie: table of an unknown type": of(own, {f"{last}.transformer_block.scale_shift_table": unknown(6, LARGE)}),
        "lie: feed-forward of another width": of(
            own, {f"{last}.transformer_block.ff.net.2.weight": encode(np.ones((width, width)), "F32")}
        ),
        "lie: long name": of(own, {"controlnet_blocks.0." + "x" * 100_000: one}),
        "lie: fused rows": of(original, {fused: encode(np.ones((3 * width + 1, width)), "F32")}),
        "lie: fused without rows": of(original, {fused: encode(np.ones((0, width)), "F32")}),
        "lie: fused without dimensions": of(original, {fused: encode(np.float32(1), "F32")}),
        "lie: fused of an unknown type": of(original, {fused: unknown(LARGE, LARGE)}),
        "lie: no fused projection": of(original, without=[fused]),
        "lie: original copy of 2^63": of(original, {f"controlnet.{LARGE}.after_proj.weight": one}),
        "lie: original copy that is no number": of(original, {"controlnet.x.after_proj.weight": one}),
        "names of diffusers beside it": of(original, {"controlnet_blocks.0.after_proj.weight": one}),
        "names of diffusers for a fused part": of(
            original, {"controlnet_blocks.0.transformer_block.attn1.to_q.weight": one}
        ),
        "lie: prefix alone": of({f"controlnet.{name}": item for name, item in own.items()}, {"controlnet.": one}),
        **{f"lie: {count!r} copies": adapter(num_layers=count) for count in (0, -1, LARGE, 1.5, "1", [1], copies + 1)},
        "lie: class of another": adapter(_class_name="ControlNetModel"),
        "lie: class of a number": adapter(_class_name=3),
        "lie: configuration of no JSON": folder(b"x"),
        "lie: empty configuration": folder(b""),
        "lie: list for a configuration": folder(b"[]"),
        "lie: deep configuration": folder(b"[" * 100_000),
        "lie: unknown quantization": adapter(quantization_config={"quant_method": "gptq"}),
        "NaN weights": of(own, {"controlnet_blocks.0.before_proj.bias": encode(np.full(width, np.nan), "F32")}),
        **truncations(of(own), random, 15),
        **flips(of(original), random, 120, 3000),
    }
    examine(tmp_path, content, "safetensors", ["denoiser"], refused=is_lie, base=(base, "controlnet"))
