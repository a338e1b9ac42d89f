"""Which certificate of the evidence is the registered one, and which chain was sent.

Rules of this file:
1. The order in which files are given decides nothing, as long as anything else can.
2. A signer that is only known from the chain that was sent is not taken for the registered one: whether the
   two are the same is the question.
"""

from __future__ import annotations

from dataclasses import dataclass

from jitpbroker.store.described import Described, Kind
from jitpbroker.x509 import Certificate
from jitplab.chain import Slot
from jitplab.doctor.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Sent:
    """What the device sent, as far as the evidence has it.

    Attributes:
        leaf: DER, ``None`` where it is not there.
        signer: DER of what bears the registered certificate's name; ``None`` where it is not there.
        whole: DER of the whole chain, leaf first, where one file has the leaf and more.
    """

    leaf: bytes | None
    signer: bytes | None
    whole: tuple[bytes, ...] | None


def registered(evidence: Evidence) -> tuple[Certificate, Described | None] | None:
    """The registered CA certificate, with its description where there is one; ``None`` without either.

    Among several, it is the one that issued the leaf by name, that has the key in the signer's slot, that is
    no root; in the case root and signer are both registered.
    """
    found: list[tuple[Certificate, Described | None]] = [
        (Certificate.from_pem(str(each.certificate_description["certificatePem"])), each)
        for each in evidence.of_kind(Kind.CA)
    ]
    if not found:
        chains = _files_with_a_leaf(evidence)
        found = [
            (certificate, None)
            for each in evidence.certificates
            if each.where not in chains and (certificate := Certificate.from_der(each.der)).is_ca
        ]
    leaf = _leaf(evidence)
    issuer = Certificate.from_der(leaf).issuer if leaf is not None else None
    key = evidence.dump.stored_key(Slot.SIGNER_PUBLIC_KEY) if evidence.dump is not None else None

    def unlikely(each: tuple[Certificate, Described | None]) -> tuple[bool, bool, bool]:
        certificate, _ = each
        return (
            issuer is not None and certificate.subject != issuer,
            key is not None and certificate.p256_point != key,
            certificate.subject == certificate.issuer,
        )

    return min(found, key=unlikely, default=None)


def sent(evidence: Evidence, ca: Certificate) -> Sent:
    """What the device sent, beside the registered certificate.

    Without a chain in one file, a certificate that bears the registered one's name and is another was sent.
    """
    chains = _files_with_a_leaf(evidence)
    for where in chains:
        ders = tuple(each.der for each in evidence.certificates if each.where == where)
        if len(ders) > 1:
            ordered = tuple(sorted(ders, key=lambda der: Certificate.from_der(der).is_ca))
            return Sent(ordered[0], next((der for der in ordered[1:] if _named(der, ca)), None), ordered)
    signer = next((c.der for c in evidence.certificates if _named(c.der, ca) and c.der != ca.der), None)
    return Sent(_leaf(evidence), signer, None)


def _named(der: bytes, ca: Certificate) -> bool:
    return Certificate.from_der(der).subject == ca.subject


def _leaf(evidence: Evidence) -> bytes | None:
    ders = (each.der for each in evidence.certificates)
    return next((der for der in ders if not Certificate.from_der(der).is_ca), None)


def _files_with_a_leaf(evidence: Evidence) -> tuple[str, ...]:
    """In the order they came."""
    found = (each.where for each in evidence.certificates if not Certificate.from_der(each.der).is_ca)
    return tuple(dict.fromkeys(found))
