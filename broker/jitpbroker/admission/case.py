"""The facts a rule may look at: what the client sent, put beside what the registry knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from ipaddress import ip_address
from typing import Self

from jitpbroker.admission.attempt import Attempt
from jitpbroker.registry.entities import AutoRegistration, CaCertificate, CaStatus, DeviceCertificate
from jitpbroker.registry.store import Registry
from jitpbroker.x509 import Certificate, NotIssuedBy, certificate_id


class Sni(Enum):
    """Which account the name in the TLS handshake selects.

    Evidence: document - AWS's service model, CertificateDescription.certificateMode. That an unknown name
    selects the only account there is, is this emulator's choice.
    """

    NONE = auto()  # no name, or an IP address, which RFC 6066 section 3 does not allow
    HERE = auto()
    ELSEWHERE = auto()


@dataclass(frozen=True, slots=True)
class Link:
    """One certificate of the presented chain.

    Attributes:
        certificate: ``None`` when the DER cannot be read; ``problem`` then says why.
        registered: the registered CA certificate with exactly this DER.
    """

    der: bytes
    id: str
    certificate: Certificate | None
    problem: str | None
    registered: CaCertificate | None

    @classmethod
    def of(cls, der: bytes, registry: Registry) -> Self:
        """Read one certificate; bytes that are none make a link all the same."""
        its_id = certificate_id(der)
        registered = registry.cas.get(its_id)
        already_read = registered or registry.certificates.get(its_id)
        if already_read is not None:
            return cls(der, its_id, already_read.certificate, None, registered)
        try:
            return cls(der, its_id, Certificate.from_der(der), None, registered)
        except ValueError as error:
            return cls(der, its_id, None, str(error), registered)

    @property
    def label(self) -> str:
        """How sentences call this link."""
        return self.certificate.label if self.certificate else f"certificate {self.id[:8]}… (unreadable)"


@dataclass(frozen=True, slots=True)
class Case:
    """One CONNECT, ready to be judged.

    Attributes:
        attempt: what the connection said.
        sni: the account its server name selects.
        links: the presented chain, leaf first.
        known: the leaf's registration, if it has one.
        presented: the link presented as the leaf's issuer: the first above the leaf that bears the issuer's
            name, else simply the next one; ``None`` when the leaf came alone.
        candidates: registered CA certificates with the leaf's issuer as subject, the one to judge first.
    """

    attempt: Attempt
    sni: Sni
    links: tuple[Link, ...]
    known: DeviceCertificate | None
    presented: Link | None
    candidates: tuple[CaCertificate, ...]

    @classmethod
    def of(cls, attempt: Attempt, registry: Registry) -> Self:
        """Look everything up once; the registry is not changed."""
        links = tuple(Link.of(der, registry) for der in attempt.chain)
        leaf = links[0].certificate if links else None
        if leaf is None:
            return cls(attempt, _sni(attempt.sni, registry), links, None, None, ())
        presented = _presented(leaf, links)
        return cls(
            attempt,
            _sni(attempt.sni, registry),
            links,
            registry.certificates.get(leaf.id),
            presented,
            _candidates(leaf, presented, registry),
        )

    @property
    def leaf(self) -> Certificate:
        """The client's certificate; for rules asked after ``client_certificate_parses``."""
        leaf = self.links[0].certificate
        assert leaf is not None, "client_certificate_parses was not asked first"
        return leaf

    @property
    def ca(self) -> CaCertificate:
        """The registered CA certificate to judge; for rules asked after ``issuer_is_known``."""
        return self.candidates[0]


def _sni(name: str | None, registry: Registry) -> Sni:
    if name is None:
        return Sni.NONE
    if _is_address(name):
        return Sni.NONE
    return Sni.ELSEWHERE if name.lower() in registry.other_endpoints else Sni.HERE


@lru_cache(maxsize=256)
def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _presented(leaf: Certificate, links: tuple[Link, ...]) -> Link | None:
    """Which link claims to have issued the leaf.

    Evidence: assumed - RFC 8446 section 4.4.2 asks servers to tolerate a disordered chain; AWS says nothing.
    """
    above = links[1:]
    named = (link for link in above if link.certificate and link.certificate.subject == leaf.issuer)
    return next(named, above[0] if above else None)


def _candidates(leaf: Certificate, presented: Link | None, registry: Registry) -> tuple[CaCertificate, ...]:
    """CA certificates that share a subject: the presented one first, then those that could register the leaf.

    Evidence: assumed - AWS allows ten CA certificates of one subject and does not say which is taken.
    """
    namesakes = registry.cas.named(leaf.issuer)
    if len(namesakes) < 2:  # the common case needs no signature check to choose
        return namesakes

    def rank(ca: CaCertificate) -> tuple[bool, bool, bool]:
        could_register = ca.status is CaStatus.ACTIVE and ca.auto_registration is AutoRegistration.ENABLE
        return (
            presented is None or presented.id != ca.id,
            not _signed(leaf, ca.certificate),
            not could_register,
        )

    return tuple(sorted(namesakes, key=rank))


def _signed(leaf: Certificate, issuer: Certificate) -> bool:
    try:
        leaf.check_issued_by(issuer)
    except NotIssuedBy:
        return False
    return True
