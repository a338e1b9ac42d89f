"""Lends a key that never leaves its chip to the standard library's ``ssl``.

OpenSSL lets an EC key carry its own signing function (EC_KEY_METHOD). The certificate chain and such a
key are put into an ordinary ``ssl.SSLContext`` through the very libssl that ``_ssl`` is linked with; from
then on CertificateVerify is signed by the chip, and aiomqtt, paho or asyncio need not know.

It works where ``_ssl`` is a shared object linked to a shared OpenSSL. Where it is not (statically linked
interpreters), ``why_not()`` says so in a sentence and the firmware speaks TLS through tlslite-ng.

Evidence: vendor-library - CPython 3.11 to 3.13, OpenSSL 3.0 (crypto/ec/ec_kmeth.c); see
docs/decisions/0005.
"""

from __future__ import annotations

import ctypes
import functools
import ssl
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final

#: Signs the leftmost 32 bytes of a digest, returns ``R || S``, 64 bytes.
Signer = Callable[[bytes], bytes]

_P256_NID: Final = 415
_SSL_CTRL_CHAIN_CERT: Final = 89  # SSL_CTX_add1_chain_cert
_EVP_PKEY_EC: Final = 408

_Sign = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,  # type
    ctypes.c_void_p,  # digest
    ctypes.c_int,  # its length
    ctypes.c_void_p,  # out: DER signature
    ctypes.POINTER(ctypes.c_uint),  # out: its length
    ctypes.c_void_p,  # kinv
    ctypes.c_void_p,  # r
    ctypes.c_void_p,  # key
)

_POINTER_RESULTS: Final = (
    "EC_KEY_METHOD_new",
    "EC_KEY_OpenSSL",
    "EC_KEY_new_by_curve_name",
    "BN_bin2bn",
    "EVP_PKEY_new",
    "d2i_X509",
)


class CannotLend(Exception):  # noqa: N818 - a property of the interpreter, told in a sentence
    """This interpreter's ``ssl`` cannot use a key that lies elsewhere."""


@functools.cache
def _openssl() -> ctypes.CDLL:
    """The libssl and libcrypto that ``_ssl`` itself is linked with.

    Raises:
        CannotLend: they cannot be reached.
    """
    import _ssl  # noqa: PLC0415 - the module whose linkage is asked about

    path = getattr(_ssl, "__file__", None)
    if path is None:
        raise CannotLend(
            "this Python has its OpenSSL built in, so no other key can be lent to its ssl module"
        )
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise CannotLend(
            f"this Python's ssl module is no library to be called, so no key can be lent to it: {error}"
        ) from None
    needed = (*_POINTER_RESULTS, "EC_KEY_METHOD_set_sign", "SSL_CTX_use_certificate", "SSL_CTX_get_options")
    for name in needed:
        if not hasattr(library, name):
            raise CannotLend(
                f"this Python's ssl module hides OpenSSL's {name} (it is linked statically), "
                "so no other key can be lent to it"
            )
    for name in _POINTER_RESULTS:
        getattr(library, name).restype = ctypes.c_void_p
    library.SSL_CTX_get_options.restype = ctypes.c_uint64
    return library


def why_not() -> str | None:
    """``None`` when this interpreter can lend a key, else one sentence saying why it cannot."""
    try:
        _native_context(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    except CannotLend as error:
        return str(error)
    return None


def _native_context(context: ssl.SSLContext) -> ctypes.c_void_p:
    """``SSL_CTX *`` of a context: the first member behind the object's head."""
    library = _openssl()
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    if not pointer.value or library.SSL_CTX_get_options(pointer) != int(context.options) & (2**64 - 1):
        raise CannotLend("this Python lays out ssl.SSLContext in a way this program does not know")
    return ctypes.c_void_p(pointer.value)


def der_signature(raw: bytes) -> bytes:
    """``R || S`` as the DER that TLS and X.509 want, at most 72 bytes.

    Raises:
        ValueError: ``raw`` is not 64 bytes; OpenSSL's buffer has room for no more.
    """
    if len(raw) != 64:
        raise ValueError(f"a P-256 signature is 64 bytes, R and S; the chip gave {len(raw)}")

    def integer(number: bytes) -> bytes:
        body = number.lstrip(b"\0") or b"\0"
        if body[0] & 0x80:
            body = b"\0" + body
        return bytes([2, len(body)]) + body

    body = integer(raw[:32]) + integer(raw[32:])
    return bytes([0x30, len(body)]) + body


class LentKey:
    """A certificate chain and a key in a chip, ready to be put into contexts.

    Args:
        chain: DER certificates, leaf first; sent just so, right or wrong, if OpenSSL can read their keys.
        public_key: ``X || Y`` of the leaf's key.
        sign: asks the chip. An exception in it fails the handshake and is kept in ``error``.

    Raises:
        CannotLend: see the module.
        ValueError: the public key is no point on P-256, 64 bytes.
    """

    def __init__(self, chain: Sequence[bytes], public_key: bytes, sign: Signer) -> None:
        self._library: Any = _openssl()
        self._chain = tuple(chain)
        self._sign = sign
        self.error: Exception | None = None
        self.digests: list[bytes] = []
        self._ec_key, self._key = self._make_key(public_key)
        _BY_KEY[self._ec_key] = self

    def _make_key(self, public_key: bytes) -> tuple[int, ctypes.c_void_p]:
        library = self._library
        if len(public_key) != 64:
            raise ValueError(f"a P-256 public key is 64 bytes, X and Y; the chip's has {len(public_key)}")
        ec_key = ctypes.c_void_p(library.EC_KEY_new_by_curve_name(_P256_NID))
        x, y = (
            ctypes.c_void_p(library.BN_bin2bn(part, 32, None)) for part in (public_key[:32], public_key[32:])
        )
        placed = library.EC_KEY_set_public_key_affine_coordinates(ec_key, x, y)
        library.BN_free(x)
        library.BN_free(y)
        if placed != 1:
            library.EC_KEY_free(ec_key)
            library.ERR_clear_error()  # what stays there fails the next call of anybody's
            raise ValueError("the chip's public key is no point on P-256")
        library.EC_KEY_set_method(ec_key, _method())
        key = ctypes.c_void_p(library.EVP_PKEY_new())
        library.EVP_PKEY_assign(key, _EVP_PKEY_EC, ec_key)
        assert ec_key.value is not None
        return ec_key.value, key

    def signature(self, digest: bytes) -> bytes | None:
        """What the chip signs, in DER; ``None`` when it would not, with the reason in ``error``."""
        # Longer digests are cut to the order's 32 bytes: ECDSA's rule, and mbedTLS does so with a chip.
        message = digest[:32].rjust(32, b"\0")
        self.digests.append(message)
        try:
            return der_signature(self._sign(message))
        except Exception as error:  # noqa: BLE001 - it must not travel through C; the caller finds it here
            self.error = error
            return None

    def lend_to(self, context: ssl.SSLContext) -> None:
        """Put chain and key into ``context``; it signs for as long as this object lives.

        Raises:
            ValueError: OpenSSL does not take a certificate or finds that key and leaf do not belong together.
        """
        native = _native_context(context)
        try:
            self._put_into(native)
        finally:
            self._library.ERR_clear_error()  # what stays there fails the next call of anybody's

    def _put_into(self, native: ctypes.c_void_p) -> None:
        library = self._library
        for position, der in enumerate(self._chain):
            start = ctypes.c_char_p(der)
            certificate = ctypes.c_void_p(library.d2i_X509(None, ctypes.byref(start), len(der)))
            if not certificate.value:
                raise ValueError(f"OpenSSL cannot read certificate {position} of the chain")
            if position == 0:
                taken = library.SSL_CTX_use_certificate(native, certificate)
            else:
                taken = library.SSL_CTX_ctrl(native, _SSL_CTRL_CHAIN_CERT, ctypes.c_long(1), certificate)
            library.X509_free(certificate)
            if not taken:
                raise ValueError(
                    f"OpenSSL does not take certificate {position} of the chain: its public key is no key, "
                    "or weaker than OpenSSL's security level allows"
                )
        # Key and certificate of two kinds lie side by side in a context: only the check brings them together.
        taken = library.SSL_CTX_use_PrivateKey(native, self._key)
        if taken != 1 or library.SSL_CTX_check_private_key(native) != 1:
            raise ValueError("the leaf certificate does not carry the public key of the chip's slot")

    def __del__(self) -> None:
        if hasattr(self, "_key"):
            # Contexts that still hold the key hold it by OpenSSL's own reference; it just signs no more.
            self._library.EVP_PKEY_free(self._key)


#: Which object signs for which EC_KEY. One C function serves all keys and is never freed, because
#: OpenSSL may hold a key, and with it the function, longer than anything on this side lives.
_BY_KEY: weakref.WeakValueDictionary[int, LentKey] = weakref.WeakValueDictionary()


def _signed(
    _type: int, digest: int, length: int, out: int, out_length: Any, _kinv: int, _r: int, key: int
) -> int:
    lent = _BY_KEY.get(key)
    signature = lent.signature(ctypes.string_at(digest, length)) if lent is not None else None
    if signature is None:
        return 0
    ctypes.memmove(out, signature, len(signature))
    out_length[0] = len(signature)
    return 1


_CALLBACK: Final = _Sign(_signed)


@functools.cache
def _method() -> ctypes.c_void_p:
    library = _openssl()
    method = ctypes.c_void_p(library.EC_KEY_METHOD_new(ctypes.c_void_p(library.EC_KEY_OpenSSL())))
    library.EC_KEY_METHOD_set_sign(method, _CALLBACK, None, None)
    return method
