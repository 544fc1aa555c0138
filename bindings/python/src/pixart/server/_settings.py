"""What a server allows, and where it listens."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

MEBIBYTE = 1 << 20
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Every bound of a server. Times are in seconds, sizes in bytes unless the name says otherwise."""

    model: str | None = None
    preset: str | None = None
    weights: str = "auto"
    variant: str | None = None
    threads: int = 0
    one_at_a_time: bool = False
    encoder: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    denoiser: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    decoder: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Further options of opening each stage."""

    host: str = "127.0.0.1"
    port: int = 8188
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    api_key: str | None = None
    access_log: bool = False

    queue: int = 16
    max_images: int = 10
    max_side: int = 1024
    max_steps: int = 100
    max_prompt: int = 8000
    max_previews: int = 100
    max_body: int = 32 * MEBIBYTE
    max_bodies: int = 256 * MEBIBYTE
    max_upload_pixels: int = 8 << 20
    max_files: int = 64
    file_seconds: float = 3600

    max_connections: int = 256
    head_seconds: float = 10
    body_seconds: float = 60
    write_seconds: float = 60
    shutdown_seconds: float = 20

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        return self.host in LOOPBACK
