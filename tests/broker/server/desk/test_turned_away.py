"""Who is turned away before anything is registered, and who is not; the wire first.

TLS completes in every row but the one without a certificate; ``dial`` would fail otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt
from jitpbroker.registry import AutoRegistration, CaStatus, CertificateMode, CertificateStatus
from jitpbroker.registry.jsontext import Json

if TYPE_CHECKING:
    from tests.broker.server.conftest import Dial, Identity, Issue, RawClient
    from tests.broker.server.desk.conftest import Account, Enter, Knock, OpenAccount

EVERYTHING: dict[str, Json] = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
CONNECTS: dict[str, Json] = {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}
ROLE = "arn:aws:iam::123456789012:role/JITPRole"
REGISTERED = "$aws/events/certificates/registered/"


def reasons(account: Account) -> list[Json]:
    return [entry["reason"] for entry in account.logged("Connection.AuthNError")]


def nothing_was_told(client: RawClient) -> bool:
    """Whether no event is under way."""
    return client.ping() == mqtt.PingResp()


# -- nothing is registered ---------------------------------------------------------------------------


def unknown_issuer(account: Account, device: Identity, signer: Identity, issue: Issue) -> Identity:
    """Evidence: document - aws-iot-device-sdk-embedded-C issue 1920."""
    return device


def self_signed(account: Account, device: Identity, signer: Identity, issue: Issue) -> Identity:
    """Evidence: document - aws-iot-device-sdk-embedded-C issue 1920."""
    account.register_ca(signer)
    return issue("self")


def a_signature_of_somebody_else(
    account: Account, device: Identity, signer: Identity, issue: Issue
) -> Identity:
    """Evidence: assumed - what RegisterCertificate refuses is refused on connect, too."""
    account.register_ca(signer)
    forger = issue("signer")
    return issue("device", replace(signer, key=forger.key))


def another_ca_of_the_name(account: Account, device: Identity, signer: Identity, issue: Issue) -> Identity:
    """Evidence: assumed - the case (StackOverflow question 65735301) shows it, the comparison is inferred."""
    account.register_ca(signer)
    return issue("device", issue("signer"))


def an_inactive_ca(account: Account, device: Identity, signer: Identity, issue: Issue) -> Identity:
    """Evidence: document - developer guide, manage-your-CA-certs."""
    account.register_ca(signer, status=CaStatus.INACTIVE)
    return device


def no_auto_registration(account: Account, device: Identity, signer: Identity, issue: Issue) -> Identity:
    """Evidence: document - developer guide, auto-register-device-cert."""
    account.register_ca(signer, auto_registration=AutoRegistration.DISABLE)
    return device


def an_expired_device(account: Account, device: Identity, signer: Identity, issue: Issue) -> Identity:
    """Evidence: assumed - floci refuses expired certificates; AWS IoT's pages are silent."""
    account.register_ca(signer)
    return issue("device", signer, days=-1)


def a_device_of_tomorrow(account: Account, device: Identity, signer: Identity, issue: Issue) -> Identity:
    """Evidence: assumed - as for expired certificates."""
    account.register_ca(signer)
    return issue("device", signer, begins=1)


def a_root_instead_of_the_signer(
    account: Account, device: Identity, signer: Identity, issue: Issue
) -> Identity:
    """Evidence: document - developer guide, device-certs-your-own: register what signs the devices."""
    root = issue("root")
    account.register_ca(root)
    return issue("device", issue("intermediate", root))


Cast = tuple["Identity", "Identity", "Issue"]


@pytest.fixture
def cast(device: Identity, signer: Identity, issue: Issue) -> Cast:
    """Who plays, and how others are made."""
    return device, signer, issue


Arrange = Callable[["Account", "Identity", "Identity", "Issue"], "Identity"]


@pytest.mark.parametrize(
    "arrange, rule, reason",
    [
        (unknown_issuer, "issuer_is_known", "DEVICE_CERTIFICATE_NOT_REGISTERED"),
        (self_signed, "issuer_is_known", "DEVICE_CERTIFICATE_NOT_REGISTERED"),
        (a_signature_of_somebody_else, "every_link_is_signed", "DEVICE_CERTIFICATE_NOT_REGISTERED"),
        (another_ca_of_the_name, "presented_ca_is_registered", "DEVICE_CERTIFICATE_NOT_REGISTERED"),
        (an_inactive_ca, "ca_is_active", "DEVICE_CERTIFICATE_NOT_REGISTERED"),
        (no_auto_registration, "ca_auto_registers", "DEVICE_CERTIFICATE_NOT_REGISTERED"),
        (an_expired_device, "leaf_is_in_date", "NOT_AUTHENTICATED"),
        (a_device_of_tomorrow, "leaf_is_in_date", "NOT_AUTHENTICATED"),
        (a_root_instead_of_the_signer, "issuer_is_known", "DEVICE_CERTIFICATE_NOT_REGISTERED"),
    ],
)
def test_who_cannot_be_registered_is_hung_up_on_and_leaves_no_trace_in_the_registry(
    account: Account,
    knock: Knock,
    cast: Cast,
    watcher: RawClient,
    arrange: Arrange,
    rule: str,
    reason: str,
) -> None:
    stranger = arrange(account, *cast)
    before = account.call(account.registry.snapshot)
    ends = [knock(account, stranger), knock(account, stranger)]

    assert ends == ["close_notify", "close_notify"]
    assert nothing_was_told(watcher)
    assert account.call(account.registry.snapshot) == before
    assert account.rule() == rule
    assert reasons(account) == [reason, reason]
    assert arrange.__doc__ is not None
    assert arrange.__doc__.startswith("Evidence: ")


@pytest.mark.parametrize(
    "status, reason",
    [
        (CertificateStatus.INACTIVE, "DEVICE_CERTIFICATE_INACTIVE"),
        (CertificateStatus.REVOKED, "DEVICE_CERTIFICATE_REVOKED"),
        (CertificateStatus.PENDING_TRANSFER, "DEVICE_CERTIFICATE_INACTIVE"),
    ],
)
def test_a_certificate_that_was_put_out_of_use_is_not_registered_again(
    account: Account,
    knock: Knock,
    device: Identity,
    signer: Identity,
    watcher: RawClient,
    status: CertificateStatus,
    reason: str,
) -> None:
    """Evidence: document - developer guide, manage-device-certs; that no event follows is MiniStack's."""
    account.register_ca(signer)
    account.register(device, CONNECTS, status=status)
    end = knock(account, device)

    assert end == "close_notify"
    assert nothing_was_told(watcher)
    assert account.status(device) == status.value
    assert reasons(account) == [reason]


# -- dates, versions and keys ------------------------------------------------------------------------


def test_an_expired_ca_still_registers(account: Account, knock: Knock, enter: Enter, issue: Issue) -> None:
    """Evidence: assumed - nothing says that an expired CA certificate stops working."""
    old = issue("old signer", days=-1)
    account.register_ca(old)
    device = issue("device", old)
    end = knock(account, device)

    assert end == "close_notify"
    assert enter(account, device).ping() == mqtt.PingResp()


def test_a_version_1_certificate_registered_by_hand_is_let_in(
    account: Account, enter: Enter, v1_device: Identity
) -> None:
    """Evidence: assumed - admission needs subject, issuer and signature, which version 1 has."""
    account.register(v1_device, CONNECTS)

    assert enter(account, v1_device).ping() == mqtt.PingResp()


def test_a_client_without_a_certificate_fails_in_the_handshake(account: Account, dial: Dial) -> None:
    """Evidence: assumed - aws-iot-device-sdk-python issue 265 speaks of an alert, no document does."""
    client = dial(account, None, handshake=False, version=_TLS12)
    with pytest.raises(Exception, match="handshake failure"):
        client.handshake()

    assert account.call(lambda: len(account.trace)) == 2  # the handshake and the end, no CONNECT


_TLS12 = 0x0303


# -- server names and accounts -----------------------------------------------------------------------


def test_without_a_server_name_a_default_certificate_is_let_in_and_nothing_is_ever_logged(
    account: Account, knock: Knock, enter: Enter, device: Identity, issue: Issue
) -> None:
    """Evidence: document - CertificateDescription.certificateMode in AWS's service model."""
    account.register(device, CONNECTS)
    refused = knock(account, issue("stranger"), sni=None)

    assert enter(account, device, sni=None).ping() == mqtt.PingResp()
    assert refused == "close_notify"
    assert reasons(account) == []


def test_without_a_server_name_a_certificate_in_sni_only_mode_is_refused_and_not_logged(
    account: Account, knock: Knock, enter: Enter, device: Identity
) -> None:
    """Evidence: document - CertificateDescription.certificateMode in AWS's service model."""
    account.register(device, CONNECTS, mode=CertificateMode.SNI_ONLY)
    end = knock(account, device, sni=None)

    assert end == "close_notify"
    assert enter(account, device).ping() == mqtt.PingResp()
    assert reasons(account) == []
    assert account.last_end().why.startswith("Certificate")


def test_another_accounts_server_name_is_refused_and_logged_as_misused(
    account: Account, knock: Knock, device: Identity, watcher: RawClient, signer: Identity
) -> None:
    """Evidence: document - AWS What's New 2026-06-03, SNI_MISUSED; developer guide, x509-client-certs."""
    account.register_ca(signer)
    account.register(device, CONNECTS)
    end = knock(account, device, sni=b"other-account.iot.example")

    assert end == "close_notify"
    assert nothing_was_told(watcher)
    assert account.rule() == "sni_selects_this_account"
    assert reasons(account) == ["SNI_MISUSED"]


def test_without_chain_and_server_name_nothing_is_registered_but_one_of_them_suffices(
    account: Account, knock: Knock, device: Identity, signer: Identity
) -> None:
    """Evidence: document - developer guide, jit-provisioning (2022 and later)."""
    account.register_ca(signer)
    alone = replace(device, chain=device.chain[:1])
    neither = knock(account, alone, sni=None)
    before = account.status(device)
    with_name = knock(account, alone)

    assert neither == with_name == "close_notify"
    assert before is None
    assert account.status(device) == "ACTIVE"


def test_in_2021_the_chain_has_to_be_sent(
    open_account: OpenAccount, knock: Knock, device: Identity, signer: Identity
) -> None:
    """Evidence: document - AWS IoT blog on just-in-time provisioning (2017)."""
    account = open_account(profile="aws-2021")
    account.register_ca(signer)
    alone = knock(account, replace(device, chain=device.chain[:1]))
    before, rule = account.status(device), account.rule()
    whole = knock(account, device)

    assert alone == whole == "close_notify"
    assert (before, rule) == (None, "chain_carries_a_registered_ca")
    assert account.status(device) == "ACTIVE"
    assert reasons(account) == []


def test_a_certificate_registered_without_a_ca_is_let_in_and_never_provisioned(
    account: Account, enter: Enter, device: Identity, watcher: RawClient
) -> None:
    """Evidence: document - developer guide, x509-client-certs, multi-account registration."""
    account.register(device, CONNECTS, mode=CertificateMode.SNI_ONLY)

    assert enter(account, device).ping() == mqtt.PingResp()
    assert nothing_was_told(watcher)
    assert account.things() == []


def test_what_another_account_knows_counts_for_nothing_here(
    open_account: OpenAccount, knock: Knock, enter: Enter, device: Identity, signer: Identity
) -> None:
    """Evidence: document - developer guide, x509-client-certs, multi-account registration: an account knows
    its own certificates only; provisioning there is that of any unknown certificate.
    """
    there, here, stranger = open_account(), open_account(), open_account()
    there.register(device, CONNECTS)
    here.register_ca(signer)
    known = enter(there, device)
    ends = [knock(here, device), knock(stranger, device)]

    assert ends == ["close_notify", "close_notify"]
    assert known.ping() == enter(here, device).ping() == mqtt.PingResp()
    assert (here.status(device), here.things()) == ("ACTIVE", ["device"])
    assert (there.status(device), there.things()) == ("ACTIVE", [])
    assert stranger.status(device) is None
    assert reasons(stranger) == ["DEVICE_CERTIFICATE_NOT_REGISTERED"]
