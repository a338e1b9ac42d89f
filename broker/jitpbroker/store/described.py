"""What `aws iot describe-*` and `get-*` print of a real account, put into a registry at home.

Rules of this file:
1. An answer is known by its members, not by its file's name; what is not known stops the import.
2. Templates and policies come before what names them, whatever the order of the files.
3. What is there already is left as it is and said.
4. ARNs name the account; answers of two accounts do not go into one registry.

Evidence: document - shapes of the service model that AWS publishes with botocore 1.44.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final, TypeAlias

from jitpbroker.registry.entities import (
    AutoRegistration,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    RegistrationConfig,
)
from jitpbroker.registry.errors import RegistryError
from jitpbroker.registry.jsontext import Json
from jitpbroker.registry.names import Arns
from jitpbroker.registry.store import Registry
from jitpbroker.registry.templates import TemplateType
from jitpbroker.store.errors import StateError
from jitpbroker.x509 import Certificate

_Answer: TypeAlias = dict[str, Json]
_KNOWN: Final = (
    "describe-ca-certificate, describe-certificate, describe-provisioning-template, describe-thing, "
    "list-things and get-policy"
)

#: Lists that name things without what they hold: by member, what and where the rest is to be had.
_NAMES_ONLY: Final = {
    "certificates": ("certificates", "describe-certificate or describe-ca-certificate"),
    "policies": ("policies", "get-policy"),
    "templates": ("templates", "describe-provisioning-template"),
    "things": ("things", "describe-thing"),
}


class Kind(IntEnum):
    """Answers that can be taken over, in the order in which they are."""

    TEMPLATE = 0
    POLICY = 1
    CA = 2
    CERTIFICATE = 3
    THING = 4


@dataclass(frozen=True, slots=True)
class Described:
    """One answer and where it came from."""

    where: str
    kind: Kind
    answer: _Answer

    @property
    def certificate_description(self) -> _Answer:
        """Of a CA certificate or a certificate.

        Raises:
            ValueError: the answer describes neither.
        """
        return _object(self.answer, "certificateDescription")


def recognised(where: str, document: Json) -> Described:
    """What kind of answer this is.

    Args:
        where: what sentences call it, such as a file's name.
        document: JSON.

    Raises:
        StateError: it is none that can be taken over; the sentence lists those that can.
    """
    if isinstance(document, dict):
        inner = document.get("certificateDescription")
        if isinstance(inner, dict) and "certificatePem" in inner:
            is_ca = "autoRegistrationStatus" in inner or "registrationConfig" in document
            return Described(where, Kind.CA if is_ca else Kind.CERTIFICATE, document)
        for kind, members in (
            (Kind.TEMPLATE, {"templateName", "templateBody"}),
            (Kind.POLICY, {"policyName", "policyDocument"}),
            (Kind.THING, {"thingName", "attributes"}),
        ):
            if members <= document.keys():
                return Described(where, kind, document)
    raise StateError(f"{where} is no answer that can be imported; give what aws iot {_KNOWN} print")


def answers_in(where: str, document: Json) -> tuple[Described, ...]:
    """What there is to take over in one file: an answer, or what ``list-things`` lists.

    Raises:
        StateError: nothing of it can be taken over; the sentence says what can.
    """
    if isinstance(document, dict):
        for member, (what, command) in _NAMES_ONLY.items():
            listed = document.get(member)
            if not isinstance(listed, list):
                continue
            if member == "things" and all(isinstance(each, dict) and "attributes" in each for each in listed):
                return tuple(recognised(f"{where}, things[{at}]", each) for at, each in enumerate(listed))
            raise StateError(
                f"{where} lists {what} without what they hold; give what aws iot {command} prints of each"
            )
    return (recognised(where, document),)


def account_of(answers: Iterable[Described]) -> Arns | None:
    """The account and Region that the answers' ARNs name, ``None`` where none names one.

    Raises:
        StateError: they name several.
    """
    found: dict[Arns, str] = {}
    for each in answers:
        parts = _arn(each).split(":", 5)
        if len(parts) == 6 and parts[2] == "iot":
            try:
                found.setdefault(Arns(parts[4], parts[3], parts[1]), each.where)
            except ValueError as error:
                raise StateError(f"{each.where}: {error}") from None
    if len(found) > 1:
        (one, here), (other, there) = list(found.items())[:2]
        raise StateError(
            f"{here} is of account {one.account} in {one.region}, {there} of {other.account} in "
            f"{other.region}; import one account and Region at a time"
        )
    return next(iter(found), None)


def _arn(each: Described) -> str:
    holder = each.certificate_description if each.kind in {Kind.CA, Kind.CERTIFICATE} else each.answer
    name = {Kind.TEMPLATE: "templateArn", Kind.POLICY: "policyArn", Kind.THING: "thingArn"}.get(
        each.kind, "certificateArn"
    )
    arn = holder.get(name)
    return arn if isinstance(arn, str) else ""


def take_over(answers: Iterable[Described], registry: Registry, *, at: datetime) -> tuple[str, ...]:
    """Put the answers into a registry; a sentence for each.

    Args:
        answers: in any order.
        registry: of their account.
        at: the time of what says no time itself.

    Raises:
        StateError: an answer lacks what it must have, or the registry refuses it.
    """
    told = []
    for each in sorted(answers, key=lambda each: each.kind):
        try:
            told.append(_TAKERS[each.kind](each, registry, at))
        except (RegistryError, ValueError) as error:
            raise StateError(f"{each.where}: {error}") from None
    return tuple(told)


def _template(each: Described, registry: Registry, at: datetime) -> str:
    answer = each.answer
    name = _text(answer, "templateName")
    if registry.templates.get(name) is not None:
        return f"template {name} is there already and was left as it is"
    registry.templates.create(
        name,
        _text(answer, "templateBody"),
        role_arn=_text(answer, "provisioningRoleArn"),
        at=_time(answer, at),
        type=TemplateType(_text(answer, "type", TemplateType.FLEET_PROVISIONING)),
        description=_text(answer, "description", ""),
        enabled=answer.get("enabled") is True,
    )
    return f"template {name} imported"


def _policy(each: Described, registry: Registry, at: datetime) -> str:
    name = _text(each.answer, "policyName")
    if registry.policies.get(name) is not None:
        return f"policy {name} is there already and was left as it is"
    registry.policies.create(name, _text(each.answer, "policyDocument"), at=_time(each.answer, at))
    return f"policy {name} imported"


def _ca(each: Described, registry: Registry, at: datetime) -> str:
    described = each.certificate_description
    certificate = Certificate.from_pem(_text(described, "certificatePem"))
    if registry.cas.get(certificate.id) is not None:
        return f"CA certificate {certificate.id} is there already and was left as it is"
    registry.cas.register(
        certificate,
        at=_time(described, at),
        status=CaStatus(_text(described, "status")),
        auto_registration=AutoRegistration(
            _text(described, "autoRegistrationStatus", AutoRegistration.DISABLE)
        ),
        certificate_mode=CertificateMode(_text(described, "certificateMode", CertificateMode.DEFAULT)),
        registration_config=_config(each.answer, registry),
    )
    return f"CA certificate {certificate.id} ({certificate.label}) imported"


def _config(answer: _Answer, registry: Registry) -> RegistrationConfig | None:
    config = answer.get("registrationConfig")
    if not isinstance(config, dict) or not config:
        return None
    name = config.get("templateName")
    if isinstance(name, str):
        template = registry.templates.get(name)
        if template is None:
            raise ValueError(
                f"it provisions by the template {name}; import that, too: "
                f"aws iot describe-provisioning-template --template-name {name}"
            )
        return RegistrationConfig(template.body, template.role_arn, name)
    return RegistrationConfig(_text(config, "templateBody"), _text(config, "roleArn"))


def _certificate(each: Described, registry: Registry, at: datetime) -> str:
    described = each.certificate_description
    certificate = Certificate.from_pem(_text(described, "certificatePem"))
    if registry.certificates.get(certificate.id) is not None:
        return f"certificate {certificate.id} is there already and was left as it is"
    issuer = described.get("caCertificateId")
    registry.certificates.register(
        certificate,
        at=_time(described, at),
        status=CertificateStatus(_text(described, "status")),
        ca_certificate_id=issuer if isinstance(issuer, str) else None,
        certificate_mode=CertificateMode(_text(described, "certificateMode", CertificateMode.DEFAULT)),
    )
    return f"certificate {certificate.id} ({certificate.label}) imported"


def _thing(each: Described, registry: Registry, at: datetime) -> str:
    answer = each.answer
    name, things = _text(answer, "thingName"), registry.things
    if things.get(name) is not None:
        return f"thing {name} is there already and was left as it is"
    kind = answer.get("thingTypeName")
    if isinstance(kind, str) and kind not in things.types:
        things.create_type(kind, at=at)
    attributes = {
        key: value for key, value in _object(answer, "attributes").items() if isinstance(value, str)
    }
    things.create(
        name, at=at, attributes=attributes, thing_type=kind if isinstance(kind, str) else None, groups=()
    )
    return f"thing {name} imported"


_TAKERS: Final[dict[Kind, Callable[[Described, Registry, datetime], str]]] = {
    Kind.TEMPLATE: _template,
    Kind.POLICY: _policy,
    Kind.CA: _ca,
    Kind.CERTIFICATE: _certificate,
    Kind.THING: _thing,
}


def _text(answer: _Answer, name: str, default: str | None = None) -> str:
    value = answer.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"it has no {name}")  # noqa: TRY004 - one kind of error for a bad answer
    return value


def _object(answer: _Answer, name: str) -> _Answer:
    value = answer.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"it has no {name}")  # noqa: TRY004 - one kind of error for a bad answer
    return value


def _time(answer: _Answer, default: datetime) -> datetime:
    """The answer's creationDate: seconds, or ISO 8601, as the command line is told to print it."""
    value = answer.get("creationDate")
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError):
            raise ValueError(f"its creationDate {value} is no time") from None
    return default
