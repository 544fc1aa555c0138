"""Schedulers and their options that the tests and tools/compare_scheduler_table.py compare with diffusers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

STEPS = (1, 2, 4, 20, 50)

BETAS = [round(0.001 + 0.004 * (index / 60) ** 2 * index, 6) for index in range(60)]
"""Betas of a training with 60 timesteps."""


@dataclass(frozen=True)
class Case:
    """A scheduler with fields of its configuration, and further options of a run."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(f"{key} {short(value)}" for key, value in (self.fields | self.run).items()) or "defaults"

    def steps(self) -> tuple[int, ...]:
        """Numbers of steps that a run may have."""
        return (1,) if self.run == ONE_TIMESTEP else STEPS

    def options(self, steps: int) -> dict[str, Any]:
        """The options of a run with this number of steps."""
        lists = {name: make(steps) for name, make in OWN.items() if self.run.get(name) == "own"}
        return self.run | lists

    def prediction(self) -> str:
        return self.fields.get("prediction_type", "epsilon")


def own_timesteps(steps: int) -> list[int]:
    """Uneven ones, falling."""
    return [round(999 * (1 - index / steps) ** 1.5) for index in range(steps)]


def own_sigmas(steps: int) -> list[float]:
    """Uneven ones, falling to 0."""
    return [round(120 * (1 - index / steps) ** 3, 6) for index in range(steps + 1)]


OWN = {"timesteps": own_timesteps, "sigmas": own_sigmas}
"""Options of a run in place of its number of steps."""


def short(value: Any) -> str:
    return f"[{len(value)} numbers]" if isinstance(value, list) and len(value) > 5 else str(value)


NOISE = [
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    {"beta_schedule": "squaredcos_cap_v2"},
    {"num_train_timesteps": 60, "trained_betas": BETAS},
    {"num_train_timesteps": 500},
]
VELOCITY = [{"prediction_type": "v_prediction"}]
PREDICTIONS = [*VELOCITY, {"prediction_type": "sample"}]
PUBLISHED_NOISE = [{"beta_start": 0.0001, "beta_end": 0.02}]
ZERO_SNR = [{"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}]
THRESHOLDING = [
    {"thresholding": True},
    {"thresholding": True, "dynamic_thresholding_ratio": 0.6, "sample_max_value": 1.5},
]
CLIPPING = [{"clip_sample": True, "clip_sample_range": 0.5}, {"clip_sample": False}]
SPACING = [
    {"timestep_spacing": "linspace"},
    {"timestep_spacing": "leading", "steps_offset": 1},
    {"timestep_spacing": "trailing"},
]
SIGMAS = [{"use_karras_sigmas": True}, {"use_exponential_sigmas": True}, {"use_beta_sigmas": True}]
RANGE = [
    {"use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 30.0},
    {"use_exponential_sigmas": True, "sigma_min": 0.05, "sigma_max": 30.0},
]
ORDERS = [{"solver_order": 1}, {"solver_order": 3}]
SMALLEST = [{"final_sigmas_type": "sigma_min"}]
CLIPPED = [{"lambda_min_clipped": -3.0}, {"lambda_min_clipped": -5.1, "beta_schedule": "squaredcos_cap_v2"}]
NEVER_LOWER = [{"final_sigmas_type": "sigma_min", "lower_order_final": False}]
TIMESTEPS = {"timesteps": "own"}
ONE_TIMESTEP = {"timesteps": [400]}


def algorithms(names: list[str], orders: list[int]) -> list[dict[str, Any]]:
    return [
        {"algorithm_type": name, "solver_type": solver, "solver_order": order, "final_sigmas_type": "sigma_min"}
        for name in names
        for order in orders
        for solver in ("midpoint", "heun")
        if not (order == 3 and name == "sde-dpmsolver")
    ]


FIELDS: dict[str, list[dict[str, Any]]] = {
    "DPMSolverMultistepScheduler": [
        *NOISE,
        *PREDICTIONS,
        *ZERO_SNR,
        *THRESHOLDING,
        *SPACING,
        *SIGMAS,
        *ORDERS,
        *SMALLEST,
        *CLIPPED,
        *NEVER_LOWER,
        {"solver_type": "heun"},
        {"use_lu_lambdas": True},
        {"final_sigmas_type": "sigma_min", "euler_at_final": True},
        {"solver_order": 3, "lower_order_final": False, "final_sigmas_type": "sigma_min"},
        {"algorithm_type": "sde-dpmsolver++"},
        {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": True},
        {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "thresholding": True},
        *algorithms(["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"], [1, 2, 3]),
    ],
    "DPMSolverSinglestepScheduler": [
        *NOISE,
        *PREDICTIONS,
        *THRESHOLDING,
        *SIGMAS,
        *ORDERS,
        *SMALLEST,
        *CLIPPED,
        {"final_sigmas_type": "sigma_min", "lower_order_final": True},
        {"final_sigmas_type": "sigma_min", "solver_order": 3},
        {"solver_type": "heun"},
        {"algorithm_type": "sde-dpmsolver++"},
        *algorithms(["dpmsolver", "dpmsolver++", "sde-dpmsolver++"], [1, 2, 3]),
    ],
    "DPMSolverSDEScheduler": [
        *NOISE,
        *PUBLISHED_NOISE,
        *VELOCITY,
        *SPACING,
        *SIGMAS,
        {"noise_sampler_seed": 5},
        {"noise_sampler_seed": 2**40 + 1},
    ],
    "DDIMScheduler": [
        *NOISE,
        *PREDICTIONS,
        *ZERO_SNR,
        *THRESHOLDING,
        *CLIPPING,
        *SPACING,
        {"set_alpha_to_one": False},
    ],
    "DDPMScheduler": [
        *NOISE,
        *PREDICTIONS,
        *ZERO_SNR,
        *THRESHOLDING,
        *CLIPPING,
        *SPACING,
        {"variance_type": "fixed_small_log"},
        {"variance_type": "fixed_large"},
        {"beta_schedule": "sigmoid"},
        {"beta_schedule": "laplace"},
        {"variance_type": "learned_range"},
        {"variance_type": "learned_range", "clip_sample": False},
    ],
    "PNDMScheduler": [*NOISE, *VELOCITY, *SPACING, {"skip_prk_steps": True}, {"set_alpha_to_one": True}],
    "LMSDiscreteScheduler": [*NOISE, *PREDICTIONS, *SPACING, *SIGMAS],
    "EulerDiscreteScheduler": [
        *NOISE,
        *PREDICTIONS,
        *ZERO_SNR,
        *SPACING,
        *SIGMAS,
        *RANGE,
        *SMALLEST,
        {"interpolation_type": "log_linear"},
        {"timestep_type": "continuous", "prediction_type": "v_prediction"},
    ],
    "EulerAncestralDiscreteScheduler": [*NOISE, *VELOCITY, *ZERO_SNR, *SPACING],
    "HeunDiscreteScheduler": [
        *NOISE,
        *PUBLISHED_NOISE,
        {"beta_schedule": "exp"},
        *PREDICTIONS,
        *CLIPPING[:1],
        *SPACING,
        *SIGMAS,
    ],
    "KDPM2DiscreteScheduler": [*NOISE, *PUBLISHED_NOISE, *VELOCITY, *SPACING, *SIGMAS],
    "KDPM2AncestralDiscreteScheduler": [*NOISE, *PUBLISHED_NOISE, *VELOCITY, *SPACING, *SIGMAS],
    "DEISMultistepScheduler": [
        *NOISE,
        *PREDICTIONS,
        *THRESHOLDING,
        *SPACING,
        *SIGMAS,
        *ORDERS,
        {"lower_order_final": False},
        {"algorithm_type": "deis", "solver_type": "logrho"},
    ],
    "UniPCMultistepScheduler": [
        *NOISE,
        *PREDICTIONS,
        *ZERO_SNR,
        *THRESHOLDING,
        *SPACING,
        *SIGMAS,
        *RANGE,
        *ORDERS,
        *SMALLEST,
        *NEVER_LOWER,
        *({"solver_type": "bh1", "solver_order": order} | SMALLEST[0] for order in (1, 2, 3)),
        {"disable_corrector": [0, 2]},
        *(
            {"predict_x0": False, "final_sigmas_type": "sigma_min"} | more
            for more in ({}, *ORDERS, *PREDICTIONS, {"solver_type": "bh1"})
        ),
    ],
    "SASolverScheduler": [
        *NOISE,
        *PREDICTIONS,
        *THRESHOLDING,
        *SPACING,
        *SIGMAS,
        *CLIPPED,
        {"lower_order_final": False},
        {"predictor_order": 1},
        {"predictor_order": 3},
        {"corrector_order": 1},
        {"corrector_order": 3},
        *(
            {"algorithm_type": "noise_prediction"} | more
            for more in ({}, *PREDICTIONS, {"predictor_order": 3, "corrector_order": 3})
        ),
    ],
    "EDMEulerScheduler": [
        {"sigma_min": 0.01},
        {"sigma_max": 60.0},
        {"sigma_data": 0.7},
        {"sigma_schedule": "exponential"},
        {"rho": 5.0},
        *VELOCITY,
        *SMALLEST,
    ],
    "LCMScheduler": [
        *NOISE[1:],
        {"beta_schedule": "linear"},
        {"beta_start": 0.001},
        {"beta_end": 0.02},
        *PREDICTIONS,
        *ZERO_SNR,
        *THRESHOLDING,
        *CLIPPING[:1],
        {"original_inference_steps": 60},
        {"timestep_scaling": 0.001},
    ],
    "TCDScheduler": [
        *NOISE[1:],
        {"beta_schedule": "linear"},
        {"beta_start": 0.001},
        {"beta_end": 0.02},
        *PREDICTIONS,
        *ZERO_SNR,
        {"original_inference_steps": 60},
    ],
}

RUNS: dict[str, list[dict[str, Any]]] = {
    "DPMSolverMultistepScheduler": [TIMESTEPS],
    "DPMSolverSinglestepScheduler": [TIMESTEPS],
    "DDIMScheduler": [{"eta": 0.4}, {"eta": 1.0}],
    "DDPMScheduler": [TIMESTEPS, ONE_TIMESTEP],
    "EulerDiscreteScheduler": [TIMESTEPS, {"sigmas": "own"}],
    "HeunDiscreteScheduler": [TIMESTEPS],
    "LCMScheduler": [TIMESTEPS, ONE_TIMESTEP],
    "TCDScheduler": [{"eta": 0.3}, {"eta": 1.0}, TIMESTEPS | {"eta": 0.3}],
}


BOUND = 1e-4
"""The largest relative error of any step's latents."""

NUDGES = 4
"""Runs of the reference that show how far its own result moves."""

NUDGED = 3
"""An error may be this many times as large as these runs show, if that is more than the bound."""


def bound(sensitivity: float) -> float:
    """The bound of an error if the reference's own result moves by `sensitivity` with the last bits of its inputs."""
    return max(BOUND, NUDGED * sensitivity)


def cases() -> Iterator[Case]:
    for name, variants in FIELDS.items():
        yield Case(name)
        yield from (Case(name, fields) for fields in variants)
        yield from (Case(name, {}, run) for run in RUNS.get(name, []))


ABSENT = {
    "a": "PNDM needs 4 steps in diffusers unless `skip_prk_steps` is set. Here it takes those Runge-Kutta steps that "
    "fit.",
    "b": "Rounding makes the noise level that an ancestral step goes down to zero or negative. diffusers takes its "
    "logarithm or root, and all further latents are NaN. Here another formula is used.",
}
"""Why there is no reference."""


def absent(case: Case, steps: int) -> str | None:
    """Why diffusers cannot do such a run, as a key of ABSENT; None if it can."""
    if case.name == "PNDMScheduler" and steps < 4 and not case.fields.get("skip_prk_steps"):
        return "a"
    return None
