"""`pixart completion`: each shell completes a command, a flag, a value and a file, as it does for a person who types."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess

import pytest
from processes import made

# Starts a shell without anything of the user's, and makes Ctrl-X print the line as it stands.
INTERACTIVE = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], """bind -x '"\\C-x": echo "<<$READLINE_LINE>>"'"""),
    "zsh": (["zsh", "-f", "-i"], """show() { print -r -- "<<$BUFFER>>" }; zle -N show; bindkey '^X' show"""),
}

CASES = [
    ("gen", "generate"),
    ("generate --num-inf", "--num-inference-steps"),
    ("generate --encoder.res", "--encoder.residency"),
    ("generate x --preset bal", "balanced"),
    ("generate --scheduler DDI", "DDIMScheduler"),
    ("completion f", "fish"),
    ("generate -o a", r"a\ cat.png"),
    ("settings a", r"a\ cat.png"),
]


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request):
    """The name of a shell, and the script that completes in it."""
    return request.param, made("completion", request.param)


@pytest.mark.parametrize("line, word", CASES)
def test_a_shell_completes(shell, line, word, tmp_path):
    name, script = shell
    (tmp_path / "a cat.png").touch()
    completed = by_fish if name == "fish" else by_tab
    words = ["pixart", *line.split(" ")[:-1], word]
    assert completed(name, script, f"pixart {line}", tmp_path) == " ".join(words)


def by_fish(name, script, line, folder):
    """fish says itself how it would complete."""
    (folder / "script").write_text(script)
    code = "source script; complete --escape --do-complete $argv[1]"
    done = subprocess.run([name, "--no-config", "-c", code, line], capture_output=True, text=True, cwd=folder)
    assert done.stderr == ""
    (only,) = done.stdout.splitlines()
    return f"{line.rpartition(' ')[0]} {only.partition(chr(9))[0]}"


def by_tab(name, script, line, folder):
    """What becomes of a line by a press of Tab, in a terminal."""
    command, on_control_x = INTERACTIVE[name]
    (folder / "script").write_text(f"{script}\n{on_control_x}\n")
    terminal, end = pty.openpty()
    streams = {"stdin": end, "stdout": end, "stderr": end}
    environment = {**os.environ, "TERM": "dumb", "HOME": str(folder)}
    child = subprocess.Popen(command, **streams, cwd=folder, env=environment, start_new_session=True)
    os.close(end)
    try:
        os.write(terminal, b'source ./script; echo "rea"dy\n')
        shown = read(terminal, "ready")
        os.write(terminal, f"{line}\t\x18".encode())
        shown += read(terminal, "<<.*>>")
    finally:
        os.close(terminal)
        child.wait()
    assert "not found" not in shown, shown
    return re.search("<<(.*)>>", shown)[1].rstrip()


def read(terminal, until):
    """What the terminal shows, until an expression matches."""
    shown = ""
    while not re.search(until, shown):
        assert select.select([terminal], [], [], 60)[0], shown
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown
