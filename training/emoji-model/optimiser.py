"""Muon for the weight matrices, AdamW for everything else.

Muon (Jordan et al., 2024) steps along the orthogonalised momentum of each matrix. It needs
few steps, which suits a training of minutes on a CPU.
"""

from collections.abc import Iterable

import torch
from torch import nn


def orthogonalise(matrix: torch.Tensor, rounds: int = 5) -> torch.Tensor:
    """The nearest (semi-)orthogonal matrix, roughly, by a quintic Newton-Schulz iteration."""
    x = matrix.bfloat16() / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(rounds):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Parameters with more than two dimensions are taken as matrices of rows by everything else."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 1e-3):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                gradient = parameter.grad.flatten(1)
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(gradient)
                state["momentum"].lerp_(gradient, 1 - group["momentum"])
                update = orthogonalise(gradient.lerp(state["momentum"], group["momentum"]))
                scale = 0.2 * max(update.shape) ** 0.5  # the size of a typical AdamW step
                parameter.mul_(1 - group["lr"] * group["decay"])
                parameter.add_(update.view_as(parameter), alpha=-group["lr"] * scale)


class Optimiser:
    """Both optimisers behind one learning-rate factor."""

    def __init__(self, module: nn.Module, matrix_lr: float, other_lr: float, embeddings: str = ""):
        """`embeddings`: prefix of the parameter names that are tables, not matrices; they learn three times faster."""
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        tables = [p for name, p in named if embeddings and name.startswith(embeddings)]
        matrices = [
            p
            for name, p in named
            if p.ndim > 1 and min(p.flatten(1).shape) >= 16 and not (embeddings and name.startswith(embeddings))
        ]
        taken = {id(p) for p in (*tables, *matrices)}
        others = [p for _, p in named if id(p) not in taken]
        self.parts: list[torch.optim.Optimizer] = [
            Muon(matrices, matrix_lr),
            torch.optim.AdamW(
                [{"params": others}, {"params": tables, "lr": 3 * other_lr}],
                lr=other_lr,
                betas=(0.9, 0.98),
                weight_decay=0.0,
            ),
        ]
        self.full_lr = [[group["lr"] for group in part.param_groups] for part in self.parts]
        self.parameters = [p for _, p in named]

    def step(self, factor: float) -> None:
        """Clip the gradients, step with `factor` times the full learning rates, clear the gradients."""
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for part, rates in zip(self.parts, self.full_lr):
            for group, rate in zip(part.param_groups, rates):
                group["lr"] = rate * factor
            part.step()
            part.zero_grad()

    def state_dict(self) -> list[dict]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict]) -> None:
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)
