"""The case's table: every slot the firmware can take the root's key from, and what comes of it.

Rows: tests/vectors/case/README.md.  Keys come from a fixed seed: two key identifiers drawn at random
agree in at least one byte in 7.65 % of all cases, so a test must name fields and never count bytes.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from jitplab import anatomy, pki
from jitplab.lab import Device, Lab, Settings
from softatecc.certificate import DeviceLocation, DeviceZone, key_identifier
from softatecc.library import CertificateLibrary, LibraryError

BAD_PARAM, EXECUTION_ERROR = -30, -12
AKI, SKI, KEY = "authorityKeyIdentifier", "subjectKeyIdentifier", "subjectPublicKey"
ALL_ZERO, ALL_FF = bytes.fromhex("a4d2642aa3f7"), bytes.fromhex("94a7d5818ab9")


@pytest.fixture(
    scope="module", params=[pytest.param("cryptoauthlib", marks=pytest.mark.wheel), pytest.param("own")]
)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    settings = Settings(seed="wrong choices", library=request.param, host_sleeps=sys.platform != "linux")
    with Lab(settings) as lab:
        yield lab


@pytest.fixture(scope="module")
def device(lab: Lab) -> Device:
    return lab.provision_device()


@pytest.fixture
def library(lab: Lab) -> CertificateLibrary:
    return lab.bench.library


def fields_that_differ(ours: bytes, theirs: bytes) -> set[str]:
    return {difference.field.name for difference in anatomy.differences(ours, theirs)}


def field(der: bytes, name: str) -> bytes:
    found = anatomy.field_named(der, name)
    assert found is not None
    return der[found.offset : found.end]


def test_the_right_slot_gives_the_issued_chain(lab: Lab, device: Device) -> None:
    chain = lab.rebuild_chain(device, root_key_slot=15)

    assert chain.signer == lab.signer.certificate
    assert chain.device == device.certificate
    assert pki.signature_verifies(chain.signer, lab.root.key.public_key)
    assert pki.signature_verifies(chain.device, lab.signer.key.public_key)


@pytest.mark.parametrize("slot", [8, 10, 11, 12, 13, 14])
def test_another_readable_slot_spoils_the_key_identifier_and_nothing_else(
    lab: Lab, device: Device, slot: int
) -> None:
    chain = lab.rebuild_chain(device, root_key_slot=slot)

    assert chain.signer is not None
    assert len(chain.signer) == len(lab.signer.certificate)
    assert fields_that_differ(chain.signer, lab.signer.certificate) == {AKI}
    assert not pki.signature_verifies(chain.signer, lab.root.key.public_key)
    assert chain.device == device.certificate


@pytest.mark.parametrize(
    "slot,is_genkey,status",
    [
        (9, False, EXECUTION_ERROR),
        *((slot, False, BAD_PARAM) for slot in range(8)),
        *((slot, True, EXECUTION_ERROR) for slot in range(1, 16)),
    ],
)
def test_these_choices_are_refused_loudly(
    lab: Lab, device: Device, slot: int, is_genkey: bool, status: int
) -> None:
    with pytest.raises(LibraryError) as caught:
        lab.rebuild_chain(device, root_key_slot=slot, is_genkey=is_genkey)

    assert caught.value.status == status


def test_the_key_computed_in_slot_0_spoils_the_key_identifier_and_nothing_else(
    lab: Lab, device: Device
) -> None:
    chain = lab.rebuild_chain(device, root_key_slot=0, is_genkey=True)

    assert chain.signer is not None
    assert fields_that_differ(chain.signer, lab.signer.certificate) == {AKI}
    assert field(chain.signer, AKI) == field(device.certificate, SKI)
    assert not pki.signature_verifies(chain.signer, lab.root.key.public_key)
    assert chain.device == device.certificate


def test_the_signers_own_slot_gives_an_authority_key_identifier_equal_to_its_subjects(
    lab: Lab, device: Device
) -> None:
    chain = lab.rebuild_chain(device, root_key_slot=11)

    assert chain.signer is not None
    assert field(chain.signer, AKI) == field(lab.signer.certificate, SKI)


@pytest.mark.parametrize("slot", [8, 10, 11, 12, 13, 14, 15])
def test_the_identifier_names_the_slot_it_was_computed_from(
    lab: Lab, device: Device, library: CertificateLibrary, slot: int
) -> None:
    chain = lab.rebuild_chain(device, root_key_slot=slot)

    assert chain.signer is not None
    assert field(chain.signer, AKI) == pki.key_identifier(library.read_pubkey(slot))


def test_an_erased_slot_has_a_fingerprint(lab: Lab, device: Device, library: CertificateLibrary) -> None:
    chain = lab.rebuild_chain(device, root_key_slot=8)

    assert chain.signer is not None
    assert library.read_pubkey(8) == b"\xff" * 64
    assert field(chain.signer, AKI)[:6] == ALL_FF


def test_a_slot_of_zeros_has_a_fingerprint(device: Device, library: CertificateLibrary) -> None:
    rebuilt = library.read_cert(device.signer_definition, bytes(64))

    assert field(rebuilt, AKI)[:6] == ALL_ZERO


def test_the_signers_key_from_the_roots_slot_spoils_both_certificates(
    lab: Lab, device: Device, library: CertificateLibrary
) -> None:
    root_key = library.read_pubkey(15)
    astray = replace(device.signer_definition, public_key=DeviceLocation(DeviceZone.DATA, 15, 0, 72))
    signer = library.read_cert(astray, root_key)
    leaf = library.read_cert(device.device_definition, root_key)

    assert fields_that_differ(signer, lab.signer.certificate) == {KEY, SKI}
    assert fields_that_differ(leaf, device.certificate) == {AKI}
    assert not pki.signature_verifies(signer, lab.root.key.public_key)
    assert not pki.signature_verifies(leaf, lab.signer.key.public_key)


def test_the_signers_key_from_an_empty_slot_passes_the_library_and_fails_the_parser(
    lab: Lab, device: Device, library: CertificateLibrary
) -> None:
    astray = replace(device.signer_definition, public_key=DeviceLocation(DeviceZone.DATA, 8, 0, 72))
    signer = library.read_cert(astray, library.read_pubkey(15))

    assert fields_that_differ(signer, lab.signer.certificate) == {KEY, SKI}
    with pytest.raises(ValueError):
        pki.public_key_from(signer)


def test_without_a_key_the_templates_identifier_stays_and_the_chain_is_right(
    lab: Lab, device: Device, library: CertificateLibrary
) -> None:
    assert library.read_cert(device.signer_definition, None) == lab.signer.certificate
    assert library.read_cert(device.device_definition, None) == device.certificate


def test_eight_bytes_too_many_give_an_identifier_of_no_key_in_both_certificates(
    lab: Lab, device: Device, library: CertificateLibrary
) -> None:
    signer = library.read_cert(device.signer_definition, library.read_pubkey(15) + bytes(8))
    leaf = library.read_cert(device.device_definition, library.read_pubkey(11) + bytes(8))

    assert fields_that_differ(signer, lab.signer.certificate) == {AKI}
    assert fields_that_differ(leaf, device.certificate) == {AKI}
    assert field(signer, AKI) == key_identifier(lab.root.key.public_key + bytes(8))
    assert field(leaf, AKI) == key_identifier(lab.signer.key.public_key + bytes(8))
    assert not pki.signature_verifies(signer, lab.root.key.public_key)
    assert not pki.signature_verifies(leaf, lab.signer.key.public_key)
