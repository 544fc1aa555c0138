"""The parts of a comparison: a checkpoint, and a run over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PROMPTS = (
    "a cute cat face on a blue background",
    "",
    "Ein grüner Frosch mit Hut; 北京, naïve café & “quotes”, R2D2 (red:1.3), 24/7!!!",
    "word " * 150,
    "<b>bold</b>   https://example.com/a.png  #tag @name 123456789 a--b----c __d__\n\ttabs",
)
CAT, EMPTY, MIXED, LONG, MESSY = PROMPTS


NO_QUOTES = str.maketrans("", "", "{}'")


@dataclass(frozen=True)
class Run:
    """One call of the pipeline, or of a loop written with its parts; options are named as in diffusers."""

    prompt: str | tuple[str, ...] = CAT
    negative: str | tuple[str, ...] = EMPTY
    steps: int = 4
    guidance: float = 4.5
    seed: int | tuple[int, ...] = 0
    images: int = 1
    height: int | None = None
    width: int | None = None
    binning: bool = False
    clean_caption: bool = True
    max_sequence_length: int | None = None
    scheduler: str | None = None
    """Another class than the checkpoint's, with the checkpoint's settings."""
    timesteps: tuple[int, ...] | None = None
    guidance_interval: tuple[float, float] | None = None
    pag_scale: float = 0.0
    pag_adaptive_scale: float = 0.0
    pag_applied_layers: tuple[int, ...] | None = None
    strength: float | None = None
    """Start from a random image."""
    mask: bool = False
    """Regenerate part of that image."""
    cache: str | Mapping[str, Any] | None = None
    """What some steps take from earlier ones."""

    @property
    def prompts(self) -> tuple[str, ...]:
        return self.prompt if isinstance(self.prompt, tuple) else (self.prompt,)

    @property
    def negatives(self) -> tuple[str, ...]:
        """As many as the prompts."""
        return self.negative if isinstance(self.negative, tuple) else (self.negative,) * len(self.prompts)

    @property
    def plain(self) -> bool:
        """True for a text-to-image run of one prompt with classifier-free guidance only."""
        further = (self.scheduler, self.timesteps, self.guidance_interval, self.strength, self.cache)
        return all(value is None for value in further) and not self.pag_scale and len(self.prompts) == 1

    def __str__(self) -> str:
        size = f", {self.height}x{self.width or 'own'}{' binned' if self.binning else ''}" if self.height else ""
        images = f", {self.images} images" if self.images > 1 else ""
        text = "" if self.prompt == CAT else f", prompt {numbers(self.prompts)}"
        text += f", negative {numbers(self.negatives)}" if any(self.negatives) else ""
        text += "" if self.clean_caption else ", not cleaned"
        text += f", {self.max_sequence_length} tokens" if self.max_sequence_length else ""
        text += f", {self.scheduler}" if self.scheduler else ""
        if self.guidance_interval:
            text += ", from {:g} to {:g}".format(*self.guidance_interval)
        if self.pag_scale:
            text += f", PAG {self.pag_scale:g}"
            text += f" falling by {self.pag_adaptive_scale:g}" if self.pag_adaptive_scale else ""
            text += f" in {self.pag_applied_layers}" if self.pag_applied_layers else ""
        text += f", image at {self.strength:g}" if self.strength is not None else ""
        text += ", masked" if self.mask else ""
        if self.cache:
            text += f", cache {'schedule' if 'schedule' in self.cache else str(self.cache).translate(NO_QUOTES)}"
        seed = "+".join(map(str, self.seed)) if isinstance(self.seed, tuple) else self.seed
        steps = f"timesteps {list(self.timesteps)}" if self.timesteps else f"{self.steps} steps"
        return f"{steps}, guidance {self.guidance:g}, seed {seed}{images}{size}{text}"


def numbers(prompts: tuple[str, ...]) -> str:
    return "+".join(str(PROMPTS.index(prompt)) for prompt in prompts)


@dataclass(frozen=True)
class Model:
    """A checkpoint: how it differs from the tiny one, and the runs over it."""

    name: str
    checkpoint: dict[str, Any] = field(default_factory=dict)
    runs: tuple[Run, ...] = (Run(),)

    @property
    def variant(self) -> str | None:
        """Which weight files, as in from_pretrained(variant=...)."""
        return self.checkpoint.get("variant")


def transformer(heads: int = 3, head_width: int = 8, **changes: Any) -> dict[str, Any]:
    """A tiny transformer; cross-attention is as wide as the hidden state, as in every PixArt."""
    width = heads * head_width
    return {
        "num_attention_heads": heads,
        "attention_head_dim": head_width,
        "cross_attention_dim": width,
        **changes,
    }
