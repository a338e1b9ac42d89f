"""Every field at its place, every difference in its field, and no bytes that make it stumble."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from jitplab import anatomy, pki
from jitplab.lab import Device, Lab

CERTIFICATES = ("signer", "device", "v1")
V3_FIELDS = (
    "version",
    "serialNumber",
    "signature",
    "issuer",
    "notBefore",
    "notAfter",
    "subject",
    "subjectPublicKey",
    "basicConstraints",
    "keyUsage",
    "subjectKeyIdentifier",
    "authorityKeyIdentifier",
    "signatureAlgorithm",
    "signatureValue",
)
V1_FIELDS = tuple(
    name
    for name in V3_FIELDS
    if name
    not in {"version", "basicConstraints", "keyUsage", "subjectKeyIdentifier", "authorityKeyIdentifier"}
)

_KEYS = pki.KeySource("anatomy")
_ROOT = pki.make_root(_KEYS)
SIGNER = pki.make_signer(_KEYS, _ROOT).certificate


@pytest.fixture
def certificate(request: pytest.FixtureRequest, lab: Lab, device: Device, v1_certificate: bytes) -> bytes:
    """The certificate of the case that the test's parameter names."""
    found = {
        "signer": lab.signer.certificate,
        "device": device.certificate,
        "v1": v1_certificate,
    }
    name: str = request.param
    return found[name]


def value(der: bytes, name: str) -> bytes:
    field = anatomy.field_named(der, name)
    assert field is not None, name
    return der[field.offset : field.end]


def tlv(tag: int, *contents: bytes) -> bytes:
    body = b"".join(contents)
    size = len(body)
    return bytes([tag]) + (bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2)) + body


def rebuilt(der: bytes, change: Callable[[list[bytes]], None]) -> bytes:
    """``der`` with the elements of its tbsCertificate changed in place and every length made to fit."""
    outer = anatomy.read_tlv(der, 0, len(der))
    tbs, *rest = anatomy.children(der, outer)
    elements = [der[element.start : element.end] for element in anatomy.children(der, tbs)]
    change(elements)
    return tlv(0x30, tlv(0x30, *elements), *(der[element.start : element.end] for element in rest))


def with_extension(der: bytes, extension: bytes) -> bytes:
    """``der`` with an extension added behind the others."""

    def add(elements: list[bytes]) -> None:
        wrapped = anatomy.read_tlv(elements[-1], 0, len(elements[-1]))
        inner = anatomy.read_tlv(elements[-1], wrapped.body, wrapped.end)
        elements[-1] = tlv(0xA3, tlv(0x30, elements[-1][inner.body : inner.end], extension))

    return rebuilt(der, add)


@pytest.mark.parametrize(
    "certificate, names",
    [("signer", V3_FIELDS), ("device", V3_FIELDS), ("v1", V1_FIELDS)],
    indirect=["certificate"],
)
def test_a_certificate_of_the_case_has_just_its_fields_and_none_overlap(
    certificate: bytes, names: tuple[str, ...]
) -> None:
    found = anatomy.fields(certificate)

    assert sorted(field.name for field in found) == sorted(names)
    assert all(one.end <= other.offset for one, other in pairwise(found))
    assert found[-1].end == len(certificate)


@pytest.mark.parametrize("certificate", CERTIFICATES, indirect=True)
def test_the_fields_carry_what_cryptography_parses(certificate: bytes) -> None:
    parsed = x509.load_der_x509_certificate(certificate)
    point = parsed.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )

    tbs = anatomy.tbs_certificate(certificate)
    assert certificate[tbs.offset : tbs.end] == parsed.tbs_certificate_bytes
    assert int.from_bytes(value(certificate, "serialNumber")) == parsed.serial_number
    assert value(certificate, "issuer") == parsed.issuer.public_bytes()
    assert value(certificate, "subject") == parsed.subject.public_bytes()
    assert value(certificate, "subjectPublicKey") == point[1:]
    assert value(certificate, "signatureValue") == parsed.signature
    assert value(certificate, "signature") == value(certificate, "signatureAlgorithm")
    assert value(certificate, "signature").hex() == "300a06082a8648ce3d040302"


@pytest.mark.parametrize("certificate", CERTIFICATES, indirect=True)
def test_the_dates_are_their_text(certificate: bytes) -> None:
    parsed = x509.load_der_x509_certificate(certificate)

    assert _date(value(certificate, "notBefore")) == parsed.not_valid_before_utc
    assert _date(value(certificate, "notAfter")) == parsed.not_valid_after_utc


def _date(text: bytes) -> datetime:
    form = "%y%m%d%H%M%SZ" if len(text) == 13 else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text.decode(), form).replace(tzinfo=UTC)


@pytest.mark.parametrize("certificate", ["signer", "device"], indirect=True)
def test_the_extensions_carry_what_cryptography_parses(certificate: bytes) -> None:
    extensions = x509.load_der_x509_certificate(certificate).extensions
    subject = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value

    assert value(certificate, "version") == bytes.fromhex("020102")
    assert value(certificate, "subjectKeyIdentifier") == subject.digest
    assert value(certificate, "authorityKeyIdentifier") == authority.key_identifier
    for kind, name in ((x509.BasicConstraints, "basicConstraints"), (x509.KeyUsage, "keyUsage")):
        assert value(certificate, name) == extensions.get_extension_for_class(kind).value.public_bytes()


def test_the_case_s_common_names_are_found(device: Device) -> None:
    der = device.certificate
    subject, issuer = anatomy.common_name(der, "subject"), anatomy.common_name(der, "issuer")

    assert subject is not None
    assert issuer is not None
    assert der[subject.offset : subject.end] == b"pu0223528E47B3461DEE"
    assert der[issuer.offset : issuer.end] == b"signer.companyname.com FFFF"


def test_a_name_without_a_common_name_has_none() -> None:
    nameless = rebuilt(SIGNER, lambda elements: elements.__setitem__(5, tlv(0x30)))

    assert anatomy.common_name(nameless, "subject") is None
    assert anatomy.common_name(nameless, "no such field") is None


def test_an_attribute_that_is_no_pair_is_told_apart() -> None:
    broken = rebuilt(
        SIGNER, lambda elements: elements.__setitem__(5, tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\0"))))
    )

    with pytest.raises(ValueError, match="of subject is not a type and a value"):
        anatomy.common_name(broken, "subject")


def test_a_field_that_is_not_there_is_none(v1_certificate: bytes) -> None:
    assert anatomy.field_named(v1_certificate, "authorityKeyIdentifier") is None


@pytest.mark.parametrize("certificate", CERTIFICATES, indirect=True)
def test_every_flipped_byte_of_a_field_is_reported_in_that_field_alone(certificate: bytes) -> None:
    for field in anatomy.fields(certificate):
        for at in {field.offset, field.offset + field.length // 2, field.end - 1}:
            if field.name in {"issuer", "subject", "signature", "signatureAlgorithm"} and at == field.offset:
                continue  # the tag of the name or algorithm itself
            flipped = bytearray(certificate)
            flipped[at] ^= 1
            found = anatomy.differences(bytes(flipped), certificate)

            assert [difference.field for difference in found] == [field]
            assert found[0].at == (at,)
            assert found[0].ours == bytes(flipped)[field.offset : field.end]
            assert found[0].theirs == certificate[field.offset : field.end]


@pytest.mark.parametrize("certificate", CERTIFICATES, indirect=True)
def test_any_changed_byte_that_leaves_a_certificate_is_reported_at_its_place(certificate: bytes) -> None:
    for at in range(len(certificate)):
        changed = bytearray(certificate)
        changed[at] ^= 0x01
        try:
            found = anatomy.differences(bytes(changed), certificate)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either answer is right, a crash is not
        else:
            assert found
            if anatomy.fields(bytes(changed)) == anatomy.fields(certificate):
                assert [difference.at for difference in found] == [(at,)]


@pytest.mark.parametrize("certificate", CERTIFICATES, indirect=True)
def test_equal_certificates_differ_in_nothing(certificate: bytes) -> None:
    assert anatomy.differences(certificate, bytes(certificate)) == ()


def test_a_field_of_another_length_does_not_drag_the_rest_along() -> None:
    longer = rebuilt(SIGNER, lambda elements: elements.__setitem__(1, tlv(2, b"\x01", bytes(16))))
    found = anatomy.differences(longer, SIGNER)

    assert [difference.field.name for difference in found] == ["serialNumber"]
    assert (len(found[0].ours), len(found[0].theirs)) == (17, 16)
    assert len(longer) == len(SIGNER) + 1


def test_a_field_that_is_a_prefix_of_its_twin_differs_behind_its_end() -> None:
    serial = value(SIGNER, "serialNumber")
    longer = rebuilt(SIGNER, lambda elements: elements.__setitem__(1, tlv(2, serial, b"\0")))
    (found,) = anatomy.differences(SIGNER, longer)
    field = anatomy.field_named(SIGNER, "serialNumber")

    assert field is not None
    assert found.at == (field.end,)


def test_a_field_that_only_one_of_two_has_is_reported_from_either_side() -> None:
    extra = tlv(0x30, tlv(6, bytes.fromhex("2a03")), tlv(4, b"news"))
    more = with_extension(SIGNER, extra)
    (with_it,) = anatomy.differences(more, SIGNER)
    (without_it,) = anatomy.differences(SIGNER, more)

    assert (with_it.field.name, with_it.ours, with_it.theirs) == ("extension 2a03", b"news", b"")
    assert (without_it.field.name, without_it.ours, without_it.theirs) == ("extension 2a03", b"", b"news")


def test_a_unique_identifier_that_nobody_names_belongs_to_the_encoding() -> None:
    ours, theirs = (
        rebuilt(SIGNER, lambda elements, octet=octet: elements.insert(7, tlv(0x81, b"\0" + octet)))  # type: ignore[misc]
        for octet in (b"a", b"b")
    )
    (found,) = anatomy.differences(ours, theirs)

    assert found.field.name == "encoding"
    assert [ours[at : at + 1] for at in found.at] == [b"a"]


def test_of_two_fields_of_one_name_each_is_compared_with_its_own_twin() -> None:
    one, two, three = (
        tlv(0x30, tlv(6, bytes.fromhex("2a03")), tlv(4, text)) for text in (b"one", b"two", b"TWO")
    )
    ours = with_extension(with_extension(SIGNER, one), two)
    theirs = with_extension(with_extension(SIGNER, one), three)
    (found,) = anatomy.differences(ours, theirs)

    assert (found.ours, found.theirs) == (b"two", b"TWO")


def test_a_critical_flag_is_a_difference_of_the_encoding_even_beside_another() -> None:
    def extension(flag: int) -> bytes:
        return tlv(0x30, tlv(6, bytes.fromhex("2a03")), tlv(1, bytes([flag])), tlv(4, b"news"))

    ours, theirs = with_extension(SIGNER, extension(0xFF)), with_extension(SIGNER, extension(0))
    changed = bytearray(ours)
    changed[-1] ^= 1

    assert [d.field.name for d in anatomy.differences(ours, theirs)] == ["encoding"]
    assert [d.field.name for d in anatomy.differences(bytes(changed), theirs)] == [
        "signatureValue",
        "encoding",
    ]


@pytest.mark.parametrize(
    "oid, broken",
    [
        ("551d23", b"\x30\x05\x80"),  # a length that does not fit
        ("551d23", b""),
        ("551d23", b"\x30\x00"),  # no key identifier in it
        ("551d23", b"\x04\x00"),
        ("551d0e", b"\x30\x00"),
    ],
)
def test_a_key_identifier_that_cannot_be_taken_apart_is_the_whole_value(oid: str, broken: bytes) -> None:
    der = with_extension(SIGNER, tlv(0x30, tlv(6, bytes.fromhex(oid)), tlv(4, broken)))
    last = [field for field in anatomy.fields(der) if field.name.endswith("KeyIdentifier")][-1]

    assert der[last.offset : last.end] == broken


@pytest.mark.parametrize(
    "der, sentence",
    [
        (b"", "DER ends at byte 0"),
        (b"\x04\x00", "starts with a SEQUENCE"),
        (b"\x30\x80", "0x80"),
        (b"\x30\x84\0\0\0\0", "0x84"),
        (b"\x30\x05\x00", "claims 5 bytes and only 1 are there"),
        (b"\x30\x00", "tbsCertificate, signatureAlgorithm and signatureValue"),
        (SIGNER + b"\0", "ends at byte"),
        (tlv(0x30, tlv(0x30), tlv(0x30), tlv(3)), "unused bits"),
        (tlv(0x30, tlv(0x30), tlv(0x30), tlv(3, b"\0")), "at least six elements"),
        (rebuilt(SIGNER, lambda e: e.__setitem__(4, tlv(0x30, tlv(0x17)))), "two dates, this holds 1"),
        (rebuilt(SIGNER, lambda e: e.__setitem__(6, tlv(0x30))), "an algorithm and a key, this has 0"),
        (rebuilt(SIGNER, lambda e: e.__setitem__(6, tlv(0x30, tlv(0x30), tlv(3)))), "subjectPublicKey"),
        (with_extension(SIGNER, tlv(0x30)), "is not an identifier"),
        (with_extension(SIGNER, tlv(0x30, tlv(6), tlv(5))), "is not an identifier"),
    ],
)
def test_what_is_no_certificate_is_refused_in_a_sentence(der: bytes, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        anatomy.fields(der)

    assert sentence in str(caught.value)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_it_stumble(der: bytes) -> None:
    _survives(der)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SIGNER) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, len(SIGNER)),
)
def test_no_mutated_certificate_makes_it_stumble(changes: list[tuple[int, int]], end: int) -> None:
    mutated = bytearray(SIGNER)
    for at, octet in changes:
        mutated[at] = octet
    _survives(bytes(mutated))
    _survives(bytes(mutated[:end]))


_element = st.recursive(
    st.builds(tlv, st.sampled_from([2, 3, 4, 5, 6, 0x17, 0x80]), st.binary(max_size=6)),
    lambda inner: st.builds(
        lambda tag, parts: tlv(tag, *parts),
        st.sampled_from([0x30, 0x31, 0xA0, 0xA3]),
        st.lists(inner, max_size=8),
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.lists(_element, min_size=6, max_size=9))
def test_no_well_formed_der_in_place_of_the_tbs_makes_it_stumble(elements: list[bytes]) -> None:
    _survives(tlv(0x30, tlv(0x30, *elements), tlv(0x30), tlv(3, b"\0")))


def _survives(der: bytes) -> None:
    questions: tuple[Callable[[], object], ...] = (
        lambda: anatomy.fields(der),
        lambda: anatomy.tbs_certificate(der),
        lambda: anatomy.common_name(der, "subject"),
        lambda: anatomy.differences(der, SIGNER),
        lambda: anatomy.differences(SIGNER, der),
    )
    for ask in questions:
        try:
            ask()
        except ValueError as error:
            assert len(str(error).split()) > 4  # noqa: PT017 - a sentence or an answer, both are right
