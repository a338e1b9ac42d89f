"""`jitplab broker --state` as a process: killed, started again, exported, imported, asked by the real aws."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config
from tests.interop.test_desk_broker import Desk, make_by_the_recipe, mosquitto_pub, pki_files, start, stop

__all__ = ["pki_files"]


def jitplab(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jitplab", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def kill(desk: Desk) -> None:
    desk.process.send_signal(signal.SIGKILL)
    desk.process.wait(20)
    assert desk.process.stdout is not None
    desk.process.stdout.close()


@pytest.mark.program("mosquitto_pub")
@pytest.mark.program("openssl")
def test_a_device_that_was_registered_before_a_kill_is_let_in_after_it(pki_files: Path) -> None:
    first = start(pki_files, "--state", "state")
    make_by_the_recipe(pki_files)
    dropped = mosquitto_pub(first)
    kill(first)

    second = start(pki_files, "--state", "state")
    accepted = mosquitto_pub(second)
    in_use = jitplab(pki_files, "broker", "export", "--state", "state")
    stopped = stop(second)
    exported = jitplab(pki_files, "broker", "export", "--state", "state", "registry.json")
    document = json.loads((pki_files / "registry.json").read_text(encoding="utf-8"))
    imported = jitplab(pki_files, "broker", "import", "--state", "copy", "registry.json", "--json")
    copied = jitplab(pki_files, "broker", "export", "--state", "copy")

    assert dropped.returncode == 7
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert (in_use.returncode, in_use.stdout) == (3, "")
    assert "is in use by another broker; stop that one" in in_use.stderr
    assert stopped == 0
    assert (exported.returncode, exported.stdout, exported.stderr) == (0, "", "")
    assert {"certificates", "things", "policies", "caCertificates"} <= document["accounts"][0][
        "tables"
    ].keys()
    assert "PRIVATE" not in json.dumps(document)
    assert imported.returncode == 0
    assert "facts of account 123456789012 in us-east-1 imported" in imported.stdout
    assert json.loads(copied.stdout) == document


def test_a_real_accounts_answers_are_served_at_home(pki_files: Path, tmp_path: Path) -> None:
    pem = (pki_files / "signer-FFFF.crt").read_text(encoding="ascii")
    template = (pki_files / "t.json").read_text(encoding="utf-8")
    described = {
        "certificateDescription": {
            "certificateArn": f"arn:aws:iot:eu-central-1:999988887777:cacert/{'0' * 64}",
            "status": "ACTIVE",
            "certificatePem": pem,
            "autoRegistrationStatus": "ENABLE",
        },
        "registrationConfig": {
            "templateBody": template,
            "roleArn": "arn:aws:iam::999988887777:role/JITPRole",
        },
    }
    (tmp_path / "ca.json").write_text(json.dumps(described), encoding="utf-8")

    told = jitplab(tmp_path, "broker", "import", "--state", "state", "ca.json")
    arguments = [sys.executable, "-m", "jitplab", "broker", "--state", "state", "--port", "0"]
    with subprocess.Popen(
        [*arguments, "--control-port", "0", "--directory", "kept"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        iot = boto3.client(
            "iot",
            endpoint_url=ready["control"],
            region_name="eu-central-1",
            aws_access_key_id="999988887777",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}),
        )
        try:
            (listed,) = iot.list_ca_certificates()["certificates"]
            asked = iot.describe_ca_certificate(certificateId=listed["certificateId"])
        finally:
            process.send_signal(signal.SIGTERM)
        code = process.wait(20)

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.endswith("imported\n")
    assert asked["registrationConfig"]["templateBody"] == template
    assert asked["certificateDescription"]["certificateArn"].startswith(
        "arn:aws:iot:eu-central-1:999988887777:"
    )
    assert code == 0


@pytest.mark.parametrize(
    "arguments, code, sentence",
    [
        (("broker", "export"), 2, "arguments are required: --state"),
        (("broker", "import", "--state", "s"), 2, "required: FILE"),
        (("broker", "export", "--state", "s", "a", "b"), 2, "unrecognized arguments: b"),
        (("broker", "export", "--state", "nowhere"), 3, "there is no state nowhere"),
        (
            ("broker", "import", "--state", "s", "nowhere.json"),
            3,
            "nowhere.json cannot be read: No such file",
        ),
        (("broker", "import", "--state", "s", "text.txt"), 3, "text.txt is no JSON"),
        (("broker", "import", "--state", "s", "list.json"), 3, "list.json is no answer that can be imported"),
        (("broker", "--state", "text.txt"), 3, "cannot be kept"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    (tmp_path / "text.txt").write_text("dear diary", encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")

    done = jitplab(tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_export_is_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "ca.json").write_text(
        json.dumps(
            {"thingName": "a", "attributes": {}, "thingArn": "arn:aws:iot:us-east-1:123456789012:thing/a"}
        ),
        encoding="utf-8",
    )
    jitplab(tmp_path, "broker", "import", "--state", "s", "ca.json")
    jitplab(tmp_path, "broker", "export", "--state", "s", "out.json")

    assert (tmp_path / "out.json").stat().st_mode & 0o777 == 0o600
