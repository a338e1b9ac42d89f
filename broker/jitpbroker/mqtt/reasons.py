"""Why a connection ended, in AWS's words where AWS has one."""

from __future__ import annotations

from enum import StrEnum


class DisconnectReason(StrEnum):
    """``disconnectReason`` of AWS's presence events; the last three are this broker's own words.

    Evidence: document - AWS IoT developer guide, page life-cycle-events.
    """

    CLIENT_INITIATED_DISCONNECT = "CLIENT_INITIATED_DISCONNECT"
    CLIENT_ERROR = "CLIENT_ERROR"
    CONNECTION_LOST = "CONNECTION_LOST"
    DUPLICATE_CLIENTID = "DUPLICATE_CLIENTID"
    MQTT_KEEP_ALIVE_TIMEOUT = "MQTT_KEEP_ALIVE_TIMEOUT"
    SERVER_ERROR = "SERVER_ERROR"
    SERVER_INITIATED_DISCONNECT = "SERVER_INITIATED_DISCONNECT"
    THROTTLED = "THROTTLED"
    # Ends that AWS does not report because the client was never connected.
    TLS_HANDSHAKE_FAILED = "TLS_HANDSHAKE_FAILED"
    CONNECT_TIMEOUT = "CONNECT_TIMEOUT"
    TOO_MANY_CONNECTIONS = "TOO_MANY_CONNECTIONS"
