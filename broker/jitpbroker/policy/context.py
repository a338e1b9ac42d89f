"""Who asks, as policy variables and condition keys see it.

Evidence: document - AWS IoT developer guide, basic-policy-variables, thing-policy-variables and
cert-policy-variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from jitpbroker.policy.pattern import Unresolved
from jitpbroker.policy.variables import certificate_values, is_list
from jitpbroker.registry.entities import Thing
from jitpbroker.x509 import Certificate

_LONGEST_VALUE: Final = 1024
_FORBIDDEN: Final = re.compile(r"[*$+?#]")


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a policy may ask about.

    Attributes:
        client_id: from CONNECT.
        source_ip: the peer's address.
        certificate: the principal.
        thing: the thing the connection is associated with, whether or not it is attached.
        attached: that thing is attached to the certificate.
        connect_attributes: PersistentConnect, LastWill; empty for anything but ``iot:Connect``.
    """

    client_id: str
    source_ip: str
    certificate: Certificate
    thing: Thing | None = None
    attached: bool = False
    connect_attributes: tuple[str, ...] = ()

    def values(self, key: str) -> tuple[str, ...]:
        """All values of a condition key; empty when it has none here, or one that AWS would not put in."""
        match key.lower().split("."):
            case ["iot:clientid"]:
                return (self.client_id,)
            case ["aws:sourceip"]:
                return (self.source_ip,)
            case ["iot:connectattributes"]:
                return self.connect_attributes
            case ["iot:certificate", *path] if path and is_list(path):
                return tuple(each for each in self._lookup(key) if _objection(each) is None)
            case _:
                try:
                    return (self.variable(key),)
                except Unresolved:
                    return ()

    def variable(self, name: str) -> str:
        """The text AWS puts in for ``${name}``.

        Raises:
            Unresolved: there is no such variable, it has no value here, or a value AWS would not put in.
        """
        path = name.split(".")
        if path[0].lower() == "iot:certificate" and is_list(path):
            raise Unresolved(f"${{{name}}} is a list, which is a condition key and no text")
        value = next(iter(self._lookup(name)), None)
        if value is None:
            raise Unresolved(f"${{{name}}} has no value here")
        if (why := _objection(value)) is not None:
            raise Unresolved(f"${{{name}}} {why}")
        return value

    def _lookup(self, name: str) -> tuple[str, ...]:
        path = name.split(".")
        match [each.lower() for each in path]:
            case ["iot:clientid"]:
                return (self.client_id,)
            case ["aws:sourceip"]:
                return (self.source_ip,)
            case ["iot:connection", "thing", *_]:
                value = self._of_thing(".".join(path[2:]))
                return () if value is None else (value,)
            case ["iot:certificate", _, *_]:
                return certificate_values(self.certificate, path[1:])
            case _:
                return ()

    def _of_thing(self, rest: str) -> str | None:
        if rest.lower() == "isattached":
            return "true" if self.attached else "false"
        if self.thing is None or not self.attached:
            return None
        attribute = re.fullmatch(r"attributes\[(.+)\]", rest, re.IGNORECASE)
        if attribute:
            return self.thing.attributes.get(attribute.group(1))
        match rest.lower():
            case "thingname":
                return self.thing.name
            case "thingtypename":
                return self.thing.thing_type
            case _:
                return None


def _objection(value: str) -> str | None:
    """Why AWS would leave the variable's name standing, ``None`` when it puts the value in."""
    if _FORBIDDEN.search(value):
        return "holds a wildcard, one of * $ + ? #"
    if len(value) > _LONGEST_VALUE:
        return f"holds more than {_LONGEST_VALUE} characters"
    return None
