"""Certificates that only the text of `openssl x509 -text` is left of, as people paste it.

What the text says can be compared with itself: identifiers with keys, a serial number with the rule that
computes it. A signature cannot be checked: the bytes that were signed are not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_BEGIN: Final = re.compile(r"^\s*Certificate:\s*$", re.MULTILINE)
_HEX: Final = r"((?:[0-9A-Fa-f]{2}[:\s]*)+)"


@dataclass(frozen=True, slots=True)
class CertificateText:
    """What a text says of one certificate; ``None`` for what it leaves out.

    Attributes:
        where: the file.
        version: 1 or 3.
        serial: bytes of the serial number.
        issuer: as printed.
        subject: as printed.
        not_before: as printed.
        not_after: as printed.
        public_key: ``X || Y``.
        subject_key_identifier: 20 bytes.
        authority_key_identifier: 20 bytes.
    """

    where: str
    version: int | None
    serial: bytes | None
    issuer: str | None
    subject: str | None
    not_before: str | None
    not_after: str | None
    public_key: bytes | None
    subject_key_identifier: bytes | None
    authority_key_identifier: bytes | None

    @property
    def name(self) -> str:
        """How sentences call it."""
        found = re.search(r"CN\s*=\s*([^,/]+)", self.subject or "")
        return found[1].strip() if found else f"a certificate of {self.where}"


def certificate_texts(where: str, text: str) -> list[CertificateText]:
    """Every certificate that a text prints, in order."""
    starts = [match.start() for match in _BEGIN.finditer(text)]
    return [_read(where, text[start:end]) for start, end in pairwise((*starts, len(text)))]


def _read(where: str, text: str) -> CertificateText:
    version = re.search(r"Version:\s*(\d)", text)
    key = _octets(text, r"pub:\s*" + _HEX)
    return CertificateText(
        where,
        int(version[1]) if version else None,
        _octets(text, r"Serial Number:\s*" + _HEX),
        _line(text, r"Issuer:\s*(.+)"),
        _line(text, r"Subject:\s*(.+)"),
        _line(text, r"Not Before\s*:\s*(.+)"),
        _line(text, r"Not After\s*:\s*(.+)"),
        key[1:] if key is not None and len(key) == 65 and key[0] == 4 else None,
        _octets(text, r"X509v3 Subject Key Identifier:[^\n]*\n\s*" + _HEX),
        _octets(text, r"X509v3 Authority Key Identifier:[^\n]*\n\s*(?:keyid:)?\s*" + _HEX),
    )


def _line(text: str, pattern: str) -> str | None:
    found = re.search(pattern, text)
    return found[1].strip() if found else None


def _octets(text: str, pattern: str) -> bytes | None:
    found = re.search(pattern, text)
    if found is None:
        return None
    digits = re.sub(r"[^0-9A-Fa-f]", "", found[1])
    return bytes.fromhex(digits) if digits and len(digits) % 2 == 0 else None
