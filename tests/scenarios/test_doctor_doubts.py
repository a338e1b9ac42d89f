"""What the doctor must not say: all clear where it is not, proven where it is not, a private key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from jitpbroker.admission.profiles import AWS_2026
from jitplab import cli, pki
from jitplab.account import case_template
from jitplab.doctor.chip_dump import ChipDump, read_dump
from jitplab.doctor.diagnosis import Diagnosis, diagnose
from jitplab.doctor.evidence import Evidence
from jitplab.doctor.patient import Wishes
from jitplab.firmware import ca_key_of_3_7_9
from jitplab.lab import Chain, Lab, Settings
from softatecc.certificate import DeviceLocation, DeviceZone

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Bench:
    """A chip's dump, the certificates of its CAs, and chains that firmwares make of it."""

    dump: ChipDump
    signer: bytes
    root: bytes
    key: bytes
    chains: dict[str, Chain]

    @property
    def chip(self) -> bytes:
        return self.dump.text().encode()

    def sent(self, name: str) -> bytes:
        return pki.pem(*self.chains[name].presented)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Lab(Settings(seed="doubts", library="own", now=NOW)) as lab:
        device = lab.provision_device()
        library = lab.bench.library
        slots = {slot: library.read_bytes_zone(2, slot, 0, 72) for slot in (8, *range(10, 16))}
        swapped = replace(device.signer_definition, public_key=DeviceLocation(DeviceZone.DATA, 15, 0, 72))
        chains = {
            "right": lab.rebuild_chain(device),
            "root 13": lab.rebuild_chain(device, root_key_slot=13),
            "root computed": lab.rebuild_chain(device, root_key_slot=0, is_genkey=True),
            "signer 15": lab.rebuild_chain(device, signer_definition=swapped, signer_key_slot=15),
            "root 13, signer 15": lab.rebuild_chain(
                device, root_key_slot=13, signer_definition=swapped, signer_key_slot=15
            ),
            "leaf of another key": lab.rebuild_chain(device, signer_key_slot=15),
            "72 bytes of 13": lab.rebuild_chain(device, root_key_slot=13, get_ca_key=ca_key_of_3_7_9),
        }
        yield Bench(
            ChipDump(lab.bench.configuration(), slots, {0: device.public_key}),
            lab.signer.certificate,
            lab.root.certificate,
            lab.signer.key.pkcs8_pem(),
            chains,
        )


def ca(certificate: bytes, **described: object) -> bytes:
    inner = {"certificatePem": pki.pem(certificate).decode(), "status": "ACTIVE"}
    config = {"templateBody": case_template(), "roleArn": "arn:aws:iam::1:role/R"}
    described = {**inner, "autoRegistrationStatus": "ENABLE", **described}
    return json.dumps({"certificateDescription": described, "registrationConfig": config}).encode()


def evidence_of(*files: bytes) -> Evidence:
    evidence = Evidence()
    for number, data in enumerate(files):
        evidence.take(f"file {number}", data)
    return evidence


def look(*files: bytes, run: bool = False, root_key_slot: int | None = None) -> Diagnosis:
    return diagnose(evidence_of(*files), Wishes(AWS_2026, NOW, root_key_slot), run=run)


def first_change(told: Diagnosis) -> str | None:
    assert told.cures is not None
    return told.cures.single[0].words if told.cures.single else None


# --- the firmware is believed only if it gives what was sent -------------------------------------------


@pytest.mark.parametrize(
    "sent, change",
    [
        ("signer 15", "read the signer's public key from slot 11"),
        ("root computed", "read the root's public key from slot 15"),
        ("root 13", "read the root's public key from slot 15"),
    ],
)
def test_the_chain_that_was_sent_tells_what_to_change_and_a_run_bears_it_out(
    bench: Bench, sent: str, change: str
) -> None:
    told = look(bench.chip, ca(bench.signer), bench.sent(sent), run=True)

    assert told.something_is_wrong
    assert first_change(told) == change
    assert told.cures is not None
    assert told.cures.now.chain == bench.chains[sent].presented
    assert told.proof is not None
    assert told.proof.holds


@pytest.mark.parametrize(
    "sent, knobs",
    [
        ("root 13, signer 15", ("root-key-slot", "signer-key-slot")),
        ("72 bytes of 13", ("key-length", "root-key-slot")),
    ],
)
def test_two_faults_are_not_said_to_be_one(bench: Bench, sent: str, knobs: tuple[str, str]) -> None:
    told = look(bench.chip, ca(bench.signer), bench.sent(sent))

    assert told.cures is not None
    assert told.cures.single == ()
    assert knobs in {tuple(sorted((a.knob, b.knob))) for a, b in told.cures.pairs}


def test_a_chain_that_no_reading_gives_is_judged_as_it_was_sent(bench: Bench) -> None:
    told = look(bench.chip, ca(bench.signer), bench.sent("leaf of another key"))

    assert told.cures is not None
    assert str(told.cures.now.stop) == "rule every_link_is_signed"
    assert told.cures.now.chain == bench.chains["leaf of another key"].presented
    assert any("no way of reading these slots gives the chain" in each for each in told.stand_ins)
    assert any("which lies in slot 15" in each.sentence for each in told.findings if each.wrong)


def test_what_was_sent_counts_more_than_what_was_said(bench: Bench) -> None:
    told = look(bench.chip, ca(bench.signer), bench.sent("root 13"), root_key_slot=15)

    assert first_change(told) == "read the root's public key from slot 15"
    assert any("slot 15 was said" in each and "made with slot 13" in each for each in told.stand_ins)
    assert told.findings[0].sentence.startswith("wrong slot: ")


def test_a_root_slot_below_8_that_is_said_is_read_and_not_computed(bench: Bench) -> None:
    told = look(bench.chip, ca(bench.signer), root_key_slot=0)

    assert told.cures is not None
    assert str(told.cures.now.stop) == "library LookupError"


# --- the order of the files decides nothing ------------------------------------------------------------


@pytest.mark.parametrize("root_first", [True, False])
def test_root_and_signer_are_both_registered_as_in_the_case(bench: Bench, root_first: bool) -> None:
    answers = [ca(bench.root, autoRegistrationStatus="DISABLE"), ca(bench.signer)]
    told = look(bench.chip, *(answers if root_first else answers[::-1]))

    assert first_change(told) == "read the root's public key from slot 15"


@pytest.mark.parametrize("sent_first", [True, False])
def test_the_signer_that_was_sent_is_not_taken_for_the_registered_one(bench: Bench, sent_first: bool) -> None:
    files = [bench.sent("root 13"), pki.pem(bench.signer)]
    told = look(bench.chip, *(files if sent_first else files[::-1]))

    assert first_change(told) == "read the root's public key from slot 15"


def test_without_the_registered_signer_nothing_is_tried(bench: Bench) -> None:
    told = look(bench.chip, bench.sent("root 13"))

    assert told.cures is None
    assert told.missing is not None
    assert told.missing.startswith("the registered CA certificate")


def test_a_template_that_is_only_named_is_asked_for_and_then_used(bench: Bench) -> None:
    answer = json.loads(ca(bench.signer))
    answer["registrationConfig"] = {"templateName": "T", "roleArn": "arn:aws:iam::1:role/R"}
    named = json.dumps(answer).encode()
    template = json.dumps({"templateName": "T", "templateBody": case_template()}).encode()

    asked = look(bench.chip, named)
    told = look(bench.chip, named, template)

    assert asked.missing == "the template T: aws iot describe-provisioning-template --template-name T"
    assert first_change(told) == "read the root's public key from slot 15"


# --- a log says what it says -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "log",
    [
        b"mbedtls_ssl_handshake() returned -0x7280\n",
        b"=> handshake\nmbedtls_ssl_read_record() returned -30848 (-0x7880)\n<= handshake\n",
    ],
)
def test_a_handshake_that_did_not_complete_is_not_said_to_have(log: bytes) -> None:
    told = look(log)

    assert "whether TLS is at fault cannot be said" in told.verdict
    assert told.undecided == ()


def test_a_completed_handshake_clears_tls() -> None:
    assert "TLS is not at fault" in look(b"handshake: done\nssl_read returned -0x7280\n").verdict


def test_a_code_may_be_decimal_and_of_four_digits() -> None:
    told = look(b"mbedtls_ssl_handshake returned -9984\n")

    assert "own-root-as-server-trust" in {fit.name for fit in told.fits}


def test_words_about_slots_in_a_log_are_no_dump() -> None:
    told = look(b"slot 13 was read\nhandshake: done\nssl_read -0x7880\n")

    assert told.remarks == ()


def test_the_second_log_and_the_second_chip_are_named(bench: Bench) -> None:
    assert bench.dump.configuration is not None
    other = ChipDump(b"\1\x23" + bytes(126))
    told = look(bench.chip, other.text().encode(), b"handshake: done -0x7880", b"mbedtls -0x2700")

    assert "file 1 is of another chip" in told.remarks[0]
    assert "file 3 is one more log" in told.remarks[1]


# --- evidence as people have it ----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_are_read_as_windows_writes_them(bench: Bench, encoding: str) -> None:
    told = look(*(data.decode().encode(encoding) for data in (bench.chip, ca(bench.signer))))

    assert first_change(told) == "read the root's public key from slot 15"


@pytest.mark.parametrize("wrapped", ["events", "array"])
def test_lines_of_the_cloud_are_found_in_what_aws_logs_prints(wrapped: str) -> None:
    entry = {"eventType": "Connect", "status": "Failure", "reason": "AUTHORIZATION_FAILURE"}
    events = {"events": [{"message": "START"}, 1, {"message": json.dumps(entry)}]}
    told = look(json.dumps(events if wrapped == "events" else [entry]).encode())

    assert [each.sentence for each in told.findings] == [
        "the log has Connect: Failure, AUTHORIZATION_FAILURE"
    ]


@pytest.mark.parametrize(
    "described, sentence",
    [
        ({"certificatePem": "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----"}, "cannot be read"),
        ({"certificatePem": ""}, "its certificatePem cannot be read"),
        ({"status": "BOGUS"}, "its status is none of ACTIVE, INACTIVE"),
        ({"status": None}, "its status is none of"),
        ({"autoRegistrationStatus": "maybe"}, "its autoRegistrationStatus is none of"),
    ],
)
def test_an_answer_that_cannot_be_used_is_a_sentence_and_no_all_clear(
    bench: Bench, described: dict[str, object], sentence: str
) -> None:
    told = look(bench.chip, ca(bench.signer, **described))

    assert sentence in told.remarks[0]
    assert told.verdict.endswith("not all of it could be used")


# --- private keys ------------------------------------------------------------------------------------


def _forms(pem: bytes) -> dict[str, bytes]:
    key = serialization.load_pem_private_key(pem, None)
    der, plain = serialization.Encoding.DER, serialization.NoEncryption()
    sec1 = serialization.PrivateFormat.TraditionalOpenSSL
    pkcs8 = serialization.PrivateFormat.PKCS8
    secret = _secret(pem)
    pairs = ":".join(secret[at : at + 2] for at in range(0, 64, 2))
    return {
        "cut short": pem[:-30],
        "PKCS 8 DER": key.private_bytes(der, pkcs8, plain),
        "SEC 1 DER": key.private_bytes(der, sec1, plain),
        "encrypted DER": key.private_bytes(der, pkcs8, serialization.BestAvailableEncryption(b"x")),
        "openssl's text": f"Private-Key: (256 bit)\npriv:\n    {pairs[:45]}\n    {pairs[45:]}\n".encode(),
        "JSON": json.dumps({"keyPair": {"PrivateKey": pem.decode()}}).encode(),
    }


def _secret(pem: bytes) -> str:
    key = serialization.load_pem_private_key(pem, None)
    sec1 = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return sec1[7:39].hex()


@pytest.mark.parametrize(
    "form", ["cut short", "PKCS 8 DER", "SEC 1 DER", "encrypted DER", "openssl's text", "JSON"]
)
def test_a_private_key_is_named_in_every_form(bench: Bench, form: str) -> None:
    evidence = evidence_of(_forms(bench.key)[form])

    assert evidence.remarks[0] == "file 0 holds a private key; it was not read, and nobody needs to see it"
    assert evidence.is_empty


@pytest.mark.parametrize("line", ["slot 0: {}", "slot 0: {}zz", "slot 0 private-key: {}", "slot 15: {}z"])
def test_a_private_key_in_a_dump_is_neither_kept_nor_shown(
    bench: Bench, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = _secret(bench.key)
    files = [tmp_path / "chip.txt", tmp_path / "ca.json"]
    files[0].write_text(line.format(secret) + "\n" + bench.dump.text())
    files[1].write_bytes(ca(bench.signer))

    cli.main(["doctor", *map(str, files), "--no-run"])
    shown = capsys.readouterr()

    assert secret[:12] not in "".join((shown.out + shown.err).split())


def test_bytes_of_a_private_slot_are_named_by_its_number(bench: Bench) -> None:
    secret = _secret(bench.key)
    alone, whole = read_dump(f"slot 0: {secret}"), read_dump(f"slot 0: {secret}\n{bench.dump.text()}")

    assert alone is not None
    assert whole is not None
    assert alone == ChipDump(None, left_out=frozenset({0}))
    assert whole == replace(bench.dump, left_out=frozenset({0}))
    assert (
        "file 0 has bytes for slot 0, a private key's" in evidence_of(f"slot 0: {secret}".encode()).remarks[0]
    )


# --- a proof is one ----------------------------------------------------------------------------------


def test_a_first_connection_that_registers_proves_nothing(bench: Bench) -> None:
    told = look(bench.chip, ca(bench.signer, status="INACTIVE"), root_key_slot=15, run=True)

    assert told.proof is not None
    assert told.proof.before == told.proof.foretold
    assert told.proof.before != "disconnect JITP_REGISTERED"
    assert not replace(told.proof, before="disconnect JITP_REGISTERED").holds
