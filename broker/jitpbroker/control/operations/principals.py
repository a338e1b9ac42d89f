"""Which certificates are attached to which things.

Evidence: document - AWS's service model, AttachThingPrincipal and its companions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.checks import certificate_of_arn
from jitpbroker.control.messages import Answer
from jitpbroker.control.operations.things import require_thing

_EXCLUSIVE: Final = "EXCLUSIVE_THING"
_KINDS: Final = {True: _EXCLUSIVE, False: "NON_EXCLUSIVE_THING"}


def attach_thing_principal(call: Call) -> Answer:
    """Attach a certificate to a thing; exclusively, if asked."""
    thing, principal = require_thing(call), _principal(call)
    exclusive = call.asked.maybe_text("thingPrincipalType") == _EXCLUSIVE
    call.registry.things.attach(thing.name, principal, exclusive=exclusive)
    return {}


def detach_thing_principal(call: Call) -> Answer:
    """Undo `attach_thing_principal`; detaching what is not attached changes nothing."""
    call.registry.things.detach(require_thing(call).name, _principal(call))
    return {}


def list_thing_principals(call: Call) -> Answer:
    """ARNs attached to a thing."""
    found = call.registry.things.principals_of(require_thing(call).name)
    return _texts(call, list(found), "principals")


def list_principal_things(call: Call) -> Answer:
    """Names of the things a certificate is attached to."""
    found = call.registry.things.of_principal(_principal(call))
    return _texts(call, list(found), "things")


def list_thing_principals_v2(call: Call) -> Answer:
    """As `list_thing_principals`, each with the kind of its attachment."""
    name = require_thing(call).name
    things = call.registry.things
    listed: list[Answer] = [
        {"principal": each, "thingPrincipalType": _KINDS[things.is_exclusive(name, each)]}
        for each in things.principals_of(name)
    ]
    return _of_kind(call, listed, "thingPrincipalObjects")


def list_principal_things_v2(call: Call) -> Answer:
    """As `list_principal_things`, each with the kind of its attachment."""
    principal = _principal(call)
    things = call.registry.things
    listed: list[Answer] = [
        {"thingName": each, "thingPrincipalType": _KINDS[things.is_exclusive(each, principal)]}
        for each in things.of_principal(principal)
    ]
    return _of_kind(call, listed, "principalThingObjects")


def _principal(call: Call) -> str:
    arn = call.asked.text("principal")
    return call.registry.arns.cert(certificate_of_arn(call.registry, arn))


def _texts(call: Call, found: list[str], name: str) -> Answer:
    return page(call, found, size="maxResults", marker="nextToken", answer=(name, "nextToken"))


def _of_kind(call: Call, listed: list[Answer], name: str) -> Answer:
    kind = call.asked.maybe_text("thingPrincipalType")
    chosen = [each for each in listed if kind in (None, each["thingPrincipalType"])]
    return page(call, chosen, size="maxResults", marker="nextToken", answer=(name, "nextToken"))


OPERATIONS: Final[Mapping[str, Handler]] = {
    "AttachThingPrincipal": attach_thing_principal,
    "DetachThingPrincipal": detach_thing_principal,
    "ListThingPrincipals": list_thing_principals,
    "ListPrincipalThings": list_principal_things,
    "ListThingPrincipalsV2": list_thing_principals_v2,
    "ListPrincipalThingsV2": list_principal_things_v2,
}
