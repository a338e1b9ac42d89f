"""An origin is true when a change there changes the certificate there, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitplab import cli, pki, scenario
from jitplab.commands.xray import take
from jitplab.lab import Lab, Settings
from jitplab.xray.asn1 import rows
from jitplab.xray.origins import Kind, Region, Source, regions
from softatecc.certificate import CertificateDefinition, CertificateError, DeviceLocation, DeviceZone, rebuild
from softatecc.zones import SLOT_SIZES

FIXED = Settings(seed="xray", now=datetime(2026, 1, 31, tzinfo=UTC), library="own")


class Memory:
    """A chip's contents as a rebuild reads them, and a key that GenKey computes."""

    def __init__(self, lab: Lab, public_key: bytes) -> None:
        chip = lab.bench.chip
        self.configuration = chip.configuration.image
        library = lab.bench.library
        self.slots = {
            slot: library.read_bytes_zone(2, slot, 0, SLOT_SIZES[slot]) for slot in (8, *range(10, 16))
        }
        self.public_key = public_key

    def reader(
        self, changed: Source | None = None, at: int = 0, bit: int = 1
    ) -> Callable[[DeviceLocation], bytes]:
        """Reads; one bit of one source byte is another."""

        def read(where: DeviceLocation) -> bytes:
            if where.is_genkey:
                zone, whole = "key", bytearray(self.public_key)
            elif where.zone is DeviceZone.CONFIG:
                zone, whole = "configuration", bytearray(self.configuration)
            else:
                zone, whole = "slot", bytearray(self.slots[where.slot])
            if changed is not None and changed.zone == zone and changed.slot in {None, where.slot}:
                whole[changed.offset + at] ^= bit
            return bytes(whole[where.offset : where.end])

        return read


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Memory, dict[str, tuple[CertificateDefinition, bytes, bytes]]]]:
    with Lab(FIXED) as lab:
        device = lab.provision_device()
        memory = Memory(lab, device.public_key)
        yield (
            memory,
            {
                "signer": (device.signer_definition, lab.root.key.public_key, device.signer),
                "device": (device.device_definition, lab.signer.key.public_key, device.certificate),
            },
        )


@pytest.mark.parametrize("name", ["signer", "device"])
def test_every_byte_has_one_origin_and_one_row(
    made: tuple[Memory, dict[str, tuple[CertificateDefinition, bytes, bytes]]], name: str
) -> None:
    memory, all_of_them = made
    definition, ca_key, issued = all_of_them[name]
    der = rebuild(definition, memory.reader(), ca_key)
    found = regions(der, definition, "the right one")

    assert der == issued
    assert [at for region in found for at in range(region.offset, region.end)] == list(range(len(der)))
    assert [at for row in rows(der) for at in range(row.offset, row.offset + row.length)] == list(
        range(len(der))
    )


@pytest.mark.parametrize("name", ["signer", "device"])
def test_a_change_at_an_origin_changes_what_names_it_and_nothing_else(
    made: tuple[Memory, dict[str, tuple[CertificateDefinition, bytes, bytes]]], name: str
) -> None:
    memory, all_of_them = made
    definition, ca_key, issued = all_of_them[name]
    found = regions(issued, definition, "the right one")
    sources = {
        (source, at)
        for region in found
        for source in region.sources
        if source.zone in {"slot", "key", "configuration"}
        for at in range(source.count)
    }
    tried = 0
    for source, at in sorted(sources, key=str):
        changed = rebuild_or_none(definition, memory.reader(source, at), ca_key)
        if changed is None or len(changed) != len(issued):
            continue  # a date that is none, or a signature of another length
        tried += 1
        differing = {i for i in range(len(issued)) if issued[i] != changed[i]}
        named = {i for region in found if names(region, source, at) for i in range(region.offset, region.end)}

        assert differing <= named, f"{source}, byte {at}"
        assert differing or source.zone == "slot", f"{source}, byte {at} changes nothing"
    assert tried > 100


def names(region: Region, source: Source, at: int) -> bool:
    """Whether a region says that it was made of this byte."""
    return any(
        (each.zone, each.slot) == (source.zone, source.slot)
        and each.offset <= source.offset + at < each.offset + each.count
        for each in region.sources
    )


def rebuild_or_none(
    definition: CertificateDefinition, read: Callable[[DeviceLocation], bytes], ca_key: bytes
) -> bytes | None:
    try:
        return rebuild(definition, read, ca_key)
    except CertificateError:
        return None


@given(st.integers(0, 63), st.integers(0, 7))
def test_another_ca_key_changes_the_identifier_alone(at: int, bit: int) -> None:
    memory, all_of_them = _made()
    definition, ca_key, issued = all_of_them
    other = bytearray(ca_key)
    other[at] ^= 1 << bit
    changed = rebuild(definition, memory.reader(), bytes(other))
    (region,) = (each for each in regions(issued, definition, "x") if "CA's public key" in each.words)

    assert changed[: region.offset] == issued[: region.offset]
    assert changed[region.end :] == issued[region.end :]
    assert changed != issued


_KEPT: list[tuple[Memory, tuple[CertificateDefinition, bytes, bytes]]] = []


def _made() -> tuple[Memory, tuple[CertificateDefinition, bytes, bytes]]:
    if not _KEPT:
        with Lab(FIXED) as lab:
            device = lab.provision_device()
            of_signer = (device.signer_definition, lab.root.key.public_key, device.signer)
            _KEPT.append((Memory(lab, device.public_key), of_signer))
    return _KEPT[0]


def test_without_a_ca_key_the_template_gives_the_identifier() -> None:
    _, (definition, _, issued) = _made()
    kinds = {region.kind for region in regions(issued, definition, None) if region.offset <= 370 < region.end}

    assert kinds == {Kind.TEMPLATE}


CAUSES = [
    (
        "wrong-slot-root-key",
        "signer",
        "authorityKeyIdentifier",
        "root.othercompany.com FFFF, which lies in slot 13",
    ),
    (
        "signer-key-from-the-wrong-slot",
        "signer",
        "subjectPublicKey",
        "root.companyname.com FFFF, which lies in slot 15",
    ),
    (
        "identifier-of-72-bytes",
        "signer",
        "authorityKeyIdentifier",
        "SHA1(04|X|Y|00*8) of the key of root.companyname",
    ),
    ("end-date-is-rendered", "device", "notAfter", "says 99991231235959Z"),
    (
        "minutes-are-lost",
        "device",
        "notBefore",
        "the issue date: slot 10 bytes 64-66; issued was 210114211742Z",
    ),
]


@pytest.mark.parametrize("name, which, field, words", CAUSES)
def test_the_first_line_names_the_cause(name: str, which: str, field: str, words: str) -> None:
    with Lab(FIXED) as lab:
        outcome = scenario.run(scenario.find(name), lab, {})
        keys = lab.keys_at_hand()
    rebuilt = outcome.signer if which == "signer" else outcome.device
    issued = outcome.signer_issued if which == "signer" else outcome.device_issued
    assert rebuilt is not None
    assert issued is not None

    verdict = take(which, rebuilt, issued, keys).verdict

    assert verdict.startswith(f"{which}: {field} (offset ")
    assert words in verdict


def test_the_command_line_takes_files_and_writes_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Lab(FIXED) as lab:
        device = lab.provision_device()
        chain = lab.rebuild_chain(device, root_key_slot=13)
        other = lab.other_ca.certificate
    assert chain.signer is not None
    (tmp_path / "sent.pem").write_bytes(pki.pem(chain.signer))
    (tmp_path / "issued.der").write_bytes(device.signer)
    (tmp_path / "other.pem").write_bytes(pki.pem(other))
    files = ["--rebuilt", str(tmp_path / "sent.pem"), "--issued", str(tmp_path / "issued.der")]

    code = cli.main(
        [
            "xray",
            "signer",
            *files,
            "--key",
            f"slot 13={tmp_path / 'other.pem'}",
            "--html",
            str(tmp_path / "x.html"),
        ]
    )
    out = capsys.readouterr().out
    json_code = cli.main(["xray", "signer", *files, "--json"])
    told = json.loads(capsys.readouterr().out)
    same = cli.main(["xray", "signer", "--rebuilt", str(tmp_path / "issued.der"), *files[2:]])

    assert (code, json_code, same) == (1, 1, 0)
    assert "which lies in slot 13" in out.splitlines()[0]
    assert told["findings"][0]["field"] == "authorityKeyIdentifier"
    assert sum(each["length"] for each in told["origins"]) == len(chain.signer)
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "which lies in slot 13" in page
    assert "as issued, all" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (
            ("signer", "--rebuilt", "nowhere.pem", "--issued", "nowhere.pem"),
            "nowhere.pem cannot be used: No such",
        ),
        (("signer", "--scenario", "nowhere"), "there is no scenario 'nowhere'"),
        (("signer", "--scenario", "no-client-certificate", "--library", "own"), "presents no"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    code = cli.main(["xray", *arguments])

    assert code == 2
    assert sentence in capsys.readouterr().err


def test_a_certificate_of_another_kind_is_named() -> None:
    with Lab(FIXED) as lab:
        leaf = pki.make_v1_certificate(
            lab.signer, lab.key("v1").public_key, serial=1, not_before=lab.now(), not_after=lab.now()
        )

    with pytest.raises(
        ValueError, match="it is no signer of the case's kind: it has no authorityKeyIdentifier"
    ):
        take("signer", leaf, leaf, ())
