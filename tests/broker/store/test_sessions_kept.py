"""Sessions, what waits for them and retained messages outlive the process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.broker.engine.conftest import PaperClient

from jitpbroker import mqtt
from jitpbroker.engine.keeper import KeptMessage
from jitpbroker.engine.local import LocalEngine
from jitpbroker.gate import Principal
from jitpbroker.registry.ids import counting_ids
from jitpbroker.store.pending import Pending
from jitpbroker.store.state import State

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


class Life:
    """One life of a broker's engine on a directory."""

    def __init__(self, directory: Path, at: datetime = NOW) -> None:
        self.state = State.open(directory, new_id=counting_ids())
        self.engine = LocalEngine(keeper=self.state.keeper)
        self.engine.restore(self.state.sessions, self.state.retained, at)
        self.at = at

    def client(self, client_id: str, *, clean_session: bool = False) -> PaperClient:
        packet = mqtt.Connect(client_id, clean_session=clean_session)
        client = PaperClient(self.engine, Principal("certificate", client_id), packet)
        self.engine.attach(client, self.at)
        return client

    def cut(self) -> None:
        """As if killed right after a commit."""
        self.state.commit()
        self.state._connection.engine.dispose()


def present(client: PaperClient) -> bool:
    return next(packet.session_present for packet in client.sent if isinstance(packet, mqtt.ConnAck))


def test_a_persistent_session_is_resumed_with_its_filters(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.client("device").subscribe("a/#")
    first.cut()

    second = Life(tmp_path)
    device = second.client("device")
    second.client("speaker", clean_session=True).publish("a/b", b"1", qos=1)

    assert present(device)
    assert [message.payload for message in device.messages()] == [b"1"]
    second.cut()


def test_what_waited_and_what_was_on_its_way_comes_again_marked_and_in_order(tmp_path: Path) -> None:
    first = Life(tmp_path)
    device, speaker = first.client("device"), first.client("speaker", clean_session=True)
    device.subscribe("a")
    speaker.publish("a", b"on its way", qos=1)
    (sent,) = device.messages()
    first.engine.detach(device, NOW, publish_will=False)
    speaker.publish("a", b"waits", qos=1)
    first.cut()

    second = Life(tmp_path)
    again, waited = second.client("device").messages()

    assert (again.payload, again.dup, again.packet_id) == (b"on its way", True, sent.packet_id)
    assert (waited.payload, waited.dup) == (b"waits", False)
    second.cut()


def test_what_was_acknowledged_does_not_come_again(tmp_path: Path) -> None:
    first = Life(tmp_path)
    device, speaker = first.client("device"), first.client("speaker", clean_session=True)
    device.subscribe("a")
    speaker.publish("a", b"1", qos=1)
    (sent,) = device.messages()
    assert sent.packet_id is not None
    device.acknowledge(sent.packet_id)
    first.cut()

    assert Life(tmp_path).client("device").messages() == []


def test_a_clean_session_and_a_filter_given_back_leave_nothing(tmp_path: Path) -> None:
    first = Life(tmp_path)
    device = first.client("device")
    device.subscribe("a")
    device.subscribe("b")
    first.engine.receive(device, mqtt.Unsubscribe(2, ("a",)))
    first.client("passer-by", clean_session=True).subscribe("a")
    first.cut()

    second = Life(tmp_path)
    kept = {each.principal.client_id: dict(each.filters) for each in second.state.sessions}

    assert kept == {"device": {"b": 1}}
    second.client("device", clean_session=True)
    second.cut()
    assert Life(tmp_path).state.sessions == ()


def test_whoever_was_there_when_the_power_went_has_an_hour_from_the_restart(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.client("device").subscribe("a")
    first.cut()

    later = NOW + timedelta(days=2)
    second = Life(tmp_path, later)
    second.engine.tick(later + timedelta(minutes=59))
    second.at = later + timedelta(minutes=59)
    resumed = present(second.client("device"))
    second.cut()

    assert resumed


def test_retained_messages_are_kept_and_forgotten(tmp_path: Path) -> None:
    first = Life(tmp_path)
    speaker = first.client("speaker", clean_session=True)
    speaker.publish("kept", b"1", qos=1, retain=True)
    speaker.publish("kept", b"2", qos=1, retain=True)
    speaker.publish("gone", b"1", qos=0, retain=True)
    speaker.publish("gone", b"", qos=0, retain=True)
    first.cut()

    second = Life(tmp_path)
    listener = second.client("listener", clean_session=True)
    listener.subscribe("kept")
    listener.subscribe("gone")

    assert [(each.topic, each.payload, each.retain) for each in listener.messages()] == [("kept", b"2", True)]
    second.cut()


def test_a_message_is_told_for_every_session_before_its_publisher_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Routing may hang up on somebody, which commits; a PUBACK must not leave with what is half told."""
    life = Life(tmp_path)
    life.client("other").subscribe("a")
    speaker = life.client("speaker")
    speaker.subscribe("a")
    keeper, acknowledged = life.state.keeper, list[bool]()

    def message(client_id: str, kept: KeptMessage) -> None:
        acknowledged.append(mqtt.PubAck(9) in speaker.sent)
        Pending.message(keeper, client_id, kept)

    monkeypatch.setattr(keeper, "message", message)
    speaker.publish("a", b"1", qos=1)

    assert mqtt.PubAck(9) in speaker.sent
    assert acknowledged == [False] * 4  # waiting, then on its way, for two sessions
    life.cut()
