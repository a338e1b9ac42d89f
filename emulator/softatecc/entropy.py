"""Where the chip's random numbers come from; always passed in, so that every run can be replayed.

Rules of this file:
1. An entropy source that can be replayed says so (`repeatable`); then the secret number of every ECDSA
   signature is drawn from it too. Otherwise the cryptographic library draws that number itself, faster.
2. No source ever shows what it will give next, neither in its repr nor in its errors.
"""

import hashlib
import secrets
from typing import Protocol


class Entropy(Protocol):
    """A source of random bytes."""

    @property
    def repeatable(self) -> bool:
        """Whether the same run will see the same bytes again."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """The next `count` bytes."""
        ...


class SystemEntropy:
    """The operating system's random numbers."""

    __slots__ = ()

    @property
    def repeatable(self) -> bool:
        """Never."""
        return False

    def random_bytes(self, count: int) -> bytes:
        """`count` bytes nobody has seen."""
        return secrets.token_bytes(count)


class SeededEntropy:
    """A stream that depends on its seed alone: SHA-256 over seed and block number.

    For laboratories. The keys of a chip with a published seed are public.
    """

    __slots__ = ("_block", "_pool", "_seed")

    def __init__(self, seed: str | bytes) -> None:
        octets = seed.encode() if isinstance(seed, str) else seed
        self._seed = hashlib.sha256(b"softatecc entropy\x00" + octets).digest()
        self._block = 0
        self._pool = b""

    @property
    def repeatable(self) -> bool:
        """Always."""
        return True

    def random_bytes(self, count: int) -> bytes:
        """The next `count` bytes of the stream."""
        while len(self._pool) < count:
            self._pool += hashlib.sha256(self._seed + self._block.to_bytes(8, "big")).digest()
            self._block += 1
        taken, self._pool = self._pool[:count], self._pool[count:]

        return taken


class FixedEntropy:
    """Given bytes first, then another source: for vectors that fix one random number.

    Args:
        first: what the next calls give, in order.
        then: what gives the rest.
    """

    __slots__ = ("_first", "_then")

    def __init__(self, first: bytes, then: Entropy) -> None:
        self._first = first
        self._then = then

    @property
    def repeatable(self) -> bool:
        """As the source that gives the rest."""
        return self._then.repeatable

    def random_bytes(self, count: int) -> bytes:
        """The next `count` bytes: of what was given, while it lasts, then of the other source."""
        taken, self._first = self._first[:count], self._first[count:]
        if len(taken) < count:
            taken += self._then.random_bytes(count - len(taken))

        return taken
