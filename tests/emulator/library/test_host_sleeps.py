"""Taking the library's waiting out, putting it back, and the systems where that cannot be done."""

import ctypes
import struct
import sys
from pathlib import Path

import pytest

from softatecc import cal, hostsleeps
from softatecc.hostsleeps import SleepsStay, remove_host_sleeps
from softatecc.transports import EmulatorTransport

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the table is one of ELF")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_keep_their_sleeps(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)

    with pytest.raises(SleepsStay, match=f"host sleeps stay on {platform}: only 64-bit Linux"):
        remove_host_sleeps(ctypes.CDLL(None))


@pytest.mark.wheel
def test_another_system_leaves_the_library_usable_with_its_sleeps(
    monkeypatch: pytest.MonkeyPatch, transport: EmulatorTransport
) -> None:
    library = cal.CryptoAuthLib(transport.port, host_sleeps=False)  # loaded as what this system is
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "platform", "darwin")
        with pytest.raises(SleepsStay), library:
            pytest.fail("it was opened")

    with cal.CryptoAuthLib(transport.port) as again:
        assert again.info().hex() == "00006002"


@pytest.mark.wheel
@linux_only
def test_the_slot_of_usleep_is_as_before_after_the_exit(transport: EmulatorTransport) -> None:
    with cal.CryptoAuthLib(transport.port) as library:
        path = Path(library._library._name).resolve()
    address = hostsleeps._load_address(path) + hostsleeps._slot_of(path, b"usleep")
    slot = ctypes.c_void_p.from_address(address)
    before = slot.value
    with cal.CryptoAuthLib(transport.port, host_sleeps=False):
        during = slot.value

    assert slot.value == before
    assert during != before


@linux_only
def test_a_file_that_is_not_elf_has_no_table(tmp_path: Path) -> None:
    text = tmp_path / "library.so"
    text.write_bytes(b"#!/bin/sh\n")

    with pytest.raises(SleepsStay, match=r"library.so is no 64-bit ELF file"):
        hostsleeps._slot_of(text, b"usleep")


@linux_only
def test_a_library_that_is_not_loaded_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(SleepsStay, match="is not mapped into this process"):
        hostsleeps._load_address(tmp_path / "library.so")


@pytest.mark.wheel
@linux_only
def test_a_function_the_library_does_not_call_has_no_slot(transport: EmulatorTransport) -> None:
    with cal.CryptoAuthLib(transport.port) as library:
        path = Path(library._library._name).resolve()

    with pytest.raises(SleepsStay, match="does not call no_such_function through its table"):
        hostsleeps._slot_of(path, b"no_such_function")


def elf_with(*headers: tuple[int, ...]) -> bytes:
    head = b"\x7fELF\x02" + bytes(11)
    head = head.ljust(32, b"\0") + struct.pack("<Q", 64) + bytes(14) + struct.pack("<HH", 56, len(headers))
    return head.ljust(64, b"\0") + b"".join(struct.pack("<IIQQQQQQ", *header) for header in headers)


def test_a_file_linked_statically_has_no_table(tmp_path: Path) -> None:
    static = tmp_path / "library.so"
    static.write_bytes(elf_with((1, 5, 0, 0, 0, 64, 64, 4096)))

    with pytest.raises(SleepsStay, match="has no table of calls"):
        hostsleeps._slot_of(static, b"usleep")


def elf_calling_usleep(*extra: tuple[int, ...]) -> bytes:
    """One segment with a dynamic section, one relocation for usleep, slot 0x900."""
    head = elf_with((1, 5, 0, 0, 0, 0x1000, 0x1000, 4096), (2, 6, 0x400, 0x400, 0, 0x50, 0x50, 8), *extra)
    body = bytearray(head.ljust(0x1000, b"\0"))
    tags = ((5, 0x500), (6, 0x600), (23, 0x700), (2, 24), (0, 0))
    body[0x400:0x450] = b"".join(struct.pack("<qQ", *tag) for tag in tags)
    body[0x501:0x508] = b"usleep\0"
    body[0x618:0x61C] = struct.pack("<I", 1)
    body[0x700:0x718] = struct.pack("<QQq", 0x900, 1 << 32 | 7, 0)
    return bytes(body)


def test_the_slot_is_found_by_the_name_of_what_it_calls(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    library.write_bytes(elf_calling_usleep())

    assert hostsleeps._slot_of(library, b"usleep") == 0x900


def test_a_table_that_the_loader_made_read_only_is_not_written(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    library.write_bytes(elf_calling_usleep((0x6474E552, 4, 0x800, 0x800, 0, 0x200, 0x200, 1)))

    with pytest.raises(SleepsStay, match="calls usleep through a read-only table"):
        hostsleeps._slot_of(library, b"usleep")


def test_an_address_outside_every_segment_is_said(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    library.write_bytes(
        elf_calling_usleep().replace(struct.pack("<qQ", 5, 0x500), struct.pack("<qQ", 5, 0x9000))
    )

    with pytest.raises(SleepsStay, match="has no segment for address 0x9000"):
        hostsleeps._slot_of(library, b"usleep")
