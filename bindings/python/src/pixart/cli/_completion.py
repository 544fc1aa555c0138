"""`pixart completion`: scripts that complete commands and flags in a shell."""

from __future__ import annotations

import argparse

from ._main import COMMANDS, parser_of

BASH = """_pixart() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} words
    if [ "$COMP_CWORD" -eq 1 ]; then words="{commands}"; else
        case ${{COMP_WORDS[1]}} in
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    [ -n "$COMPREPLY" ] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _pixart pixart
"""
ZSH = "autoload -Uz bashcompinit && bashcompinit\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "bash, zsh: source <(pixart completion bash)\nfish: pixart completion fish | source"
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(arguments: argparse.Namespace) -> int:
    flags = {name: _flags(name) for name in COMMANDS}
    if arguments.shell == "fish":
        print("complete -c pixart -n __fish_use_subcommand -f -a", f"'{' '.join(COMMANDS)}'")
        for name, each in flags.items():
            for flag in each:
                print(f"complete -c pixart -n '__fish_seen_subcommand_from {name}' -l {flag[2:]}")
        return 0
    cases = "\n".join(f'        {name}) words="{" ".join(each)}" ;;' for name, each in flags.items())
    print((ZSH if arguments.shell == "zsh" else "") + BASH.format(commands=" ".join(COMMANDS), cases=cases), end="")
    return 0


def _flags(name: str) -> list[str]:
    """The long flags of a command; none if the packages that it needs are missing."""
    try:
        parser = parser_of(name)
    except ImportError:
        return []
    return [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]
