"""``jitplab definition read | make``: certificate definitions out of C source, and out of a certificate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jitplab import chain as case_chain
from jitplab.commands import options
from jitplab.definitions.named import Named, as_json
from softatecc.certificate import DeviceLocation

if TYPE_CHECKING:
    from jitplab.commands import SubParsers

_EPILOG: Final = """\
examples:
  jitplab definition read cert_def_1_signer.c cert_def_2_device.c
  jitplab definition make device.pem --kind device --name g_cert_def_2_device > cert_def_2_device.c
  jitplab definition make signer.pem --kind signer --json

What `make` gives has the slots of mbedtls-examples (jitplab show wrong-slot-root-key lists them) and every
offset from the certificate itself, so that what the chip rebuilds is that certificate, byte for byte.
"""


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command and its two parts."""
    command = commands.add_parser(
        "definition",
        help=summary,
        description="Certificate definitions (atcacert_def_t), read and made.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = command.add_subparsers(dest="part", metavar="PART", required=True)
    read = parts.add_parser(
        "read",
        help="what C source says, in words",
        epilog=_EPILOG.split("\n\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    read.add_argument(
        "files", metavar="FILE.c", nargs="+", type=Path, help="files that may refer to each other"
    )
    read.add_argument("--json", action="store_true", help="everything, for programs")
    read.set_defaults(act=act_read)
    make = parts.add_parser(
        "make",
        help="C source from a certificate",
        epilog=_EPILOG.split("\n\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    make.add_argument("certificate", metavar="CERT", type=Path, help="as issued, PEM or DER")
    make.add_argument("--kind", choices=("signer", "device"), required=True, help="which of the two it is")
    make.add_argument("--name", metavar="NAME", help="of the variable (default g_cert_def_KIND)")
    make.add_argument("--ca", metavar="NAME", help="of its CA's definition (default NULL)")
    make.add_argument("--json", action="store_true", help="as JSON instead of C")
    make.set_defaults(act=act_make)


def act_read(chosen: argparse.Namespace) -> int:
    """Tell what the definitions say."""
    from jitplab.definitions.c_source import read_definitions  # noqa: PLC0415 - loads a parser of C

    try:
        sources = {str(path): path.read_text(encoding="utf-8", errors="replace") for path in chosen.files}
        found = read_definitions(sources)
    except OSError as error:
        return options.complain(f"{error.filename} cannot be read: {error.strerror}", options.MISUSE)
    except ValueError as error:
        return options.complain(str(error), options.MISUSE)
    if chosen.json:
        options.say_json([as_json(named) for named in found.values()])  # type: ignore[misc]
        return 0
    for named in found.values():
        for line in _lines(named):
            options.say(line)
    return 0


def _lines(named: Named) -> tuple[str, ...]:
    made = named.definition
    elements = ", ".join(f"{each.name} from {_place(each.device)}" for each in made.elements) or "none"
    return (
        f"{named.name} ({named.where})",
        f"  template {len(made.template)} bytes, template id {made.template_id}, chain id {made.chain_id}",
        f"  compressed certificate  {_place(made.compressed)}",
        f"  public key              {_place(made.public_key)}",
        f"  serial number           {made.serial_source.name}"
        + (f" at {_place(made.serial_location)}" if made.serial_location.count else ""),
        f"  elements                {elements}",
        f"  its CA's definition     {named.ca or 'none (NULL)'}",
    )


def _place(where: DeviceLocation) -> str:
    if not where.count:
        return "nowhere"
    zone = f"slot {where.slot}" if where.zone.name == "DATA" else f"{where.zone.name.lower()} zone"
    computed = ", computed by GenKey" if where.is_genkey else f", bytes {where.offset}-{where.end - 1}"
    return f"{zone}{computed}"


def act_make(chosen: argparse.Namespace) -> int:
    """Write a definition."""
    from jitplab.definitions.c_emit import emit_c  # noqa: PLC0415 - only here

    try:
        der = options.certificate_in(chosen.certificate)
    except OSError as error:
        return options.complain(f"{chosen.certificate} cannot be read: {error.strerror}", options.MISUSE)
    except ValueError as error:
        return options.complain(str(error), options.MISUSE)
    try:
        definition = case_chain.definition_of(chosen.kind, der)
    except ValueError as error:
        return options.complain(f"{chosen.certificate}: {error}", options.MISUSE)
    name = chosen.name or f"g_cert_def_{chosen.kind}"
    named = Named(name, definition, chosen.ca, str(chosen.certificate))
    if chosen.json:
        options.say_json(as_json(named))  # type: ignore[arg-type]
    else:
        options.say(emit_c(named).rstrip("\n"))
    return 0
