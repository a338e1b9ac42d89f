"""What the doctor says of the case, of other failures, and of what it cannot know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.admission.profiles import AWS_2026
from jitpbroker.registry.jsontext import Json
from jitplab import cli, pki
from jitplab.account import case_template
from jitplab.doctor.chip_dump import ChipDump, read_dump
from jitplab.doctor.diagnosis import Diagnosis, diagnose, lines
from jitplab.doctor.evidence import Evidence
from jitplab.doctor.knobs import KNOBS, Layer
from jitplab.doctor.patient import Wishes
from jitplab.doctor.ranking import _command
from jitplab.documents import COMMON_NAME, allow, policy_document, template
from jitplab.firmware import ca_key_of_3_7_9
from jitplab.lab import Lab, Settings
from jitplab.scenario import catalogue
from jitplab.terminal import Style

CASE = Path(__file__).parents[1] / "vectors" / "case"
NOW = datetime(2026, 1, 31, tzinfo=UTC)
WISHES = Wishes(AWS_2026, NOW)


@dataclass(frozen=True)
class Bench:
    """What the user of the case could hand in."""

    chip: str
    chip_without_key: str
    signer: bytes
    private_key: bytes
    sent: Callable[[str], bytes]

    def ca(self, *, body: str | None = None, **described: str) -> bytes:
        answer = {
            "certificateDescription": {
                "certificateArn": f"arn:aws:iot:us-east-1:123456789012:cacert/{'0' * 64}",
                "status": "ACTIVE",
                "certificatePem": pki.pem(self.signer).decode(),
                "autoRegistrationStatus": "ENABLE",
                **described,
            },
            "registrationConfig": {
                "templateBody": body or case_template(),
                "roleArn": "arn:aws:iam::1:role/R",
            },
        }
        return json.dumps(answer).encode()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Lab(Settings(seed="doctor", library="own", now=NOW)) as lab:
        device = lab.provision_device()
        library = lab.bench.library
        slots = {slot: library.read_bytes_zone(2, slot, 0, 72) for slot in (8, *range(10, 16))}
        configuration = lab.bench.configuration()
        chains = {
            "right": lab.rebuild_chain(device),
            "slot 13": lab.rebuild_chain(device, root_key_slot=13),
            "72 bytes": lab.rebuild_chain(device, get_ca_key=ca_key_of_3_7_9),
        }
        yield Bench(
            ChipDump(configuration, slots, {0: device.public_key}).text(),
            ChipDump(configuration, slots).text(),
            lab.signer.certificate,
            lab.signer.key.pkcs8_pem(),
            lambda name: pki.pem(*chains[name].presented),
        )


def look(*files: bytes, run: bool = False, **wishes: object) -> Diagnosis:
    evidence = Evidence()
    for number, data in enumerate(files):
        evidence.take(f"file {number}", data)
    return diagnose(evidence, replace(WISHES, **wishes), run=run)  # type: ignore[arg-type]


def words(told: Diagnosis) -> str:
    return "\n".join(lines(told, Style(colour=False)))


def changes(told: Diagnosis) -> list[tuple[str, str]]:
    assert told.cures is not None
    return [(change.knob, change.layer.name) for change in told.cures.single]


# --- the case --------------------------------------------------------------------------------------


def test_on_the_published_material_alone_it_says_what_it_can_and_cannot_conclude() -> None:
    told = look(*((CASE / name).read_bytes() for name in ("device.log", "device.txt", "signer.txt")))

    assert "TLS is not at fault" in told.verdict
    agreeing = [finding.sentence for finding in told.findings if not finding.wrong]
    assert any("subjectKeyIdentifier is SHA1(04|X|Y) of its key" in each for each in agreeing)
    assert any(
        "authorityKeyIdentifier is that of signer.companyname.com FFFF's key" in each for each in agreeing
    )
    assert any("hash of its key and issue date" in each for each in agreeing)
    assert any("signatures cannot be checked" in each for each in agreeing)
    assert told.missing is not None
    assert "wrong-slot-root-key" in told.undecided
    assert "own-root-as-server-trust" not in told.undecided
    assert told.fits == ()
    assert "What this evidence cannot decide" in words(told)


@pytest.mark.parametrize("with_key", [True, False])
def test_on_dump_and_ca_it_finds_the_wrong_slot_and_proves_that_slot_15_helps(
    bench: Bench, with_key: bool
) -> None:
    chip = bench.chip if with_key else bench.chip_without_key
    told = look(chip.encode(), bench.ca(), run=True)

    assert told.findings[0].sentence.startswith(
        "wrong slot: slot 15 holds the key of the registered signer's"
    )
    assert told.verdict == (
        "rule presented_ca_is_registered stops this device; read the root's public key from slot 15"
    )
    assert changes(told) == [
        ("root-key-slot", "FIRMWARE"),
        ("no-root-key", "FIRMWARE"),
        ("sends-signer", "FIRMWARE"),
    ]
    assert told.fits[0].name == "wrong-slot-root-key"
    assert told.proof is not None
    assert told.proof.holds
    assert any("slot 13 is assumed" in sentence for sentence in told.stand_ins)
    assert any("a fresh key stands in" in sentence for sentence in told.stand_ins) is not with_key


def test_what_was_sent_tells_the_slot(bench: Bench) -> None:
    told = look(bench.chip.encode(), bench.ca(), bench.sent("slot 13"))

    assert "which lies in slot 13" in words(told).replace("\n      ", " ")
    assert changes(told)[0] == ("root-key-slot", "FIRMWARE")
    assert not any("assumed" in sentence for sentence in told.stand_ins)


# --- other failures ----------------------------------------------------------------------------------


def test_the_72_byte_defect_is_the_librarys_and_no_slots(bench: Bench) -> None:
    told = look(bench.chip.encode(), bench.ca(), bench.sent("72 bytes"), run=True)

    assert changes(told)[0][0] == "key-length"
    assert told.fits[0].name == "identifier-of-72-bytes"
    assert told.proof is not None
    assert told.proof.holds


def test_a_healthy_device_is_let_in(bench: Bench) -> None:
    told = look(bench.chip.encode(), bench.ca(), bench.sent("right"))

    assert not told.something_is_wrong
    assert told.verdict == "tried: this device would be let in, at its second connection"
    assert told.fits == ()


@pytest.mark.parametrize(
    "described, knob, scenario",
    [
        ({"status": "INACTIVE"}, "ca-status", "ca-is-inactive"),
        ({"autoRegistrationStatus": "DISABLE"}, "auto-registration", "auto-registration-is-disabled"),
    ],
)
def test_a_ca_that_is_switched_off_is_switched_on(
    bench: Bench, described: dict[str, str], knob: str, scenario: str
) -> None:
    told = look(bench.chip.encode(), bench.ca(**described), root_key_slot=15, run=True)

    assert changes(told) == [(knob, "ACCOUNT")]
    assert told.fits[0].name == scenario
    assert told.proof is not None
    assert told.proof.holds


def test_a_template_with_a_parameter_that_the_subject_lacks(bench: Bench) -> None:
    body = template(thing_name=COMMON_NAME, parameters=("CommonName", "Country"))
    told = look(bench.chip.encode(), bench.ca(body=body), root_key_slot=15)

    assert told.cures is not None
    assert str(told.cures.now.stop) == "template MissingParameter"
    assert changes(told) == [("template", "ACCOUNT")]
    assert told.fits[0].name == "parameter-not-in-the-subject"


def test_a_client_id_that_the_policy_does_not_allow(bench: Bench) -> None:
    own = allow("iot:Connect", resource="client/${iot:Connection.Thing.ThingName}")
    least: Json = {"PolicyDocument": policy_document(own)}
    body = template(thing_name=COMMON_NAME, parameters=("CommonName",), policy=least)
    told = look(bench.chip.encode(), bench.ca(body=body), root_key_slot=15, run=True)

    assert changes(told)[0] == ("client-id", "FIRMWARE")
    assert told.proof is not None
    assert told.proof.holds
    assert told.fits[0].name in {"client-id-is-not-the-thing-name", "no-policy-at-all"}


def test_where_two_things_are_wrong_pairs_are_found(bench: Bench) -> None:
    told = look(bench.chip.encode(), bench.ca(status="INACTIVE"), root_key_slot=13)

    assert told.cures is not None
    assert told.cures.single == ()
    knobs = {tuple(sorted((a.knob, b.knob))) for a, b in told.cures.pairs}
    assert ("ca-status", "root-key-slot") in knobs
    assert "no single change helps" in told.verdict


def test_firmware_comes_before_the_account() -> None:
    assert [knob.layer for knob in KNOBS] == sorted(knob.layer for knob in KNOBS)
    assert Layer.FIRMWARE < Layer.ACCOUNT < Layer.CERTIFICATE


# --- evidence ------------------------------------------------------------------------------------------


def test_a_private_key_is_named_and_never_shown(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.pem").write_bytes(bench.private_key)
    (tmp_path / "ca.json").write_bytes(bench.ca())
    (tmp_path / "chip.txt").write_text(bench.chip)
    files = [str(tmp_path / name) for name in ("key.pem", "ca.json", "chip.txt")]

    code = cli.main(["doctor", *files, "--no-run"])
    shown = capsys.readouterr()
    json_code = cli.main(["doctor", *files, "--no-run", "--json"])
    told = capsys.readouterr().out

    assert (code, json_code) == (1, 1)
    body = "".join(bench.private_key.decode().splitlines()[1:-1])
    assert "holds a private key; it was not read" in " ".join(shown.out.split())
    for text in (shown.out, shown.err, told):
        assert body not in text.replace("\n", "")
        assert "PRIVATE KEY" not in text
    assert json.loads(told)["fits"][0]["scenario"] == "wrong-slot-root-key"


def test_one_file_that_is_nothing_does_not_stop_the_rest(bench: Bench) -> None:
    told = look(b"dear diary", bench.chip.encode(), b"-----BEGIN CERTIFICATE-----\nno\n", bench.ca())

    assert told.fits[0].name == "wrong-slot-root-key"
    assert len(told.remarks) == 2
    assert "file 0 was not recognised: it is no certificate" in told.remarks[0]


@pytest.mark.parametrize(
    "log, sentence",
    [
        (b"mbedtls_x509_crt_verify failed: -0x2700", "the device does not trust the server"),
        (b"ssl_tls.c handshake ... returned -0x7780", "the peer sent a fatal alert"),
        (b"coreMQTT: all is well", "none of mbedTLS's error codes"),
    ],
)
def test_a_log_is_known_by_its_codes(log: bytes, sentence: str) -> None:
    told = look(log)

    assert any(sentence in finding.sentence for finding in told.findings)


def test_lines_of_the_cloud_point_to_a_policy() -> None:
    entry = {"eventType": "Connect", "status": "Failure", "reason": "AUTHORIZATION_FAILURE", "clientId": "c"}
    told = look(json.dumps(entry).encode())
    two = look(b"2026-01-31 INFO " + json.dumps(entry).encode() + b"\n" + json.dumps(entry).encode())

    assert {fit.name for fit in told.fits} == {"client-id-is-not-the-thing-name", "no-policy-at-all"}
    assert len(two.findings) == 2


@pytest.mark.parametrize(
    "status, scenario",
    [("REVOKED", "certificate-was-revoked"), ("PENDING_ACTIVATION", "role-lacks-permission")],
)
def test_a_registered_certificate_speaks_by_its_status(bench: Bench, status: str, scenario: str) -> None:
    described = {
        "certificateDescription": {"certificatePem": pki.pem(bench.signer).decode(), "status": status}
    }
    told = look(json.dumps(described).encode())

    assert scenario in {fit.name for fit in told.fits}


def test_a_dump_is_read_as_it_was_written(bench: Bench) -> None:
    dump = read_dump(bench.chip)
    assert dump is not None

    assert read_dump(dump.text()) == dump
    assert dump.holds_a_key(15)
    assert not dump.holds_a_key(8)


@given(st.dictionaries(st.integers(8, 15), st.binary(min_size=1, max_size=72), min_size=1))
def test_any_dump_is_read_as_it_was_written(slots: dict[int, bytes]) -> None:
    dump = ChipDump(None, slots)

    assert read_dump(dump.text()) == dump


@given(st.text())
def test_any_text_is_a_dump_or_none_or_a_sentence(text: str) -> None:
    with suppress(ValueError):
        read_dump(text)


@pytest.mark.parametrize(
    "text, why",
    [
        ("slot 16: 00", "line 1: an ATECC608A has slots 0 to 15, not 16"),
        ("slot 15: zz", "line 1: 'z' is no hex digit"),
        ("slot 15: 0", "line 1: 1 hex digits are no whole number of bytes"),
        ("slot 15: " + "00" * 73, "slot 15 has 72 bytes, the dump gives 73"),
        ("key 0: " + "00" * 64, "key 0 is no point of the curve P-256"),
        ("key 0: 00", "key 0 has 1 bytes; a public key has 64, X and Y"),
        ("configuration\n  00", "the configuration has 1 bytes; give all 128"),
    ],
)
def test_a_dump_that_cannot_be_read_is_named_by_its_line(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_dump(text)


def test_the_bare_configuration_is_a_dump() -> None:
    dump = read_dump("00 " * 128)

    assert dump is not None
    assert dump.configuration == bytes(128)


@pytest.mark.parametrize(
    "arguments, code, sentence",
    [
        ((), 2, "the following arguments are required: FILE"),
        (("nowhere.txt",), 2, "nowhere.txt cannot be read: No such file"),
        (("--root-key-slot", "16", "x"), 2, "'16' is no slot"),
        (("--dump-chip", "tcp://127.0.0.1:1"), 3, "tcp://127.0.0.1:1 cannot be opened"),
        (("--dump-chip", "nowhere"), 3, "nowhere cannot be opened"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    try:
        got = cli.main(["doctor", *arguments])
    except SystemExit as ended:
        got = int(ended.code or 0)

    assert got == code
    assert sentence in capsys.readouterr().err


def test_nothing_recognised_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "diary.txt").write_text("dear diary")

    assert cli.main(["doctor", str(tmp_path / "diary.txt")]) == 3
    assert "nothing was recognised" in capsys.readouterr().err


def test_a_chip_can_be_dumped_over_its_bus(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["doctor", "--dump-chip", "emulator:mbedtls_examples_608"])
    dump = read_dump(capsys.readouterr().out)

    assert code == 0
    assert dump is not None
    assert dump.configuration is not None


def test_what_to_run_next_can_be_run_once_names_are_filled_in() -> None:
    """Sentences name commands, too; those without their arguments would end in a usage text."""
    offered = {each.name: _command(each) for each in catalogue().values() if each.stopped_by is not None}
    bare = re.compile(
        r"aws iot (describe|get-policy|list-attached|list-thing)[a-z-]*"
        r"|jitplab (chip \w+|explain|xray|doctor)|openssl \w+( -(noout|text|subject|dates|pubkey))*"
    )

    assert [command for command in offered.values() if bare.fullmatch(command)] == []
    assert offered["wrong-slot-root-key"].startswith(("aws ", "openssl ", "jitplab "))
    assert sum(not command.startswith("jitplab show ") for command in offered.values()) > 20
