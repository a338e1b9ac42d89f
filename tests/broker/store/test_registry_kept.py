"""What a registry held is what it holds after the file was closed, or was left behind by one that died."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.gate import Admitted, HangUp
from jitpbroker.registry.entities import (
    AutoRegistration,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    RegistrationConfig,
)
from jitpbroker.registry.ids import counting_ids
from jitpbroker.registry.names import Arns
from jitpbroker.registry.settings import EventConfigurations, LoggingOptions, Transfer
from jitpbroker.registry.store import Registry
from jitpbroker.store.codec import NoFact, fact_of, read_fact, read_key, write_fact, write_key
from jitpbroker.store.errors import StateError
from jitpbroker.store.state import State
from jitpbroker.trace import Trace
from jitpbroker.x509 import Certificate
from jitplab import pki

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/JITPRole"
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}'
TEMPLATE = json.dumps(
    {
        "Parameters": {"AWS::IoT::Certificate::Id": {"Type": "String"}},
        "Resources": {
            "certificate": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "ACTIVE"},
            }
        },
    }
)
KEYS = pki.KeySource("kept")
ROOT = pki.make_root(KEYS)
SIGNER = pki.make_signer(KEYS, ROOT)
LEAF = pki.make_device_certificate(
    SIGNER, KEYS.key("device").public_key, common_name="device", serial=b"\x40" * 16
)


def opened(directory: Path) -> State:
    return State.open(directory, new_id=counting_ids())


def furnish(registry: Registry) -> None:
    """At least one fact in every table, and some that came, changed and went."""
    at = NOW
    registry.templates.create("named", TEMPLATE, at=at, role_arn=ROLE)
    registry.cas.register(
        Certificate.from_der(SIGNER.certificate),
        at=at,
        status=CaStatus.ACTIVE,
        auto_registration=AutoRegistration.ENABLE,
        registration_config=RegistrationConfig(TEMPLATE, ROLE),
    )
    registry.cas.register(
        Certificate.from_der(ROOT.certificate), at=at, certificate_mode=CertificateMode.SNI_ONLY
    )
    device = registry.certificates.register(
        Certificate.from_der(LEAF), at=at, status=CertificateStatus.PENDING_ACTIVATION
    )
    registry.certificates.set_status(device.id, CertificateStatus.ACTIVE, at=at + timedelta(seconds=1))
    registry.policies.create("all", POLICY, at=at)
    registry.policies.add_version("all", POLICY.replace("*", "iot:*"), at=at)
    registry.policies.attach("all", device.arn)
    registry.policies.create("gone", POLICY, at=at)
    registry.policies.delete("gone")
    registry.things.create_type("kind", at=at)
    registry.things.create_group("group", at=at)
    registry.things.create_billing_group("bills", at=at)
    registry.things.create(
        "thing",
        at=at,
        attributes={"colour": "red"},
        thing_type="kind",
        groups=("group",),
        billing_group="bills",
    )
    registry.things.attach("thing", device.arn)
    registry.tags.set(device.arn, {"owner": "somebody"})
    registry.transfers[device.id] = Transfer(device.id, "210987654321", "yours", at)
    registry.registration_code = "a" * 64
    registry.logging = LoggingOptions(role_arn=ROLE)
    registry.event_configurations = EventConfigurations({"THING": True}, at, at)


def test_everything_of_a_registry_survives(tmp_path: Path) -> None:
    state = opened(tmp_path)
    furnish(state.registry)
    state.commit()
    before = state.registry.snapshot()
    state.close()

    again = opened(tmp_path)

    assert again.registry.snapshot() == before
    assert [name for name, table in again.registry.tables.items() if not table] == []
    assert again.registry.cas.named(Certificate.from_der(LEAF).issuer)[0].id
    again.close()


def test_what_was_not_committed_was_never_acknowledged_and_is_not_there(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.registry.policies.create("kept", POLICY, at=NOW)
    state.commit()
    state.registry.policies.create("lost", POLICY, at=NOW)
    state._connection.engine.dispose()  # as if the process had been killed

    again = opened(tmp_path)

    assert [policy.name for policy in again.registry.policies] == ["kept"]
    again.close()


def test_what_is_abandoned_is_not_written(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.registry.policies.create("tried", POLICY, at=NOW)
    state.abandon()

    again = opened(tmp_path)

    assert list(again.registry.policies) == []
    again.close()


def test_a_device_whose_provisioning_was_cut_off_is_provisioned_when_it_comes_again(tmp_path: Path) -> None:
    """Nothing is stuck for ever: in PENDING_ACTIVATION its template runs at every CONNECT, restart or none.

    Evidence: assumed - AWS documents the event that is published again (auto-register-device-cert); that the
    template runs again, too, is inferred.
    """
    attempt = Attempt((LEAF, SIGNER.certificate), "localhost", None, "device", NOW)
    template = json.loads(TEMPLATE)
    template["Resources"]["policy"] = {
        "Type": "AWS::IoT::Policy",
        "Properties": {"PolicyDocument": POLICY},
    }
    first = opened(tmp_path)
    first.registry.cas.register(
        Certificate.from_der(SIGNER.certificate),
        at=NOW,
        status=CaStatus.ACTIVE,
        auto_registration=AutoRegistration.ENABLE,
        registration_config=RegistrationConfig(json.dumps(template), ROLE),
    )
    cut_off = FrontDesk(first.registry, Trace(), schedule=lambda _job, _at: None)
    assert isinstance(cut_off.connect(attempt), HangUp)
    first.commit()
    first._connection.engine.dispose()  # as if the process had been killed

    again = opened(tmp_path)
    (waiting,) = again.registry.certificates
    desk = FrontDesk(again.registry, Trace())
    sent_away, let_in = desk.connect(attempt), desk.connect(attempt)
    (device,) = again.registry.certificates
    again.close()

    assert waiting.status is CertificateStatus.PENDING_ACTIVATION
    assert isinstance(sent_away, HangUp)
    assert device.status is CertificateStatus.ACTIVE
    assert isinstance(let_in, Admitted)


def test_facts_keep_their_order_also_when_they_change_or_are_made_again(tmp_path: Path) -> None:
    state = opened(tmp_path)
    for name in ("one", "two", "three"):
        state.registry.things.create(name, at=NOW)
    state.commit()
    state.registry.things.update("one", attributes={"a": "b"}, thing_type=None, groups=())
    state.registry.things.delete("two")
    state.registry.things.create("two", at=NOW)
    state.close()

    again = opened(tmp_path)

    assert [thing.name for thing in again.registry.things] == ["one", "three", "two"]
    again.close()


def test_other_accounts_are_kept_beside_the_first(tmp_path: Path) -> None:
    state = opened(tmp_path)
    other = Registry(Arns("210987654321", "us-east-1"), new_id=counting_ids())
    state.keep(other)
    other.things.create("elsewhere", at=NOW)
    state.close()

    again = opened(tmp_path)

    assert [each.arns.account for each in again.others] == ["210987654321"]
    assert [thing.name for thing in again.others[0].things] == ["elsewhere"]
    assert other.endpoint in again.registry.other_endpoints  # as SNI it selects that account, not this
    assert list(again.registry.things) == []
    with pytest.raises(StateError, match="cannot be used"):
        again.keep(other)  # it is kept already
    again.close()


def test_nothing_pending_writes_nothing(tmp_path: Path) -> None:
    state = opened(tmp_path)
    wal = tmp_path / "broker-state.sqlite3-wal"
    size = wal.stat().st_size if wal.exists() else 0
    state.commit()

    assert (wal.stat().st_size if wal.exists() else 0) == size
    state.close()


@given(st.text(), st.text())
def test_keys_are_read_as_they_were_written(first: str, second: str) -> None:
    assert read_key(write_key(first)) == first
    assert read_key(write_key((first, second))) == (first, second)


@given(st.dictionaries(st.text(), st.text()))
def test_maps_of_text_are_read_as_they_were_written(value: dict[str, str]) -> None:
    assert read_fact(dict[str, str], write_fact(value)) == value


@pytest.mark.parametrize(
    "kind, text, why",
    [
        (int, '"one"', "it is 'one'; expected int"),
        (bool, "1", "it is 1; expected bool"),
        (datetime, '"yesterday"', "no ISO 8601 time"),
        (datetime, '"2026-01-31T00:00:00"', "names no time zone"),
        (CaStatus, '"SLEEPY"', "expected one of ACTIVE, INACTIVE"),
        (tuple[str, ...], "{}", "expected a list"),
        (tuple[str, str], '["one"]', "has 1 members; expected 2"),
        (dict[str, int], '{"a":"b"}', r"it\.a is 'b'; expected int"),
        (dict[tuple[str, str], str], '{"plain":"x"}', "expected a kind, a slash and a name"),
        (dict[str, str], "[]", "expected an object"),
        (Transfer, "[]", "expected an object"),
        (Transfer, '{"certificateId":"x"}', "it has no "),
        (RegistrationConfig, '{"templateBody":"","roleArn":"","colour":1}', "the unknown member 'colour'"),
    ],
)
def test_what_is_no_such_fact_is_refused_by_its_place(kind: object, text: str, why: str) -> None:
    with pytest.raises(NoFact, match=why):
        read_fact(kind, text)


def test_a_pair_of_names_is_read_as_the_key_it_is_and_nothing_else_is() -> None:
    with pytest.raises(NoFact, match="expected a name or a pair of names"):
        read_key("[1, 2]")


def test_a_certificate_has_to_be_the_one_that_its_id_names() -> None:
    registry = Registry(new_id=counting_ids())
    device = registry.certificates.register(
        Certificate.from_der(LEAF), at=NOW, status=CertificateStatus.ACTIVE
    )
    told = json.loads(write_fact(device))

    with pytest.raises(NoFact, match="but its certificate is"):
        fact_of(type(device), told | {"certificateId": "0" * 64})
    with pytest.raises(NoFact, match="it has no certificatePem"):
        fact_of(type(device), {k: v for k, v in told.items() if k != "certificatePem"})
