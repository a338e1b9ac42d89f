"""``jitplab doctor FILE…``: the user's own evidence, and what follows from it."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jitpbroker.admission.profiles import PROFILES, profile_named
from jitplab.commands import options
from jitplab.doctor.chip_dump import ChipDump
from jitplab.doctor.diagnosis import diagnose, lines
from jitplab.doctor.evidence import Evidence
from jitplab.doctor.patient import Wishes
from jitplab.terminal import style_of
from softatecc.host import DeviceError, Host
from softatecc.packet import ResponseError
from softatecc.transports import NoResponse, open_transport
from softatecc.zones import SLOT_COUNT

if TYPE_CHECKING:
    from jitplab.commands import SubParsers

_EPILOG: Final = """\
examples:
  jitplab doctor device.log
  jitplab doctor sent.pem signer.pem device.log
  aws iot describe-ca-certificate --certificate-id ID > ca.json
  jitplab doctor --dump-chip tcp://127.0.0.1:8608 > chip.txt
  jitplab doctor chip.txt ca.json --root-key-slot 13

Any mix of: certificates and chains (PEM, DER, openssl's text), a chip dump, a log of mbedTLS, what aws iot
describe-ca-certificate and describe-certificate print, a provisioning template, a policy, lines of
AWSIotLogsV2. With a dump and a CA certificate it tries what the device would do, and searches the smallest
change that makes it connect. It never asks for a private key, and shows none.

exit codes: 0 nothing wrong, 1 something is, 2 misuse, 3 nothing was recognised
"""


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "doctor",
        help=summary,
        description="Looks at the evidence you have and says what follows from it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("files", metavar="FILE", nargs="*", type=Path, help="evidence; - is standard input")
    command.add_argument("--dump-chip", metavar="URL", help="print what a chip gives away, for later")
    command.add_argument(
        "--root-key-slot", metavar="N", type=_slot, help="where the firmware reads the root's key"
    )
    command.add_argument(
        "--client-id", metavar="ID", default="testclient", help="of CONNECT (default testclient)"
    )
    command.add_argument("--no-sni", action="store_true", help="the firmware sends no server name")
    command.add_argument("--profile", choices=sorted(PROFILES), default=options.DEFAULT_PROFILE)
    command.add_argument(
        "--now", metavar="T", type=options.moment, help="the time to judge at (default: now)"
    )
    command.add_argument("--no-run", action="store_true", help="search, but prove nothing over TLS")
    command.add_argument("--json", action="store_true", help="everything, for programs")
    command.set_defaults(act=act, refuse=command.error)


def _slot(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < SLOT_COUNT):
        raise argparse.ArgumentTypeError(f"{text!r} is no slot; an ATECC608A has slots 0 to 15")
    return int(text)


def act(chosen: argparse.Namespace) -> int:
    """Read, diagnose, tell."""
    if chosen.dump_chip is not None:
        return _dump(chosen.dump_chip)
    if not chosen.files:
        chosen.refuse("the following arguments are required: FILE")
    evidence = Evidence()
    for path in chosen.files:
        try:
            data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        except OSError as error:
            return options.complain(f"{path} cannot be read: {error.strerror}", options.MISUSE)
        evidence.take(str(path), data)
    if evidence.is_empty:
        for remark in evidence.remarks:
            options.complain(remark, options.NEED_UNMET)
        return options.complain("nothing was recognised; see jitplab doctor --help", options.NEED_UNMET)
    wishes = Wishes(
        profile_named(chosen.profile),
        chosen.now or datetime.now(UTC),
        chosen.root_key_slot,
        chosen.client_id,
        server_name=not chosen.no_sni,
    )
    told = diagnose(evidence, wishes, told=_progress if sys.stderr.isatty() else None, run=not chosen.no_run)
    if chosen.json:
        options.say_json(told.as_json())
    else:
        for line in lines(told, style_of(sys.stdout)):
            options.say(line)
    return 1 if told.something_is_wrong else 0


def _progress(line: str) -> None:
    sys.stderr.write(f"{line} ...\n")
    sys.stderr.flush()


def _dump(url: str) -> int:
    """Read whatever the chip gives away: nothing is written, no key is made."""
    try:
        transport = open_transport(url)
    except (NoResponse, OSError, ValueError) as error:
        return options.complain(f"{url} cannot be opened: {error}", options.NEED_UNMET)
    try:
        host = Host(transport)
        configuration = host.read_configuration()
        slots: dict[int, bytes] = {}
        keys: dict[int, bytes] = {}
        for slot in range(SLOT_COUNT):
            with suppress(DeviceError):
                if slot < 8:
                    keys[slot] = host.public_key(slot)
                else:
                    slots[slot] = host.read_slot(slot, 72)
    except (NoResponse, ResponseError, DeviceError, OSError) as error:
        return options.complain(f"the chip at {url} cannot be read: {error}", options.NEED_UNMET)
    finally:
        transport.close()
    sys.stdout.write(ChipDump(configuration, slots, keys).text())
    return 0
