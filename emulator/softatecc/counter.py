"""The monotonic counters as the configuration zone stores them.

Eight bytes: linear words A and B empty bit by bit, binary words A and B count their rounds; A is one
round of 16 ahead of B, so that one of the two pairs is always whole when power fails.

Evidence: vendor-library - cryptoauthlib host counter layout; public dumps of used parts agree.
"""

#: The largest value a counter can hold.
COUNTER_MAXIMUM = 2_097_151


def encode_counter(value: int) -> bytes:
    """The eight bytes of a counter: two linear words that empty bit by bit, two binary words.

    Raises:
        ValueError: the value is outside 0 to 2 097 151.
    """
    if not 0 <= value <= COUNTER_MAXIMUM:
        raise ValueError(f"a counter cannot hold {value}; pass 0 to {COUNTER_MAXIMUM}")
    late = max(value - 16, 0)
    started = value >= 16
    words = (
        0xFFFF >> value % 32,
        0xFFFF >> late % 32 if started else 0xFFFF,
        value // 32,
        late // 32,
    )

    return b"".join(word.to_bytes(2, "big") for word in words)


def decode_counter(octets: bytes) -> int:
    """Value of the eight bytes of a counter.

    Bytes that no counter ever wrote still have a value: binary word A and the emptied bits count.
    """
    linear_a, linear_b, binary_a = (int.from_bytes(octets[at : at + 2], "big") for at in (0, 2, 4))
    emptied_a, emptied_b = 16 - linear_a.bit_count(), 16 - linear_b.bit_count()
    steps = emptied_a if emptied_a < 16 else 16 + emptied_b

    return min(32 * binary_a + steps, COUNTER_MAXIMUM)
