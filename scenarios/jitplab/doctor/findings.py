"""What the evidence says of itself: what agrees, what contradicts what, and which failures that points to.

Rules of this file:
1. A finding names who says so: a field, a slot, a line of a log. What was not there is not a finding.
2. A finding points to scenarios of the catalogue or speaks against them; ranking only counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from jitpbroker.store.described import Kind
from jitpbroker.x509 import Certificate
from jitplab.doctor.device_log import CODES
from jitplab.doctor.evidence import Evidence
from jitplab.doctor.finding import Finding
from jitplab.doctor.patient import (
    NotEnough,
    keys_of,
    other_key_slots,
    right_root_slot,
    root_slot_of_sources,
)
from jitplab.doctor.registered import registered, sent
from jitplab.doctor.text_findings import of_texts
from jitplab.identifiers import Key, match
from jitplab.pki import key_identifier
from jitplab.stop import By
from jitplab.xray.cause import findings as differing

_AFTER_CONNECT = frozenset({By.RULE, By.TEMPLATE, By.POLICY, By.DISCONNECT})


def of(evidence: Evidence, root_key_slot: int | None = None) -> tuple[Finding, ...]:
    """Everything that can be said without trying anything.

    Args:
        evidence: whatever was recognised.
        root_key_slot: where the firmware reads the root's key, if somebody said so.
    """
    return (
        *_slots(evidence, root_key_slot),
        *_chain(evidence),
        *_log(evidence),
        *of_texts(evidence),
        *_account(evidence),
        *_cloud(evidence),
    )


def _ca(evidence: Evidence) -> Certificate | None:
    found = registered(evidence)
    return found[0] if found is not None else None


def _slots(evidence: Evidence, said: int | None) -> Iterator[Finding]:
    """Which slot holds the key that the registered signer was issued by."""
    ca, dump = _ca(evidence), evidence.dump
    if ca is None or dump is None:
        return
    right = right_root_slot(dump, ca)
    if right is None:
        yield Finding(
            "no slot of the dump holds the key that the registered signer's authority key identifier "
            f"({(ca.authority_key_identifier or b'').hex()}) is of",
            wrong=True,
        )
        return
    others = other_key_slots(dump, ca)
    signer = sent(evidence, ca).signer
    aki = Certificate.from_der(signer).authority_key_identifier if signer is not None else None
    named = match(aki, keys_of(dump, ca)) if aki is not None else None
    read = named.slot if named is not None else said if said is not None else _written(evidence)
    if signer == ca.der or read == right:
        yield Finding(
            f"slot {right} holds the key of the registered signer's issuer, and was read", wrong=False
        )
    elif named is not None and named.slot not in {None, right}:
        yield Finding(
            f"wrong slot: slot {right} holds the key of the registered signer's issuer, and the signer that "
            f"was sent is made with the key of slot {named.slot}",
            wrong=True,
            points_to=("wrong-slot-root-key",),
        )
    elif others:
        yield Finding(
            f"wrong slot: slot {right} holds the key of the registered signer's issuer, and slot {others[0]} "
            f"another CA's; a firmware that reads any slot but {right} rebuilds a signer that is not the "
            "registered one",
            wrong=True,
            points_to=("wrong-slot-root-key",),
        )
    else:
        yield Finding(f"slot {right} holds the key of the registered signer's issuer", wrong=False)


def _written(evidence: Evidence) -> int | None:
    """The root's slot by the C source; what cannot be read is told where it is tried."""
    try:
        found = root_slot_of_sources(evidence)
    except NotEnough:
        return None
    return found[0] if found is not None else None


def _chain(evidence: Evidence) -> Iterator[Finding]:
    """The presented signer beside the registered one."""
    ca = _ca(evidence)
    if ca is None:
        return
    told = sent(evidence, ca)
    keys = keys_of(evidence.dump, ca) if evidence.dump is not None else _keys(evidence, ca)
    yield from _leaf_issuer(told.leaf, ca, keys)
    if told.signer is None or told.signer == ca.der:
        return
    signer = Certificate.from_der(told.signer)
    for each in differing(told.signer, ca.der, (), keys):
        name = each.difference.field.name
        yield Finding(
            f"the presented signer is not the registered one: {each.sentence}",
            wrong=True,
            points_to=_points(name, each.difference.ours, signer, keys),
        )


def _leaf_issuer(leaf: bytes | None, ca: Certificate, keys: tuple[Key, ...]) -> Iterator[Finding]:
    """Whether the device certificate names the registered signer's key as its issuer's."""
    if leaf is None or ca.p256_point is None:
        return
    aki = Certificate.from_der(leaf).authority_key_identifier
    if aki is None or aki == key_identifier(ca.p256_point):
        return
    found = match(aki, keys)
    slot = "" if found is None or found.slot is None else f", which lies in slot {found.slot}"
    whose = "of no key at hand" if found is None else f"{found.derivation} of the key of {found.key}{slot}"
    points = ("identifier-of-72-bytes",) if found is not None and found.defect is not None else ()
    yield Finding(
        f"the device certificate's authorityKeyIdentifier is not the registered signer's: it is {whose}",
        wrong=True,
        points_to=points or ("signer-key-from-the-wrong-slot",),
    )


def _keys(evidence: Evidence, ca: Certificate) -> tuple[Key, ...]:
    found = [Key("the registered signer", ca.p256_point)] if ca.p256_point else []
    for each in evidence.certificates:
        certificate = Certificate.from_der(each.der)
        if certificate.p256_point is not None:
            found.append(Key(certificate.label, certificate.p256_point))
    return tuple(found)


def _points(name: str, value: bytes, sent: Certificate, keys: tuple[Key, ...]) -> tuple[str, ...]:
    match name:
        case "subjectPublicKey":
            return ("signer-key-from-the-wrong-slot",)
        case "notBefore" | "notAfter":
            return ("signer-dates-are-not-stored",)
        case "authorityKeyIdentifier":
            return _points_of_identifier(value, sent, keys)
        case "subject":
            return ("root-sent-instead-of-the-signer",)
        case _:
            return ()


def _points_of_identifier(value: bytes, sent: Certificate, keys: tuple[Key, ...]) -> tuple[str, ...]:
    if value == sent.subject_key_identifier:
        return ("authority-identifier-is-the-subjects", "wrong-slot-root-key")
    found = match(value, keys)
    if found is not None and found.defect is not None:
        return ("identifier-of-72-bytes",)
    return ("wrong-slot-root-key",)


def _log(evidence: Evidence) -> Iterator[Finding]:
    log = evidence.log
    if log is None:
        return
    for code in log.codes:
        words, where = CODES[code]
        if where == "closed" and log.closed_without_connack:
            yield Finding(
                f"the device's log has -0x{code:04X}, {words}, after a completed handshake and without "
                "CONNACK: TLS is not at fault; the broker looked at the certificate, its registration or its "
                "policy and hung up",
                wrong=True,
                kinds=_AFTER_CONNECT,
            )
        elif where == "closed" and not log.handshake_done:
            yield Finding(
                f"the device's log has -0x{code:04X}, {words}; nothing in the log says that the handshake "
                "had been completed (debug level 3 of mbedTLS prints `handshake: done`), so whether TLS is "
                "at fault cannot be said",
                wrong=True,
            )
        elif where == "own trust":
            yield Finding(
                f"the device's log has -0x{code:04X}, {words}",
                wrong=True,
                points_to=("own-root-as-server-trust", "device-clock-is-unset"),
                kinds=frozenset({By.TLS}),
            )
        else:
            yield Finding(f"the device's log has -0x{code:04X}, {words}", wrong=True)
    if not log.codes:
        yield Finding("the device's log has none of mbedTLS's error codes that are known here", wrong=False)


def _account(evidence: Evidence) -> Iterator[Finding]:
    for each in evidence.of_kind(Kind.CA):
        inner = each.certificate_description
        if inner.get("status") != "ACTIVE":
            yield Finding(
                f"the CA certificate's status is {inner.get('status')}",
                wrong=True,
                points_to=("ca-is-inactive",),
            )
        if inner.get("autoRegistrationStatus") != "ENABLE":
            yield Finding(
                f"the CA certificate's autoRegistrationStatus is {inner.get('autoRegistrationStatus')}",
                wrong=True,
                points_to=("auto-registration-is-disabled",),
            )
        if not each.answer.get("registrationConfig"):
            yield Finding(
                "the CA certificate has no registrationConfig, so nothing activates what it registers",
                wrong=True,
                points_to=("registered-but-never-activated",),
            )
    for each in evidence.of_kind(Kind.CERTIFICATE):
        inner = each.certificate_description
        status = inner.get("status")
        points = {
            "INACTIVE": ("certificate-was-deactivated", "quarantine"),
            "REVOKED": ("certificate-was-revoked",),
            "PENDING_TRANSFER": ("certificate-is-in-transfer",),
            "PENDING_ACTIVATION": (
                "parameter-not-in-the-subject",
                "role-lacks-permission",
                "registered-but-never-activated",
            ),
        }.get(str(status), ())
        yield Finding(f"the device certificate is registered, {status}", wrong=bool(points), points_to=points)


def _cloud(evidence: Evidence) -> Iterator[Finding]:
    for entry in evidence.cloud:
        if entry.get("status") != "Failure":
            continue
        reason, event = str(entry.get("reason", "")), str(entry.get("eventType"))
        points: tuple[str, ...] = ()
        kinds: frozenset[By] = frozenset()
        if event == "Connect" and reason == "AUTHORIZATION_FAILURE":
            points, kinds = ("client-id-is-not-the-thing-name", "no-policy-at-all"), frozenset({By.POLICY})
        elif event == "Connection.AuthNError":
            kinds = frozenset({By.RULE})
        yield Finding(f"the log has {event}: Failure, {reason}", wrong=True, points_to=points, kinds=kinds)
