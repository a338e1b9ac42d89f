"""The command line: ``jitplab demo``, ``jitplab run`` and the rest of `COMMAND_NAMES`.

Exit codes: 0 what was seen is what was foretold (explain: the chain would be admitted), 1 it is not,
2 misuse, 3 a need is unmet.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

from jitplab.commands import broker, chip, definition, demo, device, doctor, explain, list_, run, show, xray

_EPILOG: Final = """\
examples:
  jitplab demo                                   the case on one page
  jitplab run wrong-slot-root-key --json         every byte of it
  jitplab run --all                              every failure, each beside its healthy twin
  jitplab run --any --blind                      a failure to be found
  jitplab run wrong-slot-root-key --slot 14      another wrong slot
  jitplab explain chain.pem --registered signer.pem --key root=root.pem
  jitplab xray signer --scenario wrong-slot-root-key
  jitplab doctor chip.txt ca.json device.log
  jitplab broker --ca signer.pem --template template.json
  jitplab chip map mbedtls_examples_608          what each slot may do, and why

exit codes: 0 as foretold (explain: admitted), 1 not, 2 misuse, 3 a need is unmet
"""

_COMMANDS: Final = (demo, list_, show, run, explain, xray, doctor, definition, broker, device, chip)


#: What can follow ``jitplab``.
COMMAND_NAMES: Final = tuple(module.__name__.rpartition(".")[2].rstrip("_") for module in _COMMANDS)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog="jitplab",
        description="A software ATECC608A, a local AWS IoT broker that onboards just in time, "
        "and the failures between the two.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.add_to(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    chosen = parser().parse_args(arguments)
    act: Callable[[argparse.Namespace], int] = chosen.act
    try:
        return act(chosen)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
