"""Clients without a network: what an engine sends them is kept in a list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from jitpbroker import mqtt
from jitpbroker.engine.local import LocalEngine
from jitpbroker.gate import Principal

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@dataclass
class PaperClient:
    """Implements ``jitpbroker.engine.Client``; hanging up detaches it, as the server does."""

    engine: LocalEngine
    principal: Principal
    connect: mqtt.Connect
    sent: list[mqtt.Packet] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    hung_up: tuple[mqtt.DisconnectReason, str] | None = None

    def may_receive(self, topic: str) -> bool:
        return topic not in self.forbidden

    def send(self, packet: mqtt.Packet) -> None:
        if self.hung_up is None:
            self.sent.append(packet)

    def hang_up(self, reason: mqtt.DisconnectReason, why: str) -> None:
        self.hung_up = (reason, why)
        self.engine.detach(self, NOW, publish_will=True)

    # -- what a test does with it --

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        self.engine.receive(self, mqtt.Subscribe(1, (mqtt.Subscription(topic_filter, qos),)))

    def publish(self, topic: str, payload: bytes = b"x", qos: int = 0, *, retain: bool = False) -> None:
        packet_id = 9 if qos else None
        self.engine.receive(self, mqtt.Publish(topic, payload, qos, retain, packet_id=packet_id))

    def acknowledge(self, packet_id: int) -> None:
        self.engine.receive(self, mqtt.PubAck(packet_id))

    def messages(self) -> list[mqtt.Publish]:
        """What has been delivered so far; forgets it."""
        delivered = [packet for packet in self.sent if isinstance(packet, mqtt.Publish)]
        self.sent.clear()
        return delivered


Attach: TypeAlias = Callable[..., PaperClient]


@pytest.fixture
def engine() -> LocalEngine:
    return LocalEngine()


@pytest.fixture
def attach(engine: LocalEngine) -> Attach:
    def attach_one(
        client_id: str, *, at: datetime = NOW, to: LocalEngine | None = None, **connect: object
    ) -> PaperClient:
        chosen = to or engine
        packet = mqtt.Connect(client_id, **connect)  # type: ignore[arg-type]
        client = PaperClient(chosen, Principal("certificate", client_id), packet)
        chosen.attach(client, at)
        return client

    return attach_one
