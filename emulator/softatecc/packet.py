"""Groups of bytes on the bus: commands in, responses out, and the CRC that closes both.

Rules of this file (public 608 Trust data sheets, I/O groups):
1. A group is ``count | payload | crc``; the count includes itself and the two CRC bytes.
2. A command's payload is ``opcode | param1 | param2 (low byte first) | data``: 7 to 155 bytes in all.
3. A response of four bytes is a status, or the single data byte of a command that answers with one.
4. The CRC is CRC-16 with polynomial 0x8005, start value 0, data bits fed least significant first into
   a register that shifts left, sent low byte first.
"""

from dataclasses import dataclass
from enum import IntEnum

from softatecc.status import Rejected, Status

_SMALLEST_COMMAND = 7
#: The I/O buffer holds no longer group.
LARGEST_GROUP = 155
_SMALLEST_RESPONSE = 4


class Opcode(IntEnum):
    """Command codes of the 608 and, marked so, the two of the 508A that the 608 dropped."""

    AES = 0x51
    CHECKMAC = 0x28
    COUNTER = 0x24
    DERIVEKEY = 0x1C
    ECDH = 0x43
    GENDIG = 0x15
    GENKEY = 0x40
    #: 508A only.
    HMAC = 0x11
    INFO = 0x30
    KDF = 0x56
    LOCK = 0x17
    MAC = 0x08
    NONCE = 0x16
    #: 508A only.
    PAUSE = 0x01
    PRIVWRITE = 0x46
    RANDOM = 0x1B
    READ = 0x02
    SECUREBOOT = 0x80
    SELFTEST = 0x77
    SHA = 0x47
    SIGN = 0x41
    UPDATEEXTRA = 0x20
    VERIFY = 0x45
    WRITE = 0x12


_NAMES = {
    Opcode.AES: "AES",
    Opcode.CHECKMAC: "CheckMac",
    Opcode.COUNTER: "Counter",
    Opcode.DERIVEKEY: "DeriveKey",
    Opcode.ECDH: "ECDH",
    Opcode.GENDIG: "GenDig",
    Opcode.GENKEY: "GenKey",
    Opcode.HMAC: "HMAC",
    Opcode.INFO: "Info",
    Opcode.KDF: "KDF",
    Opcode.LOCK: "Lock",
    Opcode.MAC: "MAC",
    Opcode.NONCE: "Nonce",
    Opcode.PAUSE: "Pause",
    Opcode.PRIVWRITE: "PrivWrite",
    Opcode.RANDOM: "Random",
    Opcode.READ: "Read",
    Opcode.SECUREBOOT: "SecureBoot",
    Opcode.SELFTEST: "SelfTest",
    Opcode.SHA: "SHA",
    Opcode.SIGN: "Sign",
    Opcode.UPDATEEXTRA: "UpdateExtra",
    Opcode.VERIFY: "Verify",
    Opcode.WRITE: "Write",
}
_NAME_OF_CODE: dict[int, str] = {int(code): name for code, name in _NAMES.items()}


def command_name(opcode: int) -> str:
    """The data sheet's name of a command; an unknown opcode keeps its number."""
    return _NAME_OF_CODE.get(opcode) or f"opcode 0x{opcode:02X}"


def _reversed_bits(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


def _table_entry(index: int) -> int:
    register = index
    for _ in range(8):
        register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register


# Feeding least significant bits first into a left-shifting register is the mirror image of the common
# right-shifting CRC-16 with 0xA001: so run that one by table and mirror the result.
_TABLE = tuple(_table_entry(index) for index in range(256))
_MIRROR = bytes(_reversed_bits(byte, 8) for byte in range(256))


def crc16(data: bytes) -> bytes:
    """The two CRC bytes of a group as they go over the wire, low byte first.

    Evidence: silicon - bus capture of Info on a 608A, ``07 30 00 00 00`` gives ``03 5D``.
    """
    register = 0
    table = _TABLE
    for byte in data:
        register = (register >> 8) ^ table[(register ^ byte) & 0xFF]
    return bytes((_MIRROR[register >> 8], _MIRROR[register & 0xFF]))


@dataclass(frozen=True, slots=True)
class Command:
    """One command as the chip sees it.

    Attributes:
        opcode: command code, one byte.
        param1: first parameter, mode or zone, one byte.
        param2: second parameter, key number or address, two bytes.
        data: 0 to 148 bytes.
    """

    opcode: int
    param1: int
    param2: int
    data: bytes = b""

    @property
    def name(self) -> str:
        """The command's name in the data sheet."""
        return command_name(self.opcode)

    def encode(self) -> bytes:
        """The packet: count, opcode, parameters, data and CRC, without the I2C word address.

        Raises:
            ValueError: a field does not fit its place in the packet.
        """
        count = _SMALLEST_COMMAND + len(self.data)
        if count > LARGEST_GROUP:
            longest = LARGEST_GROUP - _SMALLEST_COMMAND
            raise ValueError(f"{len(self.data)} data bytes do not fit a command; send at most {longest}")
        for field, value, width in (
            ("opcode", self.opcode, 8),
            ("param1", self.param1, 8),
            ("param2", self.param2, 16),
        ):
            if not 0 <= value < 1 << width:
                raise ValueError(f"{field} {value:#x} does not fit {width} bits; pass 0 to {2**width - 1:#x}")
        head = (count, self.opcode, self.param1, self.param2 & 0xFF, self.param2 >> 8)
        group = bytes(head) + self.data

        return group + crc16(group)

    @classmethod
    def decode(cls, packet: bytes) -> "Command":
        """Read a packet as the chip receives it.

        Evidence: vendor-library - cryptoauthlib test_calib_packet.c: a wrong CRC answers FF.

        Raises:
            Rejected: status FF; count or CRC do not fit the bytes received.
        """
        count = packet[0] if packet else 0
        if count != len(packet) or not _SMALLEST_COMMAND <= count <= LARGEST_GROUP:
            why = (
                f"the count byte says {count}, {len(packet)} bytes arrived, "
                f"and a command has {_SMALLEST_COMMAND} to {LARGEST_GROUP}"
            )
            raise Rejected(Status.COMMUNICATION_ERROR, why)
        received, computed = packet[-2:], crc16(packet[:-2])
        if received != computed:
            why = f"the CRC received is {received.hex()}, the bytes before it give {computed.hex()}"
            raise Rejected(Status.COMMUNICATION_ERROR, why)

        return cls(packet[1], packet[2], packet[3] | packet[4] << 8, packet[5:-2])


class ResponseError(ValueError):
    """A group that no chip sends: count or CRC are wrong."""


def encode_response(body: bytes) -> bytes:
    """Frame a response: one status byte, or the data of a command that answers with data."""
    group = bytes((len(body) + 3,)) + body

    return group + crc16(group)


def decode_response(group: bytes) -> bytes:
    """Take the body out of a response group.

    Raises:
        ResponseError: the count is not the length of the group, or the CRC is wrong.
    """
    if len(group) < _SMALLEST_RESPONSE or group[0] != len(group):
        raise ResponseError(f"{group.hex() or 'nothing'} is no response group: its count does not fit")
    if group[-2:] != crc16(group[:-2]):
        raise ResponseError(
            f"{group.hex()} is no response group: its CRC should be {crc16(group[:-2]).hex()}"
        )

    return group[1:-2]


#: The answer to a wake; it stays readable until the first command.
WAKE_RESPONSE = encode_response(bytes((Status.AFTER_WAKE,)))
