"""The command line: ``jitplab demo``, ``jitplab run`` and the rest of `COMMAND_NAMES`.

Exit codes: 0 what was seen is what was foretold (explain: the chain would be admitted), 1 it is not,
2 misuse, 3 a need is unmet.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, cast

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

#: What can follow ``jitplab``, and the line that ``jitplab -h`` has for it. A command's module is loaded when
#: the command is asked for: all of them take a second.
_COMMANDS: Final = {
    "demo": "the case on one page: the wrong slot, the silent close, why, and the cure",
    "list": "the scenarios there are",
    "show": "a scenario's page: cause, symptom, tell-tale, cure",
    "run": "run scenarios and compare what is seen with what was foretold",
    "explain": "would this chain be admitted, and if not, which bytes are wrong and whose key is it?",
    "xray": "where every byte of a rebuilt certificate came from, and what is wrong with those that differ",
    "doctor": "what your own evidence says, which failures fit, and the smallest change that helps",
    "definition": "read certificate definitions from C source, or make a right one from a right certificate",
    "broker": "a local AWS IoT broker with your own CA and template",
    "device": "a chip behind TCP or /dev/i2c-N, for programs nobody modified",
    "chip": "look inside the chip: its configuration, slots, trace, and captures of its bus",
}

COMMAND_NAMES: Final = tuple(_COMMANDS)


class _Version(argparse.Action):
    """``--version``; asked of the installation only when somebody wants to know."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata  # noqa: PLC0415 - takes as long as all the rest here

        sys.stdout.write(f"jitplab {metadata.version('jitplab')}\n")
        parser.exit()


def parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """The command line, with the arguments of the command ``wanted``; of the others it knows the names."""
    root = argparse.ArgumentParser(
        prog="jitplab",
        description="A software ATECC608A, a local AWS IoT broker that onboards just in time, "
        "and the failures between the two.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in _COMMANDS.items():
        if name == wanted:
            module = import_module(f"jitplab.commands.{'list_' if name == 'list' else name}")
            module.add_to(commands, summary)
        else:
            commands.add_parser(name, help=summary)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    # Before the command there can only be options of our own, which take no values.
    wanted = next((each for each in given if not each.startswith("-")), None)
    try:
        chosen = parser(wanted).parse_args(given)
        act = cast("Callable[[argparse.Namespace], int]", chosen.act)
        return act(chosen)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
