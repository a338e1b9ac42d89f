"""TLS as the small firmware speaks it: the key stays in the chip, and how a connection ends is seen.

Python's ssl wrappers make close_notify and a bare end of stream look alike, and most MQTT clients turn
both into a time-out. A device's log does not: mbedTLS answers -0x7880 for the one and -0x7280 for the
other. So this client works on memory BIOs and says which it was, the moment it happens.

Two ways to sign with the chip, chosen by ``open_channel``: the standard library with a lent key, and
tlslite-ng where the interpreter does not allow that (docs/decisions/0005).
"""

from __future__ import annotations

import os
import socket
import ssl
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from jitplab.lent_key import LentKey, Signer, why_not
from jitplab.tap import Tap

#: A guard against a peer that never answers; no outcome is ever derived from it but ``SILENCE``.
PATIENCE_SECONDS = 10.0


class Closed(StrEnum):
    """How a connection ended, as its client saw it."""

    CLOSE_NOTIFY = "close_notify"
    END_OF_STREAM = "end_of_stream"
    ALERT = "alert"
    RESET = "reset"
    SILENCE = "silence"
    NOT_TLS = "not_tls"  # bytes that are no record of this connection: the client itself gives up


class HandshakeFailed(Exception):  # noqa: N818 - the TLS standards' own word
    """The handshake did not complete; ``str()`` is the TLS library's reason."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the client presents: a chain (DER, leaf first), the leaf's public key, and who signs for it."""

    chain: tuple[bytes, ...]
    public_key: bytes
    sign: Signer = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect, whom to trust, and what to ask for.

    Attributes:
        host: address to connect to.
        port: TCP port.
        root_pem: the root that the server's certificate must come from.
        server_name: sent as SNI and checked in the server's certificate; ``None`` sends none and checks
            the chain only, as a client that was given a bare address does.
        alpn: protocols to offer.
        tls: "1.2" or "1.3" to allow just that version, ``None`` for both.
        clock: the time the client believes it is, by which it judges the server's certificate; ``None`` is
            the machine's.
        tap: hears what passes, and is given the secrets of TLS.
    """

    host: str
    port: int
    root_pem: bytes
    server_name: str | None
    alpn: tuple[str, ...] = ()
    tls: str | None = None
    clock: datetime | None = None
    tap: Tap | None = field(default=None, repr=False, compare=False)


class Channel(Protocol):
    """An open TLS connection."""

    @property
    def server_certificate(self) -> bytes | None:
        """DER of the server's own certificate."""
        ...

    @property
    def version(self) -> str:
        """``TLSv1.2`` or ``TLSv1.3``."""
        ...

    def send(self, data: bytes) -> Closed | None:
        """Send all of ``data``; how the connection ended if it had."""
        ...

    def receive(self) -> bytes | Closed:
        """The next bytes, or how the connection ended."""
        ...

    def close(self) -> None:
        """Send close_notify and close the socket."""
        ...


def which_way() -> tuple[str, str]:
    """("ssl" | "tlslite", one sentence saying which way the chip's key is used and why)."""
    obstacle = why_not()
    if obstacle is None:
        return "ssl", "TLS by Python's own ssl module, CertificateVerify signed by the chip"
    return "tlslite", f"TLS by tlslite-ng, CertificateVerify signed by the chip ({obstacle})"


def open_channel(endpoint: Endpoint, identity: Identity, way: str | None = None) -> Channel:
    """Connect and complete the handshake.

    Args:
        endpoint: where to and whom to trust.
        identity: the chain to present and who signs.
        way: "ssl" or "tlslite" to force one.

    Raises:
        HandshakeFailed: the peer or the local check said no.
        OSError: no TCP connection.
    """
    channel = _opened(endpoint, identity, way)
    if endpoint.clock is not None and (why := _out_of_date(channel, endpoint.clock)) is not None:
        channel.close()
        raise HandshakeFailed(why)
    return channel


def _out_of_date(channel: Channel, clock: datetime) -> str | None:
    """What mbedTLS finds (MBEDTLS_X509_BADCERT_FUTURE or _EXPIRED) when the device's clock is wrong."""
    from jitplab import pki  # noqa: PLC0415 - only a device with a clock of its own asks

    der = channel.server_certificate
    return None if der is None else pki.date_objection(der, clock)


def _opened(endpoint: Endpoint, identity: Identity, way: str | None) -> Channel:
    if (way or which_way()[0]) == "ssl":
        return SslChannel(endpoint, identity)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it still imports asyncore where there is one
        from jitplab.channel_tlslite import TlsliteChannel  # noqa: PLC0415 - pure Python TLS, loaded on need

    return TlsliteChannel(endpoint, identity)


class Socket(Protocol):
    """What a channel needs of a connected socket."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""
        ...

    def recv(self, size: int, /) -> bytes:
        """The next bytes, none at the end of the stream."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


def connect(endpoint: Endpoint) -> Socket:
    """A TCP connection with the guard set and small packets sent at once."""
    sock = socket.create_connection((endpoint.host, endpoint.port), timeout=PATIENCE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock if endpoint.tap is None else endpoint.tap.listen(sock)


def keylog_of(endpoint: Endpoint) -> str | None:
    """Where the secrets of a connection go: the tap's file, or what ``SSLKEYLOGFILE`` names."""
    return str(endpoint.tap.keylog) if endpoint.tap is not None else os.environ.get("SSLKEYLOGFILE")


def broken(error: OSError) -> str:
    """The sentence for a handshake that the network ended."""
    if isinstance(error, TimeoutError):
        return f"the peer was silent for {PATIENCE_SECONDS:g} s"
    return f"the connection broke: {error.strerror or error}"


def client_context(endpoint: Endpoint, alpn: Sequence[str] = ()) -> ssl.SSLContext:
    """An ``ssl.SSLContext`` that trusts the endpoint's root and honours ``SSLKEYLOGFILE``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = endpoint.server_name is not None
    context.load_verify_locations(cadata=endpoint.root_pem.decode("ascii"))
    if endpoint.tls is not None:
        only = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[endpoint.tls]
        context.minimum_version = context.maximum_version = only
    if alpn or endpoint.alpn:
        context.set_alpn_protocols(list(alpn or endpoint.alpn))
    if keylog := keylog_of(endpoint):
        context.keylog_filename = keylog
    return context


class SslChannel:
    """The standard library on memory BIOs, with the chip's key lent to it."""

    def __init__(self, endpoint: Endpoint, identity: Identity) -> None:
        self._key = LentKey(identity.chain, identity.public_key, identity.sign)
        context = client_context(endpoint)
        if identity.chain:
            self._key.lend_to(context)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=endpoint.server_name)
        self._socket = connect(endpoint)
        try:
            self._handshake()
        except BaseException:
            self._socket.close()
            raise

    def _handshake(self) -> None:
        try:
            while not self._step():
                self._flush()
                self._fill()
            self._flush()
        except ssl.SSLError as error:
            with suppress(OSError):  # the alert; whoever hung up does not want it
                self._flush()
            if self._key.error is not None:
                raise HandshakeFailed(f"the chip did not sign: {self._key.error}") from None
            raise HandshakeFailed(_reason(error)) from None
        except OSError as error:
            raise HandshakeFailed(broken(error)) from None

    def _step(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def _flush(self) -> None:
        if pending := self._outgoing.read():
            self._socket.sendall(pending)

    def _fill(self) -> None:
        if data := self._socket.recv(65536):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    @property
    def server_certificate(self) -> bytes | None:
        """DER of the server's own certificate."""
        return self._tls.getpeercert(binary_form=True)

    @property
    def version(self) -> str:
        """``TLSv1.2`` or ``TLSv1.3``."""
        return self._tls.version() or "none"

    def send(self, data: bytes) -> Closed | None:
        """Send all of ``data``; how the connection ended if it had."""
        try:
            self._tls.write(data)
            self._flush()
        except TimeoutError:
            return Closed.SILENCE
        except (ssl.SSLError, OSError):
            return Closed.RESET
        return None

    def receive(self) -> bytes | Closed:
        """The next bytes, or how the connection ended."""
        while True:
            try:
                # An empty read is close_notify: SSLObject, unlike SSLSocket, hides no ragged end.
                return self._tls.read(65536) or Closed.CLOSE_NOTIFY
            except ssl.SSLWantReadError:
                try:
                    self._flush()
                    self._fill()
                except TimeoutError:
                    return Closed.SILENCE
                except OSError:
                    return Closed.RESET
            except ssl.SSLZeroReturnError:
                return Closed.CLOSE_NOTIFY
            except ssl.SSLEOFError:
                return Closed.END_OF_STREAM
            except ssl.SSLError as error:
                return Closed.ALERT if "_ALERT_" in (error.reason or "") else Closed.NOT_TLS

    def close(self) -> None:
        """Send close_notify and close the socket."""
        with suppress(ssl.SSLError, OSError):  # the peer's own close_notify is not waited for
            self._tls.unwrap()
        with suppress(OSError):
            self._flush()
        self._socket.close()


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
