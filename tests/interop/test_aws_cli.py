"""The real `aws` command line, unmodified, against `jitplab broker --control-port`: the case's commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from jitplab import pki

AWS = Path(sys.executable).parent / "aws"
ROLE = "arn:aws:iam::123456789012:role/JITPRole"
GROUP = "AWSIotLogsV2"
Answer: TypeAlias = dict[str, Any]


def environment_of(directory: Path) -> dict[str, str]:
    """What the command line is told, and nothing of the user's own configuration."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class CommandLine:
    """`aws`, started once: each command is a fork of it (``aws_preloaded.py`` says why)."""

    def __init__(self, directory: Path) -> None:
        self._out, self._err = directory / "out", directory / "err"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("aws_preloaded.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
        """Run one command to its end in ``directory``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"argv": arguments, "cwd": str(directory), "env": environment_of(directory)}
        order |= {"out": str(self._out), "err": str(self._err)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        out, err = (path.read_text(encoding="utf-8") for path in (self._out, self._err))
        return subprocess.CompletedProcess(["aws", *arguments], code, out, err)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=20)


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    started = CommandLine(tmp_path_factory.mktemp("aws"))
    yield started
    started.close()


@dataclass(frozen=True)
class Desk:
    """A running broker with its control plane, and the directory with the user's files."""

    directory: Path
    mqtt_port: int
    control: str
    root: Path
    process: subprocess.Popen[str]
    command_line: CommandLine

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``aws ARGUMENTS``."""
        return self.command_line.run(
            ["--endpoint-url", self.control, "--output", "json", *arguments], self.directory
        )

    def aws(self, *arguments: str) -> Answer:
        """``aws ARGUMENTS``, which succeeds; its answer."""
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        answer: Answer = json.loads(done.stdout) if done.stdout.strip() else {}
        return answer


Start: TypeAlias = Callable[..., Desk]


@pytest.fixture
def start(tmp_path: Path, command_line: CommandLine) -> Iterator[Start]:
    running: list[Desk] = []

    def begin(*more: str) -> Desk:
        arguments = [sys.executable, "-m", "jitplab", "broker", "--port", "0", "--control-port", "0"]
        with (tmp_path / "broker.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*arguments, "--directory", "kept", *more],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        port = int(ready["mqtt"].rsplit(":", 1)[1])
        running.append(Desk(tmp_path, port, ready["control"], Path(ready["root"]), process, command_line))
        return running[-1]

    yield begin
    for desk in running:
        desk.process.send_signal(signal.SIGTERM)
        assert desk.process.wait(20) == 0
        assert desk.process.stdout is not None
        desk.process.stdout.close()
        assert "Traceback" not in (tmp_path / "broker.log").read_text(encoding="utf-8")


def write_pki(directory: Path) -> None:
    """root, signer and their keys as files, and the template as the case's user handed it in."""
    keys = pki.KeySource("aws-cli")
    root = pki.make_root(keys)
    signer = pki.make_signer(keys, root)
    (directory / "root.crt").write_bytes(pki.pem(root.certificate))
    (directory / "signer-FFFF.crt").write_bytes(pki.pem(signer.certificate))
    (directory / "signer-FFFF.key").write_bytes(signer.key.pkcs8_pem())
    template = (resources.files("jitplab") / "data" / "stackoverflow-jitp.json").read_text(encoding="utf-8")
    config = {"templateBody": template, "roleArn": ROLE}
    (directory / "registration-config.json").write_text(json.dumps(config), encoding="utf-8")


def openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments], cwd=directory, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def issue(directory: Path, name: str, subject: str) -> None:
    """``name.crt`` and ``name.key`` below the signer, by the commands of AWS's own pages."""
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl(directory, "genpkey", "-out", f"{name}.key", *curve)
    openssl(directory, "req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
    signer = ["-CA", "signer-FFFF.crt", "-CAkey", "signer-FFFF.key", "-CAcreateserial"]
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", *signer, "-out", f"{name}.crt", "-sha256")


def register_the_signer(desk: Desk) -> str:
    """The case's registration; returns the CA certificate's id."""
    write_pki(desk.directory)
    code = desk.aws("iot", "get-registration-code")["registrationCode"]
    issue(desk.directory, "verification", f"/CN={code}")
    answer = desk.aws(
        *("iot", "register-ca-certificate", "--ca-certificate", "file://signer-FFFF.crt"),
        *("--verification-certificate", "file://verification.crt", "--set-as-active"),
        *("--allow-auto-registration", "--registration-config", "file://registration-config.json"),
    )
    ca_id: str = answer["certificateId"]
    return ca_id


def connect(desk: Desk, name: str, *chain: str, client_id: str = "deviceCert") -> int:
    """The case's mosquitto_pub with ``name.crt`` and what follows it in the chain; its exit code."""
    whole = "".join((desk.directory / each).read_text() for each in (f"{name}.crt", *chain))
    (desk.directory / "chain.crt").write_text(whole)
    program = shutil.which("mosquitto_pub")
    assert program is not None
    done = subprocess.run(
        [
            *(program, "--cafile", str(desk.root), "--cert", "chain.crt", "--key", f"{name}.key"),
            *("-h", "localhost", "-p", str(desk.mqtt_port), "-q", "1", "-t", "ji/tp", "-i", client_id),
            *("-m", '{"let-me": "in"}'),
        ],
        cwd=desk.directory,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode


@pytest.mark.program("openssl")
def test_the_cases_ca_is_registered_and_described(start: Start) -> None:
    desk = start()
    ca_id = register_the_signer(desk)

    answer = desk.aws("iot", "describe-ca-certificate", "--certificate-id", ca_id)

    description = answer["certificateDescription"]
    assert set(answer) == {"certificateDescription", "registrationConfig"}
    assert set(description) == {
        *("certificateArn", "certificateId", "status", "certificatePem", "ownedBy", "creationDate"),
        *("autoRegistrationStatus", "lastModifiedDate", "customerVersion", "generationId", "validity"),
        "certificateMode",
    }
    assert description["certificateArn"] == f"arn:aws:iot:us-east-1:123456789012:cacert/{ca_id}"
    assert (description["status"], description["autoRegistrationStatus"]) == ("ACTIVE", "ENABLE")
    assert description["certificatePem"] == (desk.directory / "signer-FFFF.crt").read_text()
    given = json.loads((desk.directory / "registration-config.json").read_text())
    assert answer["registrationConfig"] == given


@pytest.mark.program("openssl")
@pytest.mark.program("mosquitto_pub")
def test_two_connects_make_a_device_that_the_command_line_finds(start: Start) -> None:
    desk = start()
    register_the_signer(desk)
    issue(desk.directory, "device", "/O=CompanyName/CN=pu010203040506070811")

    codes = [connect(desk, "device", "signer-FFFF.crt") for _ in range(2)]

    assert codes == [7, 0]
    (thing,) = desk.aws("iot", "list-things")["things"]
    assert thing["thingName"] == "pu010203040506070811"
    (listed,) = desk.aws("iot", "list-certificates")["certificates"]
    described = desk.aws("iot", "describe-certificate", "--certificate-id", listed["certificateId"])
    certificate = described["certificateDescription"]
    assert certificate["status"] == "ACTIVE"
    assert certificate["certificatePem"] == (desk.directory / "device.crt").read_text()
    arn = certificate["certificateArn"]
    (policy,) = desk.aws("iot", "list-attached-policies", "--target", arn)["policies"]
    principals = desk.aws("iot", "list-thing-principals", "--thing-name", thing["thingName"])["principals"]
    assert principals == [arn]
    resource = "arn:aws:iot:us-east-1:123456789012:topic/ji/tp"
    tested = desk.aws(
        *("iot", "test-authorization", "--principal", arn),
        *("--auth-infos", f"actionType=PUBLISH,resources={resource}"),
    )
    (result,) = tested["authResults"]
    assert (result["authDecision"], result["allowed"]["policies"]) == ("ALLOWED", [policy])


def refused_chain_is_logged(start: Start, profile: str) -> list[Answer]:
    """Register the case's signer, present another as if it were it, and read what CloudWatch shows."""
    desk = start("--profile", profile)
    register_the_signer(desk)
    events = '[{"eventType":"Connection.AuthNError","logLevel":"ERROR"}]'
    desk.aws(
        *("iot", "set-v2-logging-options", "--role-arn", ROLE, "--default-log-level", "ERROR"),
        *("--event-configurations", events),
    )
    options = desk.aws("iot", "get-v2-logging-options", "--verbose")
    assert options["eventConfigurations"] == json.loads(events)
    issue(desk.directory, "device", "/O=CompanyName/CN=pu010203040506070811")

    assert connect(desk, "device", "root.crt") == 7
    assert desk.aws("iot", "list-certificates")["certificates"] == []
    answer = desk.aws("logs", "filter-log-events", "--log-group-name", GROUP)
    pattern = '{ $.eventType = "Connection.AuthNError" && $.status = "Failure" }'
    picked = desk.aws("logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", pattern)
    assert picked["events"] == answer["events"]
    return [json.loads(event["message"]) for event in answer["events"]]


@pytest.mark.program("openssl")
@pytest.mark.program("mosquitto_pub")
def test_a_refused_chain_is_in_the_log_since_2026(start: Start) -> None:
    (entry,) = refused_chain_is_logged(start, "aws-2026")

    assert entry["eventType"] == "Connection.AuthNError"
    assert entry["reason"] == "DEVICE_CERTIFICATE_NOT_REGISTERED"
    assert (entry["status"], entry["logLevel"]) == ("Failure", "ERROR")
    assert (entry["serverNameIndication"], entry["clientId"]) == ("localhost", "deviceCert")


@pytest.mark.program("openssl")
@pytest.mark.program("mosquitto_pub")
def test_a_refused_chain_left_nothing_in_2021(start: Start) -> None:
    assert refused_chain_is_logged(start, "aws-2021") == []


@pytest.mark.program("openssl")
@pytest.mark.program("mosquitto_pub")
def test_a_deactivated_certificate_loses_its_connection(start: Start) -> None:
    desk = start()
    register_the_signer(desk)
    issue(desk.directory, "device", "/O=CompanyName/CN=pu010203040506070811")
    assert [connect(desk, "device", "signer-FFFF.crt") for _ in range(2)] == [7, 0]
    (listed,) = desk.aws("iot", "list-certificates")["certificates"]
    certificate_id = listed["certificateId"]
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="deviceCert", protocol=paho.MQTTv311)
    client.tls_set(
        ca_certs=str(desk.root),
        certfile=str(desk.directory / "chain.crt"),
        keyfile=str(desk.directory / "device.key"),
    )
    client.connect("localhost", desk.mqtt_port)
    while not client.is_connected():
        assert client.loop(1.0) == paho.MQTT_ERR_SUCCESS

    desk.aws("iot", "update-certificate", "--certificate-id", certificate_id, "--new-status", "INACTIVE")
    outcome = paho.MQTT_ERR_SUCCESS
    for _ in range(20):
        outcome = client.loop(1.0)
        if outcome != paho.MQTT_ERR_SUCCESS:
            break

    assert outcome == paho.MQTT_ERR_CONN_LOST
    text = (desk.directory / "kept" / "trace.jsonl").read_text(encoding="utf-8")
    records = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    why = f"its certificate {certificate_id} was set to INACTIVE"
    (end,) = [each for each in records if each["kind"] == "disconnect" and each["why"] == why]
    assert (end["by"], end["client_id"]) == ("server", "deviceCert")


def test_what_is_not_there_is_refused_in_one_line(start: Start) -> None:
    desk = start()

    done = desk.run("iot", "list-jobs")
    missing = desk.run("iot", "describe-thing", "--thing-name", "nobody")

    assert "An error occurred (InvalidRequestException) when calling the ListJobs operation" in done.stderr
    assert "(ResourceNotFoundException)" in missing.stderr
    told = (desk.directory / "broker.log").read_text(encoding="utf-8")
    assert "iot ListJobs was asked for and is not implemented here" in told


def test_the_data_endpoint_is_the_desks_own(start: Start) -> None:
    desk = start()

    answer = desk.aws("iot", "describe-endpoint", "--endpoint-type", "iot:Data-ATS")

    assert answer == {"endpointAddress": f"localhost:{desk.mqtt_port}"}


@pytest.mark.program("openssl")
@pytest.mark.program("mosquitto_pub")
def test_the_how_to_does_what_it_says(start: Start) -> None:
    page = Path(__file__).parents[2] / "docs" / "howto" / "use-the-aws-cli.md"
    blocks = re.findall(r"<!-- tested -->\n```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    desk = start()
    write_pki(desk.directory)
    for kind in ("crt", "key"):
        (desk.directory / f"signer-FFFF.{kind}").rename(desk.directory / f"signer.{kind}")
    environment = {
        **environment_of(desk.directory),
        "PATH": f"{AWS.parent}:{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": desk.control,
        "MQTT_PORT": str(desk.mqtt_port),
        "ROOT": str(desk.root),
    }

    done = subprocess.run(
        ["sh", "-eu", "-c", "\n".join(blocks)],
        cwd=desk.directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert len(blocks) == 6
    assert done.returncode == 0, done.stderr
    assert "the first connection was closed" in done.stdout
    assert "the second connection was closed" not in done.stdout
    for shown in ('"autoRegistrationStatus": "ENABLE"', '"thingName": "pu010203040506070811"', '"ALLOWED"'):
        assert shown in done.stdout
