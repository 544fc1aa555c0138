"""The runs of test_caching.py, whose results tools/goldens/make_cache_goldens.py writes."""

from __future__ import annotations

from typing import Any

PROMPT = "a cute cat face on a blue background"
STEPS, BLOCKS, SEEDS = 8, 5, (3, 4)
MODULES = ("attn1", "attn2", "ff")


def schedule(steps: int, blocks: int) -> dict[str, Any]:
    """A table of no pattern: half of the modules, and all of the first step."""

    def row(step: int, block: int) -> dict[str, bool]:
        return {name: not step or (step * 7 + block * 5 + i * 3) % 4 < 2 for i, name in enumerate(MODULES)}

    return {
        "schedule": {f"{step:03d}": {f"{block}": row(step, block) for block in range(blocks)} for step in range(steps)}
    }


RUNS: dict[str, Any] = {
    "none": None,
    "half": "half",
    "third": "third",
    "residual": {"blocks": [0, 3], "steps": [2, 3, 6]},
    "prompt steps": {"steps": [4], "prompt_steps": [2, 5, 6], "guidance_start": 1},
    "schedule": schedule(STEPS, BLOCKS),
}
"""Values of the option, by the names of their results."""
