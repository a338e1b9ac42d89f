"""Random numbers, keys, signatures and hashes."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from softatecc.crypto import (
    P256_ORDER,
    PrivateKey,
    SignatureMismatch,
    der_signature,
    draw_scalar,
    public_key,
    verify,
)
from softatecc.entropy import FixedEntropy, SeededEntropy, SystemEntropy
from softatecc.sha256 import Sha256

SCALAR = bytes(range(1, 33))
DIGEST = hashlib.sha256(b"message").digest()


@given(st.text(), st.lists(st.integers(0, 100), max_size=6))
def test_a_seed_decides_the_stream_however_it_is_cut(seed: str, cuts: list[int]) -> None:
    one, other = SeededEntropy(seed), SeededEntropy(seed.encode())

    assert b"".join(one.random_bytes(cut) for cut in cuts) == other.random_bytes(sum(cuts))


def test_different_seeds_give_different_streams() -> None:
    streams = {SeededEntropy(str(seed)).random_bytes(32) for seed in range(50)}

    assert len(streams) == 50


def test_system_entropy_is_new_each_time_and_cannot_be_repeated() -> None:
    entropy = SystemEntropy()

    assert not entropy.repeatable
    assert entropy.random_bytes(32) != entropy.random_bytes(32)
    assert len(entropy.random_bytes(5)) == 5


def test_fixed_entropy_gives_what_it_was_given_and_then_the_rest() -> None:
    entropy = FixedEntropy(b"\x80\x81\x82", SeededEntropy("rest"))
    rest = SeededEntropy("rest")

    assert entropy.repeatable
    assert entropy.random_bytes(2) == b"\x80\x81"
    assert entropy.random_bytes(3) == b"\x82" + rest.random_bytes(2)
    assert entropy.random_bytes(4) == rest.random_bytes(4)


@pytest.mark.parametrize("source", ["seeded", "system"])
def test_two_signatures_of_one_digest_differ_and_both_verify(source: str) -> None:
    entropy = SeededEntropy("k") if source == "seeded" else SystemEntropy()
    key = PrivateKey(SCALAR)
    first, second = key.sign(DIGEST, entropy), key.sign(DIGEST, entropy)

    assert first != second
    for signature in (first, second):
        verify(public_key(key.public), DIGEST, signature)


def test_a_seeded_run_signs_byte_for_byte_alike() -> None:
    signatures = {PrivateKey(SCALAR).sign(DIGEST, SeededEntropy("k")) for _ in range(2)}

    assert len(signatures) == 1


def test_a_seeded_signature_is_accepted_by_the_bare_library() -> None:
    key = PrivateKey(SCALAR)
    bare = ec.derive_private_key(int.from_bytes(SCALAR, "big"), ec.SECP256R1()).public_key()

    signature = der_signature(key.sign(DIGEST, SeededEntropy("k")))

    bare.verify(signature, DIGEST, ec.ECDSA(utils.Prehashed(SHA256())))
    with pytest.raises(InvalidSignature):
        bare.verify(signature, bytes(32), ec.ECDSA(utils.Prehashed(SHA256())))


@pytest.mark.parametrize("scalar", [bytes(32), P256_ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_a_number_outside_the_group_is_no_private_key(scalar: bytes) -> None:
    with pytest.raises(ValueError, match="from 1 to the group order less 1"):
        PrivateKey(scalar)


def test_a_scalar_is_drawn_again_until_it_lies_in_the_group() -> None:
    entropy = FixedEntropy(b"\xff" * 32 + bytes(32) + SCALAR, SeededEntropy("rest"))

    assert draw_scalar(entropy) == SCALAR


def test_a_key_shows_its_public_half_alone() -> None:
    key = PrivateKey(SCALAR)

    assert key.public.hex() in repr(key)
    assert SCALAR.hex() not in repr(key)
    assert str(int.from_bytes(SCALAR, "big")) not in repr(key)


@pytest.mark.parametrize("half", [0, P256_ORDER, (1 << 256) - 1])
@pytest.mark.parametrize("place", [0, 32])
def test_r_and_s_outside_the_group_never_verify(half: int, place: int) -> None:
    key = PrivateKey(SCALAR)
    signature = bytearray(key.sign(DIGEST, SeededEntropy("k")))
    signature[place : place + 32] = half.to_bytes(32, "big")

    with pytest.raises(SignatureMismatch):
        verify(public_key(key.public), DIGEST, bytes(signature))


@given(st.lists(st.binary(max_size=150), max_size=5))
def test_sha256_agrees_with_the_standard_library_however_it_is_fed(parts: list[bytes]) -> None:
    context = Sha256()
    for part in parts:
        context = context.update(part)

    assert context.digest() == hashlib.sha256(b"".join(parts)).digest()
    assert context.length == sum(map(len, parts))
