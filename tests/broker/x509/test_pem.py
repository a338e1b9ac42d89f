"""PEM in and out: several certificates in one text, and sentences about the bad one."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.x509 import Certificate


def test_pem_is_what_other_tools_write(device: Certificate) -> None:
    assert device.pem == ssl.DER_cert_to_PEM_cert(device.der)


def test_a_certificate_survives_the_way_through_pem(device: Certificate) -> None:
    assert Certificate.from_pem(device.pem) == device
    assert Certificate.from_pem(device.pem.encode()) == device


def test_a_chain_keeps_its_order_and_ignores_what_stands_between(
    device: Certificate, signer: Certificate
) -> None:
    with_crlf = signer.pem.replace("\n", "\r\n")
    text = f"subject=CN = pu02\r\n{device.pem}\nBag Attributes: ä\n{with_crlf}"

    assert Certificate.chain_from_pem(text) == (device, signer)
    assert Certificate.chain_from_pem(text.encode("latin-1")) == (device, signer)


def test_one_certificate_is_expected_where_one_is_expected(device: Certificate, signer: Certificate) -> None:
    with pytest.raises(ValueError, match="holds 2 certificates, expected one"):
        Certificate.from_pem(device.pem + signer.pem)


def test_a_text_without_certificates_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no -----BEGIN CERTIFICATE----- line; expected PEM, not DER"):
        Certificate.chain_from_pem("hello")


def test_a_text_that_is_cut_short_is_refused(device: Certificate) -> None:
    with pytest.raises(ValueError, match="has BEGIN but no END line"):
        Certificate.chain_from_pem(device.pem + device.pem[:200])


@pytest.mark.parametrize(
    "body, reason",
    [
        ("!!!!", "Only base64 data is allowed"),
        ("AAA", "padding"),
        ("AAAA", "3 bytes are no readable certificate"),
    ],
)
def test_a_bad_block_is_named_by_number_and_line(device: Certificate, body: str, reason: str) -> None:
    bad = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    line = device.pem.count("\n") + 1

    with pytest.raises(ValueError) as caught:
        Certificate.chain_from_pem(device.pem + bad)

    assert f"Certificate block 2 (line {line}) is bad" in str(caught.value)
    assert reason in str(caught.value)


@given(st.text())
def test_arbitrary_text_raises_nothing_but_value_errors(text: str) -> None:
    with pytest.raises(ValueError):
        Certificate.chain_from_pem(f"-----BEGIN CERTIFICATE-----{text}-----END CERTIFICATE-----")
