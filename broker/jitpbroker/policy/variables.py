"""What a certificate puts into policy variables: ``iot:Certificate.*``.

Rules of this file:
1. A bare name is the attribute's first value, ``.1`` the second, ``.List`` all of them.
2. At most five values of an attribute count.
3. Special characters in a value are escaped by a backslash before it is compared or put in.
4. ``.List`` and ``AvailableKeys`` are lists: condition keys hold them, a resource cannot.

Evidence: document - AWS IoT developer guide, cert-policy-variables and use-policy-variables: the serial
number is written as a decimal integer; that a list puts nothing into a resource is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jitpbroker.policy.alternative import KINDS, alternative_names
from jitpbroker.x509 import ATTRIBUTES, Certificate

MOST_VALUES: Final = 5
_ESCAPE: Final = re.compile(r'([,"\\+=<>;])')

#: The variables spell it ``State``; templates spell the same attribute ``StateName``.
_NAME_ATTRIBUTES: Final = {each.lower(): each for each in ATTRIBUTES if each != "StateName"}
_KINDS: Final = {each.lower(): each for each in KINDS.values()}
_SIDES: Final = {"subject": "Subject", "issuer": "Issuer"}


def certificate_values(certificate: Certificate, path: list[str]) -> tuple[str, ...]:
    """What a variable holds; ``path`` is its name's parts after ``iot:Certificate``, in any case of letters.

    Empty when there is no such variable or it has no value here.
    """
    match [each.lower() for each in path]:
        case ["serialnumber"]:
            return (str(certificate.serial_number),)
        case ["availablekeys"] | ["availablekeys", "list"]:
            return tuple(available_keys(certificate))
        case ["subject" | "issuer" as side, "alternativename", kind, *suffix] if kind in _KINDS:
            return _chosen(_alternative(certificate, _SIDES[side], _KINDS[kind]), suffix)
        case ["subject" | "issuer" as side, attribute, *suffix] if attribute in _NAME_ATTRIBUTES:
            return _chosen(_of_name(certificate, _SIDES[side], _NAME_ATTRIBUTES[attribute]), suffix)
        case _:
            return ()


def is_list(path: list[str]) -> bool:
    """Whether a variable of this path (after ``iot:Certificate``) is a list."""
    return path[-1].lower() in {"list", "availablekeys"}


def available_keys(certificate: Certificate) -> Iterator[str]:
    """Names of all certificate variables that have a value, in the order of the developer guide."""
    for side in ("Issuer", "Subject"):
        for attribute in _NAME_ATTRIBUTES.values():
            if _of_name(certificate, side, attribute):
                yield f"iot:Certificate.{side}.{attribute}"
        for kind in alternative_names(certificate, side):
            yield f"iot:Certificate.{side}.AlternativeName.{kind}"
    yield "iot:Certificate.SerialNumber"


def _of_name(certificate: Certificate, side: str, attribute: str) -> tuple[str, ...]:
    name = certificate.subject if side == "Subject" else certificate.issuer
    return tuple(_ESCAPE.sub(r"\\\1", value) for value in name.values(attribute)[:MOST_VALUES])


def _alternative(certificate: Certificate, side: str, kind: str) -> tuple[str, ...]:
    values = alternative_names(certificate, side).get(kind, ())[:MOST_VALUES]
    # A directory name's separators are its own; what stands between them is escaped already.
    return values if kind == "DirectoryName" else tuple(_ESCAPE.sub(r"\\\1", value) for value in values)


def _chosen(values: tuple[str, ...], suffix: list[str]) -> tuple[str, ...]:
    match suffix:
        case []:
            return values[:1]
        case ["list"]:
            return values
        case [index] if index.isascii() and index.isdigit() and len(index) <= 3:
            return values[int(index) : int(index) + 1]
        case _:
            return ()
