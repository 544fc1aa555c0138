"""Schedulers of the reference, made from cases, and the sensitivity of their results."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import diffusers
import torch
from torch.overrides import TorchFunctionMode

from .schedulers import NUDGES, Case

# Algorithms that diffusers means to drop, and times that are the ends of a Brownian tree but for their rounding.
warnings.filterwarnings("ignore", module="diffusers", category=FutureWarning)
warnings.filterwarnings("ignore", module="torchsde")


def make(case: Case, settings: dict[str, Any] | None = None) -> Any:
    """The scheduler of a case. Fields that the case does not set come from `settings`, those of a checkpoint."""
    kind = getattr(diffusers, case.name)
    if settings is None:
        return kind(**case.fields)
    # The name of the checkpoint's algorithm, which SA-Solver refuses instead of taking its own.
    own = {"algorithm_type": "data_prediction"} if case.name == "SASolverScheduler" else {}
    return kind.from_config(settings, **own | case.fields)


def seed_noise(scheduler: Any, generator: torch.Generator) -> None:
    """Draws the seed of a Brownian tree from the run's generator, if the scheduler has none."""
    if getattr(scheduler, "noise_sampler_seed", 0) is None:
        scheduler.noise_sampler_seed = torch.randint(0, 2**63 - 1, [], generator=generator).item()


class RoundedFunctions(TorchFunctionMode):
    """PyTorch with correctly rounded float32 roots, exponentials and logarithms. PyTorch's are not always."""

    NAMES = ("sqrt", "exp", "expm1", "log")

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = function.__name__.strip("_")
        is_root = name == "pow" and len(args) == 2 and isinstance(args[1], float) and args[1] == 0.5
        if (is_root or name in self.NAMES) and isinstance(args[0], torch.Tensor) and args[0].dtype == torch.float32:
            return function(args[0].double(), *args[1:], **(kwargs or {})).float()
        return function(*args, **(kwargs or {}))


def nudged(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each number moved up or down by its last bit, or not; 0 stays."""
    ways = torch.randint(-1, 2, tensor.shape, generator=generator)
    return torch.where(tensor == 0, tensor, torch.nextafter(tensor, tensor + ways * tensor.abs()))


def nudges() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(NUDGES)]


def vanishes(scheduler: Any) -> bool:
    """True if rounding makes the noise level that an ancestral step goes down to zero."""
    source, target = scheduler.sigmas[:-1], scheduler.sigmas[1:]
    up = (target**2 * (source**2 - target**2) / source**2) ** 0.5
    return bool(((target > 0) & ~(target**2 - up**2 > 0)).any())
