"""A part as Trust&Go parts are delivered, made by a laboratory that has no key of Microchip's.

Everything but the signatures is as on a genuine part: configuration, OTP code, key in slot 0, signer's key
and both compressed certificates in their slots, locked. The signer is certified by a root of this file,
since nobody else has the key of Microchip's; so a test that verifies the signer against Microchip's own
root certificate cannot pass, and no other test can tell.

The certificates' templates are in Microchip's library and stay there: the stock wheel rebuilds the
certificates from a first part, their contents are signed, and a second part with the same keys gets the
signatures.

    python tests/conformance/trust_part.py STATE_FILE
"""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from softatecc.cal import CryptoAuthLib
from softatecc.chip import Chip
from softatecc.compressed import encode_dates, pad_public_key
from softatecc.crypto import PrivateKey, draw_scalar
from softatecc.entropy import SeededEntropy
from softatecc.host import Host
from softatecc.statefile import StateFile
from softatecc.transports import EmulatorTransport

SERIAL_NUMBER = bytes.fromhex("0123c0ffee5eed0a01")
#: What tells the library which certificates a part carries: the first eight characters of OTP.
OTP_CODE = b"KQp2ZkD8"
EUI_48 = b"0004A3C0FFEE"
PRIVATE_SLOTS = range(5)
EUI_SLOT, DEVICE_SLOT, SIGNER_KEY_SLOT, SIGNER_SLOT = 5, 10, 11, 12
SIGNER_ID = b"\xc0\xde"
#: Template and chain, source of the certificate's serial number (a hash of the public key).
DEVICE_TEMPLATE, SIGNER_TEMPLATE, SERIAL_SOURCE = 0x30, 0x10, 0xA0
ISSUED = datetime(2026, 11, 24, 10, tzinfo=UTC)
DEVICE_YEARS, SIGNER_YEARS = 28, 31
UNSIGNED = bytes(64)


def _keys() -> tuple[PrivateKey, PrivateKey]:
    """The root's key and the signer's."""
    entropy = SeededEntropy("a root and a signer of our own")

    return PrivateKey(draw_scalar(entropy)), PrivateKey(draw_scalar(entropy))


def _compressed(signature: bytes, years: int, template: int) -> bytes:
    return signature + encode_dates(ISSUED, years) + SIGNER_ID + bytes((template, SERIAL_SOURCE, 0))


def make(device_signature: bytes, signer_signature: bytes) -> Chip:
    """A locked part that carries these two signatures; its keys are the same in every call."""
    chip = Chip.unprovisioned("tngtls", SERIAL_NUMBER, entropy=SeededEntropy("a Trust&Go part"))
    host, (_, signer) = Host(EmulatorTransport(chip)), _keys()
    host.lock_configuration()
    for slot in PRIVATE_SLOTS:
        host.genkey(slot)
    host.write_otp(OTP_CODE.ljust(64, b"\x00"))
    host.write_slot(EUI_SLOT, EUI_48)
    host.write_slot(DEVICE_SLOT, _compressed(device_signature, DEVICE_YEARS, DEVICE_TEMPLATE))
    host.write_slot(SIGNER_KEY_SLOT, pad_public_key(signer.public))
    host.write_slot(SIGNER_SLOT, _compressed(signer_signature, SIGNER_YEARS, SIGNER_TEMPLATE))
    host.lock_data()

    return chip


def _contents(certificate: bytes) -> bytes:
    """The part of a certificate that is signed: the first element of the outer sequence."""
    length = int.from_bytes(certificate[6:8], "big")

    return certificate[4 : 8 + length]


def _signed(key: PrivateKey, certificate: bytes) -> bytes:
    return key.sign(hashlib.sha256(_contents(certificate)).digest(), SeededEntropy(certificate))


def _rebuilt(chip: Chip) -> tuple[bytes, bytes]:
    """Device and signer certificate as Microchip's library rebuilds them from a part."""
    from cryptoauthlib import tng  # noqa: PLC0415 - only where its part is made
    from cryptoauthlib.library import AtcaReference  # noqa: PLC0415

    with CryptoAuthLib(EmulatorTransport(chip).port, host_sleeps=False):
        certificates = []
        for read, longest in (
            (tng.tng_atcacert_read_device_cert, tng.tng_atcacert_max_device_cert_size),
            (tng.tng_atcacert_read_signer_cert, tng.tng_atcacert_max_signer_cert_size),
        ):
            size = AtcaReference(0)
            longest(size)
            octets = bytearray(size.value)
            status = read(octets, size)
            if status:
                raise SystemExit(f"{read.__name__} answers {status} for the part made here")
            certificates.append(bytes(octets[: size.value]))
    return certificates[0], certificates[1]


def build() -> Chip:
    """The finished part."""
    root, signer = _keys()
    device_certificate, signer_certificate = _rebuilt(make(UNSIGNED, UNSIGNED))

    return make(_signed(signer, device_certificate), _signed(root, signer_certificate))


def main() -> None:
    """Keep the part in a state file."""
    with StateFile(Path(sys.argv[1])) as state:
        state.keep(build())


if __name__ == "__main__":
    main()
