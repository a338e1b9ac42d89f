"""Client programs that others wrote, against both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.interop.conftest import Lab, Run


def mosquitto_pub(lab: Lab, run: Run, *more: str) -> subprocess.CompletedProcess[str]:
    """The case's recipe."""
    return run(
        "mosquitto_pub",
        *("--cafile", str(lab.root), "--cert", str(lab.certificate), "--key", str(lab.key)),
        *("-h", "localhost", "-p", str(lab.port), "-q", "1", "-t", "ji/tp", "-i", "deviceCert"),
        *("-m", '{"let-me": "in"}', "-d"),
        *more,
    )


@pytest.mark.program("mosquitto_pub")
@pytest.mark.parametrize("version", ["tlsv1.2", "tlsv1.3"])
def test_mosquitto_pub_loses_its_first_connection_and_publishes_on_its_second(
    lab: Lab, run: Run, version: str
) -> None:
    first = mosquitto_pub(lab, run, "--tls-version", version)
    second = mosquitto_pub(lab, run, "--tls-version", version)

    assert first.returncode == 7
    assert "The connection was lost." in first.stderr
    assert "CONNACK" not in first.stdout
    assert second.returncode == 0
    assert "received CONNACK (0)" in second.stdout
    assert "received PUBACK" in second.stdout
    assert [len(attempt.chain) for attempt in lab.gate.attempts] == [2, 2]
    assert lab.gate.attempts[0].sni == "localhost"


@pytest.mark.program("mosquitto_pub")
def test_mosquitto_pubs_ip_address_counts_as_no_server_name(lab: Lab, run: Run) -> None:
    mosquitto_pub(lab, run, "-h", "127.0.0.1")

    assert lab.gate.attempts[0].sni is None


@pytest.mark.program("mosquitto_pub")
@pytest.mark.parametrize("version", ["mqttv31", "mqttv5"])
def test_other_versions_of_mqtt_are_refused_and_register_nothing(lab: Lab, run: Run, version: str) -> None:
    result = mosquitto_pub(lab, run, "-V", version)

    assert result.returncode != 0
    assert lab.gate.attempts == []


@pytest.mark.program("openssl")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssls_client_completes_its_handshake_with_an_unknown_certificate(
    lab: Lab, run: Run, tmp_path_factory: pytest.TempPathFactory, version: str
) -> None:
    directory = tmp_path_factory.mktemp("unknown")
    certificate, key = directory / "self.crt", directory / "self.key"
    made = run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", "/CN=nobody knows me", "-days", "1", "-out", str(certificate), "-keyout", str(key)),
    )
    result = run(
        *("openssl", "s_client", "-connect", f"127.0.0.1:{lab.port}", "-CAfile", str(lab.root), version),
        *("-cert", str(certificate), "-key", str(key), "-servername", "localhost", "-verify_return_error"),
        stdin="Q\n",
    )

    assert made.returncode == 0
    assert result.returncode == 0
    assert "Verify return code: 0 (ok)" in result.stdout
    assert "No client certificate CA names sent" in result.stdout
    assert lab.gate.attempts == []


@pytest.mark.program("openssl")
def test_openssls_client_resumes_no_session(lab: Lab, run: Run) -> None:
    result = run(
        *("openssl", "s_client", "-connect", f"127.0.0.1:{lab.port}", "-tls1_2", "-reconnect"),
        *("-cert", str(lab.certificate), "-key", str(lab.key), "-CAfile", str(lab.root)),
    )

    assert "New, TLSv1.2" in result.stdout
    assert "Reused" not in result.stdout
