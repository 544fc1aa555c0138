#!/usr/bin/env python3
"""Writes the trained parts as a diffusers PixArtAlphaPipeline folder in float16.

export.py [OUT]         OUT defaults to models/emoji
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from captions import held_out
from latents import load_vae, scaling_factor
from networks import SCHEDULER, Denoiser
from pacing import WORK
from safetensors.torch import save_file
from text import Tokenizer
from things import COLOUR_WORDS, COLOURS, THINGS
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "models" / "emoji"
CARD = Path(__file__).with_name("MODEL_CARD.md")
DIFFUSERS_WEIGHTS = "diffusion_pytorch_model.safetensors"
MODEL_INDEX = {
    "_class_name": "PixArtAlphaPipeline",
    "_diffusers_version": "0.22.0.dev0",
    "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
    "text_encoder": ["transformers", "T5EncoderModel"],
    "tokenizer": ["transformers", "T5Tokenizer"],
    "transformer": ["diffusers", "PixArtTransformer2DModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
SPECIAL_TOKENS = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


def write_json(file: Path, value: dict) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2) + "\n")


def write_weights(module: nn.Module, file: Path, skip: tuple[str, ...] = ()) -> None:
    """The parameters as float16 (buffers are computed by the loaders)."""
    tensors = {
        name: value.detach().half().contiguous() for name, value in module.named_parameters() if name not in skip
    }
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise ValueError(f"{file}: a weight does not fit float16")
    save_file(tensors, file, metadata={"format": "pt"})


def write_card(out: Path, parts: list[tuple[str, str, nn.Module]]) -> None:
    """The model card, with the vocabulary and the sizes of the parts."""
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    counts = [(name, kind, sum(p.numel() for p in module.parameters())) for name, kind, module in parts]
    (out / "README.md").write_text(
        CARD.read_text().format(
            megabytes=round(size / 1e6),
            things=len(THINGS),
            colours=len(COLOURS),
            held_out=len(held_out()),
            parts="\n".join(f"| {name} | {kind} | {count / 1e6:.1f} million |" for name, kind, count in counts),
            colour_list="\n".join(
                f"- {', '.join(COLOUR_WORDS[name])}: RGB {values}" for name, values in COLOURS.items()
            ),
            thing_list="\n".join(f"- {symbol} {', '.join(names)}" for symbol, names in THINGS.items()),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=OUT)
    parser.add_argument("--work", type=Path, default=WORK, help="folder with the checkpoints")
    args = parser.parse_args()
    out: Path = args.out

    vae = load_vae(args.work)
    model = Denoiser(len(Tokenizer(args.work / "spiece.model")))
    model.load_state_dict(torch.load(args.work / "denoiser.pt")["average"])
    write_json(out / "model_index.json", MODEL_INDEX)
    write_json(out / "scheduler" / "scheduler_config.json", SCHEDULER)

    vae.register_to_config(scaling_factor=scaling_factor(args.work))
    vae.save_config(out / "vae")
    model.transformer.save_config(out / "transformer")
    write_json(
        out / "text_encoder" / "config.json",
        {
            **model.text_encoder.config.to_diff_dict(),
            "architectures": ["T5EncoderModel"],
            "is_encoder_decoder": True,
            "tie_word_embeddings": False,
            "torch_dtype": "float16",
        },
    )
    write_weights(vae, out / "vae" / DIFFUSERS_WEIGHTS)
    write_weights(model.transformer, out / "transformer" / DIFFUSERS_WEIGHTS)
    write_weights(model.text_encoder, out / "text_encoder" / "model.safetensors", ("encoder.embed_tokens.weight",))

    write_json(out / "tokenizer" / "special_tokens_map.json", SPECIAL_TOKENS)
    write_json(
        out / "tokenizer" / "tokenizer_config.json",
        {
            **SPECIAL_TOKENS,
            "extra_ids": 0,
            "additional_special_tokens": [],
            "legacy": True,
            "model_max_length": 120,
            "tokenizer_class": "T5Tokenizer",
        },
    )
    shutil.copy(args.work / "spiece.model", out / "tokenizer" / "spiece.model")
    write_card(
        out,
        [
            ("text_encoder", "T5 v1.1 encoder, 2 layers, width 192", model.text_encoder),
            ("transformer", "PixArt transformer, 5 layers, width 192, 64 tokens", model.transformer),
            ("vae", "AutoencoderKL, 8 latent channels at 1/8 of the size", vae),
        ],
    )

    total = 0
    for file in sorted(path for path in out.rglob("*") if path.is_file()):
        total += file.stat().st_size
        print(f"{file.stat().st_size:>10,}  {file.relative_to(out)}")
    print(f"{total:>10,}  in total")


if __name__ == "__main__":
    main()
