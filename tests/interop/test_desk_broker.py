"""`jitplab broker` with programs nobody here wrote: the case's recipe, word for word."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from jitplab import pki

CURVE = ["-pkeyopt", "ec_paramgen_curve:P-256"]


@dataclass(frozen=True)
class Desk:
    """A running `jitplab broker` and the user's files beside it."""

    directory: Path
    host: str
    port: int
    root: Path
    process: subprocess.Popen[str]

    def trace(self) -> list[dict[str, object]]:
        text = (self.directory / "kept" / "trace.jsonl").read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]  # while the broker writes, a line may be seen page by page
        return [json.loads(line) for line in whole.splitlines()]


def start(directory: Path, *more: str) -> Desk:
    arguments = [sys.executable, "-m", "jitplab", "broker", "--ca", "signer-FFFF.crt"]
    arguments += ["--template", "t.json", "--port", "0", "--directory", "kept", *more]
    with (directory / "broker.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(arguments, cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["ready"] is True
    host, port = ready["mqtt"].rsplit(":", 1)
    return Desk(directory, host, int(port), Path(ready["root"]), process)


def stop(desk: Desk) -> int:
    desk.process.send_signal(signal.SIGTERM)
    code = desk.process.wait(20)
    assert desk.process.stdout is not None
    desk.process.stdout.close()
    return code


@pytest.fixture
def pki_files(tmp_path: Path) -> Path:
    keys = pki.KeySource("interop")
    signer = pki.make_signer(keys, pki.make_root(keys))
    (tmp_path / "signer-FFFF.crt").write_bytes(pki.pem(signer.certificate))
    (tmp_path / "signer-FFFF.key").write_bytes(signer.key.pkcs8_pem())
    template = resources.files("jitplab") / "data" / "stackoverflow-jitp.json"
    (tmp_path / "t.json").write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.fixture(params=["local", "amqtt"])
def desk(pki_files: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    running = start(pki_files, "--engine", request.param)
    yield running
    assert stop(running) == 0


def openssl(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["openssl", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )


def make_by_the_recipe(directory: Path) -> None:
    """The commands of the case (case.md), with -subj for its prompts."""
    openssl(
        directory,
        *["genpkey", "-out", "fakeDeviceCert.key", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    )
    openssl(
        directory,
        *["req", "-new", "-key", "fakeDeviceCert.key", "-out", "fakeDeviceCert.csr"],
        *("-subj", "/O=CompanyName/CN=pu010203040506070811"),
    )
    openssl(
        directory,
        *["x509", "-req", "-in", "fakeDeviceCert.csr", "-CA", "signer-FFFF.crt", "-CAkey", "signer-FFFF.key"],
        *["-CAcreateserial", "-out", "fakeDeviceCert.pem", "-days", "357335", "-sha256"],
    )
    chain = (directory / "fakeDeviceCert.pem").read_bytes() + (directory / "signer-FFFF.crt").read_bytes()
    (directory / "deviceCertAndCACert.crt").write_bytes(chain)


def mosquitto_pub(desk: Desk) -> subprocess.CompletedProcess[str]:
    program = shutil.which("mosquitto_pub")
    assert program is not None
    return subprocess.run(
        [
            *(program, "--cafile", str(desk.root), "--cert", "deviceCertAndCACert.crt"),
            *("--key", "fakeDeviceCert.key", "-h", "localhost", "-p", str(desk.port)),
            *("-q", "1", "-t", "ji/tp", "-i", "deviceCert", "--tls-version", "tlsv1.2"),
            *("-m", '{"let-me": "in"}', "-d"),
        ],
        cwd=desk.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.program("mosquitto_pub")
@pytest.mark.program("openssl")
def test_mosquitto_pub_is_dropped_once_and_accepted_then(desk: Desk) -> None:
    make_by_the_recipe(desk.directory)

    first = mosquitto_pub(desk)
    second = mosquitto_pub(desk)

    assert first.returncode == 7
    assert "connection was lost" in first.stderr
    assert second.returncode == 0
    assert "received CONNACK (0)" in second.stdout
    assert "received PUBACK" in second.stdout
    verdicts = [record["verdict"] for record in desk.trace() if record["kind"] == "decision"]
    assert verdicts == ["provision", "known"]


@pytest.mark.program("openssl")
def test_paho_is_dropped_once_and_accepted_then(desk: Desk) -> None:
    make_by_the_recipe(desk.directory)

    def visit() -> tuple[list[int], bool]:
        codes: list[int] = []
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="deviceCert", protocol=paho.MQTTv311)
        client.on_connect = lambda _c, _u, _f, reason, _p: codes.append(reason.value)
        client.tls_set(
            ca_certs=str(desk.root),
            certfile=str(desk.directory / "deviceCertAndCACert.crt"),
            keyfile=str(desk.directory / "fakeDeviceCert.key"),
        )
        client.connect("localhost", desk.port)
        while client.loop(1.0) == paho.MQTT_ERR_SUCCESS and not codes:
            pass
        published = False
        if codes:
            message = client.publish("ji/tp", '{"let-me": "in"}', qos=1)
            while not message.is_published() and client.loop(1.0) == paho.MQTT_ERR_SUCCESS:
                pass
            published = message.is_published()
            client.disconnect()
        return codes, published

    assert visit() == ([], False)
    assert visit() == ([0], True)


@pytest.mark.program("openssl")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_completes_its_handshake_with_a_certificate_nobody_knows(desk: Desk, version: str) -> None:
    openssl(
        desk.directory,
        *[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=stranger",
        ],
        *["-keyout", "stranger.key", "-out", "stranger.pem", "-days", "1"],
    )

    done = openssl(
        desk.directory,
        *f"s_client -connect {desk.host}:{desk.port} -servername localhost {version}".split(),
        *f"-CAfile {desk.root} -cert stranger.pem -key stranger.key -verify_return_error".split(),
    )

    assert "Verify return code: 0 (ok)" in done.stdout
    assert "alert" not in done.stderr
    stop(desk)
    (handshake,) = [record for record in desk.trace() if record["kind"] == "handshake"]
    assert handshake["completed"] is True
    assert [record for record in desk.trace() if record["kind"] == "decision"] == []


def test_the_root_stays_and_keys_are_private(pki_files: Path) -> None:
    first = start(pki_files)
    root = first.root.read_bytes()
    stop(first)
    second = start(pki_files, "--c-array", "root_ca.h", "--server-name", "my-pc.local")
    stop(second)

    kept = sorted(path.name for path in (pki_files / "kept").iterdir())
    assert second.root.read_bytes() == root
    assert kept == ["AWSIotLogsV2.jsonl", "TEST-ONLY-root-with-key.pem", "TEST-ONLY-root.crt", "trace.jsonl"]
    for name in ("TEST-ONLY-root-with-key.pem", "trace.jsonl", "AWSIotLogsV2.jsonl"):
        assert (pki_files / "kept" / name).stat().st_mode & 0o777 == 0o600
    array = (pki_files / "root_ca.h").read_text(encoding="ascii")
    octets = bytes(
        int(each, 16)
        for each in array.split("{")[1].split("}")[0].replace("\n", "").split(",")
        if each.strip()
    )
    assert octets == root + b"\0"


def test_a_port_that_is_taken_is_an_unmet_need(pki_files: Path) -> None:
    first = start(pki_files)

    done = subprocess.run(
        [
            *(sys.executable, "-m", "jitplab", "broker", "--ca", "signer-FFFF.crt"),
            *("--port", str(first.port)),
        ],
        cwd=pki_files,
        capture_output=True,
        text=True,
        check=False,
    )
    stop(first)

    assert (done.returncode, done.stdout) == (3, "")
    assert f"127.0.0.1:{first.port} cannot be listened on" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "template, sentence",
    [
        ("{", "is not JSON"),
        ("[]", "is no JSON object"),
        ('{"templateBody": {}, "roleArn": "x"}', "is not a string"),
    ],
)
def test_a_template_that_is_none_is_refused_before_anything_listens(
    pki_files: Path, template: str, sentence: str
) -> None:
    (pki_files / "t.json").write_text(template, encoding="utf-8")

    done = subprocess.run(
        [
            *(sys.executable, "-m", "jitplab", "broker", "--ca", "signer-FFFF.crt", "--template", "t.json"),
            *("--port", "0"),
        ],
        cwd=pki_files,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_a_certificate_that_is_no_ca_is_refused(pki_files: Path) -> None:
    keys = pki.KeySource("interop")
    signer = pki.make_signer(keys, pki.make_root(keys))
    device = pki.make_device_certificate(
        signer, keys.key("device").public_key, common_name="d", serial=b"\x40" * 16
    )
    (pki_files / "device.pem").write_bytes(pki.pem(device))

    done = subprocess.run(
        [sys.executable, "-m", "jitplab", "broker", "--ca", "device.pem", "--port=0"],
        cwd=pki_files,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "CN=d,O=CompanyName is no CA certificate" in done.stderr


def test_a_template_that_provisions_nobody_is_said_to_before_a_device_gets_stuck(pki_files: Path) -> None:
    (pki_files / "t.json").write_text('{"Resources": {}}', encoding="utf-8")

    stop(start(pki_files))

    told = (pki_files / "broker.log").read_text(encoding="utf-8")
    assert "warning: no device will be provisioned by the template t.json" in told
    assert "Template must have certificate resource" in told
