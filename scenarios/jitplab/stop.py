"""What stopped a device: the kind of thing that said no, and its name.

Rules of this file:
1. A stop is read off the evidence (exception, status byte, trace record, end of the handshake), never off
   the scenario that expects it; so nothing can pass for the wrong reason.
2. Names are those of whoever said no: an admission rule's, AWS's exception or disconnectReason, a policy's
   action, the chip's status code, the library's status.
3. Where several things happened in one visit the earliest in the device's way counts: handshake, rule,
   template, policy, and only then how the connection ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from jitpbroker import trace as broker_trace
from jitpbroker.registry.errors import RegistryError
from softatecc.library import LibraryError, status_name
from softatecc.status import Status

if TYPE_CHECKING:
    from jitplab.visit import Visit


class By(StrEnum):
    """What kind of thing can say no."""

    CHIP = "chip"  # a status code: EXECUTION_ERROR
    LIBRARY = "library"  # a status of its own, the chip never refused: ATCACERT_E_INVALID_DATE
    REGISTRATION = "registration"  # the control plane's exception: CertificateValidationException
    TLS = "tls"  # the handshake, by what failed in it
    RULE = "rule"  # an admission rule: presented_ca_is_registered
    TEMPLATE = "template"  # provisioning, by its failure: MissingParameter
    POLICY = "policy"  # a policy's no, by the action: iot:Connect
    DISCONNECT = "disconnect"  # the broker hung up, by its disconnectReason: CLIENT_ERROR


class RegistrationRefused(Exception):  # noqa: N818 - the control plane's answer, not a fault
    """The control plane says no.

    Attributes:
        code: AWS's exception.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


#: What ends a story before a visit.
Refusal: TypeAlias = "LibraryError | RegistryError | RegistrationRefused"


@dataclass(frozen=True, slots=True)
class Stop:
    """Who said no. ``str()`` is ``rule presented_ca_is_registered`` and the like."""

    by: By
    name: str

    def __str__(self) -> str:
        return f"{self.by.value} {self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The stop that ``str`` writes so.

        Raises:
            ValueError: no kind, or no name; the sentence lists the kinds.
        """
        kind, _, name = text.partition(" ")
        if kind not in set(By) or not name.strip():
            raise ValueError(f"{text!r} names no stop; write KIND NAME, with a KIND of {', '.join(By)}")
        return cls(By(kind), name.strip())


def stop_of_visit(visit: Visit, records: Iterable[broker_trace.Record]) -> Stop | None:
    """What stopped one visit, ``None`` when nothing did.

    Args:
        visit: as the device saw it.
        records: what the broker's trace says of it, in order.
    """
    if visit.handshake != "completed":
        return Stop(By.TLS, "handshake")
    seen = tuple(records)
    for record in seen:
        if isinstance(record, broker_trace.Decision) and record.rule is not None:
            return Stop(By.RULE, record.rule)
    for record in seen:
        if isinstance(record, broker_trace.Provisioning) and record.failure is not None:
            return Stop(By.TEMPLATE, record.failure)
    for record in seen:
        if isinstance(record, broker_trace.Authorization) and not record.allowed:
            return Stop(By.POLICY, record.action)
    for record in seen:
        if isinstance(record, broker_trace.Disconnect) and record.by == "server":
            return Stop(By.DISCONNECT, record.reason)
    return None


def stop_of_error(error: Refusal, chip_commands: Iterable[Mapping[str, object]] = ()) -> Stop:
    """What an exception says: the chip's status where the chip did answer so, else the library's own.

    Args:
        error: what ended the story before a visit.
        chip_commands: commands as ``Bench.commands`` tells them, in order.
    """
    if isinstance(error, RegistryError):
        return Stop(By.REGISTRATION, error.code.value)
    if isinstance(error, RegistrationRefused):
        return Stop(By.REGISTRATION, error.code)
    status = _CHIP_SAID.get(error.status)
    if status is not None and any(command["status"] == status for command in chip_commands):
        return Stop(By.CHIP, status.name)
    return Stop(By.LIBRARY, status_name(error.status))


#: What the library returns when the chip has answered so; it may also come to that by itself.
#: Evidence: vendor-library - cryptoauthlib 3.8.0, isATCAError in lib/calib/calib_command.c.
_CHIP_SAID: Final = {
    -47: Status.MISCOMPARE,
    -46: Status.PARSE_ERROR,
    -42: Status.ECC_FAULT,
    -41: Status.SELF_TEST_ERROR,
    -12: Status.EXECUTION_ERROR,
    -6: Status.HEALTH_TEST_ERROR,
}
