"""The status byte a chip answers with, and the exception that carries it to the border.

Rules of this file:
1. `Rejected` is the chip's answer and nothing else: it is raised by handlers, caught in exactly one
   place (`softatecc.chip.Chip.exchange`) and never escapes the chip.
2. Every refusal says why, in the words a reader of the data sheet would use.
3. The wire carries the status byte alone; the sentence goes to the trace.
"""

from enum import IntEnum


class Status(IntEnum):
    """Status codes of a four-byte response group.

    Evidence: document - public 608 Trust data sheets, table of status/error codes.
    """

    SUCCESS = 0x00
    #: Well formed and computed, but the comparison failed (CheckMac, Verify, SecureBoot).
    MISCOMPARE = 0x01
    #: Opcode, length or parameters are illegal whatever the state of the chip.
    PARSE_ERROR = 0x03
    #: A computation of the ECC engine failed its own check.
    ECC_FAULT = 0x05
    #: A self test failed earlier.
    SELF_TEST_ERROR = 0x07
    #: The random number generator failed its health test.
    HEALTH_TEST_ERROR = 0x08
    #: Legal, but the present state or configuration forbids it.
    EXECUTION_ERROR = 0x0F
    #: What the output buffer holds between a wake and the first command.
    AFTER_WAKE = 0x11
    #: Too little watchdog time is left for the command.
    WATCHDOG_ABOUT_TO_EXPIRE = 0xEE
    #: CRC or count of the command were wrong.
    COMMUNICATION_ERROR = 0xFF

    @property
    def label(self) -> str:
        """The code as a reader says it, for example ``0F (execution error)``."""
        return f"{self.value:02X} ({self.name.lower().replace('_', ' ')})"


class Rejected(Exception):  # noqa: N818 - the chip's answer, not a fault of the program
    """The chip refuses a command.

    Attributes:
        status: the byte the wire carries.
        why: one sentence that names the rule, and the slot, bit or byte it read.
    """

    def __init__(self, status: Status, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def obey(objection: str | None) -> None:
    """Refuse with an execution error if there is an objection.

    Args:
        objection: the sentence of a rule that forbids the command, or None.

    Raises:
        Rejected: status 0F, with the objection as its reason.
    """
    if objection is not None:
        raise Rejected(Status.EXECUTION_ERROR, objection)


def parse_error(why: str) -> Rejected:
    """The refusal of what is illegal in every state of the chip: status 03."""
    return Rejected(Status.PARSE_ERROR, why)
