"""The chip: packets in, packets out, and a record of why.

Rules of this file:
1. `Chip.exchange` answers every byte string with one well-formed group and leaves exactly one record.
2. Count and CRC are judged before anything else (FF).
   Evidence: document - public 608 Trust data sheets, status codes.
   After them too little time (EE), an earlier failure of a self test (07), what is illegal in any state
   (03), then what state and configuration forbid (0F), then the computation (01).
   Evidence: assumed - no source orders the rest.
3. `Rejected` is caught here and nowhere else.
4. Nothing here knows the bus; who is asleep and what was half read is in `softatecc.wire`.
"""

from softatecc import profiles
from softatecc.commands import HANDLERS, NOT_UNDERSTOOD
from softatecc.config import SERIAL_SIZE, USER_EXTRA, Configuration
from softatecc.entropy import Entropy, SystemEntropy
from softatecc.faults import Faults
from softatecc.memory import NonVolatile, Volatile
from softatecc.model import DeviceModel
from softatecc.packet import WAKE_RESPONSE, Command, Opcode, command_name, encode_response
from softatecc.slots import Slot, config_is_unlocked
from softatecc.status import Rejected, Status, obey, parse_error
from softatecc.timing import require_time
from softatecc.trace import CommandRecord, Hidden, PowerRecord, Record, Shown
from softatecc.zones import SLOT_COUNT, Zone

#: Every test of SelfTest, as the power-on self test runs them, and both bits that sources give to ECDSA.
_ALL_TESTS = 0x3F
_ECDSA_TEST = 0x06


def _shown(octets: bytes, secret: str | None) -> Shown:
    return octets if secret is None or not octets else Hidden(len(octets), secret)


class Chip:
    """One ATECC608A.

    Args:
        configuration: what its configuration zone holds.
        entropy: its random number generator; the operating system's where None.
        model: which part it is, and its answers to the open questions of the public sources.

    Attributes:
        memory: what survives.
        volatile: the registers.
        persistent_latch: set through Info(VolKeyPermit); kept by sleep, lost with power.
        boot_prohibited: SecureBoot was shut off until the next loss of power.
        faults: what is wrong with it; nothing unless someone says so.
        trace: everything that happened, oldest first.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        entropy: Entropy | None = None,
        model: DeviceModel | None = None,
    ) -> None:
        self.entropy: Entropy = SystemEntropy() if entropy is None else entropy
        self.model = DeviceModel() if model is None else model
        self.memory = NonVolatile(configuration)
        self.volatile = Volatile()
        self.persistent_latch = False
        self.boot_prohibited = False
        self.faults = Faults()
        self.trace: list[Record] = []
        self._i2c_address = configuration.i2c_address
        self._was_off = True

    @classmethod
    def blank(
        cls, serial_number: bytes, *, entropy: Entropy | None = None, model: DeviceModel | None = None
    ) -> "Chip":
        """A part as Microchip delivers it: unlocked, slots and OTP erased; it is provisioned over the bus.

        Evidence: silicon - public dump of a fresh 608A, see profiles/blank.json.

        Args:
            serial_number: nine bytes, SN[0:8].
            entropy: its random number generator.
            model: which part it is.

        Raises:
            ValueError: the serial number has not nine bytes.
        """
        return cls.unprovisioned("blank", serial_number, entropy=entropy, model=model)

    @classmethod
    def unprovisioned(
        cls,
        profile: str,
        serial_number: bytes,
        *,
        entropy: Entropy | None = None,
        model: DeviceModel | None = None,
    ) -> "Chip":
        """A blank part onto which the writable bytes of a profile were written, not locked yet.

        Raises:
            ValueError: no such profile, or the serial number has not nine bytes.
        """
        if len(serial_number) != SERIAL_SIZE:
            raise ValueError(
                f"a serial number has {SERIAL_SIZE} bytes, {serial_number.hex()!r} has not; pass SN[0:8]"
            )
        model = DeviceModel() if model is None else model
        blank, body = profiles.load("blank").configuration, profiles.load(profile).configuration
        head = serial_number[:4] + model.revision.value + serial_number[4:] + model.byte_13 + blank[14:16]
        image = head + body[16:USER_EXTRA] + blank[USER_EXTRA : USER_EXTRA + 4] + body[USER_EXTRA + 4 :]

        return cls(Configuration(image), entropy=entropy, model=model)

    def __repr__(self) -> str:
        configuration = self.configuration
        config = "locked" if configuration.config_locked else "unlocked"
        data = "locked" if configuration.data_locked else "unlocked"
        return f"Chip(serial_number={configuration.serial_number.hex()}, configuration {config}, data {data})"

    def exchange(self, packet: bytes, *, milliseconds_left: float | None = None) -> bytes:
        """Answer one packet, without the I2C word address.

        Args:
            packet: any bytes; a good packet is what `Command.encode` makes.
            milliseconds_left: until the watchdog expires; None where no watchdog runs.

        Returns:
            a response group with count and CRC.
        """
        try:
            command = Command.decode(packet)
        except Rejected as refusal:
            return self._answer_garbled(packet, refusal)

        handler = HANDLERS.get(command.opcode, NOT_UNDERSTOOD)
        data = _shown(command.data, handler.hides_request(self, command))
        status, why = Status.SUCCESS, None
        try:
            require_time(command.opcode, self.configuration.chip_mode, milliseconds_left)
            self._require_self_tests(command)
            body = handler.run(self, command)
            response = _shown(body, handler.hides_response(self, command))
        except Rejected as refusal:
            status, why = refusal.status, refusal.why
            body = response = bytes((status,))
        self.trace.append(
            CommandRecord(
                command.opcode, command.name, command.param1, command.param2, data, status, response, why
            )
        )
        return encode_response(body)

    def _require_self_tests(self, command: Command) -> None:
        """After a failed self test only SelfTest and reading the configuration work.

        Evidence: document - public 608 Trust data sheets, status code 07.
        """
        failed = self.volatile.failed_tests
        if not failed or command.opcode == Opcode.SELFTEST:
            return
        if command.opcode != Opcode.READ or command.param1 & 0b11 != Zone.CONFIG:
            why = f"self tests failed (register 0x{failed:02X}); SelfTest and reading the configuration work"
            raise Rejected(Status.SELF_TEST_ERROR, why)

    def _answer_garbled(self, packet: bytes, refusal: Rejected) -> bytes:
        body = bytes((refusal.status,))
        data = _shown(packet, "the packet arrived damaged, so what it carries is unknown")
        opcode = packet[1] if len(packet) > 1 else None
        name = "garbled packet" if opcode is None else f"garbled {command_name(opcode)}"
        self.trace.append(CommandRecord(opcode, name, None, None, data, refusal.status, body, refusal.why))

        return encode_response(body)

    @property
    def last_command(self) -> CommandRecord:
        """The newest command record, past any wake, idle or sleep since.

        Raises:
            LookupError: the chip has not been sent a command yet.
        """
        for record in reversed(self.trace):
            if isinstance(record, CommandRecord):
                return record
        raise LookupError("the trace holds no command yet; send one first")

    # --- power ------------------------------------------------------------------------------------

    @property
    def i2c_address(self) -> int:
        """The 7-bit address it answers to; a change counts from the next sleep or power-up."""
        return self._i2c_address

    @property
    def wake_response(self) -> bytes:
        """What the output buffer holds after a wake: ``04 11 33 43``, or that a self test failed.

        Evidence: vendor-library - cryptoauthlib lib/hal/atca_hal.c, hal_check_wake.
        """
        if not self.volatile.failed_tests:
            return WAKE_RESPONSE
        return self.model.failed_wake_response

    def wake(self) -> None:
        """Leave sleep or idle; the registers are what those left.

        Where ChipOptions asks for it, the self tests run after sleep and power-up.
        Evidence: document - public 608 Trust data sheets, ChipOptions bit 0.
        """
        if self._was_off and self.configuration.chip_options.power_on_self_test:
            self.volatile.failed_tests = self.tests_of(self.faults.self_test_failures & _ALL_TESTS)
        self._was_off = False
        self.trace.append(PowerRecord("wake"))

    def tests_of(self, bits: int) -> int:
        """The tests these bits of SelfTest name, ECDSA under the one bit that reports it."""
        return bits & ~_ECDSA_TEST | (self.model.ecdsa_self_test if bits & _ECDSA_TEST else 0)

    def idle(self) -> None:
        """Ignore the bus until the next wake and keep every register.

        Evidence: document - public 608 Trust data sheets, word address 02.
        """
        self.trace.append(PowerRecord("idle"))

    def sleep(self) -> None:
        """Low power: every register is lost.

        Evidence: document - public 608 Trust data sheets, word address 01.
        """
        self._forget("sleep")

    def watchdog_expires(self) -> None:
        """Sleep, whatever it was doing, because it was left awake too long; see `softatecc.timing`."""
        self._forget("watchdog")

    def power_cycle(self) -> None:
        """Take the supply away and give it back; the latches are lost too.

        Evidence: document - public 608 Trust data sheets, persistent latch and SecureBoot.
        """
        self.persistent_latch = self.boot_prohibited = False
        self._forget("power-up")

    def _forget(self, event: str) -> None:
        lost = self.volatile.held()
        self.volatile = Volatile()
        self._was_off = True
        self._i2c_address = self.configuration.i2c_address
        self.trace.append(PowerRecord(event, lost))

    # --- what handlers ask for --------------------------------------------------------------------

    @property
    def configuration(self) -> Configuration:
        """The configuration zone as it is now."""
        return self.memory.configuration

    def slot(self, number: int) -> Slot:
        """The rules of a slot named by a second parameter.

        Raises:
            Rejected: status 03; there is no such slot.
        """
        if number >= SLOT_COUNT:
            raise parse_error(f"there is no slot {number}; slots are 0 to 15")
        return Slot.of(self.configuration, number)

    def require_config_locked(self) -> None:
        """Refuse what needs a configuration that can no longer change."""
        obey(config_is_unlocked(self.configuration))
