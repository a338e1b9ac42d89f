"""The facts of one CONNECT, frozen before anybody judges them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything admission may know about a connection that has just sent CONNECT.

    Attributes:
        chain: DER of every certificate the client sent, leaf first, exactly as sent (any of them may
            be unparseable). The TLS layer has proven possession of the leaf's key and nothing else.
            Empty when the client sent none.
        sni: the server name the client asked for, ``None`` when it sent none.
        alpn: the negotiated protocol, ``None`` when none was.
        client_id: from CONNECT; already replaced when the client left it empty.
        clean_session: from CONNECT.
        will_topic: topic of the last will, ``None`` without one.
        will_retain: whether the will asks to be retained.
        at: aware UTC time at which CONNECT was complete.
        source_ip: peer address without port.
        source_port: peer port.
    """

    chain: tuple[bytes, ...]
    sni: str | None
    alpn: str | None
    client_id: str
    at: datetime
    clean_session: bool = True
    will_topic: str | None = None
    will_retain: bool = False
    source_ip: str = "127.0.0.1"
    source_port: int = 0
