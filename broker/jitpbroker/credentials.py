"""The server's own certificate, from a root that exists for tests only.

Rules of this file:
1. The root's key and certificate live in one file, mode 0600, that appears whole or not at all; two brokers
   starting at once in one directory end up with one root.
2. Server certificates are issued anew at each start; only the root is kept, since only it is in firmware.
3. Every file name says TEST-ONLY.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trustme

ROOT_FILE = "TEST-ONLY-root-with-key.pem"
ROOT_CERTIFICATE_FILE = "TEST-ONLY-root.crt"
_NAME = "jitplab TEST ONLY server root"
_KINDS = (trustme.KeyType.ECDSA, trustme.KeyType.RSA)


class CredentialsError(Exception):
    """The kept root cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True, repr=False)
class ServerIdentity:
    """One server certificate with its key, both PEM."""

    certificate_pem: bytes
    private_key_pem: bytes


@dataclass(frozen=True, slots=True, repr=False)
class ServerCredentials:
    """What a server presents.

    Attributes:
        root_pem: the certificate a client must trust.
        identities: an EC P-256 and an RSA-2048 certificate: AWS's endpoints serve either kind too, and
            firmware built without one of the two still connects.
    """

    root_pem: bytes
    identities: tuple[ServerIdentity, ...]


def in_memory(names: Iterable[str] = ("localhost", "127.0.0.1", "::1")) -> ServerCredentials:
    """Credentials below a root that nobody keeps, for ``names`` (host names and IP addresses)."""
    return _issue(trustme.CA(organization_name=_NAME), names)


def load_or_create(
    directory: Path,
    names: Iterable[str] = ("localhost", "127.0.0.1", "::1"),
) -> ServerCredentials:
    """Credentials below the root kept in ``directory``, which is made if it is not there.

    Raises:
        CredentialsError: the directory or the root in it cannot be used.
    """
    path = directory / ROOT_FILE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _keep_new_root(path)
        path.chmod(0o600)
        pem = path.read_bytes()
    except OSError as error:
        raise CredentialsError(
            f"the test root {path} cannot be kept: {error.strerror}; choose another directory"
        ) from error
    root = _root(pem, path)
    credentials = _issue(root, names)
    _write_whole(directory / ROOT_CERTIFICATE_FILE, credentials.root_pem, 0o644)
    return credentials


def c_array(pem: bytes, name: str = "root_ca_pem") -> str:
    """``pem`` as a C array that ends in NUL, as ``mbedtls_x509_crt_parse`` wants it counted.

    Raises:
        ValueError: ``name`` is no C identifier.
    """
    if not (name.isascii() and name.isidentifier()):
        raise ValueError(f"{name!r} is no C identifier; use letters, digits and _")
    data = pem + b"\0"
    rows = [", ".join(f"0x{byte:02x}" for byte in data[at : at + 12]) for at in range(0, len(data), 12)]
    body = ",\n".join(f"    {row}" for row in rows)
    comment = "/* TEST ONLY. PEM with its terminating NUL. */"
    return f"{comment}\nstatic const unsigned char {name}[] = {{\n{body}\n}};\n"


def _issue(root: trustme.CA, names: Iterable[str]) -> ServerCredentials:
    wanted = tuple(names)
    leaves = [root.issue_cert(*wanted, key_type=kind) for kind in _KINDS]
    identities = tuple(
        ServerIdentity(leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()) for leaf in leaves
    )
    return ServerCredentials(root.cert_pem.bytes(), identities)


def _root(pem: bytes, path: Path) -> trustme.CA:
    start = max(0, pem.find(b"-----BEGIN CERTIFICATE-----"))
    try:
        return trustme.CA.from_pem(cert_bytes=pem[start:], private_key_bytes=pem[:start])
    except (ValueError, TypeError) as error:
        raise CredentialsError(
            f"{path} does not hold a key and a certificate ({error}); delete it to have a new root made"
        ) from error


def _keep_new_root(path: Path) -> None:
    root = trustme.CA(organization_name=_NAME)
    temporary = _temporary(path, root.private_key_pem.bytes() + root.cert_pem.bytes(), 0o600)
    try:
        os.link(temporary, path)  # unlike a rename, this leaves a root that another broker has just made
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _write_whole(path: Path, data: bytes, mode: int) -> None:
    _temporary(path, data, mode).replace(path)


def _temporary(path: Path, data: bytes, mode: int) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return temporary
