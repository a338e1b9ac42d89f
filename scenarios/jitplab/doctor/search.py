"""The smallest change that makes a device connect, found by trying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jitplab.doctor.knobs import Change, changes
from jitplab.doctor.situation import Result, Situation, connect


@dataclass(frozen=True, slots=True)
class Cures:
    """What the search found.

    Attributes:
        now: what becomes of the device as it is.
        single: single changes that make it connect, the cheapest first.
        pairs: pairs that do, where no single one does.
        tried: how many situations were tried.
    """

    now: Result
    single: tuple[Change, ...]
    pairs: tuple[tuple[Change, Change], ...]
    tried: int


def price(change: Change) -> tuple[int, int]:
    """Firmware before account, and within a layer whatever keeps the chain."""
    return int(change.layer), change.price


def search(situation: Situation, told: Callable[[str], None] | None = None) -> Cures:
    """Try every single change, and pairs of them if none helps.

    Args:
        situation: as it is.
        told: takes a line of progress.
    """
    now = connect(situation)
    if now.admitted:
        return Cures(now, (), (), 1)
    singles = list(changes(situation))
    tried = 1 + len(singles)
    found = [change for change in singles if connect(change.situation).admitted]
    if found:
        return Cures(now, tuple(sorted(found, key=price)), (), tried)
    if told is not None:
        told(f"no single change helps; trying pairs of {len(singles)}")
    pairs = []
    for first in singles:
        for second in changes(first.situation):
            if second.knob <= first.knob:
                continue  # the other order was or will be tried
            tried += 1
            if connect(second.situation).admitted:
                pairs.append((first, second))
    pairs.sort(key=lambda pair: (*price(pair[0]), *price(pair[1])))
    return Cures(now, (), tuple(pairs[:20]), tried)
