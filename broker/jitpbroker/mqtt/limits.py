"""How much a client may ask for, as data: each line says where its number is from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KIB = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one MQTT connection; times in seconds, sizes in bytes.

    Attributes:
        connect_timeout: from the end of the handshake to a whole CONNECT. AWS holds a silent connection
            for at least 4 s (MiniStack PR 1755); beyond that nothing is known. Evidence: assumed - own
            choice.
        connect_packet: remaining length of CONNECT. Evidence: document - AWS General Reference, IoT Core
            quotas: publish and connect requests above 128 KB are rejected.
        payload: of one PUBLISH. Evidence: document - same place.
        keep_alive_floor: 1 to 29 become this. Evidence: document - same place.
        keep_alive_ceiling: 0 and everything above become this. Evidence: document - same place.
        keep_alive_factor: silence for this many keep-alives ends the connection. Evidence: document -
            MQTT 3.1.1 section 3.1.2.10 and AWS's quotas page agree.
        client_id: bytes of UTF-8. Evidence: document - AWS quotas page.
        filters_per_subscribe: Evidence: document - AWS quotas page.
        subscriptions: filters held by one connection. Evidence: document - AWS quotas page.
        in_flight: QoS 1 messages sent and not acknowledged. Evidence: document - AWS quotas page.
        publishes_per_second: messages in and out; more are discarded. ``None`` for no limit, so that a load
            test measures the broker; `AWS_LIMITS` has AWS's. Evidence: assumed - own choice.
        throughput: bytes read in a second; more have to wait. As before. Evidence: assumed - own choice.
    """

    connect_timeout: float = 10.0
    connect_packet: int = 128 * KIB
    payload: int = 128 * KIB
    keep_alive_floor: int = 30
    keep_alive_ceiling: int = 1200
    keep_alive_factor: float = 1.5
    client_id: int = 128
    filters_per_subscribe: int = 8
    subscriptions: int = 50
    in_flight: int = 100
    publishes_per_second: int | None = None
    throughput: int | None = None

    def keep_alive(self, asked: int) -> int:
        """The keep-alive in force, in seconds, when a client asked for ``asked``."""
        if asked == 0 or asked > self.keep_alive_ceiling:
            return self.keep_alive_ceiling
        return max(asked, self.keep_alive_floor)


#: With the quotas that count by the second. Evidence: document - AWS General Reference, IoT Core quotas.
AWS_LIMITS: Final = Limits(publishes_per_second=100, throughput=512 * KIB)
