"""TLS by tlslite-ng, whose key object may be anything that signs: the way where ``ssl`` has none.

Pure Python and slow (30 to 60 ms a handshake), but it needs nothing of the interpreter.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from OpenSSL import crypto
from tlslite.constants import AlertDescription
from tlslite.errors import BaseTLSException, TLSAbruptCloseError, TLSLocalAlert, TLSRemoteAlert
from tlslite.handshakesettings import HandshakeSettings
from tlslite.tlsconnection import TLSConnection
from tlslite.utils.python_ecdsakey import Python_ECDSAKey
from tlslite.x509 import X509
from tlslite.x509certchain import X509CertChain

from jitplab import pki
from jitplab.channel import Closed, Endpoint, HandshakeFailed, Identity, broken, connect, keylog_of
from jitplab.lent_key import Signer, der_signature

_VERSIONS = {"1.2": (3, 3), "1.3": (3, 4)}
_NAMES = {(3, 3): "TLSv1.2", (3, 4): "TLSv1.3"}


class _ChipKey(Python_ECDSAKey):  # type: ignore[misc]  # tlslite-ng carries no types
    """An ECDSA key that knows its public half and whom to ask for a signature.

    Attributes:
        error: why the chip did not sign, ``None`` while it did.
    """

    def __init__(self, public_key: bytes, sign: Signer) -> None:
        x, y = int.from_bytes(public_key[:32]), int.from_bytes(public_key[32:])
        super().__init__(x, y, "NIST256p")
        self.private_key = self.public_key  # TLS 1.2 asks it for its curve and for nothing else
        self._ask = sign
        self.error: Exception | None = None

    def hasPrivateKey(self) -> bool:  # noqa: N802 - tlslite-ng's name
        return True

    def _sign(self, data: bytes, _hash_name: str) -> bytearray:
        try:
            return bytearray(der_signature(self._ask(bytes(data)[:32].rjust(32, b"\0"))))
        except Exception as error:
            self.error = error
            raise


def _chain(identity: Identity) -> X509CertChain:
    """The chain as tlslite-ng wants it; above the leaf nothing is read, so that anything can be sent.

    Raises:
        ValueError: the leaf does not carry the public key of the chip's slot.
    """
    certificates = []
    for der in identity.chain:
        certificate = X509()
        certificate.bytes = bytearray(der)
        certificates.append(certificate)
    if certificates:
        if _key_of(identity.chain[0]) not in {identity.public_key, None}:
            raise ValueError("the leaf certificate does not carry the public key of the chip's slot")
        certificates[0].parseBinary(bytearray(identity.chain[0]))
    return X509CertChain(certificates)


def _key_of(leaf: bytes) -> bytes | None:
    """The leaf's key, ``None`` where the leaf cannot be read: it can be sent all the same."""
    try:
        return pki.public_key_from(leaf)
    except ValueError:
        return None


class TlsliteChannel:
    """An open TLS connection through tlslite-ng."""

    def __init__(self, endpoint: Endpoint, identity: Identity) -> None:
        settings = HandshakeSettings()
        settings.minVersion = _VERSIONS[endpoint.tls or "1.2"]
        settings.maxVersion = _VERSIONS[endpoint.tls or "1.3"]
        # Compressed certificates (RFC 8879) would need a decompressor on both sides and hide the chain.
        settings.certificate_compression_send = []
        settings.certificate_compression_receive = []
        chain, key = _chain(identity), _ChipKey(identity.public_key, identity.sign)
        name = endpoint.server_name
        sock = connect(endpoint)
        self._connection: Any = TLSConnection(sock)
        try:
            self._connection.handshakeClientCert(
                chain if identity.chain else None,
                key if identity.chain else None,
                settings=settings,
                serverName=name if name and pki.host_address(name) is None else None,
                alpn=[bytearray(name.encode()) for name in endpoint.alpn] or None,
            )
            self._check_server(endpoint)
        except HandshakeFailed:
            self._connection.close()
            raise
        except Exception as error:  # noqa: BLE001 - over a hostile peer pure Python stumbles in many ways
            sock.close()
            raise HandshakeFailed(_reason(error, key)) from None
        except BaseException:
            sock.close()
            raise
        self._log_keys(keylog_of(endpoint))

    def _check_server(self, endpoint: Endpoint) -> None:
        """tlslite-ng checks no server certificate; the firmware must, by OpenSSL's rules."""
        try:
            chain = [
                crypto.load_certificate(crypto.FILETYPE_ASN1, bytes(certificate.writeBytes()))
                for certificate in self._connection.session.serverCertChain.x509List
            ]
        except crypto.Error:
            raise HandshakeFailed("the server's certificate cannot be read") from None
        store = crypto.X509Store()
        for der in pki.certificates_from_pem(endpoint.root_pem):
            store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, der))
        try:
            crypto.X509StoreContext(store, chain[0], chain[1:]).verify_certificate()
        except crypto.X509StoreContextError as error:
            raise HandshakeFailed(f"the server's certificate is not to be trusted: {error}") from None
        if endpoint.server_name is None:
            return
        leaf = crypto.dump_certificate(crypto.FILETYPE_ASN1, chain[0])
        objection = pki.name_objection(leaf, endpoint.server_name)
        if objection is not None:
            raise HandshakeFailed(objection)

    def _log_keys(self, path: str | None) -> None:
        """``SSLKEYLOGFILE`` for TLS 1.2 (tlslite-ng keeps no TLS 1.3 traffic secrets to be written)."""
        if path and self._connection.version == _VERSIONS["1.2"]:
            random = bytes(self._connection._clientRandom).hex()  # noqa: SLF001 - it has no other name
            secret = bytes(self._connection.session.masterSecret).hex()
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "a", encoding="ascii") as file:
                file.write(f"CLIENT_RANDOM {random} {secret}\n")

    @property
    def server_certificate(self) -> bytes | None:
        """DER of the server's own certificate."""
        return bytes(self._connection.session.serverCertChain.x509List[0].writeBytes())

    @property
    def version(self) -> str:
        """``TLSv1.2`` or ``TLSv1.3``."""
        return _NAMES.get(tuple(self._connection.version), "none")

    def send(self, data: bytes) -> Closed | None:
        """Send all of ``data``; how the connection ended if it had."""
        try:
            self._connection.write(bytearray(data))
        except TimeoutError:
            return Closed.SILENCE
        except (BaseTLSException, OSError):
            return Closed.RESET
        return None

    def receive(self) -> bytes | Closed:
        """The next bytes, or how the connection ended."""
        try:
            return bytes(self._connection.read(max=65536, min=1)) or Closed.CLOSE_NOTIFY
        except TLSAbruptCloseError:
            return Closed.END_OF_STREAM
        except TLSRemoteAlert:
            return Closed.ALERT
        except TimeoutError:
            return Closed.SILENCE
        except OSError:
            return Closed.RESET
        except (BaseTLSException, SyntaxError):
            return Closed.NOT_TLS

    def close(self) -> None:
        """Send close_notify and close the socket."""
        with suppress(BaseTLSException, OSError):
            self._connection.close()  # does not wait for the peer's own close_notify
        with suppress(OSError):
            self._connection.sock.close()


def _reason(error: Exception, key: _ChipKey) -> str:
    """One sentence for a handshake that did not come to its end."""
    if key.error is not None:
        return f"the chip did not sign: {key.error}"
    if isinstance(error, OSError):
        return broken(error)
    if isinstance(error, TLSAbruptCloseError):
        return "the peer ended the connection in the middle of the handshake"
    if isinstance(error, TLSRemoteAlert):
        return f"the peer sent the alert {error}"
    if isinstance(error, TLSLocalAlert):  # its own str() stumbles where the message is an exception
        return f"the handshake failed here: {AlertDescription.toStr(error.description)}, {error.message}"
    return f"the handshake failed here: {error}"
