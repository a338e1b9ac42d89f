"""What the bench of the broker connects with: a signer, its devices, and a client of few words."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jitpbroker import mqtt

_DER = serialization.Encoding.DER
_PEM = serialization.Encoding.PEM
_SERIALS = count(1)
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_END = _BEGIN + timedelta(days=20 * 365)


@dataclass(frozen=True, slots=True)
class Device:
    """A device certificate; ``name`` is its common name, thing name and client id."""

    name: str
    der: bytes
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Signer:
    """The CA whose certificate is registered with both brokers."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(_PEM)

    def issue(self, name: str) -> Device:
        key = ec.generate_private_key(ec.SECP256R1())
        return Device(name, _sign(name, key, self.certificate.subject, self.key, ca=False), key)


def make_signer() -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    der = _sign("bench signer", key, None, key, ca=True)
    return Signer(x509.load_der_x509_certificate(der), key)


def _sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
    builder = builder.public_key(key.public_key()).serial_number(next(_SERIALS))
    builder = builder.not_valid_before(_BEGIN).not_valid_after(_END)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(key_id, critical=False).add_extension(authority, critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(_DER)


def client_context(
    device: Device, signer: Signer, root: bytes, version: ssl.TLSVersion, directory: Path
) -> ssl.SSLContext:
    """A client that sends its certificate and its signer's, on one TLS version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.load_verify_locations(cadata=root.decode())
    file = directory / "device.pem"
    leaf = x509.load_der_x509_certificate(device.der).public_bytes(_PEM)
    plain = serialization.NoEncryption()
    key = device.key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(leaf + signer.pem + key)
    context.load_cert_chain(file)
    return context


class Client:
    """One connection; blocking, and patient for ten seconds."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")

    def connect(self, client_id: str) -> bytes:
        """CONNECT; the answer's bytes, none when the server hangs up instead."""
        self.socket.sendall(mqtt.encode(mqtt.Connect(client_id, keep_alive=1200)))
        return self.socket.recv(16)

    def leave(self) -> None:
        """DISCONNECT, then wait for the server's end so that its work is done and counted."""
        self.socket.sendall(mqtt.encode(mqtt.Disconnect()))
        self.drain()

    def drain(self) -> None:
        """Read to the end, close."""
        try:
            while self.socket.recv(1024):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        self.socket.close()


def visit(port: int, device: Device, context: ssl.SSLContext) -> bytes:
    """Connect, be admitted, leave; the CONNACK."""
    client = Client(port, context)
    answer = client.connect(device.name)
    client.leave()
    return answer


def first_visit(port: int, device: Device, context: ssl.SSLContext) -> bytes:
    """Connect as a stranger and be sent away; what was answered, nothing if all is right."""
    client = Client(port, context)
    answer = client.connect(device.name)
    client.drain()
    return answer
