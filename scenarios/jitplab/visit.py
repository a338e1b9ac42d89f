"""One visit of a device to the broker: handshake, CONNECT, perhaps a message, and how it ended.

What is in a ``Visit`` is only what the device itself could see. Why the broker did what it did is in the
broker's trace; the two are put side by side by the report, never mixed here.
"""

from __future__ import annotations

from dataclasses import dataclass

from jitpbroker import mqtt
from jitplab.channel import Channel, Closed, Endpoint, HandshakeFailed, Identity, open_channel

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
    """

    handshake: str
    why: str | None = None
    tls: str | None = None
    connect_packet: bytes | None = None
    connack: int | None = None
    puback: bool = False
    closed_by: Closed | None = None

    @property
    def admitted(self) -> bool:
        """Whether the broker let the device in."""
        return self.connack == mqtt.ConnectReturnCode.ACCEPTED

    def as_json(self) -> dict[str, str | int | bool | None]:
        """The visit with the keys and words of ``jitplab run --json``."""
        return {
            "handshake": self.handshake,
            "error": self.why,
            "tls": self.tls,
            "connect_packet": self.connect_packet.hex() if self.connect_packet is not None else None,
            "connack": self.connack,
            "puback": self.puback,
            "closed_by": self.closed_by.value if self.closed_by is not None else None,
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
) -> Visit:
    """Go there, say CONNECT, publish if let in, and come back with what was seen.

    Args:
        endpoint: where to.
        identity: chain and signing chip.
        client_id: of CONNECT.
        message: published at its QoS when CONNACK is 0.
        send_connect: ``False`` ends the visit right after the handshake.
        way: "ssl" or "tlslite" to force the TLS library.

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
        return _talk(channel, connect_packet(client_id), message)
    except mqtt.ProtocolError as error:
        why = f"the broker's answer is not MQTT: {error}"
        return Visit("completed", why, channel.version, connect_packet(client_id))
    finally:
        channel.close()


def _talk(channel: Channel, connect: bytes, message: Message | None) -> Visit:
    version = channel.version
    decoder = mqtt.Decoder(max_remaining_length=mqtt.Limits().payload + 1024)
    ended = channel.send(connect)
    answer = ended or _next_packet(channel, decoder)
    if not isinstance(answer, mqtt.ConnAck):
        return Visit("completed", None, version, connect, closed_by=_ending(answer))
    if answer.return_code != mqtt.ConnectReturnCode.ACCEPTED or message is None:
        channel.send(mqtt.encode(mqtt.Disconnect()))
        return Visit("completed", None, version, connect, answer.return_code)
    packet_id = 1 if message.qos else None
    ended = channel.send(
        mqtt.encode(mqtt.Publish(message.topic, message.payload, message.qos, packet_id=packet_id))
    )
    reply = ended or (_next_packet(channel, decoder) if message.qos else None)
    acknowledged = reply == mqtt.PubAck(1)
    if isinstance(reply, Closed):
        return Visit("completed", None, version, connect, answer.return_code, closed_by=reply)
    channel.send(mqtt.encode(mqtt.Disconnect()))
    return Visit("completed", None, version, connect, answer.return_code, acknowledged)


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
