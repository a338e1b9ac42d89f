"""Makes own.json: packets for what the published ones leave out.

Written without the emulator's code: CRC bit by bit, digests by hashlib, AES and P-256 by `cryptography`. What
goes into each digest is the layout that cryptoauthlib's atca_host.c documents and its tests check on
silicon; where a standard publishes the result itself, that result stands here.

    python tests/vectors/atecc608a/own.py > tests/vectors/atecc608a/own.json
"""

import hashlib
import hmac
import json
import sys
from collections.abc import Sequence
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256

Step: TypeAlias = tuple[bytes, bytes]

#: SN[8] and SN[0:1] of the test image, and the rest of its serial number.
SERIAL = bytes.fromhex("01230000") + bytes.fromhex("04050607ee")
IDENTITY = SERIAL[8:9] + SERIAL[0:2]
SLOT_4 = bytes.fromhex("3780e63d4968ade5d822c013fcc323845d1b569fe705b60006feec145a0db1e3")
FIXED, CHALLENGE, RANDOM = bytes(range(32)), bytes(range(0x60, 0x80)), bytes(range(0x80, 0xA0))
NUM_IN = bytes(range(0xE0, 0xF4))
OK = b"\x00"
SCALAR = int.from_bytes(bytes(range(1, 33)), "big")


def crc(octets: bytes) -> bytes:
    """Bit by bit, as the data sheets write it down."""
    register = 0
    for octet in octets:
        for bit in range(8):
            differs = (octet >> bit & 1) != register >> 15
            register = register << 1 & 0xFFFF
            register ^= 0x8005 if differs else 0
    return bytes((register & 0xFF, register >> 8))


def sent(opcode: int, param1: int, param2: int, data: bytes = b"") -> bytes:
    group = bytes((7 + len(data), opcode, param1)) + param2.to_bytes(2, "little") + data
    return group + crc(group)


def got(body: bytes) -> bytes:
    group = bytes((3 + len(body),)) + body
    return group + crc(group)


def step(opcode: int, param1: int, param2: int, data: bytes = b"", *, answer: bytes = OK) -> Step:
    return sent(opcode, param1, param2, data), got(answer)


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def mixed(first: bytes, head: bytes, second: bytes, facts: bytes = b"") -> bytes:
    """The 96 bytes of GenDig and DeriveKey."""
    return sha(first, head, IDENTITY, facts.ljust(25, b"\x00"), second)


def mac(first: bytes, second: bytes, mode: int, key: int) -> bytes:
    whole = mode & 0x40
    middle, early = (SERIAL[4:8], SERIAL[2:4]) if whole else (bytes(4), bytes(2))
    return sha(first, second, bytes((8, mode, key, 0)), bytes(11), SERIAL[8:9], middle, SERIAL[0:2], early)


NONCE = step(0x16, 3, 0, FIXED)
RANDOM_NONCE = step(0x16, 0, 0, NUM_IN, answer=RANDOM)
RANDOM_TEMP_KEY = sha(RANDOM, NUM_IN, b"\x16\x00\x00")
SESSION = mixed(SLOT_4, b"\x15\x02\x04\x00", RANDOM_TEMP_KEY)
GENDIG_4 = step(0x15, 2, 4, bytes(4))


def reported(value: bytes) -> Step:
    """Show TempKey by a MAC over it: first and second block are TempKey, from a fixed nonce."""
    return step(0x08, 0x07, 0, answer=mac(value, value, 0x07, 0))


def private(scalar: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(scalar, ec.SECP256R1())


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def padded(public: bytes) -> bytes:
    return bytes(4) + public[:32] + bytes(4) + public[32:]


def signature(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    algorithm = ec.ECDSA(utils.Prehashed(SHA256()), deterministic_signing=True)
    r, s = utils.decode_dss_signature(key.sign(digest, algorithm))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def prf(secret: bytes, seed: bytes) -> bytes:
    """64 bytes of P_SHA256 (RFC 5246, 5)."""
    first = hmac.digest(secret, seed, "sha256")
    second = hmac.digest(secret, first, "sha256")
    return hmac.digest(secret, first + seed, "sha256") + hmac.digest(secret, second + seed, "sha256")


VECTORS: list[dict[str, object]] = []


def vector(name: str, source: str, steps: Sequence[Step], *, kind: str = "computed", **setup: object) -> None:
    slots = {"4": SLOT_4.hex()} | setup.pop("slots", {})  # type: ignore[operator]
    VECTORS.append(
        {
            "id": name,
            "kind": kind,
            "confidence": "high",
            "source": source,
            "setup": {"image": "test", "locked": ["config", "data"], "slots": slots} | setup,
            "steps": [{"tx": packet.hex(), "rx": answer.hex()} for packet, answer in steps],
        }
    )


def macs_and_digests() -> None:
    host = "cryptoauthlib atca_host.c"
    for mode in (0x05, 0x06, 0x07, 0x45):
        first, second = FIXED if mode & 2 else SLOT_4, FIXED if mode & 1 else CHALLENGE
        data = b"" if mode & 1 else CHALLENGE
        asked = step(0x08, mode, 4, data, answer=mac(first, second, mode, 4))
        vector(f"own_mac_{mode:02x}", f"{host} (atcah_mac)", [NONCE, asked])
    config_1 = bytes.fromhex("9f8f8364c444c4640f0f0f0f0f0f0f0f0f0f0f0fffffffff00000000ffffffff")
    for name, asked, value in (
        ("config_block", step(0x15, 0, 1), mixed(config_1, b"\x15\x00\x01\x00", FIXED)),
        ("otp", step(0x15, 1, 0), mixed(b"\xff" * 32, b"\x15\x01\x00\x00", FIXED)),
        ("shared_nonce", step(0x15, 3, 0x12, CHALLENGE), mixed(CHALLENGE, b"\x15\x03\x12\x00", FIXED)),
        (
            "shared_nonce_swapped",
            step(0x15, 3, 0x8012, CHALLENGE),
            mixed(FIXED, b"\x15\x03\x12\x00", CHALLENGE),
        ),
        ("counter", step(0x15, 4, 0), mixed(bytes(32), b"\x15\x04\x00\x00", FIXED, bytes(5))),
    ):
        vector(f"own_gendig_{name}", f"{host} (atcah_gen_dig)", [NONCE, asked, reported(value)])
    forbidden = step(0x08, 0x07, 0, answer=b"\x0f")
    vector(
        "own_gendig_no_mac_key_marks_temp_key",
        f"{host} (atcah_gen_dig, atcah_mac: NoMacFlag)",
        [NONCE, step(0x15, 2, 6, b"\x15\x02\x06\x00"), forbidden],
    )
    calculated = sha(RANDOM_TEMP_KEY, NUM_IN, b"\x16\x00\x00")
    vector(
        "own_nonce_calculated",
        f"{host} (atcah_nonce)",
        [RANDOM_NONCE, step(0x16, 0, 0x8000, NUM_IN, answer=calculated)],
        random=RANDOM.hex(),
    )


def checkmac_and_derivekey() -> None:
    host, other = "cryptoauthlib atca_host.c", bytes(range(0xA0, 0xAD))
    proof = sha(
        SLOT_4, FIXED, other[0:4], bytes(8), other[4:7], SERIAL[8:9], other[7:11], SERIAL[0:2], other[11:13]
    )
    vector(
        "own_checkmac_temp_key",
        f"{host} (atcah_check_mac)",
        [NONCE, step(0x28, 5, 4, CHALLENGE + proof + other)],
    )
    authorized = sha(SLOT_4, b"\x1c\x04\x03\x00", IDENTITY)
    created = mixed(SLOT_4, b"\x1c\x04\x03\x00", FIXED)
    vector(
        "own_derivekey_create_with_mac",
        f"{host} (atcah_derive_key, atcah_derive_key_mac); atca_tests_derivekey.c derivekey_mac",
        [
            NONCE,
            step(0x1C, 4, 3, authorized),
            step(0x08, 0, 3, CHALLENGE, answer=mac(created, CHALLENGE, 0, 3)),
        ],
    )


def encrypted_memory() -> None:
    contents = bytes(range(0x10, 0x30))
    vector(
        "own_read_encrypted",
        "cryptoauthlib calib_read.c (calib_read_enc)",
        [
            RANDOM_NONCE,
            GENDIG_4,
            step(0x02, 0x82, 1 << 3, answer=xor(contents, SESSION)),
            step(0x02, 0x82, 8, answer=b"\x0f"),
        ],
        random=RANDOM.hex(),
        slots={"1": contents.hex()},
    )
    key = private(SCALAR)
    plain = bytes(4) + SCALAR.to_bytes(32, "big")
    sealed = xor(plain, SESSION + sha(SESSION)[:4])
    proof = sha(SESSION, b"\x46\x40\x07\x00", IDENTITY, bytes(21), plain)
    vector(
        "own_privwrite_encrypted",
        "cryptoauthlib atca_host.c (atcah_privwrite_auth_mac); atca_tests_privwrite.c",
        [RANDOM_NONCE, GENDIG_4, step(0x46, 0x40, 7, sealed + proof), step(0x40, 0, 7, answer=point(key))],
        random=RANDOM.hex(),
    )


def secrets_and_derivations() -> None:
    ours = "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"
    theirs = bytes.fromhex(
        "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
        "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
    )
    shared = bytes.fromhex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de")
    vector(
        "own_ecdh_rfc_5903",
        "RFC 5903, 8.1",
        [step(0x43, 0x0C, 2, theirs, answer=shared)],
        kind="published",
        private={"2": ours},
    )
    hidden = xor(shared, sha(SLOT_4, RANDOM[:16])) + RANDOM
    vector(
        "own_ecdh_encrypted",
        "RFC 5903, 8.1; cryptoauthlib atca_host.c (atcah_io_decrypt)",
        [step(0x43, 0x0E, 2, theirs, answer=hidden)],
        private={"2": ours},
        random=RANDOM.hex(),
    )
    plain, cipher = "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"
    vector(
        "own_aes_decrypt_fips_197",
        "FIPS 197, C.1",
        [NONCE, step(0x51, 0x01, 0xFFFF, bytes.fromhex(cipher), answer=bytes.fromhex(plain))],
        kind="published",
    )
    salt, info = bytes(range(13)).ljust(32, b"\x00"), bytes(range(0xF0, 0xFA)) + b"\x01"
    prk = bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    okm = bytes.fromhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
    extract, expand = b"\x02\x00\x00\x16" + b"\x0b" * 22, b"\x02\x00\x00\x0b" + info
    vector(
        "own_kdf_hkdf_rfc_5869",
        "RFC 5869, A.1",
        [
            step(0x16, 3, 0, salt),
            step(0x56, 0x50, 0, extract, answer=prk),
            step(0x56, 0x40, 0, extract),
            step(0x56, 0x50, 0, expand, answer=okm),
        ],
        kind="published",
    )
    label = b"key expansion" + bytes(range(0x50, 0x70))
    stream = prf(FIXED, label)
    long = b"\x01\x01\x00" + bytes((len(label),)) + label
    masks = sha(SLOT_4, RANDOM[:16]) + sha(SLOT_4, RANDOM[16:])
    vector(
        "own_kdf_prf_encrypted",
        "RFC 5246, 5; cryptoauthlib atca_host.c (atcah_io_decrypt)",
        [NONCE, step(0x56, 0x14, 0, long, answer=xor(stream, masks) + RANDOM)],
        random=RANDOM.hex(),
    )
    block = Cipher(AES(FIXED[16:]), ECB()).encryptor().update(CHALLENGE[:16])
    vector(
        "own_kdf_aes_second_block",
        "cryptoauthlib atca_tests_kdf.c (kdf_aes_output): 16 bytes of AES and 16 of zero",
        [NONCE, step(0x56, 0x30, 0, b"\x01\x00\x00\x10" + CHALLENGE[:16], answer=block + bytes(16))],
    )


def verification() -> None:
    key, authority = private(SCALAR), private(SCALAR + 1)
    digest, nonce = sha(b"message"), bytes(range(0x40, 0x60))
    signed = signature(key, digest)
    head = b"\x45\xa2\x04\x00"
    vector(
        "own_verify_extern_with_mac",
        "cryptoauthlib atca_host.c (atcah_verify_mac)",
        [
            step(0x16, 0x63, 0, digest + nonce),
            step(0x45, 0xA2, 4, signed + point(key), answer=sha(SLOT_4, digest, nonce, signed, head)),
            step(0x45, 0xA2, 4, signed[::-1] + point(key), answer=b"\x01"),
        ],
    )
    made = sha(FIXED, b"\x40", bytes(3), IDENTITY, bytes(25), point(key))
    other = bytes.fromhex("000e00" + "0f0f" + "3200" + "5e0000") + bytes(6) + b"\x01\x00\x00"
    subject = sha(made, b"\x41", other[:10], SERIAL[8:9], other[10:14], SERIAL[0:2], other[14:])
    stored = padded(point(key))
    vector(
        "own_verify_validate",
        "cryptoauthlib atca_host.c (atcah_sign_internal_msg); atca_tests_verify.c verify_validate",
        [
            step(0x16, 0x43, 0, digest),
            step(0x45, 0x20, 14, signed, answer=b"\x0f"),
            NONCE,
            step(0x40, 0x10, 14, bytes(3)),
            step(0x45, 0x03, 14, signature(authority, subject) + other),
            step(0x45, 0x20, 14, signed),
            step(0x02, 0x02, 14 << 3, answer=bytes((0x50 | stored[0] & 0xF,)) + stored[1:4]),
        ],
        slots={"14": stored.hex(), "15": padded(point(authority)).hex()},
    )


def main() -> None:
    """Print the file."""
    macs_and_digests()
    checkmac_and_derivekey()
    encrypted_memory()
    secrets_and_derivations()
    verification()
    json.dump({"vectors": VECTORS}, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
