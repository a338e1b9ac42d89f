"""Client libraries that others wrote, against both engines."""

from __future__ import annotations

import asyncio
import ssl
from queue import Queue
from typing import TYPE_CHECKING

import aiomqtt
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

if TYPE_CHECKING:
    from tests.interop.conftest import Lab


def context(lab: Lab) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(lab.root))
    made.load_cert_chain(lab.certificate, lab.key)
    return made


def paho_session(lab: Lab) -> list[str]:
    """Connect, publish once if admitted, leave; what paho reported, in order."""
    happened: Queue[str] = Queue()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="paho", reconnect_on_failure=False)
    client.tls_set_context(context(lab))

    def on_connect(_c: paho.Client, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        happened.put(f"connected: {reason}")
        client.publish("a/b", b"hello", qos=1)

    def on_publish(_c: paho.Client, _u: object, _mid: int, _r: object, _p: object) -> None:
        happened.put("acknowledged")
        client.disconnect()

    def on_disconnect(_c: paho.Client, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        happened.put(f"disconnected: {reason}")

    client.on_connect, client.on_publish, client.on_disconnect = on_connect, on_publish, on_disconnect
    client.connect("localhost", lab.port)
    client.loop_forever(retry_first_connection=False)
    return [happened.get_nowait() for _ in range(happened.qsize())]


def test_paho_loses_its_first_connection_and_publishes_on_its_second(lab: Lab) -> None:
    first = paho_session(lab)
    second = paho_session(lab)

    assert first == ["disconnected: Unspecified error"]
    assert second == ["connected: Success", "acknowledged", "disconnected: Normal disconnection"]


def test_aiomqtt_publishes_and_receives_once_it_is_registered(lab: Lab) -> None:
    async def run() -> tuple[str, bytes, int]:
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client(
                "localhost", lab.port, identifier="aio", tls_context=context(lab), timeout=1
            ):
                pass
        async with aiomqtt.Client(
            "localhost", lab.port, identifier="aio", tls_context=context(lab), timeout=10
        ) as client:
            await client.subscribe("a/#", qos=1)
            await client.publish("a/b", b"hello", qos=1)
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                return str(message.topic), message.payload, message.qos
        raise AssertionError("the message did not arrive")

    assert asyncio.run(run()) == ("a/b", b"hello", 1)
    assert [attempt.client_id for attempt in lab.gate.attempts] == ["aio", "aio"]
