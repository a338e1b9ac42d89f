"""SHA-256 whose state can be taken out and put back, as the SHA command's contexts need it.

The standard library's hash objects do not show their state words; this follows FIPS 180-4, section 6.2.
"""

from dataclasses import dataclass, field, replace

BLOCK_SIZE = 64
_MASK = 0xFFFFFFFF


def _fractions(power: float, count: int) -> tuple[int, ...]:
    """The first 32 fractional bits of a root of the first primes (FIPS 180-4, 4.2.2 and 5.3.3)."""
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in range(2, int(number**0.5) + 1)):
            found.append(int(number**power % 1 * (1 << 32)))
        number += 1
    return tuple(found)


_ROUND_CONSTANTS = _fractions(1 / 3, 64)
_INITIAL_STATE = _fractions(1 / 2, 8)


def _rotated(word: int, count: int) -> int:
    return (word >> count | word << 32 - count) & _MASK


def _compress(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    """One block into the state (FIPS 180-4, 6.2.2)."""
    schedule = [int.from_bytes(block[at : at + 4], "big") for at in range(0, BLOCK_SIZE, 4)]
    for t in range(16, 64):
        early, late = schedule[t - 15], schedule[t - 2]
        sigma0 = _rotated(early, 7) ^ _rotated(early, 18) ^ early >> 3
        sigma1 = _rotated(late, 17) ^ _rotated(late, 19) ^ late >> 10
        schedule.append(sigma1 + schedule[t - 7] + sigma0 + schedule[t - 16] & _MASK)

    a, b, c, d, e, f, g, h = state
    for constant, word in zip(_ROUND_CONSTANTS, schedule, strict=True):
        sum1 = _rotated(e, 6) ^ _rotated(e, 11) ^ _rotated(e, 25)
        t1 = h + sum1 + (e & f ^ ~e & g) + constant + word
        sum0 = _rotated(a, 2) ^ _rotated(a, 13) ^ _rotated(a, 22)
        t2 = sum0 + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (t1 + t2) & _MASK, a, b, c, (d + t1) & _MASK, e, f, g

    return tuple(old + new & _MASK for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))


@dataclass(frozen=True, slots=True)
class Sha256:
    """A SHA-256 under way; updating gives a new one.

    Attributes:
        state: the eight state words after the last full block.
        pending: the bytes since then, less than 64.
        length: bytes taken in so far.
    """

    state: tuple[int, ...] = field(default=_INITIAL_STATE, repr=False)
    pending: bytes = field(default=b"", repr=False)
    length: int = 0

    def update(self, data: bytes) -> "Sha256":
        """The hash after `data`."""
        state, pending = self.state, self.pending + data
        while len(pending) >= BLOCK_SIZE:
            state, pending = _compress(state, pending[:BLOCK_SIZE]), pending[BLOCK_SIZE:]

        return replace(self, state=state, pending=pending, length=self.length + len(data))

    def digest(self) -> bytes:
        """The 32-byte hash."""
        zeros = -(self.length + 9) % BLOCK_SIZE
        padded = self.update(b"\x80" + bytes(zeros) + (8 * self.length).to_bytes(8, "big"))

        return b"".join(word.to_bytes(4, "big") for word in padded.state)
