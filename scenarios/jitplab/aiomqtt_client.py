"""aiomqtt with the chip's key: what an application would use once its device is let in.

aiomqtt knows nothing of chips; it is given an ``ssl.SSLContext`` to which the key was lent. A refused
CONNECT costs it its whole time-out and looks like one, so the scenarios send it only where it is expected
to be admitted.
"""

from __future__ import annotations

import asyncio

import aiomqtt

from jitpbroker import mqtt
from jitplab.channel import Endpoint, Identity, client_context
from jitplab.lent_key import LentKey
from jitplab.visit import CASE_CLIENT_ID, Message, Visit

_TIMEOUT_SECONDS = 10.0


def visit_with_aiomqtt(
    endpoint: Endpoint,
    identity: Identity,
    message: Message,
    *,
    client_id: str = CASE_CLIENT_ID,
    timeout: float = _TIMEOUT_SECONDS,
) -> Visit:
    """Connect, publish ``message`` and wait for its acknowledgement, with aiomqtt.

    Args:
        endpoint: where to; its server name must lead there, since aiomqtt takes one name for both.
        identity: chain and signing chip.
        message: published at its QoS.
        client_id: of CONNECT.
        timeout: in seconds, what a refused CONNECT costs.

    Raises:
        CannotLend: this interpreter's ``ssl`` takes no lent key.
    """
    context = client_context(endpoint)
    key = LentKey(identity.chain, identity.public_key, identity.sign)
    key.lend_to(context)

    async def talk() -> Visit:
        try:
            async with aiomqtt.Client(
                hostname=endpoint.server_name or endpoint.host,
                port=endpoint.port,
                identifier=client_id,
                protocol=aiomqtt.ProtocolVersion.V311,
                tls_context=context,
                timeout=timeout,
            ) as client:
                await client.publish(message.topic, message.payload, qos=message.qos)
        except aiomqtt.MqttError as error:
            if key.error is not None:
                return Visit("failed", why=f"the chip did not sign: {key.error}")
            return Visit("completed" if key.digests else "failed", why=f"aiomqtt: {error}")
        return Visit("completed", connack=mqtt.ConnectReturnCode.ACCEPTED, puback=message.qos > 0)

    return asyncio.run(talk())
