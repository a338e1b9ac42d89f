"""What both libraries write into a chip for one certificate: the same bytes, or the same status number."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from softatecc.certificate import (
    CertificateDefinition,
    CertificateLocation,
    CertificateStatus,
    DateFormat,
    DeviceLocation,
    DeviceZone,
    Element,
    Transform,
)
from softatecc.compressed import DateDigits, format_date

Sketch = Callable[..., CertificateDefinition]
Spoil = Callable[[CertificateDefinition, str], CertificateDefinition]
#: Status, slot 10, slot 8, OTP, and what the wheel then rebuilds.
Written = tuple[int, bytes, bytes, bytes, bytes | int | None]
Both = Callable[[CertificateDefinition, bytes], tuple[Written, Written]]

KEY = bytes(range(100, 164))
ISSUED, EXPIRES = DateDigits(2021, 1, 14, 21), DateDigits(2049, 1, 14, 21)
LEGIBLE = st.sampled_from(b"0123456789ABCDEFabcdefGZ -\x00")

fixtures_stay = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
pytestmark = pytest.mark.wheel

#: What is wrong, and the status number that the wheel gives; 0 is success.
SPOILED = {
    "template id": 0,
    "chain id": 0,
    "serial source": 0,
    "serial size": 0,
    "serial place": 9,
    "signer id size": 7,
    "issue date size": 7,
    "expire date size": 7,
    "public key size": 0,
    "public key place": 9,
    "no public key place": 8,
    "subject key id size": 0,
    "authority key id size": 0,
    "signature place": 9,
    "no signer id": 0,
    "no dates": 0,
    "no issue date": 0,
    "no serial place": 8,
    "no key ids": 0,
    "no slots": 0,
    "slot without read": 0,
    "no such slot": -46,
    "behind the slot": -46,
    "across the slot's end": 0,
    "transform size": 0,
    "element place": 9,
    "element without place": 8,
    "indefinite length": 0,
    "length of length": 0,
    "length of nine": 0,
    "wrong length": 0,
    "short length": 0,
}


def certificate_of(
    definition: CertificateDefinition, issued: DateDigits = ISSUED, expires: DateDigits = EXPIRES
) -> bytes:
    """A certificate that fits the definition: legible where something is read, the template elsewhere."""
    der = bytearray(definition.template)
    for where, text in (
        (definition.at_public_key, KEY),
        (definition.at_issue_date, format_date(issued, definition.issue_date_format)),
        (definition.at_expire_date, format_date(expires, definition.expire_date_format)),
        (definition.at_signer_id, b"ABCD"),
    ):
        der[where.offset : where.offset + where.count] = text
    return bytes(der)


def test_what_was_written_is_rebuilt(written_by_both: Both, sketch: Sketch) -> None:
    definition = sketch()
    der = certificate_of(definition)
    theirs, ours = written_by_both(definition, der)

    assert ours == theirs
    assert theirs[0] == 0
    assert isinstance(theirs[-1], bytes)
    assert theirs[-1][152:] == der[152:]


@pytest.mark.parametrize("what,status", SPOILED.items())
def test_a_spoiled_definition_gets_the_same_answer_and_leaves_the_same_behind(
    written_by_both: Both, sketch: Sketch, spoil: Spoil, what: str, status: int
) -> None:
    theirs, ours = written_by_both(spoil(sketch(), what), certificate_of(sketch()))

    assert ours == theirs
    assert theirs[0] == status


@pytest.mark.parametrize("formats", list(product(DateFormat, DateFormat)))
@pytest.mark.parametrize(
    "issued,expires,expire_years",
    [
        (ISSUED, DateDigits(2022, 1, 14, 21), 5),
        (ISSUED, EXPIRES, 0),
        (DateDigits(2000, 1, 1, 0), DateDigits(2031, 1, 1, 0), 1),
        (DateDigits(2000, 1, 1, 0), DateDigits(2032, 1, 1, 0), 1),
        (DateDigits(2032, 3, 1, 0), DateDigits(2033, 3, 1, 0), 1),
        (DateDigits(2021, 1, 14, 21, 5, 7), DateDigits(2049, 12, 31, 23, 59, 59), 31),
        (ISSUED, DateDigits(2049, 1, 14, 22), 50),
        (ISSUED, DateDigits(2049, 1, 14, 22), 128),
        (DateDigits(2022, 1, 14, 21), DateDigits(2021, 1, 14, 21), 5),
        (DateDigits(1999, 1, 14, 21), DateDigits(2021, 1, 14, 21), 5),
        (ISSUED, ISSUED, 5),
    ],
)
def test_every_lifetime_is_written_alike(
    written_by_both: Both,
    sketch: Sketch,
    formats: tuple[DateFormat, DateFormat],
    issued: DateDigits,
    expires: DateDigits,
    expire_years: int,
) -> None:
    definition = sketch(issue_format=formats[0], expire_format=formats[1], expire_years=expire_years)
    theirs, ours = written_by_both(definition, certificate_of(definition, issued, expires))

    assert ours == theirs


@pytest.mark.parametrize(
    "issued_in,expires_in,ids",
    [
        (2031, 2062, "3500 00"),
        (2031, 2063, "3501 10"),
        (2032, 2033, "3501 40"),
        (2000, 2127, "3501 30"),
        (2127, 2254, "3501 f0"),
        (2000, 2128, "3500 00"),
        (2128, 2129, None),
    ],
)
def test_the_later_format_is_written_where_the_dates_need_it(
    written_by_both: Both, sketch: Sketch, issued_in: int, expires_in: int, ids: str | None
) -> None:
    definition = sketch(issue_format=DateFormat.GENERALIZED_TIME, expire_years=3)
    der = certificate_of(definition, DateDigits(issued_in, 6, 30, 12), DateDigits(expires_in, 6, 30, 12))
    theirs, ours = written_by_both(definition, der)

    assert ours == theirs
    assert theirs[0] == (0 if ids else CertificateStatus.INVALID_DATE)
    assert theirs[1][69:72] == (bytes.fromhex(ids) if ids else b"\xaa" * 3)


@fixtures_stay
@given(
    texts=st.fixed_dictionaries(
        {},
        optional={
            176: st.lists(LEGIBLE, min_size=13, max_size=13).map(bytes),
            192: st.lists(LEGIBLE, min_size=15, max_size=15).map(bytes),
            208: st.lists(LEGIBLE, min_size=4, max_size=4).map(bytes),
        },
    )
)
@example({208: b"WXYZ"})  # no signer id
def test_texts_of_every_kind_are_judged_alike(
    written_by_both: Both, sketch: Sketch, texts: dict[int, bytes]
) -> None:
    der = bytearray(certificate_of(sketch()))
    for at, text in texts.items():
        der[at : at + len(text)] = text
    theirs, ours = written_by_both(sketch(), bytes(der))

    assert ours == theirs


@fixtures_stay
@given(
    at=st.integers(0, 71), octet=st.sampled_from([0, 1, 2, 3, 0x20, 0x21, 0x22, 0x30, 0x45, 0x80, 0x81, 0xFF])
)
def test_a_damaged_signature_is_judged_alike(
    written_by_both: Both, sketch: Sketch, at: int, octet: int
) -> None:
    der = bytearray(certificate_of(sketch()))
    der[300 + at] = octet
    theirs, ours = written_by_both(sketch(), bytes(der))

    assert ours == theirs


@pytest.mark.parametrize("cut", [300, 301, 303, 304, 310, 337, 371])
def test_a_certificate_cut_short_is_judged_alike(written_by_both: Both, sketch: Sketch, cut: int) -> None:
    theirs, ours = written_by_both(sketch(), certificate_of(sketch())[:cut])

    assert ours == theirs
    assert theirs[0] in {CertificateStatus.DECODING_ERROR, CertificateStatus.ELEM_OUT_OF_BOUNDS}


def test_a_write_leaves_the_rest_of_a_long_slot_alone(written_by_both: Both, sketch: Sketch) -> None:
    extra = Element("extra", DeviceLocation(DeviceZone.DATA, 8, 96, 32), CertificateLocation(216, 32))
    definition = replace(sketch(), elements=(extra,))
    der = certificate_of(definition)
    theirs, ours = written_by_both(definition, der)

    assert ours == theirs
    assert theirs[2] == b"\xaa" * 96 + der[216:248] + b"\xaa" * 288


def test_an_element_of_the_otp_zone_is_written_alike(written_by_both: Both, sketch: Sketch) -> None:
    extra = Element("extra", DeviceLocation(DeviceZone.OTP, 0, 32, 32), CertificateLocation(216, 32))
    definition = replace(sketch(), elements=(extra,))
    der = certificate_of(definition)
    theirs, ours = written_by_both(definition, der)

    assert ours == theirs
    assert theirs[3] == b"\xaa" * 32 + der[216:248]


def test_a_reversed_element_is_stored_as_it_stands_and_so_comes_back_reversed(
    written_by_both: Both, sketch: Sketch
) -> None:
    where = DeviceLocation(DeviceZone.DATA, 8, 0, 32)
    extra = Element("extra", where, CertificateLocation(216, 32), Transform.REVERSE)
    definition = replace(sketch(), elements=(extra,))
    der = certificate_of(definition)
    theirs, ours = written_by_both(definition, der)

    assert ours == theirs
    assert theirs[2][:32] == der[216:248]
    assert isinstance(theirs[-1], bytes)
    assert theirs[-1][216:248] == der[216:248][::-1]
