"""The chip: packets in, packets out, and a record of why.

Rules of this file:
1. `Chip.exchange` answers every byte string with one well-formed group and leaves exactly one record.
2. Count and CRC are judged before anything else (FF).
   Evidence: document - public 608 Trust data sheets, status codes.
   After them too little time (EE), what is illegal in any state (03), then what state and configuration
   forbid (0F), then the computation (01).
   Evidence: assumed - no source orders the rest.
3. `Rejected` is caught here and nowhere else.
4. Nothing here knows the bus; who is asleep and what was half read is in `softatecc.wire`.
"""

from softatecc import profiles
from softatecc.commands import HANDLERS, NOT_UNDERSTOOD
from softatecc.config import SERIAL_SIZE, USER_EXTRA, Configuration
from softatecc.crypto import PrivateKey, draw_scalar
from softatecc.entropy import Entropy, SystemEntropy
from softatecc.memory import NonVolatile, TempKey, Volatile
from softatecc.model import DeviceModel
from softatecc.packet import Command, command_name, encode_response
from softatecc.slots import Slot, config_is_unlocked, forbids_key_use
from softatecc.status import Rejected, Status, obey, parse_error
from softatecc.timing import require_time
from softatecc.trace import CommandRecord, Hidden, PowerRecord, Record, Shown
from softatecc.zones import SLOT_COUNT

_RANDOM_SIZE = 32
#: What the random number generator gives until the configuration is locked.
_PATTERN = bytes.fromhex("ffff0000") * 8


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
        self.trace: list[Record] = []
        self._i2c_address = configuration.i2c_address

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
        head = serial_number[:4] + model.revision.value + serial_number[4:] + blank[13:16]
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

    def wake(self) -> None:
        """Leave sleep or idle; the registers are what those left."""
        self.trace.append(PowerRecord("wake"))

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
        """Take the supply away and give it back; the persistent latch is lost too."""
        self.persistent_latch = False
        self._forget("power-up")

    def _forget(self, event: str) -> None:
        registers = {
            "TempKey": self.volatile.temp_key,
            "MessageDigestBuffer": self.volatile.message_digest_buffer,
            "AlternateKeyBuffer": self.volatile.alternate_key_buffer,
            "SHA context": self.volatile.sha,
            "AuthComplete": self.volatile.auth_key,
        }
        self.volatile = Volatile()
        self._i2c_address = self.configuration.i2c_address
        self.trace.append(
            PowerRecord(event, tuple(name for name, held in registers.items() if held is not None))
        )

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

    def random(self) -> bytes:
        """32 random bytes, or the fixed pattern until the configuration is locked.

        Evidence: silicon - bus capture of a 608A before its configuration was locked.
        """
        if not self.configuration.config_locked:
            return _PATTERN
        return self.entropy.random_bytes(_RANDOM_SIZE)

    def make_private_key(self) -> bytes:
        """A new private scalar from the chip's own random numbers."""
        return draw_scalar(self.entropy)

    def private_key(self, slot: Slot) -> PrivateKey:
        """The private key in a slot.

        Raises:
            Rejected: status 0F; none was ever made there.
        """
        key = self.memory.private_key(slot.number)
        if key is None:
            raise Rejected(Status.EXECUTION_ERROR, f"{slot} holds no private key yet; GenKey makes one")
        return key

    def temp_key(self) -> TempKey:
        """TempKey, for commands that work on its value.

        Raises:
            Rejected: status 0F; it is not valid, or holds an ephemeral private key.
        """
        temp_key = self.volatile.temp_key
        if temp_key is None:
            raise Rejected(
                Status.EXECUTION_ERROR, "TempKey is not valid; Nonce fills it, and many commands empty it"
            )
        if temp_key.private:
            # Evidence: assumed - no source shows another command taking that key as data.
            raise Rejected(
                Status.EXECUTION_ERROR, "TempKey holds an ephemeral private key, which only ECDH may use"
            )
        return temp_key

    def message(self, *, in_buffer: bool) -> bytes:
        """The 32 bytes Sign and Verify work on: of the Message Digest Buffer or of TempKey.

        Raises:
            Rejected: status 0F; that register is not valid.
        """
        if not in_buffer:
            return self.temp_key().lower
        if self.volatile.message_digest_buffer is None:
            raise Rejected(
                Status.EXECUTION_ERROR, "the Message Digest Buffer is not valid; Nonce with target 1 fills it"
            )
        return self.volatile.message_digest_buffer[:32]

    def permit_key(self, slot: Slot) -> None:
        """Ask what any use of a key must satisfy: authorization and the persistent latch.

        Raises:
            Rejected: status 0F.
        """
        obey(forbids_key_use(slot, self.volatile.auth_key, latch=self.persistent_latch))

    def count_use(self, slot: Slot) -> None:
        """Count one use of a limited key, or refuse the use beyond the limit.

        Raises:
            Rejected: status 0F; the limit is reached.
        """
        if slot.config.limited_use:
            self.memory.count_use(str(slot))
