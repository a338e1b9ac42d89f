"""A client that is no chip: certificate and key in files, as the user's mosquitto_pub had them."""

from __future__ import annotations

from jitplab import pki
from jitplab.channel import Endpoint, Identity
from jitplab.visit import Message, Visit, visit


def visit_with_key_file(
    endpoint: Endpoint,
    presented: tuple[bytes, ...],
    key: pki.SigningKey,
    message: Message,
    *,
    client_id: str = "deviceCert",
    way: str | None = None,
) -> Visit:
    """Visit with a chain and a key that lies outside any chip.

    Args:
        endpoint: where to.
        presented: DER, leaf first.
        key: the leaf's key.
        message: published when let in.
        client_id: of CONNECT.
        way: "ssl" or "tlslite" to force the TLS library.
    """
    return visit(
        endpoint,
        Identity(presented, key.public_key, key.sign_digest),
        client_id=client_id,
        message=message,
        way=way,
    )
