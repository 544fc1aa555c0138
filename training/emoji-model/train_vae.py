#!/usr/bin/env python3
"""Trains the autoencoder on emoji over plain backgrounds, in stages (see README.md).

    train_vae.py --stage crops --minutes 12     64-pixel crops, both halves
    train_vae.py --stage whole --minutes 5      whole images, both halves
    train_vae.py --stage decoder --minutes 36   whole images, encoder frozen

Each stage starts from the state of the last one in WORK/vae.pt. If a stage is started again, it
goes on from its checkpoint.
"""

import argparse
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from emoji_images import SIZE, all_emoji, compose, grid, palette
from latents import LATENTS, mean_latents
from networks import new_vae
from optimiser import Optimiser
from pacing import WORK, Average, Budget, cosine

LATENT_NOISE = 0.1  # the decoder must bear small errors; the mean latents are kept near unit deviation
STAGES = {"crops": (64, 16), "whole": (128, 8), "decoder": (128, 8)}  # edge of the images, batch size


def draw_batch(emoji: torch.Tensor, colours: torch.Tensor, edge: int, count: int, named: float) -> torch.Tensor:
    """Random compositions, a share `named` of them on the named colours; crops when `edge` < SIZE."""
    chosen = emoji[torch.randint(len(emoji), (count,))]
    flat = torch.rand(count, 3)
    take = torch.rand(count) < named
    flat[take] = colours[torch.randint(len(colours), (int(take.sum()),))]
    image = compose(chosen, flat)
    if edge == SIZE:
        return image
    tops, lefts = (torch.randint(SIZE - edge + 1, (count,)).tolist() for _ in range(2))
    return torch.stack([p[:, y : y + edge, x : x + edge] for p, y, x in zip(image, tops, lefts)])


def image_loss(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Absolute, squared and edge differences."""
    error = made - wanted
    edges = (error[..., 1:, :] - error[..., :-1, :]).abs().mean() + (error[..., 1:] - error[..., :-1]).abs().mean()
    return error.abs().mean() + 2 * error.square().mean() + 0.5 * edges


def moments_loss(mean: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
    """Keeps each latent channel near zero mean and unit deviation, and the stored variance at the noise used."""
    centre = mean.mean((0, 2, 3)).square().mean()
    spread = (mean.std((0, 2, 3)) - 1).square().mean()
    return centre + spread + 0.1 * (logvar - 2 * torch.tensor(LATENT_NOISE).log()).square().mean()


def psnr(made: torch.Tensor, wanted: torch.Tensor) -> float:
    """Peak signal-to-noise ratio of images in -1...1, in decibels."""
    return float(10 * torch.log10(4 / (made.clamp(-1, 1) - wanted).square().mean()))


@torch.no_grad()
def examine(vae: AutoencoderKL, emoji: torch.Tensor, colours: torch.Tensor, file: Path) -> float:
    """PSNR over every third emoji on rotating colours; writes images and their reconstructions."""
    some = torch.arange(0, len(emoji), 3)
    wanted = compose(emoji[some], colours[some % len(colours)])
    made = torch.cat([vae.decode(vae.encode(part).latent_dist.mean).sample for part in wanted.split(9)])
    rows = torch.stack([wanted[:30].unflatten(0, (3, 10)), made[:30].unflatten(0, (3, 10))], 1)
    grid(rows.flatten(0, 2), 10).save(file)
    return psnr(made, wanted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=WORK, help="folder for checkpoints and images")
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--named", type=float, default=0.7, help="share of images on named colours")
    parser.add_argument("--pause-file", type=Path, help="wait while this file exists")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    checkpoint = args.work / "vae.pt"
    torch.manual_seed(time.time_ns() % 2**31)

    emoji, colours = all_emoji(), palette()
    vae, spent, state = new_vae(), 0.0, None
    if checkpoint.exists():
        state = torch.load(checkpoint)
        again = state["stage"] == args.stage
        vae.load_state_dict(state["model"] if again else state["average"])
        spent = state["spent"] if again else 0.0
    if args.stage == "decoder":
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    optimiser = Optimiser(vae, args.lr, args.lr / 2)
    average = Average(vae, 0.998)
    if state is not None and state["stage"] == args.stage:
        optimiser.load_state_dict(state["optimiser"])
        average.values, average.steps = state["average"], state["steps"]

    def save(spent: float) -> None:
        torch.save(
            {
                "stage": args.stage,
                "spent": spent,
                "steps": average.steps,
                "model": vae.state_dict(),
                "average": average.values,
                "optimiser": optimiser.state_dict(),
            },
            checkpoint.with_suffix(".new"),
        )
        checkpoint.with_suffix(".new").rename(checkpoint)

    edge, count = STAGES[args.stage]
    means = mean_latents(args.work).unflatten(0, (len(emoji), len(colours))) if args.stage == "decoder" else None
    if means is None:
        (args.work / LATENTS).unlink(missing_ok=True)  # of an older encoder
    budget = Budget(args.minutes, spent, args.pause_file)
    next_save, losses = budget.spent + 120, []
    while (share := budget.tick()) < 1:
        with torch.autocast("cpu", torch.bfloat16):
            if means is None:
                wanted = draw_batch(emoji, colours, edge, count, args.named)
                latent = vae.encode(wanted).latent_dist
                mean = latent.mean.float()
                penalty = 0.02 * moments_loss(mean, latent.logvar.float())
            else:
                things, flats = torch.randint(len(emoji), (count,)), torch.randint(len(colours), (count,))
                wanted, mean = compose(emoji[things], colours[flats]), means[things, flats]
                penalty = torch.zeros(())
            made = vae.decode(mean + LATENT_NOISE * torch.randn_like(mean)).sample
        loss = image_loss(made.float(), wanted)
        (loss + penalty).backward()
        optimiser.step(cosine(share))
        average.update(vae)
        losses.append(loss.item())
        if average.steps % 50 == 0:
            print(
                f"{args.stage} {budget.spent:6.0f} s  step {average.steps}  loss {sum(losses) / len(losses):.4f}",
                flush=True,
            )
            losses.clear()
        if budget.spent > next_save:
            save(budget.spent)
            next_save = budget.spent + 120
    save(budget.spent)
    final = new_vae()
    final.load_state_dict(average.values)
    quality = examine(final.eval(), emoji, colours, args.work / "reconstructions.png")
    print(f"{args.stage}: {quality:.2f} dB PSNR")


if __name__ == "__main__":
    main()
