"""``jitplab xray``: where every byte of a rebuilt certificate came from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jitplab import chain as case_chain
from jitplab import pki
from jitplab.chain import Slot
from jitplab.commands import options
from jitplab.identifiers import Key
from jitplab.lab import Lab
from jitplab.scenario import NeedUnmet, ScenarioError, find, run
from jitplab.terminal import style_of
from jitplab.xray.picture import Picture, html, lines, picture

if TYPE_CHECKING:
    from jitplab.commands import SubParsers
    from jitplab.outcome import Outcome

_EPILOG: Final = """\
examples:
  jitplab xray signer --rebuilt sent-signer.pem --issued signer.pem --key "slot 13=other.pem"
  jitplab xray device --rebuilt sent-device.pem --issued factory-copy.pem --html xray.html
  jitplab xray signer --rebuilt sent.pem --issued signer.pem --definition cert_def_1_signer.c
  jitplab xray signer --scenario wrong-slot-root-key

The definition is the one of mbedtls-examples that the issued certificate gives (which slot holds what is
listed by `jitplab show wrong-slot-root-key`), unless --definition gives the firmware's own. Exits 0 when
the certificate is as issued, 1 when it is not.
"""


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "xray",
        help=summary,
        description="Maps every DER byte of a certificate that a chip's firmware has rebuilt to its origin.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("which", choices=("signer", "device"), help="whose certificate it is")
    command.add_argument("--rebuilt", metavar="PEM", type=Path, help="as the firmware sent it")
    command.add_argument("--issued", metavar="PEM", type=Path, help="as it was issued")
    command.add_argument("--scenario", metavar="NAME", help="take both from a run of this scenario")
    command.add_argument(
        "--key",
        metavar="NAME=PEM",
        action="append",
        default=[],
        help="a key or certificate that an identifier may belong to; the name slot 13 gives its slot",
    )
    command.add_argument(
        "--definition",
        metavar="FILE.c",
        type=Path,
        action="append",
        default=[],
        help="C source of the firmware's definitions (may be repeated); the case's where none is given",
    )
    command.add_argument("--html", metavar="FILE", type=Path, help="write a self-contained page, too")
    command.add_argument("--json", action="store_true", help="everything, for programs")
    options.add_lab_options(command)
    command.set_defaults(act=act, refuse=command.error)


def act(chosen: argparse.Namespace) -> int:
    """Take the X-ray and show it."""
    if chosen.scenario is None and (chosen.rebuilt is None or chosen.issued is None):
        chosen.refuse("give --rebuilt and --issued, or --scenario")
    try:
        shown = _of_scenario(chosen) if chosen.scenario is not None else _of_files(chosen)
        if chosen.html is not None:
            chosen.html.write_text(html(shown), encoding="utf-8")
    except (ValueError, ScenarioError) as error:
        return options.complain(str(error), options.MISUSE)
    except OSError as error:
        return options.complain(f"{error.filename} cannot be used: {error.strerror}", options.MISUSE)
    except NeedUnmet as error:
        return options.complain(str(error), options.NEED_UNMET)
    if chosen.json:
        options.say_json(shown.as_json())
    else:
        for line in lines(shown, style_of(sys.stdout)):
            options.say(line)
    return 0 if shown.der == shown.issued else 1


def _of_files(chosen: argparse.Namespace) -> Picture:
    rebuilt, issued = (options.certificate_in(path) for path in (chosen.rebuilt, chosen.issued))
    keys = [_key(text) for text in chosen.key]
    if chosen.definition:
        return _by_source(chosen.which, rebuilt, issued, keys, chosen.definition)
    return take(chosen.which, rebuilt, issued, keys)


def _by_source(
    which: str, rebuilt: bytes, issued: bytes, keys: Sequence[Key], files: Sequence[Path]
) -> Picture:
    """By the firmware's own definition: the one that is a CA's is the signer's."""
    from jitplab.definitions.c_source import read_definitions  # noqa: PLC0415 - loads a parser of C

    found = read_definitions(
        {str(path): path.read_text(encoding="utf-8", errors="replace") for path in files}
    )
    cas = {named.ca for named in found.values() if named.ca is not None}
    fitting = [
        each
        for each in found.values()
        if (each.name in cas) is (which == "signer") and each.definition.template
    ]
    if len(fitting) != 1:
        names = ", ".join(each.name for each in found.values())
        raise ValueError(f"which of {names} is the {which}'s cannot be told; give the files of one chain")
    (named,) = fitting
    ca = found.get(named.ca) if named.ca is not None else None
    told = f"by {ca.name}, slot {ca.definition.public_key.slot}" if ca is not None else "handed over by hand"
    return picture(which, rebuilt, named.definition, ca_key=told, issued=issued, keys=keys)


def _of_scenario(chosen: argparse.Namespace) -> Picture:
    story = find(chosen.scenario)
    with Lab(options.settings(chosen)) as lab:
        outcome = run(story, lab, {})
        keys = lab.keys_at_hand()
    rebuilt, issued = _of_outcome(outcome, chosen.which)
    if rebuilt is None or issued is None:
        raise ScenarioError(f"{chosen.scenario} presents no {chosen.which} certificate")
    return take(chosen.which, rebuilt, issued, keys)


def _of_outcome(outcome: Outcome, which: str) -> tuple[bytes | None, bytes | None]:
    if which == "signer":
        return outcome.signer, outcome.signer_issued
    return outcome.device, outcome.device_issued


def take(which: str, rebuilt: bytes, issued: bytes, keys: Sequence[Key]) -> Picture:
    """An X-ray by the definitions of the case.

    Raises:
        ValueError: one of the two is no certificate, or not one of this kind.
    """
    slot = Slot.ROOT_PUBLIC_KEY if which == "signer" else Slot.SIGNER_PUBLIC_KEY
    try:
        definition = case_chain.definition_of(which, issued)
    except ValueError as error:
        raise ValueError(f"the issued certificate: {error}") from None
    return picture(
        which, rebuilt, definition, ca_key=f"it lies in slot {int(slot)}", issued=issued, keys=keys
    )


def _key(text: str) -> Key:
    name, _, path = text.partition("=")
    if not path:
        raise ValueError(f"{text!r} is not NAME=FILE, such as root=root.pem")
    number = name.removeprefix("slot ")
    slot = int(number) if number != name and number.isdigit() else None
    return Key(name, pki.public_key_from(Path(path).read_bytes()), slot)
