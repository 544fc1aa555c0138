"""`pixart completion`: scripts that complete commands, flags and their values in a shell."""

from __future__ import annotations

import argparse

from ._flags import NameOrJSON
from ._main import COMMANDS, parser_of

# The first pattern that matches the command, the word before, and the word itself decides. Without words, files are
# completed. zsh runs the same function.
BASH = """_pixart() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then words="{commands}"; else
        case "${{COMP_WORDS[1]}} $before $word" in
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _pixart pixart
"""
ZSH = """(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
autoload -Uz bashcompinit && bashcompinit
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "bash: source <(pixart completion bash)\nzsh: source <(pixart completion zsh)\n"
    parser.epilog += "fish: pixart completion fish | source"
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(arguments: argparse.Namespace) -> int:
    commands = {name: _actions(name) for name in COMMANDS}
    if arguments.shell == "fish":
        print("\n".join(line for name, actions in commands.items() for line in _fish(name, actions)))
        return 0
    cases = "\n".join(f"        {case} ;;" for name, actions in commands.items() for case in _cases(name, actions))
    script = BASH.format(commands=" ".join(COMMANDS), cases=cases)
    print(ZSH + script if arguments.shell == "zsh" else script, end="")
    return 0


def _actions(name: str) -> list[argparse.Action]:
    """The arguments of a command; none if the packages that it needs are missing."""
    try:
        return parser_of(name)._actions
    except ImportError:
        return []


def _values(action: argparse.Action) -> list[str]:
    """The names that an argument takes; none if it takes anything."""
    if isinstance(action.type, NameOrJSON):
        return action.type.names
    return [str(each) for each in action.choices or ()]


def _takes_value(action: argparse.Action) -> bool:
    return bool(action.option_strings) and action.nargs != 0


def _cases(name: str, actions: list[argparse.Action]) -> list[str]:
    """The cases of a command: the values of its flags, then its flags, then the names that it takes without a flag."""
    cases, free, flags = [], [], []
    for action in actions:
        before = [f'"{name} {flag} "*' for flag in action.option_strings]
        flags += [flag for flag in action.option_strings if flag.startswith("--")]
        if _takes_value(action) and _values(action):
            cases.append(_case(before, _values(action)))
        elif _takes_value(action):
            free += before
    if free:
        cases.append(_case(free, []))
    if flags:
        cases.append(_case([f'"{name} "*" -"*'], flags))
    names = [value for action in actions if not action.option_strings for value in _values(action)]
    return [*cases, _case([f'"{name} "*'], names)] if names else cases


def _case(patterns: list[str], words: list[str]) -> str:
    return f'{"|".join(patterns)}) words="{" ".join(words)}"'


def _fish(name: str, actions: list[argparse.Action]) -> list[str]:
    lines = [f"complete -c pixart -n __fish_use_subcommand -f -a {name} -d {_quoted(COMMANDS[name][1])}"]
    for action in actions:
        parts = [f"complete -c pixart -n '__fish_seen_subcommand_from {name}'"]
        parts += [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in action.option_strings]
        if values := _values(action):
            parts.append(f"-x -a '{' '.join(values)}'")
        elif _takes_value(action):
            parts.append("-r")
        if values or action.option_strings:
            lines.append(" ".join([*parts, f"-d {_quoted((action.help or '').replace('%%', '%'))}"]))
    return lines


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
