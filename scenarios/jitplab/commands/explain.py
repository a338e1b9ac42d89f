"""``jitplab explain CHAIN.pem --registered SIGNER.pem``."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jitpbroker.admission.profiles import PROFILES
from jitplab import pki
from jitplab.commands import options
from jitplab.explain import explain
from jitplab.identifiers import Key
from jitplab.report import explanation_lines
from jitplab.terminal import style_of

if TYPE_CHECKING:
    from jitplab.commands import SubParsers

_EPILOG = """\
example:
  jitplab explain sent.pem --registered signer.pem --key root=root.pem --key "slot 13"=other.pem

sent.pem holds what the device sends, its own certificate first. A --key is a PEM public key or a PEM
certificate; it is looked for behind every key identifier that does not fit.
"""


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "explain",
        help=summary,
        description="Judges a chain by the broker's own rules, without connecting anything.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("chain", metavar="CHAIN.pem", type=Path, help="what the device sends, leaf first")
    command.add_argument(
        "--registered",
        metavar="SIGNER.pem",
        type=Path,
        action="append",
        required=True,
        help="a CA certificate registered with AWS IoT (may be repeated)",
    )
    command.add_argument(
        "--key",
        metavar="NAME=PUB.pem",
        type=_named_file,
        action="extend",
        nargs="+",
        default=[],
        help="public keys that might have got into the chain",
    )
    command.add_argument("--profile", choices=sorted(PROFILES), default=options.DEFAULT_PROFILE)
    command.add_argument("--no-sni", action="store_true", help="judge as if no server name were sent")
    command.add_argument("--now", metavar="T", type=options.moment, help="judge as of this time")
    command.add_argument("--json", action="store_true", help="the findings as an object")
    command.set_defaults(act=act)


def _named_file(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not name or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE, such as root=root.pem")
    return name, Path(path)


def _certificates(path: Path) -> tuple[bytes, ...]:
    try:
        found = pki.certificates_from_pem(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return found


def _key(name: str, path: Path) -> Key:
    try:
        return Key(name, pki.public_key_from(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path} holds no P-256 public key: {error}") from None


def act(chosen: argparse.Namespace) -> int:
    """Explain it; exits 0 when the chain would be admitted."""
    try:
        found = explain(
            _certificates(chosen.chain),
            [der for path in chosen.registered for der in _certificates(path)],
            [_key(name, path) for name, path in chosen.key],
            profile=chosen.profile,
            at=chosen.now or datetime.now(UTC),
            sni=not chosen.no_sni,
        )
    except OSError as error:
        return options.complain(f"{error.filename} cannot be read: {error.strerror}", options.MISUSE)
    except ValueError as error:
        return options.complain(str(error), options.MISUSE)
    if chosen.json:
        options.say_json(found.as_json())
    else:
        for line in explanation_lines(found, style_of(sys.stdout)):
            options.say(line)
    return 0 if found.admitted else 1
