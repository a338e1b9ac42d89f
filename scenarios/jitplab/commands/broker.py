"""``jitplab broker``: the user's own PKI at the desk."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jitpbroker.admission.profiles import PROFILES
from jitplab.commands import options

if TYPE_CHECKING:
    from jitplab.commands import SubParsers

_EPILOG = """\
examples:
  jitplab broker --ca signer.pem --template template.json
  jitplab broker --ca signer.pem --template template.json --listen 192.168.1.5 --server-name my-pc.local
  jitplab broker --ca signer.pem --port 0 --c-array root_ca.h

Then give the printed root certificate to the firmware and connect: the first connection registers the
device and is closed, the second is let in. Every decision is told on standard error, one line each; the log
in AWS's form and the full trace are written beside the root.
"""


def add_to(commands: SubParsers) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "broker",
        help="a local AWS IoT broker with your own CA and template",
        description="Serves MQTT over TLS by AWS IoT's just-in-time rules, for the CA certificates given.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--ca",
        metavar="SIGNER.pem",
        type=Path,
        action="append",
        required=True,
        help="CA certificate to register, ACTIVE and with auto-registration (may be repeated)",
    )
    command.add_argument(
        "--template",
        metavar="T.json",
        type=Path,
        help="provisioning template, or a registration-config with it inside; without one, certificates "
        "are registered and wait to be activated",
    )
    command.add_argument("--listen", metavar="ADDR", default="127.0.0.1", help="address (default 127.0.0.1)")
    command.add_argument(
        "--port", metavar="N", type=_port, default=8883, help="port (default 8883; 0 picks a free one)"
    )
    command.add_argument(
        "--server-name",
        metavar="NAME",
        action="append",
        default=[],
        help="host name or address the server's certificate shall be good for (may be repeated)",
    )
    command.add_argument("--profile", choices=sorted(PROFILES), default=options.DEFAULT_PROFILE)
    command.add_argument("--engine", choices=("local", "amqtt"), default="local")
    command.add_argument(
        "--directory",
        metavar="DIR",
        type=Path,
        default=Path("jitplab-broker"),
        help="where the test root, the log and the trace are kept (default ./jitplab-broker)",
    )
    command.add_argument("--c-array", metavar="FILE", type=Path, help="write the root as a C array, too")
    command.add_argument(
        "--log-authn-errors",
        action="store_true",
        help="switch on AWS's Connection.AuthNError log event (exists since 2026)",
    )
    command.set_defaults(act=act)


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; 0 to 65535, 0 picks a free one")
    return port


def act(chosen: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from jitplab.desk_broker import CannotServe, Plan, serve  # noqa: PLC0415 - loads asyncio and OpenSSL

    plan = Plan(
        cas=tuple(chosen.ca),
        template=chosen.template,
        listen=chosen.listen,
        port=chosen.port,
        server_names=tuple(chosen.server_name),
        profile=chosen.profile,
        engine=chosen.engine,
        directory=chosen.directory,
        c_array=chosen.c_array,
        log_authn_errors=chosen.log_authn_errors,
    )
    try:
        serve(plan)
    except CannotServe as error:
        return options.complain(str(error), error.code)
    return 0
