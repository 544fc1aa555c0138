"""The command `pixart`. Each module of a subcommand has add_arguments(parser) and run(arguments) -> exit code."""

from ._main import main

__all__ = ["main"]
