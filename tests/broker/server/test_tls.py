"""The handshake proves possession of a key and nothing else; what it showed is handed on whole."""

from __future__ import annotations

import socket
import ssl
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL

from jitpbroker import mqtt, trace
from jitpbroker.tls import TlsSettings, host_name

with warnings.catch_warnings():  # it still imports asyncore
    warnings.simplefilter("ignore", DeprecationWarning)
    from tlslite.errors import TLSError
    from tlslite.handshakesettings import HandshakeSettings
    from tlslite.tlsconnection import TLSConnection
    from tlslite.utils.keyfactory import parsePEMKey
    from tlslite.x509 import X509
    from tlslite.x509certchain import X509CertChain

if TYPE_CHECKING:
    from tests.broker.server.conftest import Broker, Dial, Identity, Issue, Join, RawClient, StartBroker

DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM


def handshake_record(broker: Broker) -> trace.Handshake:
    (record,) = broker.records(trace.Handshake)
    assert isinstance(record, trace.Handshake)
    return record


def end_record(broker: Broker) -> trace.Disconnect:
    (record,) = broker.records(trace.Disconnect)
    assert isinstance(record, trace.Disconnect)
    return record


def shake(client: TLSConnection, chain: X509CertChain, key: object, settings: HandshakeSettings) -> None:
    """Up to the server's word on the certificate, which in TLS 1.3 arrives after the client's last."""
    client.handshakeClientCert(chain, key, settings=settings)
    client.recv(1)


def wait_for_end(client: RawClient) -> None:
    """Until the server has ended the TCP connection, whatever it says before."""
    while client.socket.recv(65536):
        pass


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda issue: issue("nobody knows me"), id="self-signed"),
        pytest.param(lambda issue: issue("device", issue("signer")), id="unknown CA"),
        pytest.param(lambda issue: issue("device", days=-1), id="expired"),
        pytest.param(lambda issue: issue("c", issue("b", issue("a", issue("root")))), id="a long chain"),
    ],
)
def test_any_certificate_completes_the_handshake(
    broker: Broker, dial: Dial, issue: Issue, version: int, make: Callable[[Issue], Identity]
) -> None:
    identity = make(issue)
    client = dial(broker, identity, version=version)
    client.send(mqtt.Connect("device"))
    client.end()

    assert broker.gate.attempts[0].chain == tuple(c.public_bytes(DER) for c in identity.chain)
    record = handshake_record(broker)
    assert record.completed
    assert record.why is None
    assert record.version == {SSL.TLS1_2_VERSION: "TLSv1.2", SSL.TLS1_3_VERSION: "TLSv1.3"}[version]
    assert record.chain[0] == identity.certificate_id


@pytest.mark.parametrize("fixture", ["v1_device", "weak_device"])
def test_a_version_1_and_a_weak_certificate_complete_it_too(
    broker: Broker, dial: Dial, version: int, fixture: str, request: pytest.FixtureRequest
) -> None:
    identity: Identity = request.getfixturevalue(fixture)
    client = dial(broker, identity, version=version)
    client.send(mqtt.Connect("device"))
    end = client.end()

    assert end == "close_notify"
    assert broker.gate.attempts[0].chain == (identity.chain[0].public_bytes(DER),)


def test_a_handshake_alone_asks_nobody_and_registers_nothing(
    broker: Broker, dial: Dial, device: Identity, version: int
) -> None:
    client = dial(broker, device, version=version)
    client.shutdown()

    assert client.end() == "close_notify"
    assert broker.gate.attempts == []
    end = end_record(broker)
    assert (end.by, end.reason, end.client_id) == ("client", "CONNECTION_LOST", None)


def test_a_certificate_without_its_key_is_refused(broker: Broker, issue: Issue, version: int) -> None:
    # OpenSSL refuses to load a key that does not fit; tlslite-ng signs with whatever it is given.
    identity, thief = issue("device"), issue("thief")
    certificate = X509()
    certificate.parse(identity.chain[0].public_bytes(PEM).decode())
    key = parsePEMKey(
        thief.key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        private=True,
    )
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 3) if version == SSL.TLS1_2_VERSION else (3, 4)
    settings.certificate_compression_send = settings.certificate_compression_receive = []
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw:
        client = TLSConnection(raw)
        with pytest.raises(TLSError, match="decrypt_error"):
            shake(client, X509CertChain([certificate]), key, settings)

    assert broker.gate.attempts == []
    record = handshake_record(broker)
    assert not record.completed
    assert "it uses another private key" in str(record.why)
    assert end_record(broker).reason == "TLS_HANDSHAKE_FAILED"


@pytest.mark.parametrize(
    "sent,recorded",
    [
        (b"localhost", "localhost"),
        (b"abc-ats.iot.eu-central-1.amazonaws.com", "abc-ats.iot.eu-central-1.amazonaws.com"),
        (b"127.0.0.1", None),
        (None, None),
    ],
)
def test_the_server_name_is_recorded_and_an_ip_address_is_none(
    broker: Broker, dial: Dial, device: Identity, version: int, sent: bytes | None, recorded: str | None
) -> None:
    client = dial(broker, device, version=version, sni=sent)
    client.send(mqtt.Connect("device"))
    client.end()

    assert broker.gate.attempts[0].sni == recorded
    assert handshake_record(broker).sni == recorded


def test_an_ipv6_address_is_no_server_name_and_odd_bytes_stay_readable() -> None:
    assert host_name(b"::1") is None
    assert host_name(b"") is None
    assert host_name(b"\xffhost") == "\\xffhost"


@pytest.mark.parametrize(
    "offered,selected",
    [
        ((b"x-amzn-mqtt-ca",), "x-amzn-mqtt-ca"),
        ((b"http/1.1", b"x-amzn-mqtt-ca"), "x-amzn-mqtt-ca"),
        ((b"http/1.1",), None),
        ((), None),
    ],
)
def test_alpn_is_awss_own_or_none(
    broker: Broker,
    dial: Dial,
    device: Identity,
    version: int,
    offered: tuple[bytes, ...],
    selected: str | None,
) -> None:
    client = dial(broker, device, version=version, alpn=offered)
    client.send(mqtt.Connect("device"))
    client.end()

    assert client.tls.get_alpn_proto_negotiated() == (selected or "").encode()
    assert broker.gate.attempts[0].alpn == selected
    assert handshake_record(broker).alpn == selected


def test_the_certificate_request_names_no_ca(broker: Broker, dial: Dial, device: Identity) -> None:
    client = dial(broker, device, version=SSL.TLS1_2_VERSION)

    assert client.tls.get_client_ca_list() == []


def test_a_client_without_certificate_gets_an_alert(broker: Broker, dial: Dial) -> None:
    old, new = (
        dial(broker, None, version=version, handshake=False)
        for version in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)
    )
    with pytest.raises(SSL.Error, match="handshake failure"):
        old.handshake()
    new.handshake()  # in TLS 1.3 the client is through before the server objects

    assert "certificate required" in new.end()
    assert broker.gate.attempts == []
    records = broker.records(trace.Handshake)
    assert all(
        isinstance(record, trace.Handshake) and "the client sent no certificate" in str(record.why)
        for record in records
    )
    assert len(records) == 2


def test_on_request_a_client_without_certificate_gets_as_far_as_connect(
    start_broker: StartBroker, dial: Dial, version: int
) -> None:
    broker = start_broker(tls=TlsSettings(require_client_certificate=False))
    client = dial(broker, None, version=version)
    client.send(mqtt.Connect("device"))

    assert client.end() == "close_notify"
    assert broker.gate.attempts[0].chain == ()


@pytest.mark.parametrize(
    "suite",
    [
        b"ECDHE-ECDSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-AES256-SHA384",
        b"ECDHE-RSA-AES128-GCM-SHA256",
        b"ECDHE-RSA-AES256-SHA",
        b"AES128-GCM-SHA256",
        b"AES256-SHA",
    ],
)
def test_awss_tls_1_2_suites_are_served(broker: Broker, dial: Dial, device: Identity, suite: bytes) -> None:
    client = dial(broker, device, version=SSL.TLS1_2_VERSION, ciphers=suite)

    assert client.tls.get_cipher_name() == suite.decode()


def test_a_suite_off_the_list_is_refused(broker: Broker, dial: Dial, device: Identity) -> None:
    client = dial(
        broker, device, version=SSL.TLS1_2_VERSION, ciphers=b"ECDHE-ECDSA-CHACHA20-POLY1305", handshake=False
    )
    with pytest.raises(SSL.Error, match="handshake failure"):
        client.handshake()
    wait_for_end(client)

    assert "no cipher suite of AWS IoT's list" in str(handshake_record(broker).why)


def test_tls_1_1_is_refused_by_an_alert(broker: Broker) -> None:
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 2)
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw:
        client = TLSConnection(raw)
        with pytest.raises(TLSError, match="protocol_version"):
            client.handshakeClientCert(settings=settings)

    assert "no TLS 1.2 or 1.3" in str(handshake_record(broker).why)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_no_session_is_resumed_so_no_chain_is_lost(broker: Broker, issue: Issue, tmp_path: Path) -> None:
    identity = issue("device")
    file = tmp_path / "device.pem"
    file.write_bytes(
        identity.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + identity.chain[0].public_bytes(PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(file)
    reused = []
    for maximum in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.maximum_version = maximum
        session = None
        for _ in range(2):
            with (
                socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw,
                context.wrap_socket(raw, session=session) as client,
            ):
                client.sendall(mqtt.encode(mqtt.Connect("device")))
                client.recv(1)
                session = client.session
                reused.append(client.session_reused)

    assert reused == [False] * 4
    assert {len(attempt.chain) for attempt in broker.gate.attempts} == {1}


def test_garbage_and_plain_http_end_in_a_record_that_says_so(broker: Broker, join: Join) -> None:
    bystander = join(broker, "bystander")
    answers = []
    for nonsense in (b"\x00" * 64, b"GET / HTTP/1.0\r\n\r\n", mqtt.encode(mqtt.Connect("plain"))):
        with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw:
            raw.sendall(nonsense)
            answer = b""
            while chunk := raw.recv(1024):
                answer += chunk
            answers.append(answer)
    records = [
        record.why
        for record in broker.records(trace.Handshake)
        if isinstance(record, trace.Handshake) and not record.completed
    ]

    assert all(len(answer) <= 7 for answer in answers)  # an alert at most
    assert bystander.ping() == mqtt.PingResp()
    assert len(records) == 3
    assert "plain HTTP" in str(records[1])
    assert all("OpenSSL" in str(why) for why in records)


def test_a_silent_tcp_client_is_dropped(start_broker: StartBroker) -> None:
    broker = start_broker(tls=TlsSettings(handshake_timeout=0.1))
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw:
        assert raw.recv(1) == b""

    assert handshake_record(broker).why == "the TLS handshake was not through after 0.1 s"
    assert end_record(broker).reason == "TLS_HANDSHAKE_FAILED"


def test_a_client_that_leaves_during_the_handshake_is_recorded(broker: Broker) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw:
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(1) == b""

    record = handshake_record(broker)
    assert record.why == "the client's stream ended without close_notify during the handshake"
    assert record.version is None


def test_a_client_that_distrusts_the_server_is_told_what_to_do_in_the_trace(
    broker: Broker, dial: Dial, device: Identity, version: int
) -> None:
    client = dial(broker, device, version=version, handshake=False)
    client.tls.set_verify(SSL.VERIFY_PEER, None)
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        client.handshake()
    client.flush()
    wait_for_end(client)

    assert "give it the TEST-ONLY root certificate" in str(handshake_record(broker).why)


def test_how_a_client_left_is_told_apart(broker: Broker, join: Join) -> None:
    polite, silent, crashed = join(broker, "polite"), join(broker, "silent"), join(broker, "crashed")
    polite.shutdown()
    polite.end()
    silent.half_close()
    silent_end = silent.end()
    crashed.reset()
    while broker.thread.call(lambda: broker.server.client_ids):
        pass  # bounded by the test's own time limit
    ends = {
        record.client_id: (record.by, record.why)
        for record in broker.records(trace.Disconnect)
        if isinstance(record, trace.Disconnect)
    }

    assert silent_end == "close_notify"
    assert ends == {
        "polite": ("client", "the client sent close_notify"),
        "silent": ("network", "the client's stream ended without close_notify"),
        "crashed": ("network", "the TCP connection was lost"),
    }


def test_garbage_inside_a_session_ends_it_by_an_alert(broker: Broker, join: Join, version: int) -> None:
    client = join(broker, "device")
    client.socket.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))

    assert client.end().endswith("alert bad record mac")
    end = end_record(broker)
    assert end.by == "network"
    assert "the TLS session failed" in end.why


def test_secrets_go_to_the_key_log_and_nobody_else_may_read_it(
    start_broker: StartBroker, dial: Dial, device: Identity, tmp_path: Path
) -> None:
    path = tmp_path / "keys.log"
    broker = start_broker(tls=TlsSettings(keylog=path))
    client = dial(broker, device, version=SSL.TLS1_2_VERSION)
    newer = dial(broker, device, version=SSL.TLS1_3_VERSION)
    newer.send(mqtt.Connect("device"))
    newer.end()
    lines = path.read_text().splitlines()
    random, secret = client.tls.client_random(), client.tls.master_key()

    assert random is not None
    assert secret is not None
    assert f"CLIENT_RANDOM {random.hex()} {secret.hex()}" in lines
    assert any(line.startswith("CLIENT_TRAFFIC_SECRET_0 ") for line in lines)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_sslkeylogfile_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/tmp/keys")
    named = TlsSettings().keylog
    monkeypatch.delenv("SSLKEYLOGFILE")

    assert named == Path("/tmp/keys")
    assert TlsSettings().keylog is None
