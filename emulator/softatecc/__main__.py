"""``python -m softatecc device``: a part for other programs, without the laboratory around it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from softatecc.ports import command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    root = argparse.ArgumentParser(prog="softatecc", description="A software ATECC608A.")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    command.add_arguments(
        commands.add_parser(
            "device",
            help="a part behind TCP or /dev/i2c-N",
            description="Serves software ATECC608A parts to programs that nobody modified.",
        )
    )
    chosen = root.parse_args(arguments)
    act: Callable[[argparse.Namespace], int] = chosen.act

    return act(chosen)


if __name__ == "__main__":
    sys.exit(main())
