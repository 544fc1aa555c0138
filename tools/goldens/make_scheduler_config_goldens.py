#!/usr/bin/env python3
"""Writes the reference results of the scheduler configuration tests: each class with the configuration of each other.

    make_scheduler_config_goldens.py [FOLDER]        default: Tests/PixArtSchedulersTests/Resources

Writes scheduler_configurations.json: configurations as diffusers saves them, and what each class reads from each of
them if its name takes the place of `_class_name` (null if the class refuses), as the fields that differ from the
class's defaults; and dictionaries as `New.from_config(old.config).config` gives them, with what they mean. Needs
diffusers.
"""

import inspect
import json
import pathlib
import sys

import diffusers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from reference.schedulers import FIELDS  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "PixArtSchedulersTests" / "Resources"

COMMON = {"beta_end": 0.015, "steps_offset": 1}
"""Fields of all classes except EDMEuler's that differ from every default."""

FURTHER = [
    ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"}),
    ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}),
    ("DPMSolverMultistepScheduler", {"use_lu_lambdas": True, "timestep_spacing": "trailing"}),
    ("DEISMultistepScheduler", {"solver_order": 3, "use_karras_sigmas": True}),
    ("UniPCMultistepScheduler", {"solver_type": "bh1", "final_sigmas_type": "sigma_min", "sigma_min": 0.05}),
    ("EulerDiscreteScheduler", {"prediction_type": "v_prediction", "final_sigmas_type": "sigma_min"}),
    ("DDPMScheduler", {"variance_type": "fixed_large", "clip_sample": False}),
    ("DDIMScheduler", {"clip_sample": True, "clip_sample_range": 2.0, "timestep_spacing": "linspace"}),
]
"""Configurations with names of one class, in addition to the defaults of each."""

DICTIONARIES = (0, 1, 4, 6, 13)
"""Of the configurations below: of which there are dictionaries."""


def own_fields(kind):
    return {
        name: parameter.default
        for name, parameter in inspect.signature(kind.__init__).parameters.items()
        if name not in ("self", "kwargs")
    }


def plain(value):
    """Converts a value to what JSON can represent."""
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def means(kind, config):
    """The fields of the class's scheduler of a configuration that differ from its defaults; None if it refuses. "deis"
    is the one name that diffusers replaces and then refuses, unless final_sigmas_type is "sigma_min": it is replaced
    here."""
    if config.get("algorithm_type") == "deis" and "DPMSolver" in kind.__name__:
        config = config | {"algorithm_type": "dpmsolver++"}
    if kind is diffusers.EDMEulerScheduler:
        # EulerDiscrete's null is no noise level here; diffusers computes with it and fails.
        config = {key: value for key, value in config.items() if value is not None}
    try:
        made = kind.from_config(dict(config))
        # A run of Singlestep changes its configuration.
        config = dict(made.config)
        made.set_timesteps(4)
    except Exception:  # noqa: BLE001 - whatever it is, the class does not take the configuration
        return None
    return {name: plain(config[name]) for name, default in own_fields(kind).items() if config[name] != default}


def saved(scheduler):
    return json.loads(scheduler.to_json_string())


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    kinds = {name: getattr(diffusers, name) for name in FIELDS}
    olds = []
    for kind in kinds.values():
        fields = {key: value for key, value in COMMON.items() if key in own_fields(kind)}
        olds.append(kind(**fields))
    olds += [kinds[name](**fields) for name, fields in FURTHER]
    files = [
        {"file": saved(old), "means": {name: means(kind, saved(old)) for name, kind in kinds.items()}} for old in olds
    ]
    dictionaries = []
    for number in DICTIONARIES:
        for name, kind in kinds.items():
            try:
                config = dict(kind.from_config(olds[number].config).config)
            except NotImplementedError:
                continue
            config = {"_class_name": name} | {
                key: plain(value) for key, value in config.items() if key != "_class_name"
            }
            config["_use_default_values"] = sorted(config.get("_use_default_values", []))
            dictionaries.append({"option": config, "means": means(kind, config)})
    path = folder / "scheduler_configurations.json"

    def rows(values):
        return ",\n".join(json.dumps(value, separators=(",", ":"), sort_keys=True) for value in values)

    path.write_text(f'{{"files": [\n{rows(files)}\n],\n"dictionaries": [\n{rows(dictionaries)}\n]}}\n')
    print(path, len(files), "files", len(dictionaries), "dictionaries")


if __name__ == "__main__":
    main()
