"""In words: the commands that use keys.

Evidence: document - public 608 Trust data sheets (command chapters); vendor-library - cryptoauthlib
lib/calib and lib/host/atca_host.c for the modes they send and the fields of OtherData.
"""

from __future__ import annotations

from softatecc.describe.meaning import (
    TEMP_KEY,
    Meaning,
    flag,
    joined,
    must_be,
    nothing,
    parts,
    slot,
    slot_or_temp_key,
    unknown,
)
from softatecc.packet import Command

_POINT = ("public key X || Y", 64)
_SIGNATURE = ("signature R || S", 64)
_GENKEY = {
    0x00: "compute the public key",
    0x04: "create a private key",
    0x08: "compute the public key and digest it into TempKey",
    0x0C: "create a private key and digest its public key into TempKey",
    0x10: "digest a stored public key into TempKey",
}
_VERIFY = {
    0: "by a stored key",
    1: "external and validate",
    2: "by the key sent",
    3: "validate",
    7: "invalidate",
}
#: The modes of Verify that know the Message Digest Buffer and a MAC as the answer.
_BY_A_KEY = (0, 2)
#: Source, encryption and target go together in these ways only (public 608 Trust data sheets, ECDH).
_ECDH_MODES = (0x00, 0x04, 0x05, 0x08, 0x09, 0x0C, 0x0D, 0x0E, 0x0F)
_ECDH_TARGET = {0: "compatible", 1: "to a slot", 2: "to TempKey", 3: "to the output"}
_GENDIG = {
    0: "the configuration, block",
    1: "OTP, block",
    2: "slot",
    3: "a shared nonce",
    4: "the counter",
    5: "the configuration of slot",
}
_KDF_SOURCE = {0: "TempKey", 1: "TempKey's upper half", 2: "a slot", 3: "the Alternate Key Buffer"}
_KDF_TARGET = {
    0: "TempKey",
    1: "TempKey's upper half",
    2: "a slot",
    3: "the Alternate Key Buffer",
    4: "the output",
    5: "the output, encrypted",
}
_GFM = 3
_SECURE_BOOT = {5: "Full", 6: "FullStore", 7: "FullCopy"}


def genkey(cmd: Command) -> Meaning:
    """GenKey, opcode 40."""
    if cmd.param1 not in _GENKEY:
        return unknown(cmd)
    stored = cmd.param1 == 0x10
    layout = parts(cmd.data, ("OtherData", 3)) if stored else nothing(cmd)
    answer = "" if stored else "the public key X || Y, 64 bytes"
    where = "TempKey, ephemeral" if cmd.param2 == TEMP_KEY else slot(cmd.param2)
    return Meaning(_GENKEY[cmd.param1], where, layout, answer)


def sign(cmd: Command) -> Meaning:
    """Sign, opcode 41."""
    external = cmd.param1 & 0x80
    if cmd.param1 & 0x1E or (external and cmd.param1 & 1):
        return unknown(cmd)
    source = flag(cmd.param1, 0x20, "the Message Digest Buffer", "TempKey")
    mode = joined(
        f"external: the host's digest in {source}"
        if external
        else f"internal: what the chip put into {source}",
        flag(cmd.param1, 0x40, "serial number included"),
        flag(cmd.param1, 1, "to invalidate a key"),
    )
    return Meaning(mode, f"key in {slot(cmd.param2)}", nothing(cmd), "the signature R || S, 64 bytes")


def verify(cmd: Command) -> Meaning:
    """Verify, opcode 45."""
    kind = cmd.param1 & 0b111
    if kind not in _VERIFY or cmd.param1 & (0b0101_1000 if kind in _BY_A_KEY else 0b1111_1000):
        return unknown(cmd)
    source = flag(cmd.param1, 0x20, "the Message Digest Buffer", "TempKey")
    mode = joined(_VERIFY[kind], f"message in {source}", flag(cmd.param1, 0x80, "a MAC as the answer"))
    layout = {
        0: (_SIGNATURE,),
        1: (_SIGNATURE, _POINT),
        2: (_SIGNATURE, _POINT),
        3: (_SIGNATURE, ("OtherData", 19)),
        7: (_SIGNATURE, ("OtherData", 19)),
    }[kind]
    curve = "curve P-256" if cmd.param2 == 4 else f"curve {cmd.param2}, which the 608 does not have"
    operand = curve if kind == 2 else slot(cmd.param2)
    answer = "the MAC, 32 bytes" if cmd.param1 & 0x80 else ""
    return Meaning(mode, operand, parts(cmd.data, *layout), answer)


def ecdh(cmd: Command) -> Meaning:
    """ECDH, opcode 43."""
    if cmd.param1 not in _ECDH_MODES:
        return unknown(cmd)
    target, encrypted = cmd.param1 >> 2, cmd.param1 & 0b10
    source = "the key in TempKey" if cmd.param1 & 1 else "the key of the slot"
    mode = joined(source, f"secret {_ECDH_TARGET[target]}", "encrypted" if encrypted else "")
    answer = {0: "the secret, 32 bytes, unless SlotConfig keeps it", 3: "the secret, 32 bytes"}.get(
        target, ""
    )
    if encrypted and answer:
        answer = "the encrypted secret and its nonce, 64 bytes"
    return Meaning(mode, slot(cmd.param2), parts(cmd.data, _POINT), answer)


def kdf(cmd: Command) -> Meaning:
    """KDF, opcode 56."""
    source, target, algorithm = cmd.param1 & 0b11, cmd.param1 >> 2 & 0b111, cmd.param1 >> 5 & 0b11
    if cmd.param1 & 0x80 or algorithm == 3 or target not in _KDF_TARGET:
        return unknown(cmd)
    mode = joined(
        ("PRF", "AES", "HKDF")[algorithm],
        f"key from {_KDF_SOURCE[source]}",
        f"result to {_KDF_TARGET[target]}",
    )
    operand = joined(
        f"key {slot(cmd.param2 & 0xFF)}" if source == 2 else "",
        f"result {slot(cmd.param2 >> 8)}" if target == 2 else "",
    )
    answer = {4: "the result, 32 or 64 bytes", 5: "the encrypted result and its nonce"}.get(target, "")
    return Meaning(mode, operand, parts(cmd.data, ("details", 4), ("message", -1)), answer)


def aes(cmd: Command) -> Meaning:
    """AES, opcode 51."""
    kind, block = cmd.param1 & 0b111, cmd.param1 >> 6
    if kind not in (0, 1, 3) or cmd.param1 & 0b0011_1000 or (kind == _GFM and block):
        return unknown(cmd)
    if kind == _GFM:
        return Meaning("multiply in GF(2^128)", "", parts(cmd.data, ("H", 16), ("input", 16)), "16 bytes")
    verb = "decrypt" if kind else "encrypt"
    where = f"key block {block} of {slot_or_temp_key(cmd.param2)}"
    return Meaning(f"{verb} one block", where, parts(cmd.data, ("input", 16)), "16 bytes")


def _mac_blocks(mode: int) -> str:
    first = flag(mode, 0b10, "TempKey", "the slot")
    second = flag(mode, 0b01, "TempKey", "the challenge")
    return joined(
        f"over {first} and {second}",
        flag(mode, 0b100, "nonce passed through", "nonce random") if mode & 0b11 else "",
    )


def mac(cmd: Command) -> Meaning:
    """MAC, opcode 08."""
    if cmd.param1 & 0b1000_1000:
        return unknown(cmd)
    mode = joined(
        _mac_blocks(cmd.param1),
        flag(cmd.param1, 0x30, "OTP included (508A only)"),
        flag(cmd.param1, 0x40, "serial number included"),
    )
    layout = nothing(cmd) if cmd.param1 & 1 else parts(cmd.data, ("challenge", 32))
    return Meaning(mode, slot(cmd.param2), layout, "the MAC, 32 bytes", known=not cmd.param1 & 0x30)


def check_mac(cmd: Command) -> Meaning:
    """CheckMac, opcode 28."""
    if cmd.param1 & 0b1101_1000:
        return unknown(cmd)
    mode = joined(_mac_blocks(cmd.param1), flag(cmd.param1, 0x20, "OTP included"))
    layout = (("challenge", 32), ("response to check", 32), ("OtherData", 13))
    return Meaning(mode, slot(cmd.param2), parts(cmd.data, *layout))


def gen_dig(cmd: Command) -> Meaning:
    """GenDig, opcode 15."""
    if cmd.param1 not in _GENDIG:
        return unknown(cmd)
    what = _GENDIG[cmd.param1]
    if cmd.param1 == 3:
        operand = flag(cmd.param2, 0x8000, "TempKey first", "OtherData first")
        return Meaning(f"digest {what} into TempKey", operand, parts(cmd.data, ("OtherData", 32)))
    layout = parts(cmd.data, ("OtherData", 4)) if cmd.param1 == 2 and cmd.data else nothing(cmd)
    tail = "" if cmd.param1 not in (2, 5) or cmd.param2 < 16 else ", which does not exist"
    return Meaning(f"digest {what} {cmd.param2}{tail} into TempKey", "", layout)


def derive_key(cmd: Command) -> Meaning:
    """DeriveKey, opcode 1C."""
    if cmd.param1 & ~0b100:
        return unknown(cmd)
    layout = parts(cmd.data, ("MAC", 32)) if cmd.data else ()
    return Meaning(
        flag(cmd.param1, 4, "nonce passed through", "nonce random"), f"into {slot(cmd.param2)}", layout
    )


def priv_write(cmd: Command) -> Meaning:
    """PrivWrite, opcode 46."""
    if cmd.param1 & ~0x40:
        return unknown(cmd)
    name = "encrypted key" if cmd.param1 else "key"
    mode = flag(cmd.param1, 0x40, "encrypted under TempKey", "clear")
    return Meaning(mode, f"into {slot(cmd.param2)}", parts(cmd.data, (name, 36), ("MAC", 32)))


def secure_boot(cmd: Command) -> Meaning:
    """SecureBoot, opcode 80."""
    kind = cmd.param1 & 0b111
    if kind not in _SECURE_BOOT or cmd.param1 & 0b0011_1000:
        return unknown(cmd)
    mode = joined(
        _SECURE_BOOT[kind],
        flag(cmd.param1, 0x40, "no more until a power cycle"),
        flag(cmd.param1, 0x80, "digest encrypted, a MAC as the answer"),
    )
    digest = ("encrypted digest" if cmd.param1 & 0x80 else "digest", 32)
    layout = (digest,) if kind == 6 and len(cmd.data) <= digest[1] else (digest, _SIGNATURE)
    answer = "the MAC, 32 bytes" if cmd.param1 & 0x80 else ""
    return Meaning(mode, must_be(cmd, 0), parts(cmd.data, *layout), answer)
