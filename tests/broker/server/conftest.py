"""A gate that is easy to steer, and a client that sees what real ones hide: close_notify or a bare end."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from jitpbroker import mqtt
from jitpbroker.admission.attempt import Attempt
from jitpbroker.credentials import ServerCredentials, in_memory
from jitpbroker.engine import Engine
from jitpbroker.engine.local import LocalEngine
from jitpbroker.gate import Admitted, Event, HangUp, Principal
from jitpbroker.server import Server, Settings
from jitpbroker.thread import BrokerThread
from jitpbroker.trace import Record, Trace

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
REGISTERED = "$aws/events/certificates/registered/ca"
ENDED = "$aws/events/presence/disconnected/"
SUBSCRIBED = "$aws/events/subscriptions/subscribed/"
UNSUBSCRIBED = "$aws/events/subscriptions/unsubscribed/"
PATIENCE = 10.0  # seconds after which a peer that says nothing fails the test


@dataclass
class FakeGate:
    """Registers every certificate at its first CONNECT and hangs up, admits it from the second on."""

    known: set[str] = field(default_factory=set)
    refused_topics: set[str] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    ended: list[tuple[str, str, bool]] = field(default_factory=list)
    fault: Exception | None = None
    open_to_all: bool = False
    denies_by_suback: bool = False

    def connect(self, attempt: Attempt) -> Admitted | HangUp:
        self.attempts.append(attempt)
        if self.fault is not None:
            raise self.fault
        certificate_id = hashlib.sha256(attempt.chain[0]).hexdigest() if attempt.chain else "none"
        if self.open_to_all or certificate_id in self.known:
            return Admitted(Principal(certificate_id, attempt.client_id))
        self.known.add(certificate_id)
        event = Event(REGISTERED, certificate_id.encode())
        return HangUp("PENDING_ACTIVATION", "the certificate has just been registered", (event,))

    def may_publish(self, principal: Principal, topic: str, *, retain: bool, at: datetime) -> str | None:
        return self._answer(principal, f"publish {'retained ' if retain else ''}{topic}", at)

    def may_subscribe(self, principal: Principal, topic_filter: str, *, at: datetime) -> str | None:
        return self._answer(principal, f"subscribe {topic_filter}", at)

    def may_receive(self, principal: Principal, topic: str, *, at: datetime) -> str | None:
        return self._answer(principal, f"receive {topic} as {principal.client_id}", at)

    def disconnected(
        self, principal: Principal, *, client_initiated: bool, reason: str, at: datetime
    ) -> tuple[Event, ...]:
        assert at == NOW
        self.ended.append((principal.client_id, reason, client_initiated))
        return (Event(f"{ENDED}{principal.client_id}", reason.encode()),)

    def discarded(self, principal: Principal, topic: str, *, inbound: bool, why: str, at: datetime) -> None:
        raise AssertionError((principal, topic, inbound, why, at))

    def subscribed(
        self, principal: Principal, topic_filters: tuple[str, ...], *, at: datetime
    ) -> tuple[Event, ...]:
        assert at == NOW
        return (Event(f"{SUBSCRIBED}{principal.client_id}", ",".join(topic_filters).encode()),)

    def unsubscribed(
        self, principal: Principal, topic_filters: tuple[str, ...], *, at: datetime
    ) -> tuple[Event, ...]:
        assert at == NOW
        return (Event(f"{UNSUBSCRIBED}{principal.client_id}", ",".join(topic_filters).encode()),)

    def _answer(self, principal: Principal, question: str, at: datetime) -> str | None:
        assert at == NOW
        assert principal.client_id
        return f"the fake gate refuses to {question}" if question in self.refused_topics else None


@dataclass(frozen=True)
class Identity:
    """A client certificate chain, leaf first, and the leaf's key."""

    chain: tuple[x509.Certificate, ...]
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def certificate_id(self) -> str:
        return self.chain[0].fingerprint(hashes.SHA256()).hex()


def issue(
    common_name: str,
    issuer: Identity | None = None,
    *,
    begins: int = -3650,
    days: int = 365,
    more: Mapping[x509.ObjectIdentifier, str] | None = None,
    alternative: Sequence[x509.GeneralName] = (),
) -> Identity:
    """A certificate good from ``begins`` to ``days`` days after `NOW`, self-signed without ``issuer``.

    ``more`` are further attributes of its subject, ``alternative`` its subject alternative names.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    named = {NameOID.COMMON_NAME: common_name, **(more or {})}
    subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in named.items()])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.chain[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=begins))
        .not_valid_after(NOW + timedelta(days=days))
    )
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    certificate = builder.sign(key if issuer is None else issuer.key, hashes.SHA256())
    return Identity((certificate, *(() if issuer is None else issuer.chain)), key)


def issue_v1(common_name: str, issuer: Identity | None = None) -> Identity:
    """A version 1 certificate, which pyca's builder cannot make: a newer one's TBS without the version."""
    modern = issue(common_name, issuer)
    certificate, *above = modern.chain
    version = bytes.fromhex("a003020102")
    fields = der_content(certificate.tbs_certificate_bytes).removeprefix(version)
    tbs = der(0x30, fields)
    signing = modern.key if issuer is None else issuer.key
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    signature = signing.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    whole = der(0x30, tbs + algorithm + der(0x03, b"\0" + signature))
    old = x509.load_der_x509_certificate(whole)
    assert old.version is x509.Version.v1
    return Identity((old, *above), modern.key)


def issue_weak(common_name: str) -> Identity:
    """A self-signed RSA-1024 certificate with a SHA-1 signature."""
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    # pyca signs nothing with SHA-1 any more: swap the algorithm's name and do the RSA by hand.
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    tbs = builder.sign(key, hashes.SHA256()).tbs_certificate_bytes.replace(sha256, sha1)
    digest_info = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(tbs).digest()
    padded = b"\0\1" + b"\xff" * (128 - 3 - len(digest_info)) + b"\0" + digest_info
    numbers = key.private_numbers()
    signature = pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(128, "big")
    algorithm = der(0x30, der(0x06, sha1) + bytes.fromhex("0500"))
    whole = der(0x30, tbs + algorithm + der(0x03, b"\0" + signature))
    return Identity((x509.load_der_x509_certificate(whole),), key)


def der(tag: int, content: bytes) -> bytes:
    """One DER element of less than 64 KiB."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    return (
        bytes([tag, 0x82]) + length.to_bytes(2, "big") + content
        if length > 0xFF
        else (bytes([tag, 0x81, length]) + content)
    )


def der_content(element: bytes) -> bytes:
    """What an element holds."""
    return element[2:] if element[1] < 0x80 else element[2 + (element[1] & 0x7F) :]


class RawClient:
    """TLS on memory BIOs over a blocking socket; raises `TimeoutError` where a real client would hang."""

    def __init__(
        self,
        port: int,
        identity: Identity | None,
        *,
        version: int = SSL.TLS1_3_VERSION,
        sni: bytes | None = b"localhost",
        alpn: tuple[bytes, ...] = (),
        ciphers: bytes | None = None,
    ) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        if identity is not None:
            # The client's own library must not object before the server can.
            context.set_cipher_list((ciphers or b"DEFAULT") + b":@SECLEVEL=0")
            context.use_certificate(identity.chain[0])
            context.use_privatekey(identity.key)
            for certificate in identity.chain[1:]:
                context.add_extra_chain_cert(certificate)
        self.tls = SSL.Connection(context, None)
        self.tls.set_connect_state()
        if sni is not None:
            self.tls.set_tlsext_host_name(sni)
        if alpn:
            self.tls.set_alpn_protos(list(alpn))
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._decoder = mqtt.Decoder()

    def handshake(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except SSL.WantReadError:
                self.flush()
                if not self._fill():
                    raise ConnectionError("the server ended the stream during the handshake") from None
            else:
                self.flush()
                return

    def send(self, *packets: mqtt.Packet | bytes) -> None:
        self.tls.sendall(b"".join(p if isinstance(p, bytes) else mqtt.encode(p) for p in packets))
        self.flush()

    def packet(self) -> mqtt.Packet:
        """The next packet; the end of the connection is an error here."""
        while (packet := self._decoder.next_packet()) is None:
            self._decoder.receive_data(self._read())
        return packet

    def end(self) -> str:
        """How the connection ended: ``close_notify``, ``end of stream``, or the fatal alert's name."""
        try:
            data = self._read()
        except SSL.ZeroReturnError:
            return "close_notify"
        except ConnectionError:
            return "end of stream"
        except SSL.Error as error:
            return str(error.args[0][0][2])
        raise AssertionError(f"the server still speaks: {data.hex(' ')}")

    def heard_nothing(self, speaker: RawClient) -> bool:
        """Whether a message sent now is the first to arrive: nothing that went before is under way."""
        answer = self.subscribe("marker")
        speaker.publish("marker", b"!")
        packet = self.packet()
        arrived = packet.topic if isinstance(packet, mqtt.Publish) else packet
        return (answer, arrived) == (mqtt.SubAck(1, (1,)), "marker")

    def ping(self) -> mqtt.Packet:
        """Send PINGREQ and return what comes next: PINGRESP, if nothing was under way before it."""
        self.send(mqtt.PingReq())
        return self.packet()

    def subscribe(self, topic_filter: str, qos: int = 1) -> mqtt.Packet:
        """Subscribe and return the answer."""
        self.send(mqtt.Subscribe(1, (mqtt.Subscription(topic_filter, qos),)))
        return self.packet()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> mqtt.Packet:
        """Publish with QoS 1 and return what comes next, PUBACK 9 as a rule."""
        self.send(mqtt.Publish(topic, payload, qos=1, retain=retain, packet_id=9))
        return self.packet()

    def half_close(self) -> None:
        """FIN without close_notify."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """RST, as a crashed device's modem sends it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def shutdown(self) -> None:
        """close_notify."""
        self.tls.shutdown()
        self.flush()

    def _read(self) -> bytes:
        while True:
            try:
                return self.tls.recv(65536)
            except SSL.WantReadError:
                if not self._fill():
                    raise ConnectionError("end of stream") from None

    def _fill(self) -> bool:
        data = self.socket.recv(65536)
        if data:
            self.tls.bio_write(data)
        return bool(data)

    def flush(self) -> None:
        """Send what TLS wants sent."""
        while True:
            try:
                self.socket.sendall(self.tls.bio_read(65536))
            except SSL.WantReadError:
                return


@dataclass
class Broker:
    """A running broker with everything a test steers and sees."""

    thread: BrokerThread
    server: Server
    gate: FakeGate
    trace: Trace

    @property
    def port(self) -> int:
        return self.thread.port

    def records(self, kind: type[Record]) -> list[Record]:
        """The trace, read between two events of the broker."""
        return self.thread.call(lambda: [record for record in self.trace if isinstance(record, kind)])


class Listening(Protocol):
    """Something with a port."""

    @property
    def port(self) -> int: ...


StartBroker: TypeAlias = Callable[..., Broker]
Dial: TypeAlias = Callable[..., RawClient]
Issue: TypeAlias = Callable[..., Identity]
Join: TypeAlias = Callable[..., RawClient]


@pytest.fixture(scope="session")
def credentials() -> ServerCredentials:
    return in_memory()


@pytest.fixture
def start_broker(credentials: ServerCredentials) -> Iterator[StartBroker]:
    with ExitStack() as running:

        def start(engine: Engine | None = None, **settings: object) -> Broker:
            gate, trace = FakeGate(), Trace()
            chosen = replace(Settings(), **settings)  # type: ignore[arg-type]
            server = Server(
                gate, engine or LocalEngine(), trace, credentials, now=lambda: NOW, settings=chosen
            )
            return Broker(running.enter_context(BrokerThread(server)), server, gate, trace)

        yield start


@pytest.fixture
def broker(start_broker: StartBroker) -> Broker:
    return start_broker()


@pytest.fixture(name="issue")
def issue_fixture() -> Issue:
    return issue


@pytest.fixture(name="issue_v1")
def issue_v1_fixture() -> Issue:
    return issue_v1


@pytest.fixture
def v1_device() -> Identity:
    return issue_v1("device")


@pytest.fixture
def weak_device() -> Identity:
    return issue_weak("device")


@pytest.fixture(scope="session")
def device() -> Identity:
    return issue("device", issue("signer"))


@pytest.fixture(params=[SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
def version(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Open clients that are closed with the test; shaken hands unless ``handshake=False``."""
    opened: list[RawClient] = []

    def open_one(
        broker: Listening, identity: Identity | None, *, handshake: bool = True, **options: object
    ) -> RawClient:
        client = RawClient(broker.port, identity, **options)  # type: ignore[arg-type]
        opened.append(client)
        if handshake:
            client.handshake()
        return client

    yield open_one
    for client in opened:
        client.socket.close()


@pytest.fixture
def join(dial: Dial, device: Identity) -> Join:
    """An admitted client."""

    def join_one(broker: Broker, client_id: str, **connect: object) -> RawClient:
        broker.gate.open_to_all = True
        client = dial(broker, device)
        client.send(mqtt.Connect(client_id, **connect))  # type: ignore[arg-type]
        answer = client.packet()
        assert isinstance(answer, mqtt.ConnAck)
        assert answer.return_code == 0
        return client

    return join_one
