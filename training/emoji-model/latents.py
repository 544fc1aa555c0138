"""The autoencoder's latents of every pair, kept in WORK/latents.pt."""

from pathlib import Path

import torch
from captions import all_pairs
from diffusers import AutoencoderKL
from emoji_images import all_emoji, compose, palette
from networks import new_vae
from things import COLOURS

LATENTS = "latents.pt"


def load_vae(work: Path) -> AutoencoderKL:
    """The averaged autoencoder of WORK/vae.pt."""
    vae = new_vae()
    vae.load_state_dict(torch.load(work / "vae.pt")["average"])
    return vae.eval().requires_grad_(False)


def all_images() -> torch.Tensor:
    """The images of all pairs, in the order of all_pairs()."""
    emoji, colours = all_emoji(), palette()
    return compose(emoji.repeat_interleave(len(COLOURS), 0), colours.repeat(len(emoji), 1))


@torch.no_grad()
def mean_latents(work: Path) -> torch.Tensor:
    """Mean latents in the order of all_pairs(), as the encoder gives them; computed at the first call."""
    file = work / LATENTS
    if not file.exists():
        vae = load_vae(work)
        torch.save(torch.cat([vae.encode(part).latent_dist.mean for part in all_images().split(16)]), file)
    return torch.load(file)


def load_latents(work: Path) -> dict[tuple[str, str], torch.Tensor]:
    """Scaled mean latents by pair."""
    return dict(zip(all_pairs(), mean_latents(work) * scaling_factor(work)))


def scaling_factor(work: Path) -> float:
    """The inverse deviation of the latents, for the autoencoder's config."""
    return round(1 / float(mean_latents(work).std()), 5)
