"""RegisterThing: a provisioning template run by hand, for a certificate the template or its parameters name.

Rules of this file:
1. The template's certificate is found or registered first; then it runs as it would just in time.
2. Parameters given in the call beat what the certificate's subject says.
3. A template that stops half way leaves what it made, as it does just in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jitpbroker.admission.functions import Scope
from jitpbroker.admission.provision import Outcome, provision
from jitpbroker.admission.template import CERTIFICATE_ID, ProvisioningFailed, parse_template
from jitpbroker.control.call import Call, Handler
from jitpbroker.control.checks import certificate_from, check_key
from jitpbroker.control.messages import Answer, Refused, Value, invalid
from jitpbroker.registry.entities import CertificateStatus, DeviceCertificate, RegistrationConfig
from jitpbroker.registry.jsontext import Json, one_line, parse_json
from jitpbroker.x509 import Certificate

_CERTIFICATE: Final = "AWS::IoT::Certificate"
_SOURCES: Final = ("CertificateId", "CertificatePem")


def register_thing(call: Call) -> Answer:
    """Run a template.

    Evidence: document - AWS's service model, RegisterThing, and developer guide, provision-template; which of
    its exceptions answers which failure is assumed.
    """
    body = _object(call.asked.text("templateBody"))
    given = call.asked.strings("parameters")
    properties = _certificate_properties(body)
    device = _device(call, properties, _scope(body, given))
    text = _with_parameters(body, properties, given, device)
    config = RegistrationConfig(text, "")
    outcome = provision(config, device, call.registry, role_check=lambda _role, _action: None, at=call.at)
    if outcome.why is not None:
        raise Refused("ResourceRegistrationFailureException", outcome.why)
    return {"certificatePem": device.certificate.pem, "resourceArns": _arns(call, body, device, outcome)}


def _object(text: str) -> dict[str, Json]:
    try:
        body = parse_json(text)
    except ValueError as error:
        raise invalid(f"The template body is invalid: {error}") from None
    if not isinstance(body, dict):
        raise invalid("The template body is invalid: it is no JSON object.")
    return body


def _section(body: dict[str, Json], name: str) -> dict[str, Json]:
    section = body.get(name, {})
    if not isinstance(section, dict):
        raise invalid(f"The template body is invalid: {name} is no JSON object.")
    return section


def _certificate_properties(body: dict[str, Json]) -> dict[str, Json]:
    for resource in _section(body, "Resources").values():
        if isinstance(resource, dict) and resource.get("Type") == _CERTIFICATE:
            properties = resource.get("Properties")
            if isinstance(properties, dict):
                return properties
    raise invalid("The template body is invalid: Template must have certificate resource.")


def _scope(body: dict[str, Json], given: dict[str, str]) -> Scope:
    """Given parameters and the defaults of the others."""
    defaults = {
        name: default
        for name, declared in _section(body, "Parameters").items()
        if isinstance(declared, dict) and isinstance(default := declared.get("Default"), str)
    }
    return Scope({**defaults, **given}, _section(body, "Mappings"))


def _device(call: Call, properties: dict[str, Json], scope: Scope) -> DeviceCertificate:
    """The registered certificate, or the one the template brings along, registered and waiting."""
    named = [each for each in _SOURCES if each in properties]
    if len(named) != 1:
        raise invalid(f"The template's certificate needs one of {', '.join(_SOURCES)}.")
    try:
        value = scope.text(properties[named[0]], named[0])
    except ProvisioningFailed as error:
        raise invalid(str(error)) from None
    if named[0] == "CertificateId":
        known = call.registry.certificates.get(value.lower())
        if known is None:
            raise Refused(
                "ResourceRegistrationFailureException", f"Certificate {value[:100]} does not exist."
            )
        return known
    certificate = _certificate(value)
    known = call.registry.certificates.get(certificate.id)
    return known or call.registry.certificates.register(
        certificate, at=call.at, status=CertificateStatus.INACTIVE
    )


def _certificate(value: str) -> Certificate:
    try:
        certificate = certificate_from(value, "certificate")
        check_key(certificate.public_key)
    except Refused as error:
        raise Refused("ResourceRegistrationFailureException", error.message) from None
    return certificate


def _with_parameters(
    body: dict[str, Json], properties: dict[str, Json], given: dict[str, str], device: DeviceCertificate
) -> str:
    """The template as it would stand for just-in-time provisioning, the given parameters as literals.

    ``Ref`` to a given parameter is resolved here, so that the certificate's subject cannot overrule it.
    """
    rest: dict[str, Json] = {
        key: value for key, value in properties.items() if key not in (*_SOURCES, "CACertificatePem")
    }
    status: Json = rest.get("Status", "ACTIVE" if device.status is CertificateStatus.ACTIVE else "INACTIVE")
    certificate: Json = {
        "Type": _CERTIFICATE,
        "Properties": {**rest, "CertificateId": {"Ref": CERTIFICATE_ID}, "Status": status},
    }
    resources: dict[str, Json] = {
        name: certificate if _type(resource) == _CERTIFICATE else _resolved(resource, given)
        for name, resource in _section(body, "Resources").items()
    }
    declared = {name: value for name, value in _section(body, "Parameters").items() if name not in given}
    whole: dict[str, Json] = {**body, "Resources": resources, "Parameters": declared}
    try:
        parse_template(one_line(whole))
    except ProvisioningFailed as error:
        raise invalid(str(error)) from None
    return one_line(whole)


def _type(resource: Json) -> Json:
    return resource.get("Type") if isinstance(resource, dict) else None


def _resolved(value: Json, given: dict[str, str]) -> Json:
    match value:
        case {"Ref": str() as name, **rest} if not rest and name in given:
            return given[name]
        case dict():
            return {key: _resolved(each, given) for key, each in value.items()}
        case list():
            return [_resolved(each, given) for each in value]
        case _:
            return value


def _arns(call: Call, body: dict[str, Json], device: DeviceCertificate, outcome: Outcome) -> dict[str, Value]:
    """ARNs by the template's logical names."""
    arns = call.registry.arns
    policies = iter(outcome.policy_names)  # one for each policy resource, in the template's order
    out: dict[str, Value] = {}
    for name, resource in _section(body, "Resources").items():
        match _type(resource):
            case "AWS::IoT::Thing":
                assert outcome.thing_name is not None, "a run that succeeded made its things"
                out[name] = arns.thing(outcome.thing_name)
            case "AWS::IoT::Policy":
                out[name] = arns.policy(next(policies))
            case kind:
                assert kind == _CERTIFICATE, "parse_template lets no other resource pass"
                out[name] = device.arn
    return out


OPERATIONS: Final[Mapping[str, Handler]] = {"RegisterThing": register_thing}
