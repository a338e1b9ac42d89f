"""boto3, unmodified, against `jitplab broker --control-port`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias
from zlib import crc32

import boto3  # type: ignore[import-untyped]
import botocore.exceptions
import pytest

from jitplab import pki

ROLE = "arn:aws:iam::123456789012:role/JITPRole"
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}'

#: boto3 makes its clients' methods at run time; no stubs for AWS IoT are installed.
Client: TypeAlias = Any


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The broker's ready line."""
    directory = tmp_path_factory.mktemp("boto3")
    arguments = [sys.executable, "-m", "jitplab", "broker", "--port", "0", "--control-port", "0"]
    with (directory / "broker.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(arguments, cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()
    assert "Traceback" not in (directory / "broker.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def control(ready: dict[str, str]) -> str:
    """The control plane's URL."""
    return ready["control"]


def client_of(control: str, service: str, account: str) -> Client:
    """A client of an account of its own, so that tests do not meet."""
    return boto3.client(
        service,
        endpoint_url=control,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="test",
    )


@pytest.fixture
def iot(control: str, request: pytest.FixtureRequest) -> Client:
    return client_of(control, "iot", f"{crc32(request.node.name.encode()):012}")


def test_a_ca_is_registered_and_its_dates_are_dates(iot: Client) -> None:
    keys = pki.KeySource("boto3")
    signer = pki.make_signer(keys, pki.make_root(keys))
    template = (resources.files("jitplab") / "data" / "stackoverflow-jitp.json").read_text(encoding="utf-8")

    made = iot.register_ca_certificate(
        caCertificate=pki.pem(signer.certificate).decode(),
        certificateMode="SNI_ONLY",
        setAsActive=True,
        allowAutoRegistration=True,
        registrationConfig={"templateBody": template, "roleArn": ROLE},
    )

    answer = iot.describe_ca_certificate(certificateId=made["certificateId"])
    assert isinstance(answer["certificateDescription"]["creationDate"], datetime)
    assert answer["certificateDescription"]["validity"]["notAfter"].year == 2070
    assert answer["registrationConfig"]["templateBody"] == template


def test_refusals_arrive_as_the_exceptions_of_the_model(iot: Client) -> None:
    iot.create_thing(thingName="t", attributePayload={"attributes": {"a": "1"}})

    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException) as taken:
        iot.create_thing(thingName="t")
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_thing(thingName="nobody")
    with pytest.raises(iot.exceptions.VersionConflictException):
        iot.delete_thing(thingName="t", expectedVersion=5)
    with pytest.raises(iot.exceptions.MalformedPolicyException):
        iot.create_policy(policyName="p", policyDocument="no json")
    with pytest.raises(iot.exceptions.NotConfiguredException):
        iot.get_v2_logging_options()

    assert taken.value.response["resourceId"] == "t"
    assert taken.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_paginators_see_everything_once(iot: Client) -> None:
    for number in range(60):
        iot.create_thing(thingName=f"thing-{number:02}")

    pages = list(iot.get_paginator("list_things").paginate(PaginationConfig={"PageSize": 25}))

    names = [thing["thingName"] for page in pages for thing in page["things"]]
    assert len(pages) == 3
    assert names == [f"thing-{number:02}" for number in range(60)]


def test_a_device_made_by_aws_is_attached_tested_and_taken_away(iot: Client) -> None:
    made = iot.create_keys_and_certificate(setAsActive=True)
    arn, certificate_id = made["certificateArn"], made["certificateId"]
    iot.create_policy(policyName="p", policyDocument=ALLOW)
    iot.attach_policy(policyName="p", target=arn)
    iot.create_thing(thingName="t")
    iot.attach_thing_principal(thingName="t", principal=arn)

    account = arn.split(":")[4]
    infos = [{"actionType": "CONNECT", "resources": [f"arn:aws:iot:us-east-1:{account}:client/t"]}]
    (result,) = iot.test_authorization(principal=arn, clientId="t", authInfos=infos)["authResults"]
    with pytest.raises(iot.exceptions.CertificateStateException):
        iot.delete_certificate(certificateId=certificate_id)
    iot.update_certificate(certificateId=certificate_id, newStatus="INACTIVE")
    with pytest.raises(iot.exceptions.DeleteConflictException):
        iot.delete_certificate(certificateId=certificate_id)
    iot.detach_thing_principal(thingName="t", principal=arn)
    iot.delete_certificate(certificateId=certificate_id, forceDelete=True)

    assert result["authDecision"] == "ALLOWED"
    assert iot.list_certificates()["certificates"] == []


def test_eight_clients_at_once_get_their_own_answers(control: str) -> None:
    def work(number: int) -> str:
        client = client_of(control, "iot", f"8{number:011}")
        for each in range(5):
            client.create_thing(thingName=f"t{number}-{each}")
        things = client.list_things()["things"]
        return " ".join(thing["thingName"] for thing in things)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))

    assert found == [" ".join(f"t{number}-{each}" for each in range(5)) for number in range(8)]


def test_what_is_not_implemented_is_a_client_error_at_the_first_try(iot: Client) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        iot.list_jobs()

    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_the_logs_client_lists_the_group(control: str) -> None:
    logs = client_of(control, "logs", "123456789012")

    groups = logs.describe_log_groups()["logGroups"]
    events = logs.filter_log_events(logGroupName="AWSIotLogsV2")["events"]

    assert [group["logGroupName"] for group in groups] == ["AWSIotLogsV2"]
    assert events == []
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="nobody")


@pytest.mark.program("mosquitto_sub")
def test_a_device_hears_of_the_things_that_boto3_creates_once_that_is_switched_on(
    ready: dict[str, str], tmp_path: Path
) -> None:
    """mosquitto_sub subscribes with a certificate that boto3 had made."""
    iot = client_of(ready["control"], "iot", "123456789012")
    device = iot.create_keys_and_certificate(setAsActive=True)
    iot.create_policy(policyName="everything", policyDocument=ALLOW)
    iot.attach_policy(policyName="everything", target=device["certificateArn"])
    for name, pem in (
        ("cert.pem", device["certificatePem"]),
        ("key.pem", device["keyPair"]["PrivateKey"]),
    ):
        (tmp_path / name).write_text(pem, encoding="ascii")
    host, _, port = iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"].rpartition(":")
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    tls = ["--cafile", ready["root"], "--cert", cert, "--key", key]
    topics = ["-t", "$aws/events/thing/+/created", "-q", "1", "-C", "1", "-W", "60", "-F", "%t %p"]
    command = ["mosquitto_sub", "-h", host, "-p", port, "-i", "watcher", *tls, *topics]
    iot.update_event_configurations(eventConfigurations={"THING": {"Enabled": True}})
    made: dict[str, str] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watcher:
        while watcher.poll() is None:  # it does not say when it has subscribed
            name = f"heard-{len(made)}"
            made[name] = iot.create_thing(thingName=name)["thingId"]
        told, _ = watcher.communicate()

    topic, payload = told.split(" ", 1)
    event = json.loads(payload)
    assert topic == f"$aws/events/thing/{event['thingName']}/created"
    assert event["thingId"] == made[event["thingName"]]
