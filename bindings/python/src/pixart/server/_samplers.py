"""Names of samplers: those of Stable Diffusion front ends, and the schedulers of the library."""

from __future__ import annotations

from typing import Any

from ._denoise_options import DenoiseOptionNames
from ._refusals import Refusal

SUFFIX = "Scheduler"
FRONT_END_NAMES = {
    "DDIM": "DDIMScheduler",
    "DDPM": "DDPMScheduler",
    "DEIS": "DEISMultistepScheduler",
    "DPM++ 2M": "DPMSolverMultistepScheduler",
    "DPM++ SDE": "DPMSolverSDEScheduler",
    "DPM++ 2S": "DPMSolverSinglestepScheduler",
    "DPM2": "KDPM2DiscreteScheduler",
    "DPM2 a": "KDPM2AncestralDiscreteScheduler",
    "Euler": "EulerDiscreteScheduler",
    "Euler a": "EulerAncestralDiscreteScheduler",
    "EDM Euler": "EDMEulerScheduler",
    "Heun": "HeunDiscreteScheduler",
    "LCM": "LCMScheduler",
    "LMS": "LMSDiscreteScheduler",
    "PLMS": "PNDMScheduler",
    "SA Solver": "SASolverScheduler",
    "TCD": "TCDScheduler",
    "UniPC": "UniPCMultistepScheduler",
}
SIGMAS = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas", "beta": "use_beta_sigmas"}
"""Values of `scheduler` in front ends, and the fields of a scheduler that they set."""
AUTOMATIC = ("", "automatic", "default", "none", "use same scheduler", "use same sampler")


def samplers(options: DenoiseOptionNames) -> list[dict[str, object]]:
    """Every scheduler, as front ends list samplers."""
    names = {scheduler: name for name, scheduler in FRONT_END_NAMES.items()}
    return [
        {"name": names.get(each, each), "aliases": [each, each[: -len(SUFFIX)]], "options": {}}
        for each in options.schedulers()
    ]


def scheduler_of(sampler: str, sigmas: str, options: DenoiseOptionNames) -> dict[str, Any] | None:
    """The option `scheduler` for a front end's sampler and schedule of noise. None means the checkpoint's."""
    known = {name.lower(): scheduler for name, scheduler in FRONT_END_NAMES.items()}
    for each in options.schedulers():
        known[each.lower()] = known[each[: -len(SUFFIX)].lower()] = each
    name, schedule = sampler.strip().lower(), sigmas.strip().lower()
    for each in SIGMAS:
        if name.endswith(f" {each}"):  # as older front ends say it: "DPM++ 2M Karras"
            name, schedule = name[: -len(each) - 1], each
    if name in AUTOMATIC:
        if schedule in AUTOMATIC:
            return None
        message = f'scheduler "{sigmas[:60]}" needs a sampler_name'
        raise Refusal(422, message, param="scheduler", code="invalid_value")
    if name not in known:
        raise Refusal(404, f'Sampler not found: "{sampler[:60]}"', param="sampler_name", code="not_found")
    chosen: dict[str, Any] = {"_class_name": known[name]}
    if schedule not in AUTOMATIC:
        field = SIGMAS.get(schedule)
        if field is None or field not in options.scheduler_fields(known[name]):
            message = f'scheduler "{sigmas[:60]}" is not a schedule of {known[name]}'
            raise Refusal(422, message, param="scheduler", code="invalid_value")
        chosen[field] = True
    return chosen
