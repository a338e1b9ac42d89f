"""What loads the broker while its power is cut: publisher, listener, owner, newcomers."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from urllib.parse import quote

from jitpbroker import mqtt

TOPIC: Final = "power/cuts"
RETAINED: Final = "power/retained"
UNREAD: Final = "power/unread"
LISTENER: Final = "listener"
SLEEPER: Final = "sleeper"
#: How many messages the publisher sends before it waits for the first PUBACK.
WINDOW: Final = 8
_GONE: Final = (ConnectionError, ssl.SSLError, TimeoutError, OSError)


@dataclass
class Ledger:
    """What was sent and what was acknowledged, over all rounds."""

    acknowledged: set[int] = field(default_factory=set)
    unread: set[int] = field(default_factory=set)  # acknowledged, and read by nobody before the cut
    received: set[int] = field(default_factory=set)
    retained: int = 0  # the last one acknowledged
    retained_sent: int = 0
    things: set[str] = field(default_factory=set)
    admitted: set[str] = field(default_factory=set)  # certificate ids of devices that were let in
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def number(self) -> int:
        """The next message's, thing's or device's; never the same to two threads."""
        return next(self.numbers)


class Connection:
    """A blocking MQTT connection over TLS."""

    def __init__(self, port: int, context: ssl.SSLContext, client_id: str, *, clean: bool) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain, server_hostname="localhost")
        self._decoder = mqtt.Decoder(max_remaining_length=1 << 20)
        self.send(mqtt.Connect(client_id, keep_alive=1200, clean_session=clean))
        answer = self.packet()
        if not isinstance(answer, mqtt.ConnAck) or answer.return_code != 0:
            raise ConnectionError(f"{client_id} was not let in: {answer}")
        self.present = answer.session_present

    def send(self, *packets: mqtt.Packet) -> None:
        """Write packets at once."""
        self._socket.sendall(b"".join(mqtt.encode(packet) for packet in packets))

    def packet(self) -> mqtt.Packet:
        """The next packet; raises when there is none any more."""
        while (packet := self._decoder.next_packet()) is None:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("end of stream")
            self._decoder.receive_data(data)
        return packet

    def close(self) -> None:
        """Leave without a word."""
        self._socket.close()


def register(port: int, context: ssl.SSLContext, client_id: str) -> None:
    """A first visit, which the broker ends."""
    try:
        Connection(port, context, client_id, clean=True).close()
    except _GONE:
        return


def until_it_is_cut(work: Callable[[], None]) -> Callable[[], None]:
    """``work`` again and again until the broker is gone."""

    def run() -> None:
        try:
            while True:
                work()
        except (*_GONE, http.client.HTTPException):
            return

    return run


def publisher(connection: Connection, ledger: Ledger) -> Callable[[], None]:
    """Sends a window of messages, one to the sleeper, every fourth retained; notes what is acknowledged."""

    def work() -> None:
        sent: dict[int, tuple[int, str]] = {}
        packets: list[mqtt.Packet] = []
        for at in range(1, WINDOW + 1):
            number, topic = ledger.number(), UNREAD if at == 1 else RETAINED if at % 4 == 0 else TOPIC
            sent[at] = (number, topic)
            if topic == RETAINED:
                ledger.retained_sent = number
            payload = str(number).encode()
            packets.append(mqtt.Publish(topic, payload, qos=1, retain=topic == RETAINED, packet_id=at))
        connection.send(*packets)
        while sent:
            answer = connection.packet()
            if isinstance(answer, mqtt.PubAck):
                number, topic = sent.pop(answer.packet_id)
                (ledger.unread if topic == UNREAD else ledger.acknowledged).add(number)
                if topic == RETAINED:
                    ledger.retained = max(ledger.retained, number)

    return work


def listener(connection: Connection, ledger: Ledger) -> Callable[[], None]:
    """Acknowledges what comes, after it has noted it."""

    def work() -> None:
        packet = connection.packet()
        if isinstance(packet, mqtt.Publish):
            if packet.payload.isdigit():
                ledger.received.add(int(packet.payload))
            if packet.packet_id is not None:
                connection.send(mqtt.PubAck(packet.packet_id))

    return work


def owner(control: str, ledger: Ledger) -> Callable[[], None]:
    """Creates things through the control plane and notes those that were answered 200."""
    host, _, port = control.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)

    def work() -> None:
        name = f"thing-{ledger.number()}"
        connection.request("POST", f"/things/{name}", b"{}", {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            ledger.things.add(name)

    return work


def things_of(control: str) -> set[str]:
    """The names of all things there are."""
    things = _listed(control, "/things?maxResults=250", "things", "nextToken", "nextToken")
    return {str(thing["thingName"]) for thing in things}


def active_in(control: str) -> set[str]:
    """The ids of all device certificates that are ACTIVE."""
    certificates = _listed(control, "/certificates?pageSize=250", "certificates", "nextMarker", "marker")
    return {str(each["certificateId"]) for each in certificates if each["status"] == "ACTIVE"}


def _listed(control: str, path: str, member: str, answered: str, asked: str) -> list[dict[str, object]]:
    """Every page of a list; ``answered`` names what leads on, ``asked`` the parameter that takes it."""
    host, _, port = control.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    found: list[dict[str, object]] = []
    token: str | None = ""
    while token is not None:
        connection.request("GET", path + (f"&{asked}={quote(token, safe='')}" if token else ""))
        body = json.loads(connection.getresponse().read())
        found += body[member]
        token = body.get(answered)
    connection.close()
    return found


def started(*work: Callable[[], None]) -> list[threading.Thread]:
    """A thread for each."""
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    for thread in threads:
        thread.start()
    return threads
