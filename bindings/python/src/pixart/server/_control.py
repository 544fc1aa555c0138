"""The image of a ControlNet in requests of Stable Diffusion front ends."""

from __future__ import annotations

from typing import Any

from ._fields import Fields, shown
from ._refusals import Refusal

SCRIPT = "controlnet"
MODES = (None, 0, "Balanced")
"""The values of `control_mode` that change nothing."""
MODULES = (None, "none", "None")
"""The values of `module` for images that are used as they are."""


def take_control(scripts: Any) -> tuple[str | None, dict[str, float]]:
    """The control image of `alwayson_scripts` as base64, and the options of its run. None if there is none."""
    if scripts in (None, [], {}):
        return None, {}
    others = [name for name in scripts if name.lower() != SCRIPT] if isinstance(scripts, dict) else [shown(scripts)]
    if others:
        raise _unsupported(f"alwayson_scripts with {others[0][:60]} is not supported by this server")
    units = [unit for given in scripts.values() for unit in _units(given)]
    if not units:
        return None, {}
    if len(units) > 1:
        raise _unsupported(f"alwayson_scripts has {len(units)} images for ControlNets; expected one")
    fields = Fields(units[0])
    image = fields.raw("image") or fields.raw("input_image")
    image = image.get("image") if isinstance(image, dict) else image
    if not image:
        raise _unsupported("alwayson_scripts has a ControlNet without image")
    for name, neutral in (("module", MODULES), ("control_mode", MODES)):
        if fields.raw(name) not in neutral:
            raise _unsupported(f"{name} of the ControlNet is {shown(fields.raw(name))}, which is not supported")
    return image, {
        "controlnet_conditioning_scale": fields.number("weight", 1, 0, 1000),
        "control_guidance_start": fields.number("guidance_start", 0, 0, 1),
        "control_guidance_end": fields.number("guidance_end", 1, 0, 1),
    }


def _units(given: object) -> list[dict[str, Any]]:
    """The units of a ControlNet script that are on."""
    units = given.get("args", []) if isinstance(given, dict) else given
    if not isinstance(units, list) or not all(isinstance(unit, dict) for unit in units):
        raise _unsupported('alwayson_scripts: the ControlNet is not {"args": [{"image": ...}]}')
    return [unit for unit in units if unit.get("enabled", True)]


def _unsupported(message: str) -> Refusal:
    return Refusal(422, message, param="alwayson_scripts", code="unsupported")
