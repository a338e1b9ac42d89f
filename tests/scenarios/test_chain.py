"""The case's definitions rebuild what was issued, and nothing that the chip holds is in a template."""

from __future__ import annotations

import pytest

from jitplab import anatomy, chain, pki
from jitplab.chain import Slot
from jitplab.lab import Chain, Device, Lab
from softatecc.library import LibraryError


def value(der: bytes, name: str) -> bytes:
    field = anatomy.field_named(der, name)
    assert field is not None
    return der[field.offset : field.end]


def test_the_common_name_shows_the_chip_s_serial_number() -> None:
    assert chain.device_common_name(chain.CHIP_SERIAL_NUMBER) == "pu0223528E47B3461DEE"


def test_with_the_root_s_key_from_15_both_certificates_are_rebuilt_byte_for_byte(
    lab: Lab, device: Device, good_chain: Chain
) -> None:
    assert good_chain == Chain(device.certificate, lab.signer.certificate)


@pytest.mark.parametrize("slot", [8, 10, 11, 12, 13, 14])
def test_from_any_other_slot_that_can_be_read_only_the_authority_key_identifier_differs(
    lab: Lab, device: Device, slot: int
) -> None:
    rebuilt = lab.rebuild_chain(device, root_key_slot=slot)
    assert rebuilt.signer is not None
    differing = [each.field.name for each in anatomy.differences(rebuilt.signer, lab.signer.certificate)]

    assert rebuilt.device == device.certificate
    assert differing == ["authorityKeyIdentifier"]
    assert len(rebuilt.signer) == len(lab.signer.certificate)
    assert not pki.signature_verifies(rebuilt.signer, lab.root.key.public_key)


def test_from_slot_0_by_genkey_the_identifier_is_the_device_s_own(lab: Lab, device: Device) -> None:
    rebuilt = lab.rebuild_chain(device, root_key_slot=0, is_genkey=True)
    assert rebuilt.signer is not None

    assert value(rebuilt.signer, "authorityKeyIdentifier") == value(
        device.certificate, "subjectKeyIdentifier"
    )


def test_slot_9_is_the_one_that_says_no(lab: Lab, device: Device) -> None:
    with pytest.raises(LibraryError):
        lab.rebuild_chain(device, root_key_slot=9)


@pytest.mark.parametrize("which", ["signer", "device"])
def test_the_template_holds_nothing_that_must_come_from_the_chip(
    lab: Lab, device: Device, which: str
) -> None:
    definition = device.signer_definition if which == "signer" else device.device_definition
    issued = lab.signer.certificate if which == "signer" else device.certificate
    blank = {"serialNumber", "notBefore", "subjectPublicKey", "subjectKeyIdentifier"}
    if which == "signer":
        blank.add("notAfter")

    assert len(definition.template) == len(issued)
    for field in anatomy.fields(issued):
        held = definition.template[field.offset : field.end]
        assert held == (bytes(field.length) if field.name in blank else issued[field.offset : field.end])


def test_the_slot_map_is_that_of_mbedtls_examples() -> None:
    assert {slot.value: slot.name for slot in Slot} == {
        0: "DEVICE_PRIVATE_KEY",
        10: "DEVICE_COMPRESSED",
        11: "SIGNER_PUBLIC_KEY",
        12: "SIGNER_COMPRESSED",
        13: "OTHER_CA_PUBLIC_KEY",
        14: "SIGNER_SERIAL_AND_DATES",
        15: "ROOT_PUBLIC_KEY",
    }
