"""The chip on the bench and the library that drives it, whichever they are.

An emulated chip in this process tells itself what it was asked; of any other, the way to it is recorded,
and why something was refused nobody can say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeAlias, cast

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
from softatecc.recorder import Recorder
from softatecc.recording import Exchange
from softatecc.status import Status
from softatecc.trace import CommandRecord, Hidden
from softatecc.transports import EmulatorTransport, NoResponse, open_transport
from softatecc.transports.adapter import TransportDevice
from softatecc.transports.guard import ChangeRefused

if TYPE_CHECKING:
    from jitplab.settings import Settings

JsonValue: TypeAlias = broker_trace.JsonValue

_CONFIG_ZONE = 0
_REFUSALS = frozenset(Status) - {Status.SUCCESS}


class Bench:
    """A chip and a library opened on it.

    Attributes:
        library: what the firmware calls.
    """

    def __init__(self, way: EmulatorTransport | Recorder, library: CertificateLibrary, place: str) -> None:
        self._way = way
        self._place = place
        self.library = library

    @property
    def description(self) -> str:
        """One line for the reader of a run."""
        if isinstance(self._way, EmulatorTransport):
            return f"emulated ATECC608A, serial number {self._way.chip.configuration.serial_number.hex()}"
        serial_number = self._way.recording.head.configuration.serial_number
        return f"ATECC608A at {self._place}, serial number {serial_number.hex()}"

    @property
    def is_emulated(self) -> bool:
        """Whether `chip` can be had: scenarios do not ask this, their needs do."""
        return isinstance(self._way, EmulatorTransport)

    @property
    def chip(self) -> Chip:
        """The chip itself, where it is emulated in this process.

        Raises:
            NeedUnmet: it is not; what lies behind a bus cannot be looked into.
        """
        if not isinstance(self._way, EmulatorTransport):
            raise NeedUnmet(f"the chip at {self._place} cannot be looked into; this needs an emulated one")
        return self._way.chip

    def commands(self) -> tuple[dict[str, JsonValue], ...]:
        """Every command the chip was sent so far, in order, numbered from 1."""
        if isinstance(self._way, EmulatorTransport):
            records = [r for r in self._way.chip.trace if isinstance(r, CommandRecord)]
        else:
            records = [_record(step) for step in self._way.steps if isinstance(step, Exchange)]
        return tuple(
            {"number": number, **cast("dict[str, JsonValue]", record.as_json())}
            for number, record in enumerate(records, 1)
        )

    def refused_commands(self) -> list[str]:
        """What the chip refused so far, as ``Read, slot 15: EXECUTION_ERROR``, in order.

        The slot is left out where the command names none.
        """
        refused = []
        for command in self.commands():
            status, slot = command["status"], slot_of(command)
            if isinstance(status, int) and status in _SAID_NO:
                where = "" if slot is None else f", slot {slot}"
                refused.append(f"{command['name']}{where}: {Status(status).name}")
        return refused

    @property
    def command_count(self) -> int:
        """How many commands the chip was sent so far."""
        if isinstance(self._way, EmulatorTransport):
            return sum(isinstance(record, CommandRecord) for record in self._way.chip.trace)
        return sum(isinstance(step, Exchange) for step in self._way.steps)

    def configuration(self) -> bytes | None:
        """The configuration zone as it is now, 128 bytes; ``None`` where the chip does not give it away."""
        if isinstance(self._way, EmulatorTransport):
            return self._way.chip.configuration.image
        try:
            return self.library.read_bytes_zone(_CONFIG_ZONE, 0, 0, 128)
        except LibraryError:
            return None

    def write_configuration(self, profile: str) -> None:
        """Write and lock the configuration of that name, by the CRC of what the zone must then hold.

        Raises:
            NeedUnmet: the chip is locked already, or is silicon that must stay as it is.
            LibraryError: the chip refused.
        """
        try:
            self._write_configuration(profile)
        except ChangeRefused as error:
            raise NeedUnmet(str(error)) from None

    def _write_configuration(self, profile: str) -> None:
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


#: Commands whose second parameter is an address, and those whose second parameter is a slot.
_ADDRESSED: Final = frozenset({"Read", "Write"})
_BY_SLOT: Final = frozenset({"GenKey", "Sign", "ECDH", "PrivWrite", "DeriveKey"})
_DATA_ZONE: Final = 2
#: Waking is a status and no refusal.
_SAID_NO: Final = frozenset(Status) - {Status.SUCCESS, Status.AFTER_WAKE}


def slot_of(command: Mapping[str, JsonValue]) -> int | None:
    """The data slot that a command of `Bench.commands` names, ``None`` where it names none.

    Evidence: document - 508A data sheet, section on address encoding: bits 3 to 6 of the address of a data
    zone access are the slot.
    """
    mode, address = command["param1"], command["param2"]
    if not isinstance(mode, int) or not isinstance(address, int):
        return None
    if command["name"] in _ADDRESSED and mode & 0x03 == _DATA_ZONE:
        return address >> 3 & 0x0F
    if command["name"] in _BY_SLOT and address <= 15:
        return address
    return None


def _record(step: Exchange) -> CommandRecord:
    """An exchange as the chip's own trace would have it, but for the reason of a refusal."""
    command, response = step.command, step.response
    body = response if isinstance(response, Hidden) else response[1:-2]
    status = Status.SUCCESS
    if isinstance(body, bytes) and len(body) == 1 and body[0] in _REFUSALS:
        status = Status(body[0])
    why = None if status is Status.SUCCESS else "the chip gives no reason; an emulated one does"
    if command is None:
        return CommandRecord(None, "garbled packet", None, None, step.data, status, body, why)

    return CommandRecord(
        command.opcode, command.name, command.param1, command.param2, step.data, status, body, why
    )


@contextmanager
def open_bench(settings: Settings) -> Iterator[Bench]:
    """The chip and library of a run.

    Raises:
        ValueError: a URL or library name that does not exist.
        NeedUnmet: cryptoauthlib was asked for and is not there, or nothing answers at the URL.
    """
    with ExitStack() as stack:
        try:
            way = _way(settings)
        except NoResponse as error:
            raise NeedUnmet(str(error)) from None
        stack.callback(way.close)
        match settings.library:
            case "own":
                library: CertificateLibrary = HostLibrary(way)
            case "auto" if not cal.available():
                library = HostLibrary(way)
            case "auto" | "cryptoauthlib":
                port = way.port if isinstance(way, EmulatorTransport) else TransportDevice(way)
                try:
                    library = stack.enter_context(cal.CryptoAuthLib(port, host_sleeps=settings.host_sleeps))
                except (cal.CalMissing, SleepsStay) as error:
                    raise NeedUnmet(str(error)) from None
            case other:
                raise ValueError(f"{other!r} is no library; choose auto, cryptoauthlib or own")
        yield Bench(way, library, settings.device)


def _way(settings: Settings) -> EmulatorTransport | Recorder:
    """The emulated chip carries the case's serial number, which the device's common name shows."""
    if settings.device == "emulator:blank":
        entropy = SystemEntropy() if settings.seed is None else SeededEntropy(settings.seed)
        return EmulatorTransport(Chip.blank(CHIP_SERIAL_NUMBER, entropy=entropy))
    transport = open_transport(settings.device, seed=settings.seed)
    return transport if isinstance(transport, EmulatorTransport) else Recorder(transport)
