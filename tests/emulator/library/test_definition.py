"""Where a definition has the chip read and written, and the definitions that cannot be made."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from softatecc.certificate import (
    CertificateDefinition,
    CertificateLocation,
    DeviceLocation,
    DeviceZone,
    Element,
    SerialSource,
    locations,
)

Sketch = Callable[..., CertificateDefinition]
DATA, CONFIG, OTP = DeviceZone.DATA, DeviceZone.CONFIG, DeviceZone.OTP


def elements(*devices: DeviceLocation) -> tuple[Element, ...]:
    return tuple(Element("extra", device, CertificateLocation(216, device.count)) for device in devices)


def test_locations_are_whole_blocks_in_the_order_they_are_first_named(sketch: Sketch) -> None:
    assert locations(sketch()) == (
        DeviceLocation(DATA, 10, 0, 96),
        DeviceLocation(DATA, 14, 0, 32),
        DeviceLocation(DATA, 11, 0, 96),
    )


def test_a_serial_number_of_the_chip_has_the_configuration_read_last(sketch: Sketch) -> None:
    definition = sketch(serial_source=SerialSource.DEVICE_SN, serial_size=10, stored_key=False)

    assert locations(definition) == (
        DeviceLocation(DATA, 10, 0, 96),
        DeviceLocation(DATA, 0, 0, 64, is_genkey=True),
        DeviceLocation(CONFIG, 0, 0, 32),
    )


def test_neighbours_and_overlaps_are_read_as_one(sketch: Sketch) -> None:
    definition = replace(
        sketch(),
        elements=elements(
            DeviceLocation(DATA, 14, 40, 4), DeviceLocation(DATA, 14, 8, 4), DeviceLocation(DATA, 14, 60, 8)
        ),
    )

    assert DeviceLocation(DATA, 14, 0, 96) in locations(definition)
    assert len(locations(definition)) == 3


def test_a_bridge_joins_what_lay_apart(sketch: Sketch) -> None:
    definition = replace(
        sketch(),
        elements=elements(
            DeviceLocation(DATA, 8, 0, 4), DeviceLocation(DATA, 8, 96, 4), DeviceLocation(DATA, 8, 40, 30)
        ),
    )

    assert locations(definition)[3:] == (DeviceLocation(DATA, 8, 0, 128),)


def test_what_lies_apart_stays_apart(sketch: Sketch) -> None:
    definition = replace(
        sketch(),
        elements=elements(
            DeviceLocation(DATA, 8, 0, 4), DeviceLocation(DATA, 8, 96, 4), DeviceLocation(OTP, 0, 0, 4)
        ),
    )

    assert locations(definition)[3:] == (
        DeviceLocation(DATA, 8, 0, 32),
        DeviceLocation(DATA, 8, 96, 32),
        DeviceLocation(OTP, 0, 0, 32),
    )


def test_a_computed_key_is_not_read_with_its_slot(sketch: Sketch) -> None:
    definition = replace(sketch(stored_key=False), elements=elements(DeviceLocation(DATA, 0, 0, 4)))

    assert locations(definition)[2:] == (
        DeviceLocation(DATA, 0, 0, 64, is_genkey=True),
        DeviceLocation(DATA, 0, 0, 32),
    )


@pytest.mark.parametrize(
    "changes,sentence",
    [
        ({"compressed": DeviceLocation(DATA, 10, 0, 71)}, "a compressed certificate has 72 bytes, not 71"),
        ({"public_key": DeviceLocation(DATA, 11, 0, 65)}, "64 bytes, stored also 72, not 65"),
        (
            {"public_key": DeviceLocation(DATA, 0, 0, 72, is_genkey=True)},
            "64 bytes, stored also 72, not 72",
        ),
        (
            {"public_key": DeviceLocation(DATA, 0, 8, 64, is_genkey=True)},
            "GenKey computes 64 bytes, the location ends at 72",
        ),
        (
            {"elements": (Element("x", DeviceLocation(DATA, 14, 0, 4), CertificateLocation(0, 5)),)},
            "element x has 4 bytes in the chip and 5 in the certificate",
        ),
    ],
)
def test_sizes_that_would_leave_the_librarys_buffers_make_no_definition(
    sketch: Sketch, changes: dict[str, DeviceLocation], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        replace(sketch(), **changes)  # type: ignore[arg-type]

    assert str(caught.value).startswith("definition 'sketch': ")
    assert str(caught.value).endswith("; correct the definition")
