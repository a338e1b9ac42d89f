"""Certificates that only their text is left of: whether they agree with themselves and with each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from jitplab.doctor.certificate_text import CertificateText
from jitplab.doctor.evidence import Evidence
from jitplab.doctor.finding import Finding
from jitplab.pki import key_identifier
from softatecc.certificate import SerialSource, encode_dates, hashed_serial


def of_texts(evidence: Evidence) -> Iterator[Finding]:
    """Whether certificates that only text is left of agree with themselves and with each other."""
    by_name = {each.subject: each for each in evidence.texts}
    for each in evidence.texts:
        yield from _identifiers(each, by_name.get(each.issuer))
        yield from _serial(each)
    if evidence.texts and not evidence.certificates:
        yield Finding(
            "the certificates are there as text only: their signatures cannot be checked, and whether they "
            "are byte for byte what was registered cannot be said",
            wrong=False,
        )


def _identifiers(each: CertificateText, issuer: CertificateText | None) -> Iterator[Finding]:
    ski, aki, key = each.subject_key_identifier, each.authority_key_identifier, each.public_key
    if ski is not None and key is not None:
        fits = key_identifier(key) == ski
        yield Finding(
            f"{each.name}: subjectKeyIdentifier is {'' if fits else 'not '}SHA1(04|X|Y) of its key",
            wrong=not fits,
        )
    if aki is not None and issuer is not None and issuer.public_key is not None:
        fits = key_identifier(issuer.public_key) == aki
        yield Finding(
            f"{each.name}: authorityKeyIdentifier is {'' if fits else 'not '}that of {issuer.name}'s key",
            wrong=not fits,
            points_to=() if fits else ("wrong-slot-root-key", "identifier-of-72-bytes"),
        )


def _serial(each: CertificateText) -> Iterator[Finding]:
    """Whether a serial number of 16 bytes is the one that the rule PUB_KEY_HASH computes."""
    if each.serial is None or len(each.serial) != 16 or each.public_key is None or each.not_before is None:
        return
    try:
        begins = datetime.strptime(each.not_before, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
        dates = encode_dates(begins, 0)
    except (ValueError, KeyError):
        return
    computed = hashed_serial(SerialSource.PUB_KEY_HASH, each.public_key, bytes(64) + dates + bytes(5), 16)
    if computed == each.serial:
        yield Finding(
            f"{each.name}: its serial number is the hash of its key and issue date, as a chip computes it",
            wrong=False,
        )
