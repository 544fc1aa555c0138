#!/usr/bin/env python3
"""Trains the text encoder and the transformer on the autoencoder's latents (see README.md).

    train_transformer.py --minutes 65

Writes WORK/denoiser.pt every two minutes, and goes on from it if started again.
--restart keeps its averaged weights but restarts the learning-rate schedule.
"""

import argparse
import random
import time
from pathlib import Path

import torch
from captions import all_pairs, caption, held_out
from latents import load_latents
from networks import SCHEDULER, Denoiser
from optimiser import Optimiser
from pacing import WORK, Average, Budget, cosine
from text import Tokenizer, train_tokenizer
from things import THINGS

UNCONDITIONAL = 0.1  # share of captions replaced by the empty one
NOISY_HALF = 0.6  # share of time steps drawn from the noisier half


def noise_levels() -> torch.Tensor:
    """Cumulative signal power at each time step of the scheduler's linear betas."""
    betas = torch.linspace(SCHEDULER["beta_start"], SCHEDULER["beta_end"], SCHEDULER["num_train_timesteps"])
    return torch.cumprod(1 - betas, 0)


def draw_steps(count: int) -> torch.Tensor:
    steps = torch.randint(0, 500, (count,))
    return torch.where(torch.rand(count) < NOISY_HALF, steps + 500, steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=WORK, help="folder with vae.pt, for checkpoints")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--pause-file", type=Path, help="wait while this file exists")
    args = parser.parse_args()
    torch.manual_seed(time.time_ns() % 2**31)
    rng = random.Random(time.time_ns())

    if not (args.work / "spiece.model").exists():
        train_tokenizer(args.work / "spiece")
    tokenizer = Tokenizer(args.work / "spiece.model")
    latents = load_latents(args.work)
    kept_out = held_out()
    pairs = [pair for pair in all_pairs() if pair not in kept_out]
    model = Denoiser(len(tokenizer))
    optimiser = Optimiser(model, args.lr, args.lr / 2, embeddings="text_encoder.shared")
    average, spent = Average(model, 0.999), 0.0
    checkpoint = args.work / "denoiser.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["average" if args.restart else "model"])
        if args.restart:
            average = Average(model, 0.999)
        else:
            optimiser.load_state_dict(state["optimiser"])
            average.values, average.steps, spent = state["average"], state["steps"], state["spent"]

    def save(spent: float) -> None:
        torch.save(
            {
                "spent": spent,
                "steps": average.steps,
                "model": model.state_dict(),
                "average": average.values,
                "optimiser": optimiser.state_dict(),
            },
            checkpoint.with_suffix(".new"),
        )
        checkpoint.with_suffix(".new").rename(checkpoint)

    levels = noise_levels()
    budget = Budget(args.minutes, spent, args.pause_file)
    next_save, losses = budget.spent + 120, []
    while (share := budget.tick()) < 1:
        chosen = rng.choices(pairs, k=args.batch)
        texts = ["" if rng.random() < UNCONDITIONAL else caption(THINGS[s], c, rng) for s, c in chosen]
        ids, mask = tokenizer.batch(texts)
        clean = torch.stack([latents[pair] for pair in chosen])
        noise, steps = torch.randn_like(clean), draw_steps(args.batch)
        signal = levels[steps][:, None, None, None]
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        wanted = signal.sqrt() * noise - (1 - signal).sqrt() * clean
        with torch.autocast("cpu", torch.bfloat16):
            made = model.velocity(noisy, steps, model.encode(ids, mask), mask)
        loss = (made.float() - wanted).square().mean()
        loss.backward()
        optimiser.step(cosine(share))
        average.update(model)
        losses.append(loss.item())
        if average.steps % 50 == 0:
            print(f"{budget.spent:6.0f} s  step {average.steps}  loss {sum(losses) / len(losses):.4f}", flush=True)
            losses.clear()
        if budget.spent > next_save:
            save(budget.spent)
            next_save = budget.spent + 120
    save(budget.spent)


if __name__ == "__main__":
    main()
