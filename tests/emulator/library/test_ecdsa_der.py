"""Signatures between ``R || S`` and DER, byte by byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.compressed import CertificateError, CertificateStatus
from softatecc.ecdsa_der import adjust_length, raw_signature, set_signature

BODY = b"\x30\x82\x01\x00" + bytes(256)


def signed(raw: bytes) -> bytes:
    der = bytearray(BODY + b"\x03\x00")
    der[2:4] = (258).to_bytes(2)
    set_signature(der, len(BODY), raw)
    return bytes(der)


@given(raw=st.binary(min_size=64, max_size=64))
def test_a_signature_comes_back_from_the_certificate_it_was_put_into(raw: bytes) -> None:
    der = signed(raw)

    assert raw_signature(der, len(BODY)) == raw
    assert int.from_bytes(der[2:4]) == len(der) - 4


def test_integers_are_minimal_and_positive() -> None:
    raw = bytes(31) + b"\x01" + b"\x80" + bytes(31)

    assert signed(raw)[len(BODY) :].hex() == "03290030260201010221" + "00" + "80" + "00" * 31


@pytest.mark.parametrize(
    "signature,status,sentence",
    [
        ("", CertificateStatus.ELEM_OUT_OF_BOUNDS, "lies behind the 0 bytes"),
        ("04", CertificateStatus.DECODING_ERROR, "no element 0x03"),
        ("03", CertificateStatus.DECODING_ERROR, "no length of DER stands at byte 1 of 1"),
        ("0380", CertificateStatus.DECODING_ERROR, "no length of DER"),
        ("038901", CertificateStatus.DECODING_ERROR, "no length of DER"),
        ("0305", CertificateStatus.DECODING_ERROR, "claims 5 bytes, 0 are there"),
        ("030101", CertificateStatus.DECODING_ERROR, "no whole number of bytes"),
        ("03020031", CertificateStatus.DECODING_ERROR, "no element 0x30"),
        ("030700300402000203", CertificateStatus.DECODING_ERROR, "claims 3 bytes, 0 are there"),
        ("030a00300602010102010100", CertificateStatus.DECODING_ERROR, "more than two integers"),
        ("030a00300702010102010100", CertificateStatus.DECODING_ERROR, "more than two integers"),
        ("0329003026022101" + "00" * 32 + "020101", CertificateStatus.DECODING_ERROR, "than the 32 bytes"),
        ("032a0030270222" + "00" * 34 + "020101", CertificateStatus.BUFFER_TOO_SMALL, "has 34 bytes"),
    ],
)
def test_what_is_no_signature_is_refused_with_its_reason(
    signature: str, status: CertificateStatus, sentence: str
) -> None:
    der = bytes.fromhex(signature)
    with pytest.raises(CertificateError, match=sentence) as caught:
        raw_signature(der, 0)

    assert caught.value.status is status


@pytest.mark.parametrize(
    "der,change,status",
    [
        (b"", 0, CertificateStatus.DECODING_ERROR),
        (b"\x30", 0, CertificateStatus.DECODING_ERROR),
        (b"\x30\x05", -6, CertificateStatus.ERROR),
        (b"\x30\x7f", 1, CertificateStatus.BAD_CERT),
        (b"\x30\x81\x80", -1, CertificateStatus.BAD_CERT),
        (b"\x30\x82\x00\x80", 0, CertificateStatus.BAD_CERT),
    ],
)
def test_a_length_that_cannot_change_in_place_is_refused(
    der: bytes, change: int, status: CertificateStatus
) -> None:
    with pytest.raises(CertificateError) as caught:
        adjust_length(bytearray(der), change)

    assert caught.value.status is status


@pytest.mark.parametrize(
    "der,change,changed,size",
    [
        ("3005", 122, "307f", 129),
        ("308180", 127, "3081ff", 258),
        ("30820100", 0, "30820100", 260),
        ("30820180", -1, "3082017f", 387),
    ],
)
def test_a_length_changes_in_place(der: str, change: int, changed: str, size: int) -> None:
    octets = bytearray.fromhex(der)

    assert adjust_length(octets, change) == size
    assert octets.hex() == changed


def test_a_signature_behind_the_certificate_has_no_place() -> None:
    with pytest.raises(CertificateError, match="offset 260 lies behind the 260 bytes") as caught:
        set_signature(bytearray(BODY), 260, bytes(64))

    assert caught.value.status is CertificateStatus.ELEM_OUT_OF_BOUNDS


def test_a_length_that_does_not_end_with_the_certificate_is_refused() -> None:
    with pytest.raises(CertificateError, match="does not end where its 262 bytes do") as caught:
        set_signature(bytearray(BODY + b"\x03\x00"), 260, bytes(64))

    assert caught.value.status is CertificateStatus.BAD_CERT
