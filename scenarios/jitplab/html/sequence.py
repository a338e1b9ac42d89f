"""A sequence diagram: who said what to whom, in order, as a picture and in words.

Rules of this file:
1. A step is drawn as it is told; what does not fit on a line goes onto the next. Only identifiers of 64
   digits are shortened, to their first eight; the words below the picture have them whole.
2. What stopped the device has its own colour, a thicker line and the word STOPPED: never colour alone.
3. The picture has a title and a description, and the same steps stand below it as a list.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from xml.etree.ElementTree import Element

from jitplab.html.page import element

_LANE: Final = 210
_LEFT: Final = 110
_TOP: Final = 44
_LINE: Final = 17
_GAP: Final = 16
_CHARACTERS: Final = 44
_IDENTIFIER: Final = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


class Lane(IntEnum):
    """Who takes part, from left to right."""

    CHIP = 0
    FIRMWARE = 1
    TLS = 2
    BROKER = 3
    REGISTRY = 4


_NAMES: Final = {
    Lane.CHIP: "chip",
    Lane.FIRMWARE: "firmware",
    Lane.TLS: "TLS",
    Lane.BROKER: "broker",
    Lane.REGISTRY: "registry",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing said, or, where ``to`` is ``by``, one thing done or noted in a lane.

    Attributes:
        by: who speaks.
        to: who listens.
        text: what is said.
        stops: whether this is what stopped the device.
    """

    by: Lane
    to: Lane
    text: str
    stops: bool = False

    @property
    def words(self) -> str:
        """The step as a sentence of the list."""
        stopped = "STOPPED: " if self.stops else ""
        if self.by is self.to:
            return f"{stopped}{_NAMES[self.by]}: {self.text}"
        return f"{stopped}{_NAMES[self.by]} to {_NAMES[self.to]}: {self.text}"


def sequence_figure(title: str, steps: Sequence[Step], *, id_: str) -> Element:
    """The picture with its caption and the same in words.

    Args:
        title: what the diagram shows, in one line.
        steps: in order.
        id_: unique on the page.
    """
    return element(
        "figure",
        element("div", _picture(title, steps, id_), class_="wide"),
        element("figcaption", title),
        element(
            "details",
            element("summary", "The same in words"),
            element("ol", *(element("li", step.words) for step in steps)),
        ),
    )


def _picture(title: str, steps: Sequence[Step], id_: str) -> Element:
    rows = [(step, textwrap.wrap(_told(step), _CHARACTERS) or [""]) for step in steps]
    height = _TOP + sum(len(lines) * _LINE + _GAP for _, lines in rows) + 20
    width = 2 * _LEFT + _LANE * (len(Lane) - 1) + 60
    drawn: list[Element] = list(_lanes(height))
    y = _TOP + 6
    for step, lines in rows:
        drawn.extend(_row(step, lines, y))
        y += len(lines) * _LINE + _GAP
    return element(
        "svg",
        element("title", title, id=f"{id_}-title"),
        element("desc", "; ".join(step.words for step in steps), id=f"{id_}-words"),
        *drawn,
        role="img",
        aria_labelledby=f"{id_}-title {id_}-words",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        xmlns="http://www.w3.org/2000/svg",
    )


def _told(step: Step) -> str:
    text = _IDENTIFIER.sub(r"\1…", step.text)
    return f"STOPPED: {text}" if step.stops else text


def _x(lane: Lane) -> int:
    return _LEFT + _LANE * lane


def _lanes(height: int) -> Iterator[Element]:
    for lane in Lane:
        x = _x(lane)
        yield element("line", class_="life", x1=x, x2=x, y1=_TOP - 8, y2=height - 6)
        yield element("rect", class_="box", x=x - 55, y=8, width=110, height=26, rx=4)
        yield element("text", _NAMES[lane], x=x, y=26, text_anchor="middle")


def _row(step: Step, lines: Sequence[str], y: int) -> Iterator[Element]:
    here, there = _x(step.by), _x(step.to)
    kind = "bad" if step.stops else None
    base = y + len(lines) * _LINE
    if step.by is step.to:
        yield element(
            "circle", class_="stophead" if step.stops else "head", cx=here, cy=base - _LINE // 2, r=3
        )
        left = step.by > Lane.BROKER
        for number, text in enumerate(lines):
            at = y + (number + 1) * _LINE - 4
            x = here - 10 if left else here + 10
            yield element("text", text, x=x, y=at, class_=kind, text_anchor="end" if left else "start")
        return
    for number, text in enumerate(lines):
        middle = (here + there) // 2
        yield element(
            "text", text, x=middle, y=y + (number + 1) * _LINE - 5, class_=kind, text_anchor="middle"
        )
    yield element(
        "line",
        class_="line stop" if step.stops else "line",
        x1=here,
        x2=there,
        y1=base,
        y2=base,
        stroke_width=3 if step.stops else None,
    )
    tip = -8 if there > here else 8
    yield element(
        "polygon",
        class_="stophead" if step.stops else "head",
        points=f"{there},{base} {there + tip},{base - 5} {there + tip},{base + 5}",
    )
