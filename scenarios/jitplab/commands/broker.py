"""``jitplab broker``: the user's own PKI at the desk."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jitpbroker.admission import explanation
from jitpbroker.admission.profiles import PROFILES, Profile, profile_named, turned
from jitpbroker.admission.switches import Choice, choice_named
from jitplab.commands import broker_state, options

if TYPE_CHECKING:
    from jitplab.commands import SubParsers

#: Seconds; nobody waits longer for a device to be provisioned.
_LONGEST_DELAY: Final = 3600

_EPILOG = """\
examples:
  jitplab broker --ca signer.pem --template template.json
  jitplab broker --ca signer.pem --template template.json --listen 192.168.1.5 --server-name my-pc.local
  jitplab broker --ca signer.pem --port 0 --c-array root_ca.h
  jitplab broker --control-port 8080
  jitplab broker --state kept --control-port 8080
  jitplab broker export --state kept registry.json
  jitplab broker import --state kept ca.json template.json
  jitplab broker --explain-profile --profile aws-2021
  jitplab broker --ca signer.pem --switch presented-ca=unjudged

Then give the printed root certificate to the firmware and connect: the first connection registers the
device and is closed, the second is let in. Every decision is told on standard error, one line each; the log
in AWS's form and the full trace are written beside the root.
"""


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "broker",
        help=summary,
        description="Serves MQTT over TLS by AWS IoT's just-in-time rules, for the CA certificates given.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--ca",
        metavar="SIGNER.pem",
        type=Path,
        action="append",
        default=[],
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
    command.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        help="keep registry, sessions and messages in a file there, and go on with them next time",
    )
    command.add_argument("--c-array", metavar="FILE", type=Path, help="write the root as a C array, too")
    command.add_argument(
        "--log-authn-errors",
        action="store_true",
        help="switch on AWS's Connection.AuthNError log event (exists since 2026)",
    )
    command.add_argument(
        "--provisioning-delay",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="time between a first CONNECT and its template (default 0; AWS takes one to three seconds)",
    )
    command.add_argument(
        "--control-port",
        metavar="N",
        type=_port,
        help="serve the AWS control plane (aws iot, aws logs) on this port, too; 0 picks a free one",
    )
    command.add_argument(
        "--control-listen",
        metavar="ADDR",
        default="127.0.0.1",
        help="address of the control plane, which asks nobody who they are (default 127.0.0.1)",
    )
    command.add_argument(
        "--switch",
        metavar="NAME=CHOICE",
        action="append",
        default=[],
        type=_switch,
        help="answer a contested question otherwise than the profile (see --explain-profile)",
    )
    command.add_argument(
        "--explain-profile",
        action="store_true",
        help="print the rules and switches of --profile with grade, source and year, and serve nothing",
    )
    command.add_argument("--json", action="store_true", help="with --explain-profile: as JSON")
    command.set_defaults(act=act, refuse=command.error)
    broker_state.add_to(command.add_subparsers(dest="part", metavar="export | import"))


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; 0 to 65535, 0 picks a free one")
    return port


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_DELAY:
        raise argparse.ArgumentTypeError(f"{text!r} is no delay; 0 to {_LONGEST_DELAY} seconds")
    return seconds


def _switch(text: str) -> Choice:
    name, _, choice = text.partition("=")
    try:
        return choice_named(name, choice)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _explain(chosen: Profile, *, as_json: bool) -> int:
    """Print what a profile asks and how its switches stand."""
    if as_json:
        options.say_json(explanation.as_json(chosen))
    else:
        options.say(explanation.explain(chosen).rstrip("\n"))
    return 0


def act(chosen: argparse.Namespace) -> int:
    """Serve until interrupted, or explain the profile."""
    if chosen.explain_profile:
        return _explain(turned(profile_named(chosen.profile), *chosen.switch), as_json=chosen.json)
    if chosen.json:
        chosen.refuse("--json goes with --explain-profile")
    if not chosen.ca and chosen.control_port is None and chosen.state is None:
        chosen.refuse("the following arguments are required: --ca (or --control-port, to register one later)")
    from jitplab.desk_broker import CannotServe, Plan, serve  # noqa: PLC0415 - loads asyncio and OpenSSL

    plan = Plan(
        cas=tuple(chosen.ca),
        template=chosen.template,
        listen=chosen.listen,
        port=chosen.port,
        server_names=tuple(chosen.server_name),
        profile=turned(profile_named(chosen.profile), *chosen.switch),
        engine=chosen.engine,
        directory=chosen.directory,
        c_array=chosen.c_array,
        log_authn_errors=chosen.log_authn_errors,
        provisioning_delay=chosen.provisioning_delay,
        control_port=chosen.control_port,
        control_listen=chosen.control_listen,
        state=chosen.state,
    )
    try:
        serve(plan)
    except CannotServe as error:
        return options.complain(str(error), error.code)
    return 0
