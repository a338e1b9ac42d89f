"""The command line of ``jitplab device`` and of ``python -m softatecc device``, which are the same.

Rules of this file:
1. Exit codes: 0 ended by a signal or done, 2 misuse, 3 a need is unmet.
2. Options that belong to a part may be repeated, the nth is for the nth part; given once they are for all.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final, TypeVar

from softatecc import profiles, statetext
from softatecc.config import SERIAL_SIZE
from softatecc.model import Revision
from softatecc.ports.parts import Order, OrderError

_MISUSE: Final = 2
_NEED_UNMET: Final = 3
_DEFAULT_PORT: Final = 8608
_OWNER_ONLY: Final = 0o600
_EPILOG: Final = """\
examples:
  %(prog)s                                         a blank part on 127.0.0.1:8608
  %(prog)s --i2c 1 --state part.state              a part that is kept, on /dev/i2c-1
  %(prog)s --i2c 1 --address 0x60 --address 0x35   two parts on one bus
  %(prog)s --state part.state --export part.txt    its memory as text, private keys withheld

The ready line, a JSON object on standard output, has the environment a client needs under "env".
"""

T = TypeVar("T")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = _EPILOG
    ports = command.add_argument_group("ports (TCP where none is named)")
    ports.add_argument(
        "--tcp",
        metavar="PORT",
        type=_port,
        nargs="?",
        const=_DEFAULT_PORT,
        help=f"in the format of wolfSSL's ATECC608Sim (default {_DEFAULT_PORT}; 0 picks a free port)",
    )
    ports.add_argument("--i2c", metavar="N", type=_bus, help="as /dev/i2c-N for programs started with `env`")
    ports.add_argument(
        "--kit", action="store_true", help="as a development kit (kit protocol 1) on a terminal"
    )
    part = command.add_argument_group("parts (may be repeated, once for each part)")
    part.add_argument("--profile", action="append", choices=profiles.names(), help="default blank")
    part.add_argument("--serial-number", metavar="HEX", action="append", type=_serial, help="nine bytes")
    part.add_argument("--address", metavar="A", action="append", type=_address, help="7 bits, such as 0x60")
    part.add_argument("--state", metavar="FILE", action="append", type=Path, help="keeps the part's memory")
    command.add_argument("--model", choices=[revision.name for revision in Revision], help="which silicon")
    command.add_argument("--seed", metavar="N", help="fixes serial number and random numbers")
    command.add_argument(
        "--random", metavar="HEX", type=_hex, default=b"", help="the random numbers to begin with"
    )
    command.add_argument(
        "--timing",
        choices=("real", "none"),
        default="none",
        help="real: busy times and the watchdog as in silicon (default none: answers at once)",
    )
    command.add_argument("--fresh", action="store_true", help="every TCP connection meets a new part")
    command.add_argument("--trace", metavar="FILE", type=Path, help="every record as a line of JSON")
    command.add_argument("--verbose", action="store_true", help="tell every command, not only refusals")
    text = command.add_argument_group("the state as text (nothing is served)")
    text.add_argument(
        "--export", metavar="FILE", type=Path, help="write the state as text; - for standard output"
    )
    text.add_argument("--import", metavar="FILE", type=Path, dest="import_", help="make the state from text")
    text.add_argument("--with-secrets", action="store_true", help="export private keys and secret slots, too")
    command.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Serve until a signal, or write or read the state as text; the exit code."""
    from softatecc.ports import device, preload  # noqa: PLC0415 - asyncio takes longer than --help should
    from softatecc.statefile import StateError  # noqa: PLC0415 - likewise, and needs a POSIX system

    try:
        orders = _orders(chosen)
        _judge(chosen)
        if chosen.export is not None:
            return _export(chosen.state[0], chosen.export, with_secrets=chosen.with_secrets)
        if chosen.import_ is not None:
            return _import(chosen.import_, chosen.state[0])
        tcp = _DEFAULT_PORT if chosen.tcp is None and chosen.i2c is None and not chosen.kit else chosen.tcp
        device.serve(
            device.Plan(
                orders,
                tcp=tcp,
                i2c=chosen.i2c,
                kit=chosen.kit,
                clock=time.monotonic if chosen.timing == "real" else None,
                fresh=chosen.fresh,
                trace=chosen.trace,
                everything=chosen.verbose,
            )
        )
    except OrderError as error:
        return _complain(error, _MISUSE)
    except (StateError, preload.CannotBuild, device.CannotServe) as error:
        return _complain(error, _NEED_UNMET)
    return 0


def _judge(chosen: argparse.Namespace) -> None:
    """What the options cannot be together.

    Raises:
        OrderError: with the sentence for the user.
    """
    as_text = chosen.export is not None or chosen.import_ is not None
    if chosen.export is not None and chosen.import_ is not None:
        raise OrderError("--export and --import are two things; ask for one at a time")
    if as_text and len(chosen.state or ()) != 1:
        raise OrderError("--export and --import are about one part's memory; name its file with --state")
    if chosen.with_secrets and chosen.export is None:
        raise OrderError("--with-secrets is about --export alone; leave it out")
    if chosen.fresh and (chosen.state or chosen.i2c is not None or chosen.kit):
        raise OrderError(
            "--fresh is for TCP and keeps nothing; leave out --state, --i2c and --kit, or --fresh"
        )


def _export(state: Path, target: Path, *, with_secrets: bool) -> int:
    from softatecc.statefile import StateError, StateFile  # noqa: PLC0415 - needs a POSIX system

    with StateFile(state) as file:
        if file.contents is None:
            raise StateError(f"there is no state {state}; a device with --state {state} makes it")
        text = statetext.write(file.contents, with_secrets=with_secrets)
    if str(target) == "-":
        sys.stdout.write(text)
        return 0
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            os.fchmod(descriptor, _OWNER_ONLY)  # a file that was there keeps its mode otherwise
            out.write(text)
    except OSError as error:
        raise StateError(f"{target} cannot be written: {error.strerror}") from None
    return 0


def _import(source: Path, state: Path) -> int:
    from softatecc.statefile import StateError, StateFile  # noqa: PLC0415 - needs a POSIX system

    try:
        contents = statetext.read(source.read_text(encoding="ascii"))
    except OSError as error:
        raise StateError(f"{source} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise OrderError(f"{source}: {error}") from None
    with StateFile(state) as file:
        if file.contents is not None:
            raise StateError(f"{state} holds a part already; name a file that does not exist yet")
        file.keep(contents.chip())
    return 0


# --- arguments ------------------------------------------------------------------------------------


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no sequence of hex bytes, such as 80818283") from None


def _serial(text: str) -> bytes:
    octets = _hex(text)
    if len(octets) != SERIAL_SIZE:
        raise argparse.ArgumentTypeError(
            f"{text!r} has {len(octets)} bytes, a serial number {SERIAL_SIZE}, such as 0123528e47b3461dee"
        )
    return octets


def _between(text: str, lowest: int, highest: int, what: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not lowest <= number <= highest:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
    return number


def _port(text: str) -> int:
    return _between(text, 0, 65535, "port; 0 to 65535, 0 picks a free one")


def _bus(text: str) -> int:
    return _between(text, 0, 255, "number of a bus; 1 stands for /dev/i2c-1")


def _address(text: str) -> int:
    return _between(text, 0x01, 0x7F, "7-bit I2C address; 0x01 to 0x7f, 0x60 is a 608's own")


def _complain(error: Exception, code: int) -> int:
    sys.stderr.write(f"device: {error}\n")
    return code


def _orders(chosen: argparse.Namespace) -> tuple[Order, ...]:
    each = (chosen.profile, chosen.serial_number, chosen.address, chosen.state)
    count = max(1, *(len(values or ()) for values in each))
    names = ("--profile", "--serial-number", "--address", "--state")
    for name, values in zip(names, each, strict=True):
        own = name != "--profile"
        if values and len(values) != count and (own or len(values) != 1):
            raise OrderError(f"{name} is given {len(values)} times for {count} parts; give it for each")
    files = [path.resolve() for path in chosen.state or ()]
    if len(set(files)) != len(files):
        raise OrderError("two parts cannot share one --state; name a file for each")

    def nth(values: list[T] | None, number: int) -> T | None:
        return None if not values else values[number if len(values) > 1 else 0]

    return tuple(
        Order(
            profile=nth(chosen.profile, number) or "blank",
            serial_number=nth(chosen.serial_number, number),
            address=nth(chosen.address, number),
            revision=None if chosen.model is None else Revision[chosen.model],
            seed=chosen.seed if chosen.seed is None or not number else f"{chosen.seed}/{number}",
            random=chosen.random,
            state=nth(chosen.state, number),
        )
        for number in range(count)
    )
