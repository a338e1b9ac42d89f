"""Which part is emulated, and how it answers where no public source says how silicon does.

Every switch below is an open question of the public sources. Its default is what the emulator does
unless told otherwise, and none has been checked against silicon.
"""

from dataclasses import dataclass
from enum import Enum

from softatecc.memory import SourceFlag
from softatecc.status import Status


class Revision(Enum):
    """What Info(Revision) answers; the copy in configuration bytes 4-7 does not matter.

    Evidence: silicon - bus capture of a 608A; the 608B value from its Trust data sheet.
    """

    ATECC608A = bytes.fromhex("00006002")
    ATECC608B = bytes.fromhex("00006003")


#: Configuration byte 13 as delivered; its bit 0 is AES_Enable, the others belong to the factory.
#: Evidence: silicon - public dumps of a fresh 608A and of a 608B.
_BYTE_13 = {Revision.ATECC608A: b"\xc1", Revision.ATECC608B: b"\x61"}


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """One kind of part.

    Attributes:
        revision: the silicon.
        lock_mismatch: answer to a Lock whose CRC does not fit.
            Evidence: assumed - sources give 0F or 03; 0F.
        address_error: answer to a Read or Write outside a zone.
            Evidence: assumed - cryptoauthlib's tests take 03 or 0F; 03.
        partial_block_readable: a 32-byte Read of the partial last block of a slot succeeds.
            Evidence: assumed - cryptoauthlib's C stack reads public keys so; no source shows the tail.
        pad: what follows the last byte of a slot in such a Read.
            Evidence: assumed - FF, as erased memory.
        message_digest_buffer_consumed: Sign and Verify empty the Message Digest Buffer.
            Evidence: assumed - sources disagree; it stays.
        verify_consumes_temp_key: Verify empties TempKey when that was its message.
            Evidence: assumed - as Sign does.
        buffer_nonce_empties_temp_key: Nonce into another buffer invalidates TempKey.
            Evidence: assumed - cryptoauthlib's host model says so of its own copy only; it stays.
        calculated_nonce_is_random: Nonce in calculation mode (param2 8000) sets SourceFlag to random.
            Evidence: assumed - data sheet text and cryptoauthlib disagree; flags stay.
        key_valid_needs_ecc_slot: Info(KeyValid) of a slot that holds no ECC key answers 0F, not 0.
            Evidence: assumed - data sheets name both.
        failed_wake_response: what a wake shows after a failed power-on self test.
            Evidence: assumed - cryptoauthlib's constant, whose CRC bytes are swapped; never seen on a bus.
        shared_nonce_is_gen_dig_data: GenDig(SharedNonce) sets GenDigData.
            Evidence: assumed - data sheet text says so, cryptoauthlib's host model not; it does not.
        mac_takes_gen_key_digest: MAC accepts a TempKey that GenKey made.
            Evidence: assumed - no source; accepted.
        internal_sign_from_buffer: Sign(Internal) with the buffer bit signs the Message Digest Buffer in
            place of TempKey's value; False refuses the mode.
            Evidence: assumed - cryptoauthlib has the bit, no source says what is signed.
        ecdh_slot_to_slot: ECDH from a slot into slot N|1 by mode 04; False refuses the mode.
            Evidence: assumed - the mode is not in the public table.
        temp_key_only: the value of ECDHPROT and KDFPROT that lets a result into registers alone; the other
            one of 2 and 3 lets it into slots too.
            Evidence: assumed - the order of the two values is in no public source.
        derived_temp_key_source: SourceFlag of a TempKey that ECDH, KDF, SHA or CheckMac filled.
            Evidence: assumed - no source; fixed.
        kdf_writes_never_slots: KDF and ECDH may write a slot whose WriteConfig is Never.
            Evidence: assumed - no source says which WriteConfig they need; they may not.
        ecdsa_self_test: the bit of SelfTest that reports a failure of ECDSA.
            Evidence: assumed - bit 2 by the data sheets, bit 1 in cryptoauthlib's mask of all tests.
        long_watchdog: milliseconds until the watchdog expires where ChipMode asks for the long time.
            Evidence: assumed - sources say 10 or 13 s; 13 as cryptoauthlib's header.
    """

    revision: Revision = Revision.ATECC608A
    lock_mismatch: Status = Status.EXECUTION_ERROR
    address_error: Status = Status.PARSE_ERROR
    partial_block_readable: bool = True
    pad: int = 0xFF
    message_digest_buffer_consumed: bool = False
    verify_consumes_temp_key: bool = True
    buffer_nonce_empties_temp_key: bool = False
    calculated_nonce_is_random: bool = False
    key_valid_needs_ecc_slot: bool = True
    failed_wake_response: bytes = bytes.fromhex("0407c440")
    shared_nonce_is_gen_dig_data: bool = False
    mac_takes_gen_key_digest: bool = True
    internal_sign_from_buffer: bool = True
    ecdh_slot_to_slot: bool = True
    temp_key_only: int = 3
    derived_temp_key_source: SourceFlag = SourceFlag.FIXED
    kdf_writes_never_slots: bool = False
    ecdsa_self_test: int = 0x04
    long_watchdog: int = 13_000

    @property
    def byte_13(self) -> bytes:
        """Configuration byte 13 (AES_Enable) of a part as delivered."""
        return _BYTE_13[self.revision]
