"""What the default engine tells its keeper, if it has one, and what it makes of what was kept."""

from __future__ import annotations

from datetime import datetime

from jitpbroker.engine.keeper import Keeper, KeptMessage, KeptSession
from jitpbroker.engine.session import Sent, Session, Waiting
from jitpbroker.mqtt import Publish


class Ledger:
    """Tells ``keeper`` of persistent sessions; numbers all messages."""

    def __init__(self, keeper: Keeper | None) -> None:
        self._keeper = keeper
        self._number = 0

    def session(self, session: Session) -> None:
        """It began, was resumed or left."""
        if session.persistent and self._keeper is not None:
            self._keeper.session(session.principal, session.left_at)

    def forget(self, session: Session) -> None:
        """It is over."""
        if session.persistent and self._keeper is not None:
            self._keeper.forget(session.principal.client_id)

    def subscribed(self, session: Session, topic_filter: str, qos: int) -> None:
        """It has a filter."""
        if session.persistent and self._keeper is not None:
            self._keeper.subscribed(session.principal.client_id, topic_filter, qos)

    def unsubscribed(self, session: Session, topic_filter: str) -> None:
        """It has given a filter back."""
        if session.persistent and self._keeper is not None:
            self._keeper.unsubscribed(session.principal.client_id, topic_filter)

    def waits(self, session: Session, message: Publish) -> Waiting:
        """A new message waits."""
        self._number += 1
        if session.persistent and self._keeper is not None:
            self._keeper.message(session.principal.client_id, KeptMessage(self._number, message))
        return Waiting(message, self._number)

    def sent(self, session: Session, sent: Sent) -> None:
        """A message is on its way for the first time."""
        if session.persistent and self._keeper is not None:
            kept = KeptMessage(sent.number, sent.message, sent.first)
            self._keeper.message(session.principal.client_id, kept)

    def done(self, session: Session, number: int) -> None:
        """A message was acknowledged or dropped."""
        if session.persistent and self._keeper is not None:
            self._keeper.done(session.principal.client_id, number)

    def retain(self, topic: str, message: Publish | None) -> None:
        """A topic's retained message, ``None`` for none any more."""
        if self._keeper is not None:
            self._keeper.retain(topic, message)

    def restored(self, kept: KeptSession, at: datetime) -> Session:
        """The session that was kept; a client that was connected then has left at ``at``."""
        session = Session(kept.principal, None, persistent=True, left_at=kept.left_at or at)
        session.filters.update(kept.filters)
        for each in kept.messages:
            message, self._number = each.message, max(self._number, each.number)
            if message.packet_id is None:
                session.waiting.append(Waiting(message, each.number))
                session.waiting_bytes += len(message.payload)
            else:
                session.in_flight[message.packet_id] = Sent(message, each.number, each.sent or at, at)
                session.last_packet_id = message.packet_id
        self.session(session)
        return session
