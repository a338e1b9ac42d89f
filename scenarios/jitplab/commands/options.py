"""Options that several commands share, and how a complaint is made."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from jitpbroker.admission.profiles import PROFILES
from jitplab.settings import Settings

if TYPE_CHECKING:
    from jitplab.outcome import JsonValue

MISUSE: Final = 2
NEED_UNMET: Final = 3
DEFAULT_PROFILE: Final = "aws-2026"


def complain(sentence: str, code: int) -> int:
    """Say what is wrong on standard error; returns ``code``."""
    sys.stderr.write(f"jitplab: {sentence}\n")
    return code


def say(line: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def say_json(value: JsonValue) -> None:
    """One JSON value on standard output."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def moment(text: str) -> datetime:
    """An ISO 8601 date or time; UTC where it names no zone.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; write it as 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


#: A command, or a titled group of its options: whatever ``add_argument`` is called on.
Options: TypeAlias = argparse._ActionsContainer  # noqa: SLF001 - typeshed's and argparse's only common name


def add_scenarios_option(command: Options) -> None:
    """What ``list``, ``show`` and ``run`` share."""
    command.add_argument(
        "--scenarios",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="a file or folder with scenarios of your own, beside ours (may be repeated; JITPLAB_SCENARIOS "
        "and the entry point group jitplab.scenarios name them for good)",
    )


def add_lab_options(command: Options) -> None:
    """What ``demo`` and ``run`` share."""
    command.add_argument(
        "--device",
        metavar="URL",
        default="emulator:blank",
        help="the chip to use: emulator:blank (default), tcp://host:port (jitplab device), or "
        "i2c:///dev/i2c-1?addr=0x60, which is taken for silicon and changed only with &allow-changes=SERIAL",
    )
    command.add_argument(
        "--profile",
        choices=sorted(PROFILES),
        help=f"which AWS to imitate (default {DEFAULT_PROFILE}; scenarios that compare profiles use both)",
    )
    command.add_argument(
        "--engine", choices=("local", "amqtt"), default="local", help="what routes messages (default local)"
    )
    command.add_argument("--seed", metavar="N", help="fixes keys and the chip's randomness: a run repeats")
    command.add_argument("--now", metavar="T", type=moment, help="fixes the clock, e.g. 2026-01-31T12:00:00Z")
    command.add_argument(
        "--library",
        choices=("auto", "cryptoauthlib", "own"),
        default="auto",
        help="what drives the chip: Microchip's cryptoauthlib where it is installed (auto), or our own",
    )
    command.add_argument(
        "--tls",
        choices=("ssl", "tlslite"),
        help="which TLS library signs with the chip (default: ssl where this Python allows it)",
    )
    command.add_argument(
        "--no-host-sleeps",
        action="store_true",
        help="take cryptoauthlib's own waiting out (Linux; emulated chips only)",
    )


def settings(chosen: argparse.Namespace) -> Settings:
    """The lab's settings as the command line has them."""
    return Settings(
        device=chosen.device,
        profile=chosen.profile or DEFAULT_PROFILE,
        profile_was_chosen=chosen.profile is not None,
        engine=chosen.engine,
        seed=chosen.seed,
        now=chosen.now,
        library=chosen.library,
        host_sleeps=not chosen.no_host_sleeps,
        tls_by=chosen.tls,
        broker=vars(chosen).get("broker"),  # the demo has a broker of its own
    )


def certificate_in(path: Path) -> bytes:
    """A file's certificate, the first one of a PEM file; DER.

    Raises:
        OSError: the file cannot be read.
        ValueError: its PEM holds no certificate; what claims to be DER is not looked at.
    """
    from jitplab import pki  # noqa: PLC0415 - loads cryptography

    data = path.read_bytes()
    if b"-----BEGIN" not in data:
        return data
    try:
        return pki.certificates_from_pem(data)[0]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parameters(chosen: argparse.Namespace) -> dict[str, int]:
    """A scenario's parameters as the command line has them."""
    found: dict[str, int] = dict(chosen.set)
    if chosen.slot is not None:
        found["slot"] = chosen.slot
    return found
