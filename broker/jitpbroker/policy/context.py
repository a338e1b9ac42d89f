"""Who asks, as policy variables and condition keys see it.

Evidence: document - AWS IoT developer guide, basic-policy-variables, thing-policy-variables and
cert-policy-variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from jitpbroker.policy.pattern import Unresolved
from jitpbroker.registry.entities import Thing
from jitpbroker.x509 import ATTRIBUTES, Certificate, Name

_LONGEST_VALUE: Final = 1024
_MOST_VALUES: Final = 5
_FORBIDDEN: Final = re.compile(r"[*$+?#]")
_ESCAPE: Final = re.compile(r'([,"\\+=<>;])')

#: The variables spell it ``State``; templates spell the same attribute ``StateName``.
_NAME_PARAMETERS: Final = frozenset(ATTRIBUTES) - {"StateName"}


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
        """All values of a condition key; empty when it has none here."""
        match key.lower().split("."):
            case ["iot:clientid"]:
                return (self.client_id,)
            case ["aws:sourceip"]:
                return (self.source_ip,)
            case ["iot:connectattributes"]:
                return self.connect_attributes
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
        value = self._lookup(name)
        if value is None:
            raise Unresolved(f"${{{name}}} has no value here")
        if _FORBIDDEN.search(value) or len(value) > _LONGEST_VALUE:
            raise Unresolved(f"${{{name}}} holds a wildcard, or more than {_LONGEST_VALUE} characters")
        return value

    def _lookup(self, name: str) -> str | None:
        match name.lower().split(".", 3), name.split(".", 3):
            case ["iot:clientid"], _:
                return self.client_id
            case ["aws:sourceip"], _:
                return self.source_ip
            case ["iot:connection", "thing", *_], [_, _, *rest]:
                return self._of_thing(".".join(rest))
            case ["iot:certificate", "serialnumber"], _:
                return format(self.certificate.serial_number, "X")
            case ["iot:certificate", "subject", *_], [_, _, *rest]:
                return _of_name(self.certificate.subject, rest)
            case ["iot:certificate", "issuer", *_], [_, _, *rest]:
                return _of_name(self.certificate.issuer, rest)
            case _:
                return None

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


def _of_name(name: Name, rest: list[str]) -> str | None:
    """``CommonName`` is the first value, ``CommonName.1`` the second."""
    parameter = (
        next((each for each in _NAME_PARAMETERS if each.lower() == rest[0].lower()), "") if rest else ""
    )
    values = name.values(parameter)[:_MOST_VALUES]
    suffix = rest[1] if len(rest) > 1 else "0"
    if not suffix.isascii() or not suffix.isdigit() or int(suffix[:3]) >= len(values):
        return None
    return _ESCAPE.sub(r"\\\1", values[int(suffix)])
