"""Two certificates side by side: their fields in words, their bytes with the differing ones marked.

Rules of this file:
1. Differences are those of ``anatomy``; nothing is compared a second time.
2. A differing byte is marked by colour, by underlining, and by the field named beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from jitplab import anatomy
from jitplab.html.page import element, table

_ROW: Final = 16
_LONGEST: Final = 20


def beside(name: str, presented: bytes, issued: bytes) -> Element:
    """The certificate that was presented beside the one it should be.

    Args:
        name: whose certificate it is.
        presented: DER.
        issued: DER.
    """
    if presented == issued:
        return element(
            "section",
            element("h3", f"{name}: as issued"),
            element("p", f"All {len(issued)} bytes are those that were issued."),
            element("details", element("summary", "Its fields"), _fields_of(issued)),
        )
    try:
        differences = anatomy.differences(presented, issued)
    except ValueError as error:
        return element(
            "section",
            element("h3", f"{name}: not as issued"),
            element("p", f"What was presented is no certificate: {error}"),
            element("div", _bytes(presented, frozenset()), class_="wide"),
        )
    # Offsets of the presented one; the issued one has them, too, as far as both are laid out alike.
    at = frozenset(offset for each in differences for offset in each.at)
    names = ", ".join(each.field.name for each in differences)
    return element(
        "section",
        element("h3", f"{name}: not as issued"),
        element("p", f"{len(at)} of {len(presented)} bytes differ, all of them in: {names}."),
        element("div", _differences(differences), class_="wide"),
        element(
            "details",
            element("summary", "Every byte"),
            element(
                "div",
                element("div", element("h4", "presented"), _bytes(presented, at)),
                element("div", element("h4", "issued"), _bytes(issued, at)),
                class_="beside",
            ),
        ),
        element("details", element("summary", "Fields of the presented one"), _fields_of(presented)),
    )


def _differences(differences: tuple[anatomy.Difference, ...]) -> Element:
    rows = (
        (
            each.field.name,
            f"{each.field.offset}, {each.field.length} bytes",
            element("code", _octets(each.ours)),
            element("code", _octets(each.theirs)),
        )
        for each in differences
    )
    return table(("field", "offset", "presented", "issued"), *rows)


def _octets(data: bytes) -> str:
    return data.hex(" ") if len(data) <= 64 else f"{data[:_LONGEST].hex(' ')} … ({len(data)} bytes)"


def _fields_of(der: bytes) -> Element:
    try:
        found = anatomy.fields(der)
    except ValueError as error:
        return element("p", f"It cannot be taken apart: {error}")
    rows = (
        (
            field.name,
            str(field.offset),
            str(field.length),
            element("code", _octets(der[field.offset : field.end])),
        )
        for field in found
    )
    return element("div", table(("field", "offset", "length", "bytes"), *rows), class_="wide")


def _bytes(der: bytes, marked: frozenset[int]) -> Element:
    return element("pre", *_lines(der, marked), class_="bytes")


def _lines(der: bytes, marked: frozenset[int]) -> Iterator[Element | str]:
    for start in range(0, len(der), _ROW):
        yield f"{start:4}  "
        for offset in range(start, min(start + _ROW, len(der))):
            octet = f"{der[offset]:02x}"
            yield element("mark", octet, title=f"byte {offset} differs") if offset in marked else octet
            yield " "
        yield "\n"
