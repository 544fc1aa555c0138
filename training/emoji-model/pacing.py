"""Shared by both trainings: a time budget, the learning rate that follows it, weight averages, the work folder."""

import time
from pathlib import Path

import torch
from torch import nn

WORK = Path(__file__).resolve().parents[2] / ".build-emoji"  # checkpoints, unless --work says otherwise


class Budget:
    """Counts training time against a number of minutes, across restarts and pauses."""

    def __init__(self, minutes: float, spent: float = 0.0, pause_file: Path | None = None):
        self.total, self.spent, self.pause_file = minutes * 60, spent, pause_file
        self.last = time.monotonic()

    def tick(self) -> float:
        """Add the time since the last call (waiting while the pause file exists); the share used up."""
        now = time.monotonic()
        self.spent += now - self.last
        while self.pause_file is not None and self.pause_file.exists():
            time.sleep(2)
        self.last = time.monotonic()
        return self.spent / self.total


def cosine(share: float, warmup: float = 0.02, floor: float = 0.01) -> float:
    """Learning-rate factor after `share` of the budget: linear warm-up, then a cosine."""
    if share < warmup:
        return max(share / warmup, 0.05)
    angle = torch.pi * min((share - warmup) / (1 - warmup), 1.0)
    return floor + (1 - floor) * 0.5 * (1 + float(torch.cos(torch.tensor(angle))))


class Average:
    """Exponential moving average of a module's weights, with a warm start."""

    def __init__(self, module: nn.Module, decay: float):
        self.decay, self.steps = decay, 0
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in module.state_dict().items():
            self.values[name].lerp_(value, 1 - decay)
