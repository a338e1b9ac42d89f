"""An X-ray of one certificate: its bytes, their origins, its ASN.1, and what differs from the issued one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jitplab.html.octets import asn1_table, byte_view, region_table
from jitplab.html.page import element, page
from jitplab.identifiers import Key
from jitplab.outcome import JsonValue
from jitplab.terminal import Style
from jitplab.xray.asn1 import Row, rows
from jitplab.xray.cause import Finding, findings
from jitplab.xray.origins import Kind, Region, regions
from softatecc.certificate import CertificateDefinition

#: SGR codes of the kinds, in their order; the letter says the same without colour.
_COLOURS = (2, 34, 33, 32, 35, 31, 36, 2)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the X-ray shows.

    Attributes:
        name: whose certificate it is.
        der: as rebuilt.
        issued: as issued, ``None`` where that is not known.
        regions: every byte's origin.
        rows: its ASN.1.
        findings: what differs, the cause first.
    """

    name: str
    der: bytes
    issued: bytes | None
    regions: tuple[Region, ...]
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """The first line: the cause, or that there is none."""
        if self.issued is None:
            return f"{self.name}: {len(self.der)} bytes, nothing to compare with"
        if self.findings:
            return f"{self.name}: {self.findings[0].sentence}"
        if self.der == self.issued:
            return f"{self.name}: as issued, all {len(self.der)} bytes"
        return f"{self.name}: not as issued, outside every field"

    @property
    def marked(self) -> frozenset[int]:
        """Offsets that differ."""
        return frozenset(at for each in self.findings for at in each.difference.at)

    def as_json(self) -> dict[str, JsonValue]:
        """The object of ``jitplab xray --json``."""
        return {
            "certificate": self.name,
            "verdict": self.verdict,
            "as_issued": None if self.issued is None else self.der == self.issued,
            "der": self.der.hex(),
            "issued": self.issued.hex() if self.issued is not None else None,
            "findings": [each.as_json() for each in self.findings],
            "origins": [
                {
                    "offset": each.offset,
                    "length": each.length,
                    "kind": each.kind.value,
                    "origin": each.words,
                    "sources": [
                        {"zone": s.zone, "slot": s.slot, "offset": s.offset, "count": s.count}
                        for s in each.sources
                    ],
                }
                for each in self.regions
            ],
            "asn1": [
                {"offset": r.offset, "length": r.length, "depth": r.depth, "tag": r.tag, "meaning": r.meaning}
                for r in self.rows
            ],
        }


def picture(
    name: str,
    der: bytes,
    definition: CertificateDefinition,
    *,
    ca_key: str | None,
    issued: bytes | None,
    keys: Iterable[Key] = (),
) -> Picture:
    """Take an X-ray.

    Args:
        name: whose certificate it is.
        der: as rebuilt.
        definition: by which.
        ca_key: where the CA's key came from, in words.
        issued: what it should be.
        keys: whatever an identifier or key could belong to.

    Raises:
        ValueError: one of the two is no certificate.
    """
    found = regions(der, definition, ca_key)
    differing = findings(der, issued, found, keys) if issued is not None else ()
    return Picture(name, der, issued, found, rows(der), differing)


def lines(shown: Picture, style: Style) -> Iterator[str]:
    """For a terminal."""
    bad = bool(shown.findings)
    yield style.bad(shown.verdict) if bad else style.good(shown.verdict)
    for each in shown.findings[1:]:
        yield f"  then: {each.sentence}"
    yield ""
    yield style.dim("offset  bytes    origin")
    for region in shown.regions:
        mark = "*" if any(region.offset <= at < region.end for at in shown.marked) else " "
        octets = shown.der[region.offset : region.end]
        cut = octets.hex(" ") if len(octets) <= 12 else f"{octets[:12].hex(' ')} ..."
        letter = style.coded(_COLOURS[list(Kind).index(region.kind)], region.kind.letter)
        yield f"{region.offset:6} {region.length:6} {mark}{letter} {region.words}"
        yield style.dim(f"               {cut}")
    yield ""
    yield "; ".join(f"{kind.letter} {kind.value}" for kind in Kind) + "; * differs from what was issued"


def html(shown: Picture) -> str:
    """A self-contained page."""
    body = [element("h1", "X-ray"), element("p", element("strong", shown.verdict))]
    if shown.findings:
        body.append(element("ul", *(element("li", each.sentence) for each in shown.findings)))
    body += [
        element("h2", "Bytes by origin"),
        byte_view(shown.der, shown.regions, shown.marked),
        element("h2", "Origins"),
        region_table(shown.regions),
        element("h2", "ASN.1"),
        asn1_table(shown.rows),
    ]
    return page(f"X-ray of {shown.name}", *body)
