"""The chip on the bench and the library that drives it, whichever they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias, cast

from jitpbroker import trace as broker_trace
from jitplab.chain import CHIP_SERIAL_NUMBER
from jitplab.identifiers import Key
from jitplab.scenario import NeedUnmet
from softatecc import cal, profiles
from softatecc.chip import Chip
from softatecc.entropy import SeededEntropy, SystemEntropy
from softatecc.hostlib import HostLibrary
from softatecc.hostsleeps import SleepsStay
from softatecc.library import CertificateLibrary, LibraryError
from softatecc.packet import crc16
from softatecc.trace import CommandRecord
from softatecc.transports import EmulatorTransport, open_transport

if TYPE_CHECKING:
    from jitplab.lab import Settings

JsonValue: TypeAlias = broker_trace.JsonValue

_CONFIG_ZONE = 0


class Bench:
    """A chip and a library opened on it.

    Attributes:
        library: what the firmware calls.
    """

    def __init__(self, transport: EmulatorTransport, library: CertificateLibrary) -> None:
        self._transport = transport
        self.library = library

    @property
    def description(self) -> str:
        """One line for the reader of a run."""
        serial_number = self._transport.chip.configuration.serial_number
        return f"emulated ATECC608A, serial number {serial_number.hex()}"

    @property
    def chip(self) -> Chip:
        """The chip itself, for those who want to watch it decide."""
        return self._transport.chip

    def commands(self) -> tuple[dict[str, JsonValue], ...]:
        """Every command the chip was sent so far, in order, numbered from 1."""
        records = [r for r in self._transport.chip.trace if isinstance(r, CommandRecord)]
        return tuple(
            {"number": number, **cast("dict[str, JsonValue]", record.as_json())}
            for number, record in enumerate(records, 1)
        )

    def write_configuration(self, profile: str) -> None:
        """Write and lock the configuration of that name, by the CRC of what the zone must then hold.

        Raises:
            NeedUnmet: the chip is locked already.
            LibraryError: the chip refused.
        """
        if self.library.is_locked(_CONFIG_ZONE):
            raise NeedUnmet("the chip's configuration is locked already; this scenario needs a blank part")
        wanted = profiles.load(profile).configuration
        self.library.write_config_zone(wanted)
        held = self.library.read_bytes_zone(_CONFIG_ZONE, 0, 0, 128)
        self.library.lock_config_zone_crc(int.from_bytes(crc16(held), "little"))

    def keys_in_slots(self, names: Mapping[int, str]) -> tuple[Key, ...]:
        """Whatever can be got out of the chip as a public key; the named slots first.

        Slots are read as 72-byte keys whether they hold one or not: that is what the wrong firmware does.
        """
        found = []
        for slot in (*names, *(slot for slot in range(8, 16) if slot not in names)):
            with suppress(LibraryError):
                key = self.library.read_pubkey(slot) if slot >= 8 else self.library.get_pubkey(slot)
                found.append(Key(names.get(slot, f"whatever lies in slot {slot}"), key, int(slot)))
        return tuple(found)


@contextmanager
def open_bench(settings: Settings) -> Iterator[Bench]:
    """The chip and library of a run.

    Raises:
        ValueError: a URL or library name that does not exist.
        NeedUnmet: cryptoauthlib was asked for and is not there.
    """
    with ExitStack() as stack:
        transport = _transport(settings)
        stack.callback(transport.close)
        match settings.library:
            case "own":
                library: CertificateLibrary = HostLibrary(transport)
            case "auto" if not cal.available():
                library = HostLibrary(transport)
            case "auto" | "cryptoauthlib":
                try:
                    library = stack.enter_context(
                        cal.CryptoAuthLib(transport.port, host_sleeps=settings.host_sleeps)
                    )
                except (cal.CalMissing, SleepsStay) as error:
                    raise NeedUnmet(str(error)) from None
            case other:
                raise ValueError(f"{other!r} is no library; choose auto, cryptoauthlib or own")
        yield Bench(transport, library)


def _transport(settings: Settings) -> EmulatorTransport:
    """The emulated chip carries the case's serial number, which the device's common name shows."""
    if settings.device == "emulator:blank":
        entropy = SystemEntropy() if settings.seed is None else SeededEntropy(settings.seed)
        return EmulatorTransport(Chip.blank(CHIP_SERIAL_NUMBER, entropy=entropy))
    transport = open_transport(settings.device, seed=settings.seed)
    assert isinstance(transport, EmulatorTransport)
    return transport
