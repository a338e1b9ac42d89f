"""A certificate's bytes coloured by origin, each run with its letter and, under the pointer, its origin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from jitplab.html.page import element, table
from jitplab.xray.asn1 import Row
from jitplab.xray.origins import Kind, Region

_ROW = 16


def byte_view(der: bytes, regions: Sequence[Region], marked: frozenset[int] = frozenset()) -> Element:
    """The bytes, sixteen a row, with a legend.

    Args:
        der: the certificate.
        regions: every byte's origin, in order.
        marked: offsets that differ from another certificate; underlined and bold.
    """
    return element(
        "figure",
        element(
            "pre", *_lines(der, regions, marked), class_="bytes", tabindex=0, aria_label="bytes by origin"
        ),
        _legend(regions),
        element("figcaption", "The letter before a run and its colour say where it came from."),
    )


def _lines(der: bytes, regions: Sequence[Region], marked: frozenset[int]) -> Iterator[Element | str]:
    for start in range(0, len(der), _ROW):
        yield f"{start:4}  "
        row_end = min(start + _ROW, len(der))
        for region in regions:
            begin, end = max(region.offset, start), min(region.end, row_end)
            if begin < end:
                yield _run(der, region, begin, end, marked)
        yield "\n"


def _run(der: bytes, region: Region, begin: int, end: int, marked: frozenset[int]) -> Element:
    octets: list[Element | str] = [f"{region.kind.letter}:"]
    for at in range(begin, end):
        text = f"{der[at]:02x}"
        octets.append(element("u", element("strong", text)) if at in marked else text)
        octets.append(" ")
    number = list(Kind).index(region.kind)
    return element("span", *octets, style=f"background:var(--o{number})", title=region.words)


def _legend(regions: Sequence[Region]) -> Element:
    seen = list(dict.fromkeys(region.kind for region in regions))
    return element(
        "ul",
        *(
            element(
                "li",
                element(
                    "span",
                    f" {kind.letter} ",
                    style=f"background:var(--o{list(Kind).index(kind)})",
                    class_="bytes",
                ),
                f" {kind.value}",
            )
            for kind in seen
        ),
    )


def region_table(regions: Sequence[Region]) -> Element:
    """The origins as a table."""
    return element(
        "div",
        table(
            ("offset", "bytes", "", "origin"),
            *((str(each.offset), str(each.length), each.kind.letter, each.words) for each in regions),
        ),
        class_="wide",
    )


def asn1_table(rows: Sequence[Row]) -> Element:
    """The ASN.1 beside it, indented by depth."""
    return element(
        "div",
        table(
            ("offset", "bytes", "element", "meaning"),
            *(
                (str(row.offset), str(row.length), "\u00a0\u00a0" * row.depth + row.tag, row.meaning)
                for row in rows
            ),
        ),
        class_="wide",
    )
