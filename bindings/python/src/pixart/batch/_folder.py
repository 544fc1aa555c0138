"""The folder that a run writes: images, the manifest, and the list of failures."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from typing import Any

MANIFEST, FAILED = "manifest.jsonl", "failed.jsonl"
_LOCK, _TEMPORARY, _ABANDONED = ".lock", ".writing-", 86_400.0
"""A temporary file of a process that was killed is removed after a day."""


class Folder:
    """A folder of finished images. A file that has its name is complete, because it is renamed when it is."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)

    def create(self) -> None:
        """Creates the folder, and removes what a killed process left a day ago."""
        os.makedirs(self.path, exist_ok=True)
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.startswith(_TEMPORARY):
                    with contextlib.suppress(FileNotFoundError):
                        if time.time() - entry.stat().st_mtime > _ABANDONED:
                            os.unlink(entry.path)

    def file(self, name: str) -> str:
        return os.path.join(self.path, name + ".png")

    def has(self, name: str) -> bool:
        return os.path.exists(self.file(name))

    def names(self) -> set[str]:
        """The names of all finished images."""
        with os.scandir(self.path) as entries:
            return {entry.name[:-4] for entry in entries if entry.name.endswith(".png")}

    def write(self, name: str, data: bytes) -> None:
        """Writes an image. Another process sees all of the file or nothing, also after a crash of the machine."""
        self._write(self.file(name), [data])

    def update(self, file: str, source: str, entries: Iterable[dict[str, Any]]) -> None:
        """Replaces the entries of one input in a list of this folder. Those of other inputs stay. An empty list has no
        file."""
        path = os.path.join(self.path, file)
        with self._locked():
            kept = [line for line in _lines(path) if json.loads(line)["source"] != source]
            lines = kept + [json.dumps({"source": source, **entry}).encode() + b"\n" for entry in entries]
            if lines:
                self._write(path, lines)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with open(os.path.join(self.path, _LOCK), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, path: str, chunks: Iterable[bytes]) -> None:
        temporary = os.path.join(self.path, _TEMPORARY + secrets.token_hex(8))
        try:
            with open(temporary, "xb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return file.readlines()
    except FileNotFoundError:
        return []
