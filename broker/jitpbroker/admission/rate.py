"""How often one client id connects."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from jitpbroker.admission.attempt import Attempt

_SECOND: Final = timedelta(seconds=1)


class ConnectRate:
    """Remembers who connected within the last second.

    Evidence: document - AWS General Reference, AWS IoT Core quotas: one CONNECT a second and client id.
    """

    def __init__(self) -> None:
        self._latest: OrderedDict[str, datetime] = OrderedDict()

    def objection(self, attempt: Attempt) -> str | None:
        """Why a client that is known comes too soon; ``None`` when it does not, and then it is remembered.

        To be asked about known clients only, so that no stranger can use up a client id's second.
        """
        while self._latest and attempt.at - next(iter(self._latest.values())) >= _SECOND:
            self._latest.popitem(last=False)
        if attempt.client_id in self._latest:
            return (
                f"the client id {attempt.client_id!r} connected less than a second ago,"
                " AWS IoT allows one CONNECT a second"
            )
        self._latest[attempt.client_id] = attempt.at
        return None
