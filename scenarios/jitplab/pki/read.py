"""Certificates read: from PEM and to it, who signed them, whose host they are for."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jitplab.pki.keys import public_point


def pem(*certificates: bytes) -> bytes:
    """DER certificates as one PEM file, in the given order."""
    return b"".join(
        x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM) for der in certificates
    )


def certificates_from_pem(data: bytes) -> tuple[bytes, ...]:
    """DER of every certificate in a PEM file, in order.

    Raises:
        ValueError: there is none, or one of them cannot be read.
    """
    try:
        loaded = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise ValueError(
            "no readable PEM certificate in it; convert DER with openssl x509 -inform der"
        ) from None
    return tuple(certificate.public_bytes(serialization.Encoding.DER) for certificate in loaded)


def signature_verifies(certificate: bytes, issuer_public_key: bytes) -> bool:
    """Whether a P-256 key (``X || Y``) verifies the signature of a certificate (DER)."""
    loaded = x509.load_der_x509_certificate(certificate)
    try:
        public_point(issuer_public_key).verify(
            loaded.signature, loaded.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256())
        )
    except InvalidSignature:
        return False
    return True


def certificate_version(certificate: bytes) -> int:
    """1 or 3, as openssl prints it."""
    return x509.load_der_x509_certificate(certificate).version.value + 1


def name_objection(certificate: bytes, server_name: str) -> str | None:
    """Why a server certificate (DER) is not one for ``server_name``, ``None`` when it is.

    RFC 6125 section 6.4 as far as a test server needs it: exact names, one wildcard as the leftmost label.
    """
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return "the server's certificate names no host"
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    addresses = names.get_values_for_type(x509.IPAddress)
    if host_address(server_name) is not None:
        matches = host_address(server_name) in addresses
    else:
        wanted = server_name.lower()
        matches = wanted in hosts or f"*.{wanted.partition('.')[2]}" in hosts
    if matches:
        return None
    known = ", ".join((*hosts, *map(str, addresses))) or "no host"
    return f"the server's certificate is for {known}, not for {server_name}"


def date_objection(certificate: bytes, clock: datetime) -> str | None:
    """Why a server certificate (DER) is not in date by a device's clock, ``None`` when it is."""
    loaded = x509.load_der_x509_certificate(certificate)
    if clock < loaded.not_valid_before_utc:
        return f"the server's certificate is not yet valid: the device's clock says {clock:%Y-%m-%d}"
    if clock > loaded.not_valid_after_utc:
        return f"the server's certificate has expired: the device's clock says {clock:%Y-%m-%d}"
    return None


def host_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a server's name is, ``None`` for a host name; only the latter is sent as SNI."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
