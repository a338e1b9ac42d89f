"""One TLS connection on asyncio: ciphertext on one side, an `Application` on the other.

Rules of this file:
1. The client is never left guessing: a failed handshake ends in an alert, an orderly end in close_notify, and
   the half-closed socket is drained for a moment so that neither is lost to a TCP reset.
2. Nothing waits for ever: handshake and closing have time limits, what waits to be sent is counted.
3. ``handshake_ended`` is called once; after ``ended`` or ``close`` the application hears only ``lost``.
4. What the application says may acknowledge something, and so may close_notify: ``commit``, where there is
   one, comes before either. If it fails nothing is said.

Evidence: assumed - closing by close_notify and then FIN: users' captures show the close_notify
(paho.mqtt.rust issue 119; mbedTLS -30848 in amazon-freertos issue 549), none shows the order after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Protocol, cast

from OpenSSL import SSL, crypto

from jitpbroker.deadlines import Deadlines
from jitpbroker.records import RecordTypes, after_handshake
from jitpbroker.stream import Stream
from jitpbroker.tls import HandshakeFacts, TlsSettings, host_name, sentence

_READ_SIZE = 16 * 1024  # a TLS record holds no more
_TLS_1_2 = "TLSv1.2"


class End(StrEnum):
    """How the peer's half of a connection ended."""

    CLOSE_NOTIFY = "the client sent close_notify"
    END_OF_STREAM = "the client's stream ended without close_notify"
    BROKEN = "the client broke the TLS session"
    UNKEPT = "the broker could not write its state"
    LOST = "the TCP connection was lost"


class Application(Protocol):
    """Whoever sits on top of a `TlsTransport`. After ``ended`` or the transport's ``close``, silence."""

    def connected(self, transport: TlsTransport) -> None:
        """A TCP connection is there."""
        ...

    def handshake_ended(self, facts: HandshakeFacts, why_not: str | None) -> None:
        """The handshake is through, or failed for the reason given; then the transport closes itself."""
        ...

    def received(self, data: bytes) -> None:
        """Decrypted bytes."""
        ...

    def ended(self, end: End, why: str) -> None:
        """The peer ended the connection; the transport closes itself."""
        ...

    def lost(self) -> None:
        """The TCP connection is gone; always the last call."""
        ...


class TlsTimers:
    """Rule 2 for all connections of one server; made inside its event loop."""

    def __init__(self, settings: TlsSettings) -> None:
        loop = asyncio.get_running_loop()
        self.handshake_timeout = settings.handshake_timeout
        self.handshakes: Deadlines[TlsTransport] = Deadlines(
            loop, settings.handshake_timeout, TlsTransport.handshake_timed_out
        )
        self.lingering: Deadlines[TlsTransport] = Deadlines(loop, settings.linger, TlsTransport.abort)

    def close(self) -> None:
        """Nobody is connected any more."""
        self.handshakes.close()
        self.lingering.close()


class TlsTransport(asyncio.Protocol):
    """One TLS connection on memory BIOs: ciphertext on asyncio's side, plaintext on the application's."""

    def __init__(
        self,
        context: SSL.Context,
        timers: TlsTimers,
        application: Application,
        commit: Callable[[], None] | None = None,
    ) -> None:
        self._timers = timers
        self._application = application
        self._commit = commit
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._waiting: Deadlines[TlsTransport] | None = None
        self._shaken = False
        self._closing = False
        self._records = RecordTypes()
        self._receiving = False
        self._unsent: list[bytes] = []
        self._unsent_size = 0

    # -- towards the application ---------------------------------------------------------------

    @property
    def peername(self) -> tuple[str, int]:
        """Address and port of the client."""
        name = self._transport.get_extra_info("peername")
        return (name[0], name[1]) if name else ("", 0)

    @property
    def backlog(self) -> int:
        """Bytes written and not yet taken by the operating system."""
        return self._transport.get_write_buffer_size() + self._unsent_size

    def write(self, data: bytes) -> None:
        """Send plaintext; the answers to all that was read at once leave in one record."""
        if self._closing:
            return
        if not (self._unsent or self._receiving):
            self._loop.call_soon(self._encrypt_unsent)
        self._unsent.append(data)
        self._unsent_size += len(data)

    def pause_reading(self) -> None:
        """Take nothing more from the socket for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take from the socket again."""
        self._transport.resume_reading()

    def close(self) -> None:
        """Send what is unsent and close_notify, then end the connection within ``linger`` seconds."""
        if self._closing:
            return
        if not self._shaken:
            self.abort()  # there is no session to end
            return
        if not self._committed():
            return
        self._encrypt(self._taken())
        with suppress(SSL.Error):  # the session is broken already; its alert, if any, is in the BIO
            self._connection.shutdown()
        self._hang_up()

    def abort(self) -> None:
        """End the connection now, saying nothing."""
        self._closing = True
        self._wait_no_longer()
        self._transport.abort()

    # -- towards asyncio -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TCP connection is there; the handshake may begin."""
        # uvloop's transports have asyncio's methods and not its base class.
        self._transport = cast("asyncio.Transport", transport)
        self._wait(self._timers.handshakes)
        self._application.connected(self)

    def data_received(self, data: bytes) -> None:
        """Ciphertext from the client."""
        if self._closing and not self._shaken:
            return  # drained after a failed handshake
        self._connection.bio_write(data)
        ended = self._records.completed(data)
        # What has to be committed first waits a turn, so that one commit may do for many clients.
        self._receiving = self._commit is None
        if self._shaken:
            self._read(len(ended) + self._records.midway)  # the last may be broken already
            if not (self._unsent or self._closing):
                self._flush()  # answers to key updates
        elif self._shake():
            if self._connection.get_protocol_version_name() == _TLS_1_2:
                ended = after_handshake(ended)
            self._read(len(ended) + self._records.midway)
        if self._receiving:
            self._receiving = False
            self._encrypt_unsent()

    def eof_received(self) -> None:
        """The client's FIN, without a close_notify before it."""
        self._peer_ended(End.END_OF_STREAM)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The TCP connection is gone."""
        self._wait_no_longer()
        self._peer_ended(End.LOST)
        self._application.lost()
        del self._application  # who knows us: only the garbage collector would find the two

    # -- inside --------------------------------------------------------------------------------

    def _shake(self) -> bool:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._flush()
        except SSL.Error as error:
            self._handshake_failed(sentence(error))
        else:
            self._shaken = True
            self._wait_no_longer()
            facts = self._facts()
            if facts.version == _TLS_1_2:
                self._flush()  # under 1.3 only session tickets are left to send; they go with the answer
            self._application.handshake_ended(facts, None)
        return self._shaken

    def _read(self, records: int) -> None:
        """Hand on what ``records`` TLS records hold; OpenSSL reads one at a time."""
        for _ in range(records):
            try:
                data = self._connection.recv(_READ_SIZE)
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                self._peer_ended(End.CLOSE_NOTIFY)
                break
            except SSL.Error as error:
                self._peer_ended(End.BROKEN, sentence(error))
                break
            if not self._closing:  # else drained, not read
                self._application.received(data)

    def _peer_ended(self, end: End, why: str = "") -> None:
        if self._closing:
            if not self._transport.is_closing():
                self._transport.close()  # both halves have ended
            return
        if not self._shaken:
            self._handshake_failed(f"{end} during the handshake")
            return
        self._application.ended(end, why or str(end))
        if end is End.BROKEN:
            self._hang_up()
        else:
            self.close()

    def handshake_timed_out(self) -> None:
        """The client has had all its time."""
        limit = self._timers.handshake_timeout
        self._handshake_failed(f"the TLS handshake was not through after {limit:g} s")

    def _handshake_failed(self, why: str) -> None:
        self._application.handshake_ended(self._facts(), why)
        self._hang_up()

    def _hang_up(self) -> None:
        """Send an alert or close_notify, whichever it is, and FIN."""
        self._closing = True
        self._wait_no_longer()
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        last = self._encrypted()
        if isinstance(self._transport, Stream):
            self._transport.write_last(last)
        else:
            self._transport.write(last)
            with suppress(OSError):  # the peer may have left already; then there is nobody to tell
                self._transport.write_eof()
        self._wait(self._timers.lingering)

    def _encrypt_unsent(self) -> None:
        if self._unsent and not self._closing and self._committed():
            self._encrypt(self._taken())
            self._flush()

    def _committed(self) -> bool:
        """Rule 4; whether it is safe to speak."""
        if self._commit is None:
            return True
        try:
            self._commit()
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes into the record of the end
            self._closing = True
            self._application.ended(End.UNKEPT, f"{End.UNKEPT}: {error}")
            self.abort()
            return False
        return True

    def _taken(self) -> bytes:
        """What is unsent, which is then somebody else's to send."""
        data = b"".join(self._unsent)
        self._unsent.clear()
        self._unsent_size = 0
        return data

    def _encrypt(self, data: bytes) -> None:
        if data:
            self._connection.sendall(data)  # send() would stop after one record

    def _flush(self) -> None:
        data = self._encrypted()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _encrypted(self) -> bytes:
        """What OpenSSL has for the client."""
        data = b""
        try:
            while True:
                data += self._connection.bio_read(_READ_SIZE)
                if len(data) % _READ_SIZE:
                    return data
        except SSL.WantReadError:  # there is no more, or nothing at all
            return data

    def _wait(self, deadlines: Deadlines[TlsTransport]) -> None:
        self._waiting = deadlines
        deadlines.begin(self)

    def _wait_no_longer(self) -> None:
        if self._waiting is not None:
            self._waiting.end(self)
            self._waiting = None

    def _facts(self) -> HandshakeFacts:
        connection = self._connection
        leaf = connection.get_peer_certificate()
        # On the server's side OpenSSL's chain leaves the leaf out.
        sent = [] if leaf is None else [leaf, *(connection.get_peer_cert_chain() or [])]
        version = connection.get_protocol_version_name()
        return HandshakeFacts(
            version=version if sent or self._shaken else None,
            sni=host_name(connection.get_servername()),
            alpn=connection.get_alpn_proto_negotiated().decode("ascii", "backslashreplace") or None,
            chain=tuple([crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in sent]),
        )
