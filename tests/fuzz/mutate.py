"""Changes inputs the way strangers and bad lines do: bits, bytes, lengths, splices and words."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

_BOUNDARIES: Final = (0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFE, 0xFF)
_LONGEST: Final = 16 * 1024


class Mutator:
    """Makes inputs from ``seeds``; what `keep` was told of becomes a seed, too.

    Args:
        rng: the only source of chance.
        seeds: good inputs to begin with.
        words: fragments that mean something to what is tested.
    """

    def __init__(self, rng: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
        self._rng = rng
        self._pool = list(seeds)
        self._good = len(seeds)
        self._words = words
        self._steps: tuple[Callable[[bytearray], None], ...] = (
            self._flip,
            self._boundary,
            self._any_byte,
            self._cut_out,
            self._double,
            self._word,
            self._splice,
            self._count_up,
            self._cut_off,
        )

    def next(self) -> bytes:
        """A changed input, at most 16 KiB."""
        data = bytearray(self._rng.choice(self._pool))
        for _ in range(self._rng.choice((1, 1, 1, 2, 2, 4, 8, 32))):
            self._rng.choice(self._steps)(data)
        return bytes(data[:_LONGEST])

    def keep(self, data: bytes) -> None:
        """This one led somewhere new; the pool forgets an old find for it, never a seed."""
        if len(self._pool) >= self._good + 512:
            del self._pool[self._rng.randrange(self._good, len(self._pool))]
        self._pool.append(data)

    def _at(self, data: bytearray) -> int:
        return self._rng.randrange(len(data) + 1)

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)

    def _boundary(self, data: bytearray) -> None:
        if data:
            data[self._rng.randrange(len(data))] = self._rng.choice(_BOUNDARIES)

    def _any_byte(self, data: bytearray) -> None:
        data.insert(self._at(data), self._rng.randrange(256))

    def _cut_out(self, data: bytearray) -> None:
        start = self._at(data)
        del data[start : start + self._rng.randrange(1, 9)]

    def _double(self, data: bytearray) -> None:
        start = self._at(data)
        piece = data[start : start + self._rng.randrange(1, 65)]
        data[start:start] = piece * self._rng.randrange(1, 5)

    def _word(self, data: bytearray) -> None:
        start = self._at(data)
        over = self._rng.randrange(2)
        word = self._rng.choice(self._words)
        data[start : start + over * len(word)] = word

    def _splice(self, data: bytearray) -> None:
        other = self._rng.choice(self._pool)
        data[self._at(data) :] = other[self._rng.randrange(len(other) + 1) :]

    def _count_up(self, data: bytearray) -> None:
        if data:
            at = self._rng.randrange(len(data))
            data[at] = (data[at] + self._rng.choice((-2, -1, 1, 2))) % 256

    def _cut_off(self, data: bytearray) -> None:
        del data[self._at(data) :]
