"""The questions AWS IoT asks of a client certificate, one function each.

Rules of this file:
1. A rule answers ``None``, no objection, or one sentence naming what does not fit and what would.
2. A rule looks at its case and nothing else; it changes nothing.
3. The docstring's first line is the sentence in the manual; source and grade stand in the decorator.
4. Rules are asked in a profile's order (``profiles.py``); the first to object decides.
"""

from __future__ import annotations

from jitpbroker.admission.case import Case, Link, Sni
from jitpbroker.admission.evidence import Grade
from jitpbroker.admission.rule import AuthnReason, rule
from jitpbroker.registry.entities import AutoRegistration, CaStatus, CertificateMode, CertificateStatus
from jitpbroker.x509 import Certificate, NotIssuedBy

_THE_CASE = "StackOverflow question 65735301 (January 2021)"
_DG = "AWS IoT developer guide, "


@rule(Grade.DOCUMENT, _DG + "x509-client-certs", since=2015, log_reason=AuthnReason.NOT_AUTHENTICATED)
def client_certificate_was_presented(case: Case) -> str | None:
    """A client shows a certificate, or it is nobody."""
    return None if case.links else "The client sent no certificate; give it one and its key."


@rule(
    Grade.ASSUMED,
    "no AWS page says what happens to unreadable DER",
    since=2015,
    log_reason=AuthnReason.NOT_AUTHENTICATED,
)
def client_certificate_parses(case: Case) -> str | None:
    """The first certificate of the chain is the client's and can be read."""
    leaf = case.links[0]
    return f"The client's certificate cannot be read: {leaf.problem}" if leaf.certificate is None else None


@rule(
    Grade.DOCUMENT,
    "AWS What's New 2026-06-03 (SNI_MISUSED); multi-account registration, " + _DG + "x509-client-certs",
    since=2020,
    log_reason=AuthnReason.SNI_MISUSED,
)
def sni_selects_this_account(case: Case) -> str | None:
    """The server name chooses the account, and no other account's certificates count there."""
    if case.sni is Sni.ELSEWHERE:
        return f"The server name {case.attempt.sni} is another account's endpoint; use this account's own."
    return None


@rule(
    Grade.DOCUMENT, _DG + "manage-device-certs", since=2015, log_reason=AuthnReason.DEVICE_CERTIFICATE_REVOKED
)
def certificate_is_not_revoked(case: Case) -> str | None:
    """A revoked certificate does not connect."""
    return _barred(case, CertificateStatus.REVOKED)


@rule(
    Grade.DOCUMENT,
    _DG + "manage-device-certs",
    since=2015,
    log_reason=AuthnReason.DEVICE_CERTIFICATE_INACTIVE,
)
def certificate_is_not_inactive(case: Case) -> str | None:
    """An inactive certificate does not connect, and its CA does not register it again."""
    return _barred(case, CertificateStatus.INACTIVE, CertificateStatus.REGISTER_INACTIVE)


@rule(
    Grade.ASSUMED,
    "only ACTIVE connects by AWS's service model; that no event follows is held to be as for INACTIVE",
    since=2015,
    log_reason=AuthnReason.DEVICE_CERTIFICATE_INACTIVE,
)
def certificate_is_not_in_transfer(case: Case) -> str | None:
    """A certificate on its way to another account does not connect."""
    return _barred(case, CertificateStatus.PENDING_TRANSFER)


def _barred(case: Case, *statuses: CertificateStatus) -> str | None:
    if case.known is None or case.known.status not in statuses:
        return None
    return f"Certificate {case.known.id} is {case.known.status}; only ACTIVE connects."


@rule(
    Grade.DOCUMENT,
    "CertificateDescription.certificateMode in AWS's service model",
    since=2020,
    log_reason=AuthnReason.SNI_MISUSED,
)
def sni_is_sent_where_the_certificate_needs_it(case: Case) -> str | None:
    """A certificate in SNI_ONLY mode connects with a server name or not at all."""
    if case.known and case.known.certificate_mode is CertificateMode.SNI_ONLY and case.sni is Sni.NONE:
        return (
            f"Certificate {case.known.id} is in SNI_ONLY mode and the client sent no server name; send one."
        )
    return None


@rule(Grade.DOCUMENT, _DG + "jit-provisioning; RegisterCertificate in AWS's service model", since=2016)
def issuer_is_known(case: Case) -> str | None:
    """A registered CA certificate bears the name of the leaf's issuer."""
    if case.candidates:
        return None
    leaf = case.leaf
    higher = next((link for link in case.links[1:] if link.registered), None)
    hint = f" ({higher.label} is registered, but it did not sign the leaf)" if higher else ""
    if leaf.issuer == leaf.subject:
        hint = " (the certificate names itself as issuer)"
    return f"No CA certificate named {leaf.issuer.text!r} is registered{hint}; register the direct issuer."


@rule(Grade.DOCUMENT, _DG + "manage-your-CA-certs, deactivating a CA certificate", since=2016)
def ca_is_active(case: Case) -> str | None:
    """An inactive CA certificate registers no new certificate."""
    if case.ca.status is CaStatus.ACTIVE:
        return None
    return f"CA certificate {case.ca.id} ({case.ca.certificate.label}) is {case.ca.status}; set it ACTIVE."


@rule(Grade.DOCUMENT, _DG + "auto-register-device-cert", since=2016)
def ca_auto_registers(case: Case) -> str | None:
    """A CA certificate registers certificates just in time only where its owner enabled that."""
    if case.ca.auto_registration is AutoRegistration.ENABLE:
        return None
    return (
        f"CA certificate {case.ca.id} ({case.ca.certificate.label}) has autoRegistrationStatus"
        f" {case.ca.auto_registration}; set it to ENABLE."
    )


@rule(
    Grade.DOCUMENT,
    "CertificateDescription.certificateMode in AWS's service model",
    since=2020,
    log_reason=AuthnReason.SNI_MISUSED,
)
def sni_is_sent_where_the_ca_needs_it(case: Case) -> str | None:
    """A CA certificate in SNI_ONLY mode registers nothing for clients that send no server name."""
    if case.ca.certificate_mode is CertificateMode.SNI_ONLY and case.sni is Sni.NONE:
        return (
            f"CA certificate {case.ca.id} is in SNI_ONLY mode and the client sent no server name; send one."
        )
    return None


@rule(Grade.DOCUMENT, "AWS IoT blog on just-in-time provisioning (2017); " + _THE_CASE, since=2017)
def chain_carries_a_registered_ca(case: Case) -> str | None:
    """The client sends its CA certificate along; before 2022 always."""
    return None if case.presented else f"{_alone(case)}; send the registered CA certificate after it."


@rule(Grade.DOCUMENT, _DG + "jit-provisioning (2022 and later)", since=2022)
def chain_or_sni_is_sent(case: Case) -> str | None:
    """The client sends its CA certificate along, or a server name; since 2022 one of them is enough."""
    if case.presented or case.sni is Sni.HERE:
        return None
    return f"{_alone(case)} and without a server name; send the registered CA certificate after it, or SNI."


def _alone(case: Case) -> str:
    return f"{case.leaf.label} was sent without the certificate of its issuer"


@rule(
    Grade.ASSUMED,
    _THE_CASE + " shows the refusal; which comparison AWS makes, and that it still does, is inferred",
    since=2017,
)
def presented_ca_is_registered(case: Case) -> str | None:
    """A certificate presented as the leaf's issuer is the registered CA certificate, byte for byte."""
    if case.presented is None or case.presented.der == case.ca.certificate.der:
        return None
    return _difference(case.presented, case.ca.certificate)


def _difference(presented: Link, registered: Certificate) -> str:
    """Two certificates side by side, for somebody who believes that they are one."""
    claim = f"The presented CA certificate {presented.id} is not the registered {registered.id}"
    if presented.certificate is None:
        return f"{claim}: it cannot be read ({presented.problem})"
    if presented.certificate.subject != registered.subject:
        return f"{claim}: its subject is {presented.label!r}, the leaf's issuer {registered.label!r}"

    offset, count = differing_range(presented.der, registered.der)
    same_key = presented.certificate.public_key == registered.public_key
    lengths = len({len(presented.der), len(registered.der)})
    return (
        f"{claim}: the subject {registered.label!r} is the same,"
        f" the public key {'too' if same_key else 'is not'}; {count} bytes from offset {offset} on differ"
        + (f", and it is {len(presented.der)} bytes long, not {len(registered.der)}" if lengths > 1 else "")
    )


def differing_range(one: bytes, other: bytes) -> tuple[int, int]:
    """(offset, count) of the smallest range of ``one`` outside which it equals ``other``."""
    shorter = min(len(one), len(other))
    head = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    tail = next((at for at in range(shorter - head) if one[-1 - at] != other[-1 - at]), shorter - head)
    return head, len(one) - head - tail


@rule(Grade.DOCUMENT, _DG + "protocols and mqtt (2022)", since=2022, log_reason=AuthnReason.SNI_MISUSED)
def sni_is_sent(case: Case) -> str | None:
    """A client sends a server name, whatever the mode of its certificate."""
    return "The client sent no server name; send one." if case.sni is Sni.NONE else None


@rule(Grade.ASSUMED, "nothing attests that a CA certificate's dates count", since=2016)
def ca_is_in_date(case: Case) -> str | None:
    """A CA certificate registers devices from its notBefore to its notAfter, both included."""
    return _out_of_date(case.ca.certificate, case)


@rule(Grade.DOCUMENT, "aws/iot-atlas pull request 107 (2026), supported by no other source", since=2026)
def country_is_the_cas(case: Case) -> str | None:
    """A device's country, where its subject names one, is that of its CA certificate."""
    own, cas = case.leaf.subject.first("Country"), case.ca.certificate.subject.first("Country")
    if own is None or own == cas:
        return None
    return f"{case.leaf.label} has the country {own!r}, its CA certificate {cas!r}; issue it with the CA's."


@rule(
    Grade.DOCUMENT, "RegisterCertificate's CertificateValidationException in AWS's service model", since=2016
)
def every_link_is_signed(case: Case) -> str | None:
    """A matching issuer name is a claim; the signature is the proof."""
    try:
        case.leaf.check_issued_by(case.ca.certificate)
    except NotIssuedBy as error:
        return f"{error}; let the registered CA sign it."
    return None


@rule(
    Grade.ASSUMED,
    "nothing says that AWS looks above the leaf's issuer; in no profile unless asked for",
    since=2026,
)
def links_above_are_signed(case: Case) -> str | None:
    """Every certificate above the leaf's issuer signed the one before it."""
    for child, parent in zip(case.links[1:], case.links[2:], strict=False):
        if child.certificate is None or parent.certificate is None:
            return f"{child.label} or {parent.label} cannot be read; send certificates only."
        try:
            child.certificate.check_issued_by(parent.certificate)
        except NotIssuedBy as error:
            return f"{error}; send the chain in order, or leave its upper part out."
    return None


@rule(
    Grade.ASSUMED,
    "not documented for AWS IoT; an expired certificate is held to be unauthenticated",
    since=2015,
    log_reason=AuthnReason.NOT_AUTHENTICATED,
)
def leaf_is_in_date(case: Case) -> str | None:
    """A certificate counts from its notBefore to its notAfter, both included."""
    return _out_of_date(case.leaf, case)


def _out_of_date(certificate: Certificate, case: Case) -> str | None:
    at = case.attempt.at
    if certificate.not_before <= at <= certificate.not_after:
        return None
    return (
        f"{certificate.label} is valid from {certificate.not_before.isoformat()}"
        f" to {certificate.not_after.isoformat()}, and it is {at.isoformat()}; check the clock and the dates."
    )
