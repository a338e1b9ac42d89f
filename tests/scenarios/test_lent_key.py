"""A key in a chip, lent to Python's own ssl, and with it to every client built upon that."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import socket
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as paho
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from jitpbroker import mqtt
from jitplab import lent_key, pki
from jitplab.account import Account
from jitplab.channel import Identity, client_context
from jitplab.lab import Lab
from jitplab.lent_key import CannotLend, LentKey, der_signature, why_not
from jitplab.visit import connect_packet

pytestmark = pytest.mark.skipif(why_not() is not None, reason="this Python's ssl takes no lent key")
VERSIONS = pytest.mark.parametrize("tls", ["1.2", "1.3"])


@dataclass(frozen=True, slots=True)
class Connected:
    """A context with the chip's key in it, and where to go with it."""

    key: LentKey
    context: ssl.SSLContext
    host: str
    port: int


@pytest.fixture
def connected(account: Account, identity: Identity, tls: str) -> Connected:
    """The device is registered by hand, so that its first CONNECT is let in."""
    account.register_by_hand(identity.chain[0])
    endpoint = account.endpoint(tls=tls)
    context = client_context(endpoint)
    key = LentKey(identity.chain, identity.public_key, identity.sign)
    key.lend_to(context)
    return Connected(key, context, endpoint.host, endpoint.port)


@VERSIONS
def test_paho_is_let_in_with_the_chip_s_key(connected: Connected) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="testclient")
    client.tls_set_context(connected.context)
    answers: list[int] = []
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason.value)
    client.connect("localhost", connected.port)
    while not answers:
        assert client.loop(10) == paho.MQTT_ERR_SUCCESS
    client.disconnect()

    assert answers == [0]
    assert [len(digest) for digest in connected.key.digests] == [32]


@VERSIONS
def test_asyncio_is_let_in_with_the_chip_s_key(connected: Connected) -> None:
    async def talk() -> bytes:
        reader, writer = await asyncio.open_connection(
            connected.host, connected.port, ssl=connected.context, server_hostname="localhost"
        )
        writer.write(connect_packet())
        answer = await reader.readexactly(4)
        writer.write(mqtt.encode(mqtt.Disconnect()))
        writer.close()
        await writer.wait_closed()
        return answer

    assert asyncio.run(talk()).hex() == "20020000"
    assert [len(digest) for digest in connected.key.digests] == [32]


def handshake(connected: Connected) -> str | None:
    """A handshake by nothing but ssl; the version agreed upon."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = connected.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection((connected.host, connected.port), timeout=20) as sock:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                data = sock.recv(65536)
                incoming.write(data) if data else incoming.write_eof()
            else:
                sock.sendall(outgoing.read())
                return tls.version()


@VERSIONS
def test_every_handshake_asks_the_chip_once(connected: Connected) -> None:
    versions = [handshake(connected) for _ in range(3)]

    assert [len(digest) for digest in connected.key.digests] == [32, 32, 32]
    assert len(set(connected.key.digests)) == 3
    assert set(versions) == {"TLSv1.2" if connected.context.maximum_version == 0x0303 else "TLSv1.3"}


@VERSIONS
def test_one_key_serves_several_contexts(connected: Connected, account: Account) -> None:
    other = client_context(account.endpoint())
    connected.key.lend_to(other)
    handshake(connected)
    handshake(Connected(connected.key, other, connected.host, connected.port))

    assert len(connected.key.digests) == 2


@VERSIONS
def test_a_context_that_outlives_its_key_fails_cleanly(connected: Connected) -> None:
    context, host, port = connected.context, connected.host, connected.port
    object.__setattr__(connected, "key", None)  # the last one that held it
    gc.collect()

    for _ in range(3):
        with pytest.raises(ssl.SSLError):
            handshake(Connected(connected.key, context, host, port))


@pytest.mark.parametrize("tls", ["1.3"])
def test_a_key_made_where_another_one_died_signs_for_itself_alone(
    connected: Connected, identity: Identity, account: Account
) -> None:
    """OpenSSL gives freed addresses out again; the callback finds the living object."""
    for _ in range(20):
        LentKey(identity.chain, identity.public_key, identity.sign)
    handshake(connected)
    fresh = LentKey(identity.chain, identity.public_key, identity.sign)
    context = client_context(account.endpoint())
    fresh.lend_to(context)
    handshake(Connected(fresh, context, connected.host, connected.port))

    assert (len(connected.key.digests), len(fresh.digests)) == (1, 1)


def test_nothing_crashes_when_everything_goes_at_once(tmp_path: Path) -> None:
    """Keys, contexts and the interpreter, in the order in which they happen to die."""
    script = tmp_path / "die.py"
    script.write_text(
        "import ssl\n"
        "from jitplab import pki\n"
        "from jitplab.lent_key import LentKey\n"
        "keys = pki.KeySource('x')\n"
        "ca = pki.make_root(keys)\n"
        "kept = []\n"
        "for number in range(50):\n"
        "    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n"
        "    key = LentKey((ca.certificate,), ca.key.public_key, ca.key.sign_digest)\n"
        "    key.lend_to(context)\n"
        "    kept.append((key, context)[number % 2])\n"
        "print('done')\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout, run.stderr) == (0, "done\n", "")


# --- refusals --------------------------------------------------------------------------------------


def test_a_leaf_that_does_not_carry_the_key_is_refused(lab: Lab, identity: Identity) -> None:
    key = LentKey(identity.chain, lab.signer.key.public_key, identity.sign)

    with pytest.raises(ValueError, match="does not carry the public key of the chip's slot"):
        key.lend_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def test_a_leaf_with_a_key_of_another_kind_is_refused(identity: Identity) -> None:
    """OpenSSL keeps an RSA certificate and an EC key side by side without a word."""
    rsa = trustme.CA().issue_cert("localhost", key_type=trustme.KeyType.RSA)
    (leaf,) = pki.certificates_from_pem(rsa.cert_chain_pems[0].bytes())
    key = LentKey((leaf,), identity.public_key, identity.sign)

    with pytest.raises(ValueError, match="does not carry the public key of the chip's slot"):
        key.lend_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@pytest.mark.parametrize("position", [0, 1])
def test_a_certificate_that_openssl_cannot_read_is_named_by_its_place(
    identity: Identity, position: int
) -> None:
    chain = list(identity.chain)
    chain[position] = b"\x30\x03\x02\x01\x00"
    key = LentKey(chain, identity.public_key, identity.sign)

    with pytest.raises(ValueError, match=f"OpenSSL cannot read certificate {position} of the chain"):
        key.lend_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@pytest.mark.parametrize(
    "public_key, why",
    [(bytes(64), "no point on P-256"), (b"", "64 bytes, X and Y; the chip's has 0"), (bytes(72), "has 72")],
    ids=["no point", "empty", "padded"],
)
def test_a_public_key_that_is_none_is_refused(identity: Identity, public_key: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        LentKey(identity.chain, public_key, identity.sign)


@VERSIONS
def test_a_refusal_leaves_nothing_behind_that_fails_somebody_else(
    connected: Connected, identity: Identity
) -> None:
    """OpenSSL keeps errors in a queue a thread; the next caller would be given them."""
    broken = (identity.chain[0], b"\x30\x03\x02\x01\x00")
    with pytest.raises(ValueError):
        LentKey(identity.chain, bytes(64), identity.sign)
    with pytest.raises(ValueError):
        LentKey(broken, identity.public_key, identity.sign).lend_to(client_context_like(connected))
    queued = lent_key._openssl().ERR_peek_error()

    assert queued == 0
    assert handshake(connected) is not None


def client_context_like(connected: Connected) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = connected.context.minimum_version
    return context


# --- what is signed --------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [20, 28, 32, 48, 64])
def test_the_chip_is_given_32_bytes_of_any_digest(identity: Identity, lab: Lab, length: int) -> None:
    """A longer one loses its right end, as ECDSA has it; a shorter one is the same number in 32 bytes."""
    digest = bytes(range(1, length + 1))
    key = LentKey(identity.chain, identity.public_key, lab.signer.key.sign_digest)
    signature = key.signature(digest)

    assert key.digests == [digest[:32] if length >= 32 else bytes(32 - length) + digest]
    assert signature == der_signature(lab.signer.key.sign_digest(key.digests[0]))
    assert key.error is None


def test_a_chip_that_will_not_sign_is_remembered(identity: Identity) -> None:
    refusal = RuntimeError("not today")

    def refuse(_digest: bytes) -> bytes:
        raise refusal

    key = LentKey(identity.chain, identity.public_key, refuse)

    assert key.signature(bytes(32)) is None
    assert key.error is refusal


@pytest.mark.parametrize("length", [0, 63, 65, 4096])
def test_an_answer_that_is_no_signature_never_reaches_openssl_s_buffer(
    identity: Identity, length: int
) -> None:
    key = LentKey(identity.chain, identity.public_key, lambda _digest: b"\xff" * length)

    assert key.signature(bytes(32)) is None
    assert f"the chip gave {length}" in str(key.error)


@settings(deadline=None)
@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_der_is_what_cryptography_reads_back(r: int, s: int) -> None:
    der = der_signature(r.to_bytes(32) + s.to_bytes(32))

    assert decode_dss_signature(der) == (r, s)
    assert len(der) <= 72


def test_zero_is_one_byte_in_der() -> None:
    assert der_signature(bytes(64)).hex() == "3006020100020100"


# --- interpreters that cannot ----------------------------------------------------------------------


@pytest.fixture
def uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lent_key, "_openssl", lent_key._openssl.__wrapped__)


def test_this_interpreter_can() -> None:
    assert why_not() is None


def test_an_ssl_that_is_built_in_is_told(uncached: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("_ssl.__file__")

    assert "has its OpenSSL built in" in str(why_not())


def test_an_ssl_that_hides_its_openssl_is_told(uncached: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _path: SimpleNamespace())

    assert "hides OpenSSL's EC_KEY_METHOD_new" in str(why_not())


def test_an_ssl_that_is_no_library_is_told(
    uncached: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "_ssl.py"
    path.write_text("an interpreter that writes ssl in Python")
    monkeypatch.setattr("_ssl.__file__", str(path))

    assert "no library to be called" in str(why_not())


def test_a_context_of_unknown_layout_is_told_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, identity: Identity
) -> None:
    key = LentKey(identity.chain, identity.public_key, identity.sign)
    monkeypatch.setattr(lent_key._openssl(), "SSL_CTX_get_options", lambda _pointer: 0)

    assert "lays out ssl.SSLContext" in str(why_not())
    with pytest.raises(CannotLend):
        key.lend_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def test_no_private_key_can_be_found_in_what_openssl_holds(identity: Identity) -> None:
    """It holds a public key with a signing function."""
    key = LentKey(identity.chain, identity.public_key, identity.sign)
    ask = lent_key._openssl().EC_KEY_get0_private_key
    ask.restype = ctypes.c_void_p

    assert ask(ctypes.c_void_p(key._ec_key)) is None
