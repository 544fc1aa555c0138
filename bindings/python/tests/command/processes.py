"""The command `pixart` as a process."""

from __future__ import annotations

import subprocess
import sys


def pixart_command(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pixart", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def made(*arguments: object) -> str:
    """What a command prints that succeeds."""
    done = pixart_command(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout
