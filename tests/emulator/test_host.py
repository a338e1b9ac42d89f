"""The microcontroller's side, on the emulator, through the transport a real chip would have."""

import copy
import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.chip_key import ChipKey
from softatecc.crypto import PrivateKey
from softatecc.entropy import SeededEntropy
from softatecc.host import DeviceError, Host, NonceTarget, padded_public_key, unpadded_public_key
from softatecc.packet import Opcode, ResponseError, encode_response
from softatecc.status import Status
from softatecc.trace import CommandRecord
from softatecc.transports import EmulatorTransport, NoResponse, Transport, open_transport, serial_number
from softatecc.zones import Zone

Part = Callable[..., Chip]
Why = Callable[[Chip], str]

DEVICE_KEY, SIGNER_KEY, CERTIFICATE = 0, 11, 10
DIGEST = hashlib.sha256(b"message").digest()
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chip")])


# --- Host -----------------------------------------------------------------------------------------


def test_a_blank_part_is_provisioned_over_the_bus() -> None:
    transport = open_transport("emulator:blank", seed="provisioning")
    host = Host(transport)
    image = profiles.load("mbedtls_examples_608").configuration
    certificate = bytes(range(72))
    host.write_configuration(image)
    host.lock_configuration()
    device_key = host.genkey(DEVICE_KEY)
    host.write_slot(CERTIFICATE, certificate)
    host.write_public_key(SIGNER_KEY, device_key)
    host.write_otp(bytes(range(64)))
    slots = [b"\xff" * size for size in [36] * 8 + [416] + [72] * 7]
    slots[CERTIFICATE], slots[SIGNER_KEY] = certificate, padded_public_key(device_key)
    host.lock_data(b"".join(slots[n] for n in range(16) if n not in (0, 2, 3, 7)) + bytes(range(64)))
    host.lock_slot(DEVICE_KEY)

    assert host.read_configuration()[16:84] == image[16:84]
    assert host.read_configuration()[90:] == image[90:]
    assert (host.is_configuration_locked(), host.is_data_locked()) == (True, True)
    assert [slot for slot in range(16) if host.is_slot_locked(slot)] == [DEVICE_KEY]
    assert host.public_key(DEVICE_KEY) == device_key
    assert host.read_slot(CERTIFICATE) == certificate
    assert host.read_slot(CERTIFICATE, 10) == certificate[:10]
    assert host.read_public_key(SIGNER_KEY) == device_key
    assert host.read_otp() == bytes(range(64))


def test_the_configuration_is_written_in_the_librarys_order(part: Part) -> None:
    chip = part("blank", locked="none")
    Host(EmulatorTransport(chip)).write_configuration(profiles.load("cal_test_608").configuration)
    commands = [record for record in chip.trace if isinstance(record, CommandRecord)]

    assert [(record.opcode, record.param1, record.param2) for record in commands] == [
        *((0x12, 0x00, word) for word in (4, 5, 6, 7)),
        (0x12, 0x80, 8),
        *((0x12, 0x00, word) for word in (16, 17, 18, 19, 20, 22, 23)),
        (0x12, 0x80, 24),
        (0x20, 0, 0),
        (0x20, 1, 0),
    ]
    assert {record.status for record in commands} == {Status.SUCCESS}


def test_lock_data_without_an_image_asks_for_no_comparison(chip: Chip, host: Host) -> None:
    host.lock_data()

    assert (chip.last_command.param1, chip.configuration.data_locked) == (0x81, True)


def test_the_host_hears_who_the_part_is(host: Host) -> None:
    assert host.info_revision() == bytes.fromhex("00006002")
    assert host.serial_number() == bytes.fromhex("0223528e47b3461dee")
    assert host.random() != host.random()


def test_a_signature_made_in_the_slot_is_verified_by_the_chip_both_ways(host: Host) -> None:
    point = host.genkey(DEVICE_KEY)
    host.write_public_key(SIGNER_KEY, point)
    signature = host.sign(DEVICE_KEY, DIGEST)
    host.verify_external(DIGEST, signature, point)
    host.verify_stored(DIGEST, signature, SIGNER_KEY)
    with pytest.raises(DeviceError) as external:
        host.verify_external(bytes(32), signature, point)
    with pytest.raises(DeviceError) as stored:
        host.verify_stored(bytes(32), signature, SIGNER_KEY)

    assert external.value.status == stored.value.status == Status.MISCOMPARE


def test_a_data_slot_cannot_hold_a_private_key(host: Host, chip: Chip, why: Why) -> None:
    with pytest.raises(DeviceError) as caught:
        host.genkey(8)

    assert caught.value.status == Status.EXECUTION_ERROR
    assert str(caught.value) == "the chip answered 0F (execution error) to GenKey(0x04, 0x0008)"
    assert caught.value.command.opcode == Opcode.GENKEY
    assert "P-256 private key slot" in why(chip)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 128, 200])
def test_the_chip_hashes_for_the_host(host: Host, length: int) -> None:
    message = bytes(range(length))

    assert host.sha256(message) == hashlib.sha256(message).digest()


@pytest.mark.parametrize("target", NonceTarget)
def test_a_passthrough_nonce_reaches_its_buffer(host: Host, chip: Chip, target: NonceTarget) -> None:
    host.nonce_passthrough(DIGEST, target)
    held = chip.volatile.temp_key
    buffers = {
        NonceTarget.TEMP_KEY: None if held is None else held.lower,
        NonceTarget.MESSAGE_DIGEST_BUFFER: chip.volatile.message_digest_buffer,
        NonceTarget.ALTERNATE_KEY_BUFFER: chip.volatile.alternate_key_buffer,
    }

    assert {name for name, contents in buffers.items() if contents == DIGEST} == {target}


def test_64_bytes_are_sent_as_64_bytes(host: Host, chip: Chip) -> None:
    host.nonce_passthrough(bytes(64), NonceTarget.MESSAGE_DIGEST_BUFFER)

    assert chip.last_command.param1 == 0x63
    assert chip.volatile.message_digest_buffer == bytes(64)


def test_a_padded_public_key_is_the_one_slots_store() -> None:
    point = bytes(range(64))

    assert padded_public_key(point) == bytes(4) + point[:32] + bytes(4) + point[32:]
    assert unpadded_public_key(padded_public_key(point)) == point


def test_what_does_not_fit_is_refused_before_it_is_sent(host: Host, chip: Chip) -> None:
    with pytest.raises(ValueError, match="slot 10 holds 72 bytes, 73 do not fit"):
        host.write_slot(10, bytes(73))
    with pytest.raises(ValueError, match="the OTP zone has 64 bytes, 63 came"):
        host.write_otp(bytes(63))
    with pytest.raises(ValueError, match="a configuration has 128 bytes, 127 came"):
        host.write_configuration(bytes(127))

    assert chip.trace == []


class _Parrot:
    """A transport that always answers the same."""

    def __init__(self, group: bytes) -> None:
        self.group = group

    def wake(self) -> bytes:
        return self.group

    def exchange(self, packet: bytes) -> bytes:
        assert packet
        return self.group

    def idle(self) -> None: ...

    def sleep(self) -> None: ...

    def close(self) -> None: ...


def test_a_status_without_a_name_keeps_its_number() -> None:
    with pytest.raises(DeviceError, match="answered AB to Info") as caught:
        Host(_Parrot(encode_response(b"\xab"))).info_revision()

    assert caught.value.status == 0xAB


def test_a_garbled_answer_is_not_taken_for_a_status() -> None:
    with pytest.raises(ResponseError, match="is no response group"):
        Host(_Parrot(b"\x04\x0f\x00\x00")).info_revision()


# --- transports -----------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_part_and_the_same_run() -> None:
    runs = set()
    for _ in range(2):
        host = Host(open_transport("emulator:mbedtls_examples_608", seed="seed"))
        host.lock_configuration()
        runs.add((host.serial_number(), host.genkey(0), host.sign(0, DIGEST), host.random()))

    assert len(runs) == 1


def test_two_signatures_of_one_digest_differ_in_a_seeded_run() -> None:
    host = Host(open_transport("emulator:mbedtls_examples_608", seed="seed"))
    host.lock_configuration()
    host.genkey(0)

    assert host.sign(0, DIGEST) != host.sign(0, DIGEST)


def test_without_a_seed_every_part_is_another() -> None:
    numbers = {Host(open_transport("emulator:blank")).serial_number() for _ in range(5)}

    assert len(numbers) == 5
    assert all(number[:2] == b"\x01\x23" and number[8:] == b"\xee" for number in numbers)
    assert serial_number("a") != serial_number("b")


@pytest.mark.parametrize("name", profiles.names())
def test_a_profile_comes_as_an_unlocked_part(name: str) -> None:
    host = Host(open_transport(f"emulator:{name}", seed="seed"))
    image, profile = host.read_configuration(), profiles.load(name).configuration

    assert (host.is_configuration_locked(), host.is_data_locked()) == (False, False)
    assert image[16:84] + image[88:] == profile[16:84] + profile[88:]


@pytest.mark.parametrize(
    "url, words",
    [
        ("kit-hid:", "tcp://HOST:PORT or i2c:///dev/i2c-N"),
        ("emulator:potato", "use one of emulator:"),
        ("emulator", "'emulator' is no way to a chip"),
        ("spi:0", "'spi:0' is no way to a chip"),
        ("", "'' is no way to a chip"),
    ],
)
def test_a_url_nobody_can_open_is_answered_with_those_that_work(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        open_transport(url)


def test_a_transport_wakes_idles_and_sleeps(chip: Chip) -> None:
    transport: Transport = EmulatorTransport(chip)
    woken = transport.wake()
    Host(transport).nonce_passthrough(DIGEST)
    transport.idle()
    kept = chip.volatile.temp_key
    Host(transport).info_revision()
    transport.sleep()
    transport.close()

    assert woken == bytes.fromhex("04113343")
    assert kept is not None
    assert chip.volatile.temp_key is None


@pytest.mark.parametrize("packet", [b"", b"\x07", b"\x08\x30\x00\x00\x00\x03\x5d"])
def test_half_a_packet_gets_no_response_and_does_not_disturb_the_next(chip: Chip, packet: bytes) -> None:
    transport = EmulatorTransport(chip)
    with pytest.raises(NoResponse, match=f"more than the {len(packet)} bytes sent"):
        transport.exchange(packet)

    assert Host(transport).info_revision() == bytes.fromhex("00006002")


def test_a_count_no_group_can_have_is_answered_at_once(chip: Chip) -> None:
    assert EmulatorTransport(chip).exchange(b"\xff" * 4) == bytes.fromhex("04ff0142")


def test_a_serial_number_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a serial number has 9 bytes, '0123' has not"):
        Chip.blank(b"\x01\x23")


def test_a_blank_part_draws_from_the_system_unless_told_otherwise() -> None:
    assert Chip.blank(bytes(9)).entropy.repeatable is False
    assert Chip.blank(bytes(9), entropy=SeededEntropy("x")).entropy.repeatable is True


# --- ChipKey --------------------------------------------------------------------------------------


@pytest.fixture
def key(host: Host) -> ChipKey:
    host.genkey(DEVICE_KEY)
    return ChipKey(host, DEVICE_KEY)


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA224()])
def test_a_certificate_request_is_signed_in_the_slot(
    key: ChipKey, algorithm: hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | hashes.SHA224
) -> None:
    request = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(key, algorithm)

    assert request.is_signature_valid
    assert request.public_key() == key.public_key()


def test_a_certificate_is_signed_in_the_slot(key: ChipKey) -> None:
    certificate = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2021, 1, 14, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 14, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )

    certificate.verify_directly_issued_by(certificate)


def test_a_digest_made_elsewhere_is_signed_as_it_is(key: ChipKey) -> None:
    algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))

    key.public_key().verify(key.sign(DIGEST, algorithm), DIGEST, algorithm)


@pytest.mark.parametrize("what", ["private_numbers", "private_bytes", "exchange", "deterministic"])
def test_the_private_key_cannot_be_taken_out(key: ChipKey, what: str) -> None:
    asked: dict[str, Callable[[], object]] = {
        "private_numbers": key.private_numbers,
        "private_bytes": lambda: key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        "exchange": lambda: key.exchange(ec.ECDH(), key.public_key()),
        "deterministic": lambda: key.sign(b"", ec.ECDSA(hashes.SHA256(), deterministic_signing=True)),
    }

    with pytest.raises(UnsupportedAlgorithm, match=r"stays in slot 0|with a random number"):
        asked[what]()


def test_a_copy_is_the_same_slot(key: ChipKey) -> None:
    copies = (copy.copy(key), copy.deepcopy(key))

    assert {twin.slot for twin in copies} == {DEVICE_KEY}
    assert all(twin.public_key() == key.public_key() for twin in copies)
    assert (key.curve.name, key.key_size, repr(key)) == ("secp256r1", 256, "ChipKey(slot=0)")


def test_a_key_the_slot_may_not_use_is_an_error_of_the_device(chip: Chip, host: Host, why: Why) -> None:
    host.genkey(7)

    with pytest.raises(DeviceError, match="0F"):
        ChipKey(host, 7).sign(b"", ec.ECDSA(hashes.SHA256()))

    assert "slot 7 signs no message of the host" in why(chip)


def test_the_bytes_on_the_wire_carry_no_key(chip: Chip, host: Host) -> None:
    chip.memory.store_private_key(DEVICE_KEY, scalar := os.urandom(31).rjust(32, b"\x01"))

    with pytest.raises(DeviceError):
        host.read(Zone.DATA, 0, 32, DEVICE_KEY)

    assert host.public_key(DEVICE_KEY) == PrivateKey(scalar).public
