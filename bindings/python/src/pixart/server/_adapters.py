"""Adapters in the prompts of Stable Diffusion front ends: `<lora:NAME:WEIGHT>`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ._refusals import Refusal

_TAG = re.compile(r"<lora:([^<>:]*)(?::([^<>]*))?>", re.IGNORECASE)
_WEIGHT = re.compile(r"[-+]?(\d{1,4}(\.\d*)?|\.\d+)")


def take_adapters(prompt: str) -> tuple[str, dict[str, float]]:
    """A prompt without the adapters that it names, and their scales. The library knows which names there are."""
    scales: dict[str, float] = {}
    for name, weight in _TAG.findall(prompt):
        if name in scales or not _WEIGHT.fullmatch(weight or "1"):
            found = f"has the adapter {name[:60]} twice" if name in scales else f'has the weight "{weight[:40]}"'
            raise Refusal(422, f"prompt {found}; expected <lora:NAME:WEIGHT>", param="prompt", code="invalid_value")
        scales[name] = float(weight or "1")
    return _TAG.sub("", prompt).strip() if scales else prompt, scales


def listed(adapters: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Adapters as front ends list them."""
    return [{"name": each["name"], "alias": each["name"], "path": each["name"], "metadata": {}} for each in adapters]
