"""The option `cache` as hooks on the blocks of diffusers' transformer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch

INTERVALS: Mapping[str, Mapping[str, Any]] = {"half": {"interval": 2}, "third": {"interval": 4}}
SEARCHED: Mapping[str, Mapping[str, Any]] = {
    "half": {"steps": (3, 5, 7, 9, 10, 12, 14, 16, 18), "prompt_steps": (17,), "guidance_start": 3},
    "third": {"steps": (4, 9, 12, 16), "prompt_steps": (14, 18), "guidance_start": 4},
}
"""The presets in runs of 20 steps from noise; INTERVALS has them in others."""

MODULES = ("attn1", "attn2", "ff")
PROMPT = "prompt"
"""The role that the residuals of the others follow."""


def resolved(cache: str | Mapping[str, Any], steps: int, skipped: int = 0) -> Mapping[str, Any]:
    """The option for a run of `steps` steps after `skipped` ones, with its steps in place of a preset."""
    options = {"preset": cache} if isinstance(cache, str) else cache
    if "preset" not in options:
        return options
    presets = SEARCHED if (steps, skipped) == (20, 0) else INTERVALS
    return {**options, **presets[options["preset"]]}


def makes_parts(cache: str | Mapping[str, Any] | None, steps: int) -> bool:
    """Whether predictions of a step differ in what they compute, so that each needs a call of its own."""
    options = resolved(cache, steps) if cache else {}
    return bool(options.get("prompt_steps") or options.get("guidance_start"))


class StepCache:
    """Results of the blocks of a transformer, for each role of the predictions of a step."""

    def __init__(self, blocks: int, cache: str | Mapping[str, Any], steps: int, skipped: int = 0) -> None:
        options = resolved(cache, steps, skipped)
        self.table = options.get("schedule")
        self.first, self.last = options.get("blocks") or (1, blocks - 2)
        self.skipped = skipped
        listed = options.get("steps") or range(0, steps, options.get("interval", steps))
        self.computed = {0, *listed, steps - 1}
        self.prompt_steps = set(options.get("prompt_steps", ()))
        self.guidance_start = int(options.get("guidance_start", 0))
        self.results: dict[tuple[Any, ...], torch.Tensor] = {}
        self.step, self.role, self.served, self.computes_all = -1, "", set[str](), True

    def begin(self, *roles: str) -> None:
        """Before the predictions of the next step. If one of them is new, the step is computed. With steps that compute
        the prompt's prediction only, this is made first."""
        self.step += 1
        self.computes_all = not set(roles) <= self.served
        self.served = set(roles)
        self.role = roles[0]

    def reuses_blocks(self) -> bool:
        computes_role = self.step in self.prompt_steps and self.role == PROMPT
        return not (self.computes_all or self.step in self.computed or computes_role)

    def followed(self) -> Any:
        """What the residual of the role is kept without."""
        return self.results[PROMPT, "sum"] if self.prompt_steps and self.role != PROMPT else 0.0

    def reuses_module(self, block: int, name: str) -> bool:
        return not (self.computes_all or self.table[f"{self.skipped + self.step:03d}"][str(block)][name])

    def block(self, index: int, forward: Any) -> Any:
        """The forward pass of a block: a residual takes the place of those from the first to the last."""

        def run(stream: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
            if not self.first <= index <= self.last:
                return forward(stream, *args, **options)
            if self.reuses_blocks():
                return stream + self.results[self.role, "sum"] + self.followed() if index == self.last else stream
            if index == self.first:
                self.results[self.role, "before"] = stream
            output = forward(stream, *args, **options)
            if index == self.last:
                self.results[self.role, "sum"] = output - self.results[self.role, "before"] - self.followed()
            return output

        return run

    def module(self, index: int, name: str, forward: Any) -> Any:
        """The forward pass of a module: its last output takes its place."""

        def run(*args: Any, **options: Any) -> torch.Tensor:
            key = self.role, index, name
            if not self.reuses_module(index, name):
                self.results[key] = forward(*args, **options)
            return self.results[key]

        return run


@contextlib.contextmanager
def cached(
    transformer: Any, cache: str | Mapping[str, Any] | None, steps: int, skipped: int = 0
) -> Iterator[StepCache | None]:
    """Hooks a run of `steps` steps into the transformer, while this lasts."""
    if cache is None:
        yield None
        return
    blocks = transformer.transformer_blocks
    state = StepCache(len(blocks), cache, steps, skipped)
    hooked = []
    for index, block in enumerate(blocks):
        if state.table is None:
            hooked.append((block, state.block(index, block.forward)))
        else:
            hooked += [
                (module, state.module(index, name, module.forward))
                for name, module in ((name, getattr(block, name)) for name in MODULES)
            ]
    for module, forward in hooked:
        module.forward = forward
    try:
        yield state
    finally:
        for module, _ in hooked:
            del module.forward


@contextlib.contextmanager
def one_call_each(transformer: Any, state: StepCache | None) -> Iterator[None]:
    """Counts the transformer's calls as steps, while this lasts: a pipeline makes all predictions of a step at once."""
    if state is None:
        yield
        return
    hook = transformer.register_forward_pre_hook(lambda *_: state.begin("all"))
    try:
        yield
    finally:
        hook.remove()
