"""How a connection ends, told apart both ways: by the standard library and by tlslite-ng.

The peer is one story in a thread: it accepts one connection, does what the story says, and keeps what it saw.
"""

from __future__ import annotations

import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

from jitpbroker.credentials import ServerCredentials
from jitplab import channel as channel_module
from jitplab import pki
from jitplab.channel import Channel, Closed, Endpoint, HandshakeFailed, Identity, open_channel, which_way
from jitplab.lab import Chain, Device, Lab

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it still imports asyncore where there is one
    from tlslite.constants import AlertDescription, AlertLevel
    from tlslite.handshakesettings import HandshakeSettings
    from tlslite.messages import Alert
    from tlslite.tlsconnection import TLSConnection
    from tlslite.utils.keyfactory import parsePEMKey
    from tlslite.x509 import X509
    from tlslite.x509certchain import X509CertChain

WAYS = pytest.mark.parametrize("way", ["ssl", "tlslite"])
VERSIONS = pytest.mark.parametrize("tls", ["1.2", "1.3"])
BOTH = pytest.mark.parametrize(
    "way, tls", [(way, tls) for way in ("ssl", "tlslite") for tls in ("1.2", "1.3")]
)

Story = Callable[["Peer", socket.socket], None]
Talk = Callable[[SSL.Connection, socket.socket], None]


@dataclass
class Peer:
    """A TCP server for one connection; what it does is ``story``."""

    story: Story
    credentials: ServerCredentials
    sni: bytes | None = None
    chain: tuple[bytes, ...] = ()
    received: bytes = b""
    ended: str = ""
    keylog: list[str] = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        with suppress(OSError):  # wakes a peer that nobody came to
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        if self.failure is not None and error is None:
            raise self.failure

    def _serve(self) -> None:
        try:
            sock, _address = self._listener.accept()
        except OSError:
            return
        try:
            with sock:
                sock.settimeout(20)
                self.story(self, sock)
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.failure = error
        finally:
            self.finished.set()

    def endpoint(self, tls: str | None = None, server_name: str | None = "localhost") -> Endpoint:
        (host, port) = self._listener.getsockname()
        return Endpoint(host, port, self.credentials.root_pem, server_name, tls=tls)


def server_context(credentials: ServerCredentials) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    own = credentials.identities[0]
    context.use_certificate(x509.load_pem_x509_certificate(own.certificate_pem))
    key = load_pem_private_key(own.private_key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    context.use_privatekey(key)
    return context


def accept(peer: Peer, sock: socket.socket, *, accepts: bool = True) -> SSL.Connection:
    """The broker's kind of handshake: any client certificate, and the chain kept as it was sent."""
    context = server_context(peer.credentials)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: accepts)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_keylog_callback(lambda _connection, line: peer.keylog.append(line.decode()))
    connection = SSL.Connection(context, None)
    connection.set_accept_state()
    _drive(connection, sock, connection.do_handshake)
    peer.sni = connection.get_servername()
    leaf, above = connection.get_peer_certificate(), connection.get_peer_cert_chain()
    assert leaf is not None
    peer.chain = tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in (leaf, *(above or ())))
    return connection


def _drive(connection: SSL.Connection, sock: socket.socket, step: Callable[[], object]) -> object:
    """Do one step of TLS over a memory BIO and carry its bytes."""
    while True:
        try:
            result = step()
        except SSL.WantReadError:
            _flush(connection, sock)
            data = sock.recv(65536)
            if not data:
                raise
            connection.bio_write(data)
        except SSL.Error:
            _flush(connection, sock)
            raise
        else:
            _flush(connection, sock)
            return result


def _flush(connection: SSL.Connection, sock: socket.socket) -> None:
    with suppress(SSL.WantReadError):
        while True:
            sock.sendall(connection.bio_read(65536))


def after_hello(talk: Talk) -> Story:
    """Shake hands, hear what the client says, and then ``talk``."""

    def story(peer: Peer, sock: socket.socket) -> None:
        connection = accept(peer, sock)
        heard = _drive(connection, sock, lambda: connection.recv(65536))
        assert isinstance(heard, bytes)
        peer.received = heard
        talk(connection, sock)

    return story


def close_notify(connection: SSL.Connection, sock: socket.socket) -> None:
    connection.shutdown()
    _flush(connection, sock)


def bare_end(_connection: SSL.Connection, sock: socket.socket) -> None:
    sock.shutdown(socket.SHUT_WR)


def reset(_connection: SSL.Connection, sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def garbage(_connection: SSL.Connection, sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" * 4)


def with_alert(tls: str, *, hashes: list[str] | None = None, alert: bool = True) -> Story:
    """A peer by tlslite-ng, which can send any alert and ask for any hash."""

    def story(peer: Peer, sock: socket.socket) -> None:
        own = peer.credentials.identities[0]
        certificate = X509()
        certificate.parse(own.certificate_pem.decode())
        settings = HandshakeSettings()
        settings.minVersion = settings.maxVersion = {"1.2": (3, 3), "1.3": (3, 4)}[tls]
        settings.certificate_compression_send = settings.certificate_compression_receive = []
        if hashes is not None:
            settings.ecdsaSigHashes = settings.rsaSigHashes = hashes
        connection = TLSConnection(sock)
        connection.handshakeServer(
            certChain=X509CertChain([certificate]),
            privateKey=parsePEMKey(own.private_key_pem.decode(), private=True),
            reqCert=True,
            settings=settings,
        )
        peer.received = bytes(connection.read(max=65536, min=1))
        if alert:
            fatal = Alert().create(AlertDescription.internal_error, AlertLevel.fatal)
            for _ in connection._sendMsg(fatal):
                pass
        else:
            connection.close()

    return story


def silent(peer: Peer, sock: socket.socket) -> None:
    """Shake hands and say no more."""
    accept(peer, sock)
    peer.released.wait(20)


def mute(peer: Peer, _sock: socket.socket) -> None:
    """Do not even shake hands."""
    peer.released.wait(20)


Start = Callable[[Story], Peer]


@pytest.fixture
def peer(credentials: ServerCredentials) -> Iterator[Start]:
    """Starts a peer with a story; it ends with the test."""
    started: list[Peer] = []

    def start(story: Story) -> Peer:
        opened = Peer(story, credentials).__enter__()
        started.append(opened)
        return opened

    yield start
    for each in started:
        each.__exit__(None, None, None)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "PATIENCE_SECONDS", 0.25)


def talk_to(there: Peer, identity: Identity, way: str, tls: str | None) -> tuple[Channel, bytes | Closed]:
    opened = open_channel(there.endpoint(tls), identity, way)
    assert opened.send(b"hello") is None
    return opened, opened.receive()


# --- how it ends -----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "ending, seen",
    [
        (close_notify, Closed.CLOSE_NOTIFY),
        (bare_end, Closed.END_OF_STREAM),
        (reset, Closed.RESET),
        (garbage, Closed.NOT_TLS),
    ],
)
def test_each_ending_is_told_from_every_other(
    peer: Start, identity: Identity, way: str, tls: str, ending: Talk, seen: Closed
) -> None:
    there = peer(after_hello(ending))
    opened, ended = talk_to(there, identity, way, tls)
    opened.close()

    assert ended is seen
    assert there.received == b"hello"


@BOTH
def test_a_fatal_alert_is_none_of_them(peer: Start, identity: Identity, way: str, tls: str) -> None:
    opened, ended = talk_to(peer(with_alert(tls)), identity, way, tls)
    opened.close()

    assert ended is Closed.ALERT


@WAYS
def test_a_client_certificate_refused_by_tls_itself_is_an_alert_after_the_1_3_handshake(
    peer: Start, identity: Identity, way: str
) -> None:
    def story(there: Peer, sock: socket.socket) -> None:
        with suppress(SSL.Error):
            accept(there, sock, accepts=False)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass

    there = peer(story)
    opened = open_channel(there.endpoint("1.3"), identity, way)
    ended = opened.receive()
    opened.close()

    assert ended is Closed.ALERT


@WAYS
@VERSIONS
def test_a_silent_peer_is_silence_and_nothing_else(
    peer: Start, identity: Identity, short_patience: None, way: str, tls: str
) -> None:
    there = peer(silent)
    opened = open_channel(there.endpoint(tls), identity, way)
    ended = opened.receive()
    opened.close()

    assert ended is Closed.SILENCE


def test_a_peer_that_takes_nothing_is_silence_too(
    peer: Start, identity: Identity, short_patience: None
) -> None:
    there = peer(silent)
    opened = open_channel(there.endpoint(), identity, "ssl")
    ended = opened.send(bytes(32 << 20))
    opened.close()

    assert ended is Closed.SILENCE


@BOTH
def test_what_is_sent_after_a_reset_does_not_arrive_and_says_so(
    peer: Start, identity: Identity, way: str, tls: str
) -> None:
    there = peer(after_hello(reset))
    opened = open_channel(there.endpoint(tls), identity, way)
    assert opened.send(b"hello") is None
    assert there.finished.wait(20)
    ended = opened.send(b"anybody there?")
    opened.close()

    assert ended is Closed.RESET


@BOTH
def test_bytes_come_through_in_both_directions_and_close_is_heard(
    peer: Start, identity: Identity, way: str, tls: str
) -> None:
    def echo(connection: SSL.Connection, sock: socket.socket) -> None:
        _drive(connection, sock, lambda: connection.sendall(bytes(range(256)) * 100))
        with pytest.raises(SSL.ZeroReturnError):
            _drive(connection, sock, lambda: connection.recv(1))

    there = peer(after_hello(echo))
    opened = open_channel(there.endpoint(tls), identity, way)
    opened.send(b"hello")
    got = b""
    while len(got) < 25_600:
        received = opened.receive()
        assert isinstance(received, bytes)
        got += received
    version = opened.version
    opened.close()

    assert got == bytes(range(256)) * 100
    assert version == f"TLSv{tls}"


# --- what the server sees --------------------------------------------------------------------------


@BOTH
def test_the_chain_arrives_byte_for_byte_even_the_wrong_one(
    peer: Start, lab: Lab, device: Device, wrong_chain: Chain, way: str, tls: str
) -> None:
    there = peer(after_hello(close_notify))
    opened, _ = talk_to(there, lab.identity(device, wrong_chain), way, tls)
    opened.close()

    assert there.chain == wrong_chain.presented
    assert there.sni == b"localhost"


def without_curve_point(lab: Lab, chain: Chain) -> Chain:
    """What cryptoauthlib rebuilds from an empty slot without a word."""
    assert chain.signer is not None
    return Chain(chain.device, chain.signer.replace(lab.signer.key.public_key, bytes(64)))


def test_a_signer_whose_key_is_no_curve_point_is_sent_by_tlslite(
    peer: Start, lab: Lab, device: Device, good_chain: Chain
) -> None:
    empty = without_curve_point(lab, good_chain)
    there = peer(after_hello(close_notify))
    opened, ended = talk_to(there, lab.identity(device, empty), "tlslite", "1.2")
    opened.close()

    assert ended is Closed.CLOSE_NOTIFY
    assert there.chain == empty.presented


def test_a_signer_whose_key_is_no_curve_point_is_refused_by_openssl_itself(
    peer: Start, lab: Lab, device: Device, good_chain: Chain
) -> None:
    """As by mbedTLS, whose parser of X.509 keys is the first to notice."""
    empty = without_curve_point(lab, good_chain)
    there = peer(mute).endpoint()

    with pytest.raises(ValueError, match="certificate 1 of the chain: its public key is no key"):
        open_channel(there, lab.identity(device, empty), "ssl")


@BOTH
@pytest.mark.parametrize("name", [None, "127.0.0.1"])
def test_without_a_host_name_no_sni_is_sent(
    peer: Start, identity: Identity, way: str, tls: str, name: str | None
) -> None:
    there = peer(after_hello(close_notify))
    opened = open_channel(there.endpoint(tls, name), identity, way)
    opened.send(b"hello")
    ended = opened.receive()
    opened.close()

    assert ended is Closed.CLOSE_NOTIFY
    assert there.sni is None
    assert len(there.chain) == 2


@WAYS
@pytest.mark.parametrize("hash_name", ["sha384", "sha512"])
def test_a_longer_digest_is_cut_to_its_leftmost_32_bytes(
    peer: Start, lab: Lab, identity: Identity, way: str, hash_name: str
) -> None:
    asked: list[bytes] = []

    def sign(digest: bytes) -> bytes:
        asked.append(digest)
        return lab.sign(digest)

    there = peer(with_alert("1.2", hashes=[hash_name, "sha256"], alert=False))
    opened, ended = talk_to(there, replace(identity, sign=sign), way, "1.2")
    opened.close()

    assert ended is Closed.CLOSE_NOTIFY
    assert [len(digest) for digest in asked] == [32]


@BOTH
def test_the_chip_signs_one_digest_of_32_bytes_a_handshake(
    peer: Start, lab: Lab, identity: Identity, way: str, tls: str
) -> None:
    asked: list[bytes] = []

    def sign(digest: bytes) -> bytes:
        asked.append(digest)
        return lab.sign(digest)

    opened, _ = talk_to(peer(after_hello(close_notify)), replace(identity, sign=sign), way, tls)
    opened.close()

    assert [len(digest) for digest in asked] == [32]


@pytest.mark.parametrize("way, tls", [("ssl", "1.2"), ("ssl", "1.3"), ("tlslite", "1.2")])
def test_sslkeylogfile_gets_the_very_secrets_of_the_server(
    peer: Start, identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, tls: str
) -> None:
    path = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(path))
    there = peer(after_hello(close_notify))
    opened, _ = talk_to(there, identity, way, tls)
    opened.close()
    written = {line.lower() for line in path.read_text().splitlines() if not line.startswith("#")}

    assert written == {line.lower() for line in there.keylog}
    assert any(line.startswith("client_random" if tls == "1.2" else "client_traffic") for line in written)
    if way == "tlslite":
        assert path.stat().st_mode & 0o777 == 0o600


# --- handshakes that fail --------------------------------------------------------------------------


def why_it_fails(there: Endpoint, identity: Identity, way: str) -> str:
    with pytest.raises(HandshakeFailed) as caught:
        open_channel(there, identity, way)
    assert caught.value.__cause__ is None
    return str(caught.value)


def handshake_only(peer: Peer, sock: socket.socket) -> None:
    with suppress(SSL.Error, OSError):
        accept(peer, sock)
        sock.recv(1)


@BOTH
@pytest.mark.parametrize("name", ["localhost", None])
def test_a_server_of_another_root_is_refused(
    peer: Start, identity: Identity, way: str, tls: str, name: str | None
) -> None:
    there = peer(handshake_only).endpoint(tls, name)
    foreign = replace(there, root_pem=trustme.CA().cert_pem.bytes())

    assert "certificate" in why_it_fails(foreign, identity, way)


@BOTH
@pytest.mark.parametrize("name", ["elsewhere.example", "127.0.0.2"])
def test_a_server_of_another_name_is_refused(
    peer: Start, identity: Identity, way: str, tls: str, name: str
) -> None:
    assert "certificate" in why_it_fails(peer(handshake_only).endpoint(tls, name), identity, way)


@BOTH
@pytest.mark.parametrize("answer", [b"", bytes(63), bytes(100)], ids=["none", "short", "long"])
def test_a_chip_that_answers_no_signature_fails_the_handshake_and_is_named(
    peer: Start, identity: Identity, way: str, tls: str, answer: bytes
) -> None:
    there = peer(handshake_only).endpoint(tls)
    why = why_it_fails(there, replace(identity, sign=lambda _digest: answer), way)

    assert (
        why == f"the chip did not sign: a P-256 signature is 64 bytes, R and S; the chip gave {len(answer)}"
    )


@BOTH
def test_a_chip_that_refuses_to_sign_is_named(peer: Start, identity: Identity, way: str, tls: str) -> None:
    def refuse(_digest: bytes) -> bytes:
        raise RuntimeError("EXECUTION_ERROR, slot 0 is not enabled")

    why = why_it_fails(peer(handshake_only).endpoint(tls), replace(identity, sign=refuse), way)

    assert why == "the chip did not sign: EXECUTION_ERROR, slot 0 is not enabled"


@WAYS
def test_a_signature_of_another_key_is_refused_by_the_server(
    peer: Start, lab: Lab, identity: Identity, way: str
) -> None:
    """Proof of possession is what a handshake asks for; tlslite-ng checks its own signature before."""
    there = peer(handshake_only).endpoint("1.2")

    assert why_it_fails(there, replace(identity, sign=lab.signer.key.sign_digest), way)


@WAYS
def test_a_peer_that_says_nothing_ends_the_client_s_patience(
    peer: Start, identity: Identity, short_patience: None, way: str
) -> None:
    there = peer(mute)

    assert why_it_fails(there.endpoint(), identity, way) == "the peer was silent for 0.25 s"


@WAYS
@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 400 Bad Request\r\n\r\n", bytes(64), b"\x16\x03\x03\0\x02\0\0"]
)
def test_garbage_instead_of_tls_fails_the_handshake(
    peer: Start, identity: Identity, way: str, answer: bytes
) -> None:
    def story(_peer: Peer, sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(65536)

    assert " " in why_it_fails(peer(story).endpoint(), identity, way)


@WAYS
@pytest.mark.parametrize(
    "ending, said", [(bare_end, "eof|ended the connection"), (reset, "connection broke")]
)
def test_a_peer_that_hangs_up_in_the_handshake_is_told_how(
    peer: Start, identity: Identity, way: str, ending: Callable[[None, socket.socket], None], said: str
) -> None:
    def story(_peer: Peer, sock: socket.socket) -> None:
        sock.recv(65536)
        ending(None, sock)

    why = why_it_fails(peer(story).endpoint(), identity, way)

    assert any(words in why for words in said.split("|")), why


@WAYS
def test_an_alert_in_the_handshake_is_given_by_name(peer: Start, identity: Identity, way: str) -> None:
    def story(_peer: Peer, sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(bytes.fromhex("15 03 03 00 02 02 46"))  # fatal, protocol_version
        sock.recv(65536)

    why = why_it_fails(peer(story).endpoint(), identity, way)

    assert "protocol" in why
    assert "version" in why


@WAYS
def test_where_nobody_listens_the_operating_system_says_so(
    identity: Identity, credentials: ServerCredentials, way: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(ConnectionRefusedError):
        open_channel(Endpoint("127.0.0.1", port, credentials.root_pem, None), identity, way)


@WAYS
def test_a_leaf_of_another_key_is_refused_before_anything_is_sent(
    peer: Start, lab: Lab, identity: Identity, way: str
) -> None:
    foreign = replace(identity, public_key=lab.signer.key.public_key)
    there = peer(lambda _peer, _sock: None).endpoint()

    with pytest.raises(ValueError, match="does not carry the public key of the chip's slot"):
        open_channel(there, foreign, way)


# --- which way -------------------------------------------------------------------------------------


def test_where_ssl_takes_no_key_tlslite_is_taken_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel_module, "why_not", lambda: "this Python cannot")
    way, why = which_way()

    assert way == "tlslite"
    assert "this Python cannot" in why


def test_the_way_is_chosen_when_none_is_named(
    peer: Start, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "why_not", lambda: "this Python cannot")
    opened, ended = talk_to(peer(after_hello(close_notify)), identity, "", None)
    opened.close()

    assert ended is Closed.CLOSE_NOTIFY
    assert type(opened).__name__ == "TlsliteChannel"


@WAYS
def test_alpn_is_offered(peer: Start, identity: Identity, way: str) -> None:
    offered: list[list[bytes]] = []

    def story(here: Peer, sock: socket.socket) -> None:
        context = server_context(here.credentials)

        def choose(_connection: SSL.Connection, names: list[bytes]) -> bytes:
            offered.append(names)
            return names[0]

        context.set_alpn_select_callback(choose)
        connection = SSL.Connection(context, None)
        connection.set_accept_state()
        _drive(connection, sock, connection.do_handshake)
        sock.recv(1)

    there = replace(peer(story).endpoint(), alpn=("x-amzn-mqtt-ca",))
    open_channel(there, identity, way).close()

    assert offered == [[b"x-amzn-mqtt-ca"]]


def test_no_repr_of_an_identity_shows_who_signs(identity: Identity) -> None:
    assert "sign=" not in repr(identity)
    assert pki.public_key_from(identity.chain[0]) == identity.public_key
