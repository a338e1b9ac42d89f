"""TLS towards a client whose certificate nobody has to trust.

Rules of this file:
1. The handshake proves possession of the client's private key and nothing else: unknown, expired,
   self-signed, version 1 and weak certificates pass. Who may connect is decided later.
2. No resumption: a resumed session would carry no chain.
3. An IP address is no server name, whatever a client sends.

Evidence: document - AWS IoT developer guide, pages transport-security (suites, versions) and
x509-client-certs (possession of the key is what TLS checks).
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from OpenSSL import SSL, crypto

from jitpbroker.credentials import ServerCredentials, ServerIdentity

ALPN = b"x-amzn-mqtt-ca"

#: TLS 1.2, in AWS's order; TLS 1.3 keeps OpenSSL's three. SECLEVEL=0 lets weak client certificates through.
SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:"
    "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA384:"
    "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA:"
    "AES128-GCM-SHA256:AES128-SHA256:AES128-SHA:AES256-GCM-SHA384:AES256-SHA256:AES256-SHA:@SECLEVEL=0"
)

#: Rule 1 saves work, too: OpenSSL's chain ends at the leaf (-1 would mean "no limit given"), so that no
#: signature between the client's certificates is checked. What was sent is handed out whole all the same.
_LEAF_ALONE = -2


@dataclass(frozen=True, slots=True)
class HandshakeFacts:
    """What a handshake, finished or not, has shown of the client.

    Attributes:
        version: ``"TLSv1.2"`` or ``"TLSv1.3"``, ``None`` before it was agreed upon.
        sni: the host name asked for; ``None`` also for an IP address, which RFC 6066 section 3 does not allow
            there (mosquitto_pub sends one all the same).
        alpn: the protocol agreed upon.
        chain: DER of every certificate the client sent, leaf first.
    """

    version: str | None
    sni: str | None
    alpn: str | None
    chain: tuple[bytes, ...]


def keylog_from_environment() -> Path | None:
    """Where SSLKEYLOGFILE points to."""
    name = os.environ.get("SSLKEYLOGFILE")
    return Path(name) if name else None


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Time limits in seconds.

    Attributes:
        handshake_timeout: from accept to the end of the handshake. Evidence: assumed - own choice.
        linger: how long a closed connection is drained, waiting for the peer's own end. Evidence: assumed -
            own choice.
        require_client_certificate: a client without one is refused in the handshake. Evidence: assumed - old
            reports speak of an alert (aws-iot-device-sdk-python issue 265), no document does; without it, the
            client gets as far as CONNECT with an empty chain.
        keylog: file that session secrets are appended to, so that Wireshark can read along; from the
            environment variable SSLKEYLOGFILE unless given.
    """

    handshake_timeout: float = 10.0
    linger: float = 1.0
    require_client_certificate: bool = True
    keylog: Path | None = field(default_factory=keylog_from_environment)


def server_context(credentials: ServerCredentials, settings: TlsSettings) -> SSL.Context:
    """The context all connections of one server share."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(SUITES.encode())
    context.set_options(
        SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    for identity in credentials.identities:
        _use(identity)(context)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    mode = SSL.VERIFY_PEER
    if settings.require_client_certificate:
        mode |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    context.set_verify(mode, _accept_any)
    context.set_verify_depth(_LEAF_ALONE)
    store = context.get_cert_store()
    assert store is not None, "every context has one"
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)  # one objection of OpenSSL's less to overrule
    # Evidence: assumed - AWS documents its ALPN name for port 443 and is silent on others: they are ignored.
    context.set_alpn_select_callback(
        lambda _connection, offered: ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS
    )
    if settings.keylog is not None:
        _log_secrets(context, settings.keylog)
    return context


@lru_cache(maxsize=8)
def _use(identity: ServerIdentity) -> Callable[[SSL.Context], None]:
    """What gives ``identity`` to a context; parsed once, since checking an RSA key takes 50 ms."""
    certificate = crypto.load_certificate(crypto.FILETYPE_PEM, identity.certificate_pem).to_cryptography()
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, identity.private_key_pem).to_cryptography_key()

    def use(context: SSL.Context) -> None:
        context.use_certificate(certificate)
        # A PEM private key never loads as a public one, which the declared type allows for.
        context.use_privatekey(key)  # type: ignore[arg-type]

    return use


def _accept_any(_connection: SSL.Connection, _cert: crypto.X509, _error: int, _depth: int, _ok: int) -> bool:
    return True


def _log_secrets(context: SSL.Context, path: Path) -> None:
    def append(_connection: SSL.Connection, line: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(line + b"\n")

    context.set_keylog_callback(append)


@lru_cache(maxsize=256)
def host_name(sni: bytes | None) -> str | None:
    """The server name as text, ``None`` for none and for an IP address."""
    if not sni:
        return None
    name = sni.decode("ascii", "backslashreplace")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name
    return None


#: What OpenSSL says, and what that means for whoever reads the trace. Alerts are the client's; the protocol
#: version that OpenSSL puts before the word differs from release to release.
_MEANINGS = {
    "http request": "the client speaks plain HTTP; this port speaks TLS",
    "wrong version number": "the client's bytes are no TLS; connect with TLS 1.2 or 1.3",
    "unsupported protocol": "the client offers no TLS 1.2 or 1.3",
    "no shared cipher": "the client offers no cipher suite of AWS IoT's list",
    "peer did not return a certificate": "the client sent no certificate",
    "bad signature": "the client's signature does not fit its certificate: it uses another private key",
    "alert unknown ca": "the client does not trust this server; give it the TEST-ONLY root certificate",
    "alert bad certificate": "the client does not accept this server's certificate; check the name",
    "alert certificate unknown": "the client does not accept this server's certificate",
}


def sentence(error: SSL.Error) -> str:
    """One sentence for the trace, from OpenSSL's error queue."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [str(entry[2]) for entry in queue]
    for reason in reasons:
        _, alert, name = reason.partition("alert ")
        meaning = _MEANINGS.get(alert + name if alert else reason)
        if meaning is not None:
            return f"{meaning} (OpenSSL: {reason})"
    return f"the TLS session failed (OpenSSL: {', '.join(reasons) or error!r})"
