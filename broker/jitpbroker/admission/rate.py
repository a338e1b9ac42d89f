"""How often a client id connects, and how much of everything an account may have.

Rules of this file:
1. Only clients that are known are counted as connecting, so that no stranger can use up anybody's second.
2. A client that takes over its own client id has no second connection: the older one ends.
3. A certificate counts when it is registered; one that waits in PENDING_ACTIVATION has been counted.

Evidence: document - AWS General Reference, AWS IoT Core quotas (archived copy of 2019-20), for the numbers.
Evidence: assumed - that what exceeds them is hung up on without CONNACK, and registers nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from jitpbroker.admission.attempt import Attempt
from jitpbroker.mqtt.quota import PerSecond

_SECOND: Final = timedelta(seconds=1)


class ConnectRate:
    """Remembers who connected within the last second; one CONNECT a second and client id."""

    def __init__(self) -> None:
        self._latest: OrderedDict[str, datetime] = OrderedDict()

    def objection(self, attempt: Attempt) -> str | None:
        """Why a client that is known comes too soon; ``None`` when it does not, and then it is remembered."""
        while self._latest and attempt.at - next(iter(self._latest.values())) >= _SECOND:
            self._latest.popitem(last=False)
        if attempt.client_id in self._latest:
            return (
                f"the client id {attempt.client_id!r} connected less than a second ago,"
                " AWS IoT allows one CONNECT a second"
            )
        self._latest[attempt.client_id] = attempt.at
        return None


@dataclass(frozen=True, slots=True)
class AccountQuotas:
    """What one account may have in one Region.

    Attributes:
        connects: CONNECTs a second, ``None`` for any number; so for the others.
        connections: at once.
        registrations: certificates registered just in time, a second.
    """

    connects: int | None = None
    connections: int | None = None
    registrations: int | None = None


AWS_QUOTAS: Final = AccountQuotas(connects=500, connections=500_000, registrations=15)


class AccountRate:
    """Counts against ``quotas``."""

    def __init__(self, quotas: AccountQuotas) -> None:
        self._connections = quotas.connections
        self._connects = PerSecond(quotas.connects)
        self._registrations = PerSecond(quotas.registrations)

    def connect_objection(self, at: datetime, connected: int) -> str | None:
        """Why nobody more is let in now, ``None`` when there is room.

        Args:
            at: the time of the CONNECT, which counts whether it is let in or not.
            connected: client ids other than this client's that are connected.
        """
        if not self._connects.take(at):
            return (
                f"the account has had {self._connects.limit} CONNECTs in one second, the most AWS IoT allows"
            )
        if self._connections is not None and connected >= self._connections:
            return f"the account has {connected} connections, the most AWS IoT allows"
        return None

    def registration_objection(self, at: datetime) -> str | None:
        """Why no further certificate is registered now, ``None`` when one is."""
        if self._registrations.take(at):
            return None
        return (
            f"the account has had {self._registrations.limit} certificates registered in one second,"
            " the most AWS IoT allows; connect again later"
        )
