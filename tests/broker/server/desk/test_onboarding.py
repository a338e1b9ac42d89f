"""What becomes of a device at its first connects: let in, kept waiting, or stuck; the wire first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.x509.oid import NameOID

from jitpbroker import mqtt
from jitpbroker.registry.jsontext import Json
from jitpbroker.server import after

if TYPE_CHECKING:
    from tests.broker.server.conftest import Dial, Identity, Issue, RawClient
    from tests.broker.server.desk.conftest import Account, Enter, Knock, OpenAccount

EVERYTHING: dict[str, Json] = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
CONNECTS: dict[str, Json] = {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}
ROLE = "arn:aws:iam::123456789012:role/JITPRole"
REGISTERED = "$aws/events/certificates/registered/"


def told(client: RawClient) -> dict[str, Json]:
    """The next registered event."""
    message = client.packet()
    assert isinstance(message, mqtt.Publish)
    assert message.topic.startswith(REGISTERED)
    payload: dict[str, Json] = json.loads(message.payload)
    return payload


def nothing_was_told(client: RawClient) -> bool:
    """Whether no event is under way."""
    return client.ping() == mqtt.PingResp()


# -- good ends ---------------------------------------------------------------------------------------


def test_the_first_connect_registers_and_provisions_and_the_second_is_let_in(
    account: Account, knock: Knock, enter: Enter, device: Identity, signer: Identity, watcher: RawClient
) -> None:
    """Evidence: document - developer guide, jit-provisioning; the close without CONNACK was measured by
    MiniStack (pull request 1755) for JITR and is inferred for JITP.
    """
    account.register_ca(signer)
    end = knock(account, device)
    event = told(watcher)
    client = enter(account, device)

    assert end == "close_notify"
    assert client.ping() == mqtt.PingResp()
    assert event["certificateStatus"] == "PENDING_ACTIVATION"
    assert account.status(device) == "ACTIVE"
    assert account.things() == ["device"]
    assert account.logged("ProvisionDevice")[0]["status"] == "Success"


def test_a_handshake_alone_registers_nothing(
    account: Account, dial: Dial, device: Identity, signer: Identity, watcher: RawClient
) -> None:
    """Evidence: document - MiniStack pull request 1755, measured on AWS."""
    account.register_ca(signer)
    client = dial(account, device)
    client.shutdown()

    assert client.end() == "close_notify"
    assert nothing_was_told(watcher)
    assert account.status(device) is None


def test_without_a_template_the_certificate_waits_and_each_connect_tells_so_again(
    account: Account, knock: Knock, enter: Enter, device: Identity, signer: Identity, watcher: RawClient
) -> None:
    """Evidence: document - developer guide, auto-register-device-cert."""
    account.register_ca(signer, None)
    ends, events = [], []
    for _ in range(2):
        ends.append(knock(account, device))
        events.append(told(watcher))
        account.later(seconds=5)

    assert ends == ["close_notify", "close_notify"]
    assert events[0]["certificateRegistrationTimestamp"] is None
    assert events[1]["certificateRegistrationTimestamp"] == str(events[0]["timestamp"])
    assert account.status(device) == "PENDING_ACTIVATION"
    assert account.last_end().reason == "JITR_REGISTERED"


def test_a_waiting_certificate_that_somebody_activates_is_let_in(
    account: Account, knock: Knock, enter: Enter, device: Identity, signer: Identity
) -> None:
    """Evidence: document - developer guide, auto-register-device-cert; device-client issue 439."""
    account.register_ca(signer, None)
    end = knock(account, device)
    account.activate(device)
    account.grant(device, CONNECTS)

    assert end == "close_notify"
    assert enter(account, device).ping() == mqtt.PingResp()


def test_who_comes_back_before_the_template_has_run_is_sent_away_again(
    open_account: OpenAccount, knock: Knock, enter: Enter, device: Identity, signer: Identity
) -> None:
    """Evidence: document - developer guide, auto-register-device-cert; ATLAS: wait three to five seconds."""
    account = open_account(delayed=True)
    account.register_ca(signer)
    ends = [knock(account, device), knock(account, device)]
    early = account.status(device)
    account.later(seconds=2)
    account.run_jobs()

    assert ends == ["close_notify", "close_notify"]
    assert enter(account, device).ping() == mqtt.PingResp()
    assert early == "PENDING_ACTIVATION"
    assert account.provisioning().at == account.time[0]


@pytest.mark.parametrize("template", ["01", "02", "03"])
def test_every_good_template_lets_its_device_in_at_the_second_connect(
    account: Account, knock: Knock, enter: Enter, signer: Identity, issue: Issue, template: str
) -> None:
    """Evidence: document - developer guide, provision-template. The fourth keeps its device out, below."""
    more = {
        NameOID.SERIAL_NUMBER: "0123",
        NameOID.COUNTRY_NAME: "NO",
        NameOID.ORGANIZATIONAL_UNIT_NAME: "plant7",
    }
    account.call(lambda: prepare(account))
    account.register_ca(signer, template)
    device = issue("device", signer, more=more)
    end = knock(account, device)
    why = account.provisioning().why

    assert end == "close_notify"
    assert enter(account, device).ping() == mqtt.PingResp()
    assert why is None
    assert account.status(device) == "ACTIVE"
    assert len(account.things()) == 1


def test_a_version_1_certificate_is_provisioned_like_any_other(
    account: Account, knock: Knock, enter: Enter, signer: Identity, issue_v1: Issue
) -> None:
    """Evidence: assumed - JITP needs subject, issuer and signature, and all of them are there; the case's own
    device certificate is of version 1.
    """
    account.register_ca(signer)
    device = issue_v1("device", signer)
    end = knock(account, device)

    assert end == "close_notify"
    assert enter(account, device).ping() == mqtt.PingResp()
    assert account.status(device) == "ACTIVE"
    assert account.things() == ["device"]


def prepare(account: Account) -> None:
    """What templates 02 and 03 take for granted."""
    registry, at = account.registry, account.time[0]
    document = {"Version": "2012-10-17", "Statement": [CONNECTS]}
    registry.policies.create("device-least-privilege", json.dumps(document), at=at)
    registry.things.create_type("meter-v2", at=at)
    registry.things.create_group("all-meters", at=at)
    registry.things.create_group("NO", at=at)
    registry.things.create_billing_group("meters", at=at)


# -- the certificate stays PENDING_ACTIVATION --------------------------------------------------------


@pytest.mark.parametrize(
    "template, words",
    [
        ("bad-01", "The template body is invalid: Expecting value"),
        ("bad-02", "Template must have certificate resource."),
        ("bad-03", "has no Country, which the template declares as a parameter"),
        ("bad-04", "a policy resource needs PolicyName or PolicyDocument, one of the two."),
        ("02", "has no SerialNumber, which the template declares as a parameter"),
        ("{ not json", "The template body is invalid"),
    ],
)
def test_a_template_that_cannot_run_leaves_the_device_stuck(
    account: Account,
    knock: Knock,
    device: Identity,
    signer: Identity,
    watcher: RawClient,
    template: str,
    words: str,
) -> None:
    """Evidence: document - developer guide, jit-provisioning: without a value the certificate stays
    PENDING_ACTIVATION; that a broken template does the same is inferred.
    """
    account.register_ca(signer, template)
    ends = [knock(account, device), knock(account, device)]
    events = [told(watcher), told(watcher)]

    assert ends == ["close_notify", "close_notify"]
    assert {event["certificateId"] for event in events} == {device.certificate_id}
    assert account.status(device) == "PENDING_ACTIVATION"
    assert words in (account.provisioning().why or "")
    assert [entry["status"] for entry in account.logged("ProvisionDevice")] == ["Failure", "Failure"]


def test_a_policy_that_does_not_exist_leaves_the_device_stuck_and_the_thing_behind(
    account: Account, knock: Knock, signer: Identity, issue: Issue
) -> None:
    """Evidence: document - AWS's example for ProvisionThing.ClientError; the partial result is inferred."""
    account.register_ca(signer, "02")
    device = issue("device", signer, more={NameOID.SERIAL_NUMBER: "0123"})
    end = knock(account, device)

    assert end == "close_notify"
    assert account.status(device) == "PENDING_ACTIVATION"
    assert account.things() == ["device"]
    assert "there is no policy 'device-least-privilege'" in (account.provisioning().why or "")


@pytest.mark.parametrize(
    "roles, words, things",
    [
        ({}, f"AccessDenied: role {ROLE} cannot be assumed", []),
        ({ROLE: frozenset({"iot:CreateThing"})}, "may not iot:CreatePolicy", ["device"]),
    ],
)
def test_a_role_that_may_not_leaves_the_device_stuck_at_the_first_call_it_may_not_make(
    open_account: OpenAccount,
    knock: Knock,
    device: Identity,
    signer: Identity,
    roles: dict[str, frozenset[str]],
    words: str,
    things: list[str],
) -> None:
    """Evidence: document - dev.classmethod.jp, aws-iot-jitp-permission-troubleshooting (2025)."""
    account = open_account(roles=roles)
    account.register_ca(signer)
    ends = [knock(account, device), knock(account, device)]

    assert ends == ["close_notify", "close_notify"]
    assert account.status(device) == "PENDING_ACTIVATION"
    assert account.things() == things
    assert words in (account.provisioning().why or "")


def test_the_quarantine_template_registers_a_device_that_stays_out(
    account: Account, knock: Knock, signer: Identity, issue: Issue
) -> None:
    """Evidence: document - developer guide, provision-template, Status INACTIVE."""
    account.register_ca(signer, "04")
    account.call(lambda: account.registry.things.create_group("quarantine", at=account.time[0]))
    device = issue("device", signer, more={NameOID.ORGANIZATION_NAME: "CompanyName"})
    ends = [knock(account, device), knock(account, device)]

    assert ends == ["close_notify", "close_notify"]
    assert account.status(device) == "INACTIVE"
    assert account.rule() == "certificate_is_not_inactive"


# -- things and policies that exist already ----------------------------------------------------------


def test_two_devices_share_the_inline_policy(
    account: Account, knock: Knock, enter: Enter, device: Identity, signer: Identity, issue: Issue
) -> None:
    """Evidence: document - developer guide, provision-template: the name is a hash of the document."""
    account.register_ca(signer)
    other = issue("other", signer)
    for one in (device, other):
        knock(account, one)

    assert enter(account, device, "a").ping() == enter(account, other, "b").ping() == mqtt.PingResp()
    assert account.call(lambda: len(list(account.registry.policies))) == 1


def test_two_devices_of_one_name_share_the_thing(
    account: Account, knock: Knock, enter: Enter, device: Identity, signer: Identity, issue: Issue
) -> None:
    """Evidence: assumed - MiniStack's fleet provisioning reuses a thing that does not differ."""
    account.register_ca(signer)
    twin = issue("device", signer)
    for one in (device, twin):
        knock(account, one)

    assert enter(account, device, "a").ping() == enter(account, twin, "b").ping() == mqtt.PingResp()
    assert account.things() == ["device"]
    assert account.call(lambda: len(account.registry.things.principals_of("device"))) == 2


def test_a_thing_that_differs_stops_provisioning(
    account: Account, knock: Knock, device: Identity, signer: Identity
) -> None:
    """Evidence: document - developer guide, provision-template, OverrideSettings; the sentence and the
    default FAIL are those of MiniStack's fleet provisioning.
    """
    account.register_ca(signer)
    account.call(
        lambda: account.registry.things.create("device", at=account.time[0], attributes={"version": "v0"})
    )
    end = knock(account, device)

    assert end == "close_notify"
    assert account.status(device) == "PENDING_ACTIVATION"
    assert account.provisioning().why == (
        'Existing AttributePayload: {"version":"v0"} conflicts with'
        ' AttributePayload: {"version":"v1"} in Template.'
    )


# -- time to provision ---------------------------------------------------------------------------------


def test_a_template_runs_when_its_time_has_come(
    open_account: OpenAccount, knock: Knock, enter: Enter, device: Identity, signer: Identity
) -> None:
    """Evidence: document - aws/iot-atlas pull request 107 speaks of one to three seconds, typically."""
    account = open_account()
    account.desk._schedule = after(3600.0, lambda: account.time[0])
    account.register_ca(signer)
    ends = [knock(account, device), knock(account, device)]
    status = account.status(device)
    account.desk._schedule = after(0.0, lambda: account.time[0])
    ends.append(knock(account, device))

    assert ends == ["close_notify"] * 3
    assert status == "PENDING_ACTIVATION"
    assert enter(account, device).ping() == mqtt.PingResp()
