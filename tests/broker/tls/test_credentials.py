"""The server's certificate and the test root it hangs from."""

from __future__ import annotations

import ipaddress
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jitpbroker.credentials import (
    ROOT_CERTIFICATE_FILE,
    ROOT_FILE,
    CredentialsError,
    c_array,
    in_memory,
    load_or_create,
)


def test_the_root_survives_a_restart_and_the_names_may_change(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "new" / "directory", ["localhost"])
    second = load_or_create(tmp_path / "new" / "directory", ["broker.test", "127.0.0.1"])
    root = x509.load_pem_x509_certificate(second.root_pem)

    assert first.root_pem == second.root_pem
    assert first.identities != second.identities
    for identity in second.identities:
        certificate = x509.load_pem_x509_certificate(identity.certificate_pem)
        certificate.verify_directly_issued_by(root)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["broker.test"]
        assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]


def test_an_ec_and_an_rsa_certificate_are_made() -> None:
    keys = [
        x509.load_pem_x509_certificate(identity.certificate_pem).public_key()
        for identity in in_memory().identities
    ]

    assert isinstance(keys[0], ec.EllipticCurvePublicKey)
    assert isinstance(keys[1], rsa.RSAPublicKey)


def test_files_say_test_only_and_the_key_is_nobody_elses(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    (tmp_path / ROOT_FILE).chmod(0o644)
    credentials = load_or_create(tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    assert modes == {ROOT_FILE: 0o600, ROOT_CERTIFICATE_FILE: 0o644}
    assert all(name.startswith("TEST-ONLY") for name in modes)
    assert (tmp_path / ROOT_CERTIFICATE_FILE).read_bytes() == credentials.root_pem
    assert b"PRIVATE KEY" not in credentials.root_pem


def test_brokers_that_start_together_share_one_root(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: load_or_create(tmp_path), range(8)))

    assert len({credentials.root_pem for credentials in made}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([ROOT_FILE, ROOT_CERTIFICATE_FILE])


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_damaged_root_is_reported_with_its_cure(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ROOT_FILE).write_bytes(content)

    with pytest.raises(CredentialsError, match="delete it to have a new root made"):
        load_or_create(tmp_path)


def test_a_directory_that_is_a_file_is_reported_with_its_cure(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(CredentialsError, match="choose another directory"):
        load_or_create(file)


def test_credentials_do_not_show_their_keys() -> None:
    credentials = in_memory()

    assert "PRIVATE" not in repr(credentials) + repr(credentials.identities[0])


def test_the_c_array_holds_the_pem_and_its_nul() -> None:
    pem = in_memory().root_pem
    text = c_array(pem, "aws_root")
    body = text[text.index("{") + 1 : text.index("}")]

    assert "static const unsigned char aws_root[] = {" in text
    assert bytes(int(item, 16) for item in body.split(",")) == pem + b"\0"


@pytest.mark.program("cc")
def test_a_c_compiler_takes_the_array(tmp_path: Path) -> None:
    pem = in_memory().root_pem
    source, program = tmp_path / "root.c", tmp_path / "root"
    source.write_text(
        f"#include <stdio.h>\n{c_array(pem)}\n"
        "int main(void) { return fputs((const char *)root_ca_pem, stdout) < 0; }\n"
    )
    subprocess.run(["cc", "-Wall", "-Werror", "-o", program, source], check=True)

    assert subprocess.run([program], check=True, capture_output=True).stdout == pem


@pytest.mark.parametrize("name", ["", "1st", "a-b", "naïve", "a b"])
def test_a_name_that_is_no_c_identifier_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no C identifier"):
        c_array(b"", name)
