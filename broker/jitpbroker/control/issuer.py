"""Amazon's certification authority for device certificates, as far as this desk has one.

pyOpenSSL builds the certificates: ``cryptography`` enters the broker through ``jitpbroker.x509`` alone, and
that reads. pyOpenSSL calls these functions deprecated in favour of ``cryptography``; their warnings are kept
quiet here.

Evidence: document - developer guide: AWS-issued certificates have the subject CN=AWS IoT Certificate and end
on 2049-12-31T23:59:59Z.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from OpenSSL import crypto

from jitpbroker.control.call import NewKey

_BITS: Final = 2048
_END: Final = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
_SUBJECT: Final = "AWS IoT Certificate"
_ISSUER: Final = "jitplab TEST ONLY, in place of Amazon Web Services"
_SERIAL_BYTES: Final = 20
_VERSION_3: Final = 2


class DeskIssuer:
    """Implements `jitpbroker.control.call.Issuer`; its own key is made when first needed, kept nowhere.

    A key takes some tenths of a second, during which the event loop stands still: keys are asked for by hand.

    Args:
        draw: ``n`` random bytes, for serial numbers.
    """

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        self._draw = draw
        self._key: crypto.PKey | None = None

    def new_key(self) -> NewKey:
        """An RSA-2048 key pair.

        Evidence: document - AWS's service model, CreateKeysAndCertificate.
        """
        key = _new_key()
        with _quiet():
            private = crypto.dump_privatekey(crypto.FILETYPE_PEM, key)
            public = crypto.dump_publickey(crypto.FILETYPE_PEM, key)
        return NewKey(private.decode("ascii"), public.decode("ascii"))

    def for_key(self, public_pem: str, *, at: datetime, until: datetime | None = None) -> str:
        """A device certificate (PEM) for a public key."""
        with _quiet():
            key = crypto.load_publickey(crypto.FILETYPE_PEM, public_pem.encode())
        return self._issue(key, at, until or _END)

    def _issue(self, key: crypto.PKey, at: datetime, until: datetime) -> str:
        if self._key is None:
            self._key = _new_key()
        with _quiet():
            certificate = crypto.X509()
            certificate.set_version(_VERSION_3)
            # RFC 5280 section 4.1.2.2: positive, 20 octets at most.
            certificate.set_serial_number(int.from_bytes(self._draw(_SERIAL_BYTES)) >> 1 or 1)
            certificate.get_subject().CN = _SUBJECT
            certificate.get_issuer().OU = _ISSUER
            certificate.set_notBefore(_asn1(at))
            certificate.set_notAfter(_asn1(until))
            certificate.set_pubkey(key)
            certificate.sign(self._key, "sha256")
            return crypto.dump_certificate(crypto.FILETYPE_PEM, certificate).decode("ascii")


def _new_key() -> crypto.PKey:
    key = crypto.PKey()
    with _quiet():
        key.generate_key(crypto.TYPE_RSA, _BITS)
    return key


def _asn1(moment: datetime) -> bytes:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode("ascii")


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
