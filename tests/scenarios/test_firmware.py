"""What versions of cryptoauthlib do differently, and what the chip is asked for by it."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jitplab import anatomy, firmware, maker
from jitplab.chain import Slot
from jitplab.lab import Device, Lab, Making, Settings
from softatecc.certificate import DeviceLocation, DeviceZone
from softatecc.library import LibraryError

ROOT = DeviceLocation(DeviceZone.DATA, Slot.ROOT_PUBLIC_KEY, 0, 72)
SMALL_BUFFER, INVALID_DATE = -19, 5


@pytest.fixture(
    scope="module", params=[pytest.param("cryptoauthlib", marks=pytest.mark.wheel), pytest.param("own")]
)
def bench_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    settings = Settings(seed="versions", library=request.param, host_sleeps=sys.platform != "linux")
    with Lab(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(bench_lab: Lab) -> Device:
    return bench_lab.provision_device()


def test_seventy_two_bytes_are_hashed_by_the_library_itself(bench_lab: Lab, made: Device) -> None:
    chain = bench_lab.rebuild_chain(made, get_ca_key=firmware.ca_key_of_3_7_9)

    for certificate, issuer in ((chain.device, bench_lab.signer), (chain.signer, bench_lab.root)):
        padded = b"\4" + issuer.key.public_key + bytes(8)
        identifier = anatomy.field_bytes(certificate or b"", "authorityKeyIdentifier")
        assert identifier == hashlib.sha1(padded, usedforsecurity=False).digest()
    assert anatomy.names_that_differ(chain.device, made.certificate) == ["authorityKeyIdentifier"]
    assert anatomy.names_that_differ(chain.signer, made.signer) == ["authorityKeyIdentifier"]


def test_an_inverted_flag_has_the_chip_compute_what_is_stored(bench_lab: Lab, made: Device) -> None:
    before = bench_lab.bench.command_count

    with pytest.raises(LibraryError, match="atcab_get_pubkey returned -12"):
        bench_lab.rebuild_chain(made, get_ca_key=firmware.ca_key_of_3_7_8)

    asked = bench_lab.bench.commands()[before:]
    assert [(each["name"], each["param1"], each["param2"]) for each in asked] == [("GenKey", 0, 11)]


def test_the_way_round_an_inverted_flag_leads_to_seventy_two_bytes(bench_lab: Lab, made: Device) -> None:
    key = firmware.ca_key_of_3_7_8(bench_lab.bench.library, replace(ROOT, is_genkey=True))

    assert key == bench_lab.root.key.public_key + bytes(8)
    assert made.public_key != key[:64]


def test_format_0_is_read_by_every_version(bench_lab: Lab, made: Device) -> None:
    firmware.refuse_later_formats(bench_lab.bench.library, made.signer_definition)
    firmware.refuse_later_dates(made.device_definition, made.certificate)


def test_a_lifetime_of_32_years_is_refused_by_an_early_version(made: Device) -> None:
    longest = replace(made.device_definition, expire_years=31)
    longer = replace(made.device_definition, expire_years=32)

    firmware.refuse_later_dates(longest, made.certificate)
    with pytest.raises(LibraryError) as caught:
        firmware.refuse_later_dates(longer, made.certificate)

    assert caught.value.status == INVALID_DATE


def test_a_buffer_that_ends_within_the_signature_is_too_small(bench_lab: Lab, made: Device) -> None:
    read, definition = bench_lab.bench.library.read_cert, made.device_definition
    key = bench_lab.signer.key.public_key
    whole = len(made.certificate)

    assert read(definition, key, capacity=whole) == made.certificate
    for capacity in (definition.at_signature.offset + 2, whole - 1):
        with pytest.raises(LibraryError) as caught:
            read(definition, key, capacity=capacity)
        assert caught.value.status == SMALL_BUFFER


@pytest.mark.parametrize("library", [pytest.param("cryptoauthlib", marks=pytest.mark.wheel), "own"])
def test_a_later_version_rebuilds_what_was_issued_in_2032(library: str) -> None:
    late = functools.partial(maker.issue, not_before=datetime(2032, 3, 1, 10, tzinfo=UTC))
    settings = Settings(seed="late", library=library, host_sleeps=sys.platform != "linux")
    with Lab(settings) as opened:
        device = opened.provision_device(Making(issue=late))

        assert opened.rebuild_chain(device).device == device.certificate
        with pytest.raises(LibraryError):
            firmware.refuse_later_formats(opened.bench.library, device.device_definition)


def test_a_refused_command_is_told_with_its_slot() -> None:
    with Lab(Settings(seed="refused", library="own")) as opened:
        device = opened.device()
        assert opened.bench.refused_commands() == []

        with pytest.raises(LibraryError):
            opened.rebuild_chain(device, root_key_slot=9)

        assert opened.bench.refused_commands() == ["Read, slot 9: EXECUTION_ERROR"]


def test_a_renewed_certificate_has_a_serial_number_of_its_own() -> None:
    key = bytes(range(64))
    later = datetime(2032, 3, 1, 10, tzinfo=UTC)

    numbers = {maker.device_serial(key), maker.device_serial(key, later)}

    assert len(numbers) == 2
    assert all(0x40 <= number[0] <= 0x7F for number in numbers)
