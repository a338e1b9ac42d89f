"""Definitions out of C source and into it; what they rebuild is the certificate they were made from."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jitpbroker.admission.profiles import AWS_2026
from jitplab import cli, pki
from jitplab.definitions.c_emit import emit_c
from jitplab.definitions.c_source import NoDefinition, read_definitions
from jitplab.definitions.named import Named, as_json
from jitplab.doctor.chip_dump import ChipDump
from jitplab.doctor.diagnosis import diagnose
from jitplab.doctor.evidence import Evidence
from jitplab.doctor.patient import Wishes
from jitplab.lab import Device, Lab, Settings
from softatecc.certificate import CertificateLocation

NOW = datetime(2026, 1, 31, tzinfo=UTC)

#: In the form of Microchip's generator: members by name, macros, comments, counts by sizeof.
DESIGNATED = """\
/** \\file */
#include "atcacert/atcacert_def.h"
#if ATCACERT_COMPCERT_EN
#define LONG_ONE \\
    2

SHARED_LIB_EXPORT const uint8_t g_template[TEMPLATE_SIZE] = { 0x30, 0x03, 0x02, 0x01, 0x05 }; // DER

const atcacert_cert_element_t g_elements[] = {
    { .id = "SN03",
      .device_loc = { .zone = DEVZONE_CONFIG, .slot = 0, .is_genkey = FALSE, .offset = 0, .count = 1 },
      .cert_loc = { .offset = 2, .count = 2 },
      .transforms = { TF_BIN2HEX_UC, TF_NONE } },
};
const atcacert_def_t g_device = {
    .type = CERTTYPE_X509, .template_id = 2, .chain_id = 0, .private_key_slot = 0,
    .sn_source = SNSRC_PUB_KEY_HASH,
    .issue_date_format = DATEFMT_RFC5280_UTC, .expire_date_format = DATEFMT_RFC5280_GEN,
    .tbs_cert_loc = { .offset = 0, .count = 5 }, .expire_years = 28,
    .public_key_dev_loc = { .zone = DEVZONE_DATA, .slot = 0, .is_genkey = 1, .count = 64 },
    .comp_cert_dev_loc = { .zone = DEVZONE_DATA, .slot = 10, .count = 72 },
    .std_cert_elements = { [STDCERT_SIGNER_ID] = { .offset = 3, .count = 4 }, [STDCERT_CERT_SN] = { 1, 2 } },
    .cert_elements = g_elements,
    .cert_elements_count = (uint8_t)(sizeof(g_elements) / sizeof(g_elements[0])),
    .cert_template = g_template, .cert_template_size = (uint16_t)sizeof(g_template),
    .ca_cert_def = &g_signer
};
#endif
"""
#: The same by position.
POSITIONAL = """\
const uint8_t g_template[5] = {48,3,2,1,5};
const atcacert_cert_element_t g_elements[1] = {{"SN03",{0,0,0,0,1},{2,2},{2,0}}};
const atcacert_def_t g_device = {
    0, 2, 0, 0, 0xA, {7,0,0,0,0}, 1, 4, {0,5}, 28, {2,0,1,0,64}, {2,10,0,0,72},
    {{0,0},{0,0},{0,0},{0,0},{3,4},{1,2},{0,0},{0,0}},
    g_elements, 1, g_template, 5, &g_signer
};
"""


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Lab, Device]]:
    with Lab(Settings(seed="definitions", library="own", now=NOW)) as lab:
        yield lab, lab.provision_device()


def test_both_ways_of_writing_say_the_same() -> None:
    (designated,) = read_definitions({"a.c": DESIGNATED}).values()
    (positional,) = read_definitions({"b.c": POSITIONAL}).values()

    assert designated.definition == positional.definition
    assert designated.ca == positional.ca == "g_signer"
    assert designated.where == "a.c, line 15"
    assert designated.definition.public_key.is_genkey
    assert designated.definition.at_serial.count == 2


def test_numbers_are_those_of_c() -> None:
    (read,) = read_definitions({"b.c": POSITIONAL.replace("{48,3", "{060u,0x3")}).values()

    assert read.definition.template == bytes([0o60, 3, 2, 1, 5])


def test_files_may_refer_to_each_other() -> None:
    first, second = POSITIONAL.split("const atcacert_def_t")
    found = read_definitions({"arrays.c": first, "definition.c": f"const atcacert_def_t{second}"})

    assert found["g_device"].definition.template == bytes.fromhex("3003020105")


@pytest.mark.parametrize(
    "change, why",
    [
        (
            ("g_template, 5", "g_other, 5"),
            r"b\.c, line 3: cert_template is g_other, which is in none of the files",
        ),
        (("0xA,", "SNSRC_WISHFUL,"), "sn_source is 'SNSRC_WISHFUL', whose value is not known here"),
        (("0xA,", "5,"), "5 is not a valid SerialSource"),
        (("{2,0}", "{TF_HEX2BIN,0}"), "the transform TF_HEX2BIN is not known here"),
        (("{48,3", "{480,3"), "member 0 of g_template is no byte whose value is known here"),
        (("{48,3", "{SEQUENCE,3"), "member 0 of g_template is no byte whose value is known here"),
        (("{48,3", "{24+24,3"), "member 0 of g_template is no byte whose value is known here"),
        (("{48,3", "{4.8,3"), r"b\.c, line 1: 4\.8 is no whole number"),
        (("{48,3", "{09,3"), r"b\.c, line 1: Invalid octal constant"),
        (("{48,3", "{[999999999]=48,3"), r"b\.c, line 1: index 999999999 is beyond 4095"),
        (("28, {", "28, 3, {"), "is no initialiser in braces"),
        (("&g_signer\n};", "&g_signer\n"), r"b\.c is no C that can be read: "),
    ],
)
def test_what_is_not_understood_is_named_by_file_and_line(change: tuple[str, str], why: str) -> None:
    with pytest.raises(NoDefinition, match=why):
        read_definitions({"b.c": POSITIONAL.replace(*change)})


def test_source_without_a_definition_says_so() -> None:
    with pytest.raises(NoDefinition, match=r"x\.c: no atcacert_def_t with an initialiser is in it"):
        read_definitions({"x.c": "int x = 3;"})


@pytest.mark.parametrize("which", ["signer", "device"])
def test_what_is_emitted_is_read_back_and_rebuilds_the_certificate(
    made: tuple[Lab, Device], which: str
) -> None:
    lab, device = made
    definition = device.signer_definition if which == "signer" else device.device_definition
    issued = device.signer if which == "signer" else device.certificate
    ca_key = lab.root.key.public_key if which == "signer" else lab.signer.key.public_key

    text = emit_c(Named("g_def", definition, "g_ca", "here"))
    (read,) = read_definitions({"emitted.c": text}).values()

    assert read.definition == replace(definition, name="g_def")
    assert lab.bench.library.read_cert(read.definition, ca_key) == issued


def test_json_has_every_place_of_a_definition(made: tuple[Lab, Device]) -> None:
    definition = made[1].device_definition
    told = as_json(Named("d", definition, None, "here"))
    places = told["at"]

    assert isinstance(places, dict)
    assert {name: CertificateLocation(**place) for name, place in places.items()} == {  # type: ignore[arg-type]
        name: getattr(definition, f"at_{name}") for name in places
    }
    assert len(places) == 8
    assert told["public_key"] == {"zone": "data", "slot": 0, "offset": 0, "count": 64, "is_genkey": True}
    assert told["serial_source"] == "pub_key_hash"


STUB = """\
typedef unsigned char uint8_t; typedef unsigned short uint16_t;
#define NULL ((void*)0)
enum { CERTTYPE_X509, DEVZONE_CONFIG = 0, DEVZONE_OTP = 1, DEVZONE_DATA = 2, DEVZONE_NONE = 7, TF_NONE = 0,
  TF_REVERSE = 1, TF_BIN2HEX_UC = 2, TF_BIN2HEX_LC = 3, SNSRC_STORED = 0, SNSRC_PUB_KEY_HASH = 10,
  DATEFMT_RFC5280_UTC = 1, DATEFMT_RFC5280_GEN = 4 };
typedef struct { int zone; uint8_t slot, is_genkey; uint16_t offset, count; } where_t;
typedef struct { uint16_t offset, count; } place_t;
typedef struct { char id[25]; where_t device_loc; place_t cert_loc; int transforms[2]; }
  atcacert_cert_element_t;
typedef struct def { int type; uint8_t template_id, chain_id, private_key_slot; int sn_source;
  where_t cert_sn_dev_loc; int issue_date_format, expire_date_format; place_t tbs_cert_loc;
  uint8_t expire_years; where_t public_key_dev_loc, comp_cert_dev_loc; place_t std_cert_elements[8];
  const atcacert_cert_element_t *cert_elements; uint8_t cert_elements_count; const uint8_t *cert_template;
  uint16_t cert_template_size; const struct def *ca_cert_def; } atcacert_def_t;
"""


@pytest.mark.program("cc")
def test_what_is_emitted_is_c_that_a_compiler_takes(made: tuple[Lab, Device], tmp_path: Path) -> None:
    (tmp_path / "atcacert").mkdir()
    (tmp_path / "atcacert" / "atcacert_def.h").write_text(STUB)
    (tmp_path / "d.c").write_text(emit_c(Named("g_def", made[1].device_definition, "g_ca", "here")))
    compiler = shutil.which("cc")
    assert compiler is not None

    done = subprocess.run(
        [compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I.", "d.c"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_line_makes_and_reads(
    made: tuple[Lab, Device], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "device.pem").write_bytes(pki.pem(made[1].certificate))

    code = cli.main(
        ["definition", "make", str(tmp_path / "device.pem"), "--kind", "device", "--name", "g_mine"]
    )
    (tmp_path / "mine.c").write_text(capsys.readouterr().out)
    read = cli.main(["definition", "read", str(tmp_path / "mine.c")])
    words = capsys.readouterr().out
    as_json_code = cli.main(["definition", "read", str(tmp_path / "mine.c"), "--json"])
    (told,) = json.loads(capsys.readouterr().out)

    assert (code, read, as_json_code) == (0, 0, 0)
    assert "public key              slot 0, computed by GenKey" in words
    assert told["name"] == "g_mine"
    assert told["template"] == made[1].device_definition.template.hex()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("read", "nowhere.c"), "nowhere.c cannot be read: No such file"),
        (("make", "nowhere.pem", "--kind", "device"), "nowhere.pem cannot be read"),
        (("make", __file__, "--kind", "device"), "it is no device of the case's kind: "),
        (("read", __file__), "line 1"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert cli.main(["definition", *arguments]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["signer", "device"])
def test_a_certificate_of_another_kind_is_told_by_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """By a check that python -O does not take out."""
    (tmp_path / "rsa.pem").write_bytes(pki.pem(pki.make_rsa_ca(2048)))

    assert cli.main(["definition", "make", str(tmp_path / "rsa.pem"), "--kind", kind]) == 2
    told = capsys.readouterr().err
    assert f"it is no {kind} of the case's kind: it has no authorityKeyIdentifier" in told


def test_the_doctor_reads_the_slot_in_the_users_own_source(made: tuple[Lab, Device]) -> None:
    lab, device = made
    library = lab.bench.library
    slots = {slot: library.read_bytes_zone(2, slot, 0, 72) for slot in (10, 11, 12, 13, 14, 15)}
    dump = ChipDump(lab.bench.configuration(), slots, {0: device.public_key})
    root = """
const atcacert_def_t g_root = { .type = CERTTYPE_X509,
  .issue_date_format = DATEFMT_RFC5280_UTC, .expire_date_format = DATEFMT_RFC5280_UTC,
  .public_key_dev_loc = { .zone = DEVZONE_DATA, .slot = SLOT, .count = 72 }, .ca_cert_def = NULL };
"""
    described = {
        "certificateDescription": {
            "certificatePem": pki.pem(lab.signer.certificate).decode(),
            "status": "ACTIVE",
            "autoRegistrationStatus": "ENABLE",
        },
        "registrationConfig": {"templateBody": "{}", "roleArn": "arn:aws:iam::1:role/R"},
    }
    signer = emit_c(Named("g_signer", device.signer_definition, "g_root", "here"))

    told = {}
    for slot in (13, 15):
        evidence = Evidence()
        evidence.take("chip.txt", dump.text().encode())
        evidence.take("ca.json", json.dumps(described).encode())
        evidence.take("signer.c", signer.encode())
        evidence.take("root.c", root.replace("SLOT", str(slot)).encode())
        told[slot] = diagnose(evidence, Wishes(AWS_2026, NOW), run=False)

    assert told[13].cures is not None
    assert str(told[13].cures.now.stop) == "rule presented_ca_is_registered"
    assert any("g_root (root.c, line 2) has public_key_dev_loc in slot 13" in s for s in told[13].stand_ins)
    assert told[15].cures is not None
    assert str(told[15].cures.now.stop) == "template InvalidTemplate"
    assert not told[15].findings[0].sentence.startswith("wrong slot")
