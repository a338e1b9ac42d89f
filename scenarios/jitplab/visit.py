"""One visit of a device to the broker: handshake, CONNECT, perhaps a message, and how it ended.

What is in a ``Visit`` is only what the device itself could see. Why the broker did what it did is in the
broker's trace; the two are put side by side by the report, never mixed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jitpbroker import mqtt
from jitpbroker import trace as broker_trace
from jitplab.channel import Channel, Closed, Endpoint, HandshakeFailed, Identity, open_channel

JsonValue: TypeAlias = broker_trace.JsonValue

#: The CONNECT of the case: what coreMQTT 1.1.0 wrote with these settings, 85 bytes.
CASE_CLIENT_ID = "testclient"
CASE_USER_NAME = "?SDK=Fedora&Version=33&Platform=PC&MQTTLib=core-mqtt@v1.1.0"
CASE_KEEP_ALIVE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Message:
    """What the device publishes once it is let in."""

    topic: str = "ji/tp"
    payload: bytes = b'{"let-me": "in"}'
    qos: int = 1


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection as its client saw it.

    Attributes:
        handshake: ``completed`` or ``failed``.
        why: the TLS library's reason for a failed handshake.
        tls: ``TLSv1.2`` or ``TLSv1.3``.
        connect_packet: the CONNECT that was written, ``None`` when none was.
        connack: CONNACK's return code, ``None`` when none came.
        puback: whether the message was acknowledged.
        closed_by: how the peer ended the connection; ``None`` when the client ended it itself.
        answers: what came after CONNACK, in order: ``SUBACK 1``, ``PUBACK``, ``PUBLISH topic`` …
    """

    handshake: str
    why: str | None = None
    tls: str | None = None
    connect_packet: bytes | None = None
    connack: int | None = None
    puback: bool = False
    closed_by: Closed | None = None
    answers: tuple[str, ...] = ()

    @property
    def admitted(self) -> bool:
        """Whether the broker let the device in."""
        return self.connack == mqtt.ConnectReturnCode.ACCEPTED

    def as_json(self) -> dict[str, JsonValue]:
        """The visit with the keys and words of ``jitplab run --json``."""
        return {
            "handshake": self.handshake,
            "error": self.why,
            "tls": self.tls,
            "connect_packet": self.connect_packet.hex() if self.connect_packet is not None else None,
            "connack": self.connack,
            "puback": self.puback,
            "closed_by": self.closed_by.value if self.closed_by is not None else None,
            "answers": list(self.answers),
        }


def connect_packet(client_id: str = CASE_CLIENT_ID) -> bytes:
    """The firmware's CONNECT; for the case's client id the very 85 bytes of coreMQTT 1.1.0."""
    return mqtt.encode(
        mqtt.Connect(
            client_id=client_id,
            keep_alive=CASE_KEEP_ALIVE_SECONDS,
            clean_session=True,
            user_name=CASE_USER_NAME,
        )
    )


def visit(
    endpoint: Endpoint,
    identity: Identity,
    *,
    client_id: str = CASE_CLIENT_ID,
    message: Message | None = None,
    send_connect: bool = True,
    way: str | None = None,
    connect: mqtt.Connect | None = None,
    script: Sequence[mqtt.Packet] = (),
) -> Visit:
    """Go there, say CONNECT, publish if let in, and come back with what was seen.

    Args:
        endpoint: where to.
        identity: chain and signing chip.
        client_id: of CONNECT.
        message: published at its QoS when CONNACK is 0.
        send_connect: ``False`` ends the visit right after the handshake.
        way: "ssl" or "tlslite" to force the TLS library.
        connect: the whole CONNECT, where it is not the firmware's usual one.
        script: what is sent after CONNACK 0, one after the other, each answered before the next.

    Raises:
        OSError: nobody listens there.
    """
    try:
        channel = open_channel(endpoint, identity, way)
    except (HandshakeFailed, ValueError) as failure:  # ValueError: the client's own TLS refuses the chain
        return Visit("failed", why=str(failure))
    try:
        if not send_connect:
            return Visit("completed", tls=channel.version)
        hello = connect_packet(client_id) if connect is None else mqtt.encode(connect)
        return _talk(channel, hello, message, script)
    except mqtt.ProtocolError as error:
        why = f"the broker's answer is not MQTT: {error}"
        return Visit("completed", why, channel.version, connect_packet(client_id))
    finally:
        channel.close()


def _talk(channel: Channel, connect: bytes, message: Message | None, script: Sequence[mqtt.Packet]) -> Visit:
    version = channel.version
    decoder = _decoder()
    ended = channel.send(connect)
    answer = ended or _next_packet(channel, decoder)
    if not isinstance(answer, mqtt.ConnAck):
        return Visit("completed", None, version, connect, closed_by=_ending(answer))
    code = answer.return_code
    if code != mqtt.ConnectReturnCode.ACCEPTED or (message is None and not script):
        channel.send(mqtt.encode(mqtt.Disconnect()))
        return Visit("completed", None, version, connect, code)
    said = [*script] if message is None else [_publish(message), *script]
    answers, closed = _play(channel, decoder, said)
    if closed is None:
        channel.send(mqtt.encode(mqtt.Disconnect()))
    return Visit("completed", None, version, connect, code, "PUBACK" in answers, closed, tuple(answers))


def _publish(message: Message) -> mqtt.Publish:
    packet_id = 1 if message.qos else None
    return mqtt.Publish(message.topic, message.payload, message.qos, packet_id=packet_id)


def _play(
    channel: Channel, decoder: mqtt.Decoder, script: Sequence[mqtt.Packet]
) -> tuple[list[str], Closed | None]:
    """Send packet after packet; each is answered, by its own kind or by PINGRESP to a PINGREQ behind it."""
    answers: list[str] = []
    for packet in script:
        answered = isinstance(packet, mqtt.Subscribe | mqtt.Unsubscribe | mqtt.PingReq) or (
            isinstance(packet, mqtt.Publish) and packet.qos == 1
        )
        octets = mqtt.encode(packet) + (b"" if answered else mqtt.encode(mqtt.PingReq()))
        reply: mqtt.Packet | Closed | None = channel.send(octets)
        while reply is None or isinstance(reply, mqtt.Publish):
            reply = _next_packet(channel, decoder)
            if isinstance(reply, Closed):
                return answers, reply
            if not isinstance(reply, mqtt.PingResp):
                answers.append(_told(reply, packet))
        if isinstance(reply, Closed):
            return answers, reply
    return answers, None


def _told(packet: mqtt.Packet, asked: mqtt.Packet) -> str:
    match packet:
        case mqtt.PubAck(number) if not isinstance(asked, mqtt.Publish) or number != asked.packet_id:
            return f"PUBACK of {number}, which nobody sent"
        case mqtt.SubAck(_, codes):
            return f"SUBACK {' '.join(map(str, codes))}"
        case mqtt.Publish(topic):
            return f"PUBLISH {topic}"
        case _:
            return type(packet).__name__.upper()


def _decoder() -> mqtt.Decoder:
    return mqtt.Decoder(max_remaining_length=mqtt.Limits().payload + 1024)


class Presence:
    """A client that has been let in and stays, until `ended` is asked.

    Raises:
        HandshakeFailed: it did not get that far.
        ConnectionError: the broker did not let it in.
    """

    def __init__(
        self, endpoint: Endpoint, identity: Identity, connect: mqtt.Connect, *, way: str | None = None
    ) -> None:
        self._channel = open_channel(endpoint, identity, way)
        self._decoder = _decoder()
        self._channel.send(mqtt.encode(connect))
        answer = _next_packet(self._channel, self._decoder)
        if not isinstance(answer, mqtt.ConnAck) or answer.return_code:
            self._channel.close()
            raise ConnectionError(f"{connect.client_id} was not let in: {answer}")

    def play(self, script: Sequence[mqtt.Packet]) -> tuple[list[str], Closed | None]:
        """Send packets and read their answers, as in a visit."""
        return _play(self._channel, self._decoder, script)

    def ended(self) -> Closed | None:
        """How the broker ended the connection meanwhile, ``None`` when it did not; leaves then."""
        _, closed = self.play([mqtt.PingReq()])
        if closed is None:
            self._channel.send(mqtt.encode(mqtt.Disconnect()))
        self._channel.close()
        return closed


def _next_packet(channel: Channel, decoder: mqtt.Decoder) -> mqtt.Packet | Closed:
    while True:
        packet = decoder.next_packet()
        if packet is not None:
            return packet
        received = channel.receive()
        if isinstance(received, Closed):
            return received
        decoder.receive_data(received)


def _ending(answer: mqtt.Packet | Closed) -> Closed | None:
    return answer if isinstance(answer, Closed) else None
