"""The autoencoder's latents of every pair, scaled to unit deviation, kept in WORK/latents.pt."""
from pathlib import Path

import torch
from diffusers import AutoencoderKL

from captions import all_pairs
from pictures import all_emoji, compose, palette
from things import COLOURS
from train_vae import new_vae


def load_vae(work: Path) -> AutoencoderKL:
    """The averaged autoencoder of WORK/vae.pt."""
    vae = new_vae()
    vae.load_state_dict(torch.load(work / "vae.pt")["average"])
    return vae.eval().requires_grad_(False)


def all_pictures() -> torch.Tensor:
    """The pictures of all pairs, in the order of all_pairs()."""
    emoji, colours = all_emoji(), palette()
    return compose(emoji.repeat_interleave(len(COLOURS), 0), colours.repeat(len(emoji), 1))


def load_latents(work: Path) -> dict[tuple[str, str], torch.Tensor]:
    """Scaled mean latents by pair, computed at the first call; the scale is in scaling_factor()."""
    file = work / "latents.pt"
    if not file.exists():
        vae = load_vae(work)
        means = torch.cat([vae.encode(part).latent_dist.mean for part in all_pictures().split(16)])
        torch.save(means, file)
    means = torch.load(file)
    return dict(zip(all_pairs(), means * scaling_factor(work)))


def scaling_factor(work: Path) -> float:
    """The inverse deviation of the cached latents, for the autoencoder's config."""
    return round(1 / float(torch.load(work / "latents.pt").std()), 5)
