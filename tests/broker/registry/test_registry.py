"""The registry as a whole: names, endpoints, snapshots, and the JSON it is fed with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.registry import (
    Arns,
    CaStatus,
    CertificateStatus,
    RegistrationConfig,
    Registry,
    counting_ids,
)
from jitpbroker.registry.jsontext import DEEPEST, one_line, parse_json
from jitpbroker.x509 import Certificate


def fill(registry: Registry, certificate: Callable[..., Certificate], now: datetime) -> None:
    registry.cas.register(
        certificate("ca"),
        at=now,
        status=CaStatus.ACTIVE,
        registration_config=RegistrationConfig("{}", "role"),
    )
    device = registry.certificates.register(certificate("device"), at=now, status=CertificateStatus.ACTIVE)
    registry.things.create_type("meter", at=now)
    registry.things.create_group("all", at=now)
    registry.things.create("pu02", at=now, attributes={"v": "1"}, thing_type="meter", groups=("all",))
    registry.things.attach("pu02", device.arn)
    registry.policies.create("p", "{}", at=now)
    registry.policies.attach("p", device.arn)


def test_a_snapshot_holds_everything_and_is_plain_json(
    registry: Registry, certificate: Callable[..., Certificate], now: datetime
) -> None:
    fill(registry, certificate, now)

    snapshot = json.loads(json.dumps(registry.snapshot()))

    (ca,) = snapshot["caCertificates"]
    assert ca["certificateId"] == certificate("ca").id
    assert ca["certificatePem"] == certificate("ca").pem
    assert ca["status"] == "ACTIVE"
    assert ca["autoRegistrationStatus"] == "DISABLE"
    assert ca["registrationConfig"] == {"templateBody": "{}", "roleArn": "role"}
    assert ca["creationDate"] == "2026-11-24T12:00:00+00:00"
    (device,) = snapshot["certificates"]
    assert (device["policies"], device["things"]) == (["p"], ["pu02"])
    assert device["caCertificateId"] is None
    (thing,) = snapshot["things"]
    assert thing["attributes"] == {"v": "1"}
    assert (thing["thingTypeName"], thing["thingGroupNames"]) == ("meter", ["all"])
    assert thing["principals"] == [f"arn:aws:iot:us-east-1:123456789012:cert/{certificate('device').id}"]
    (policy,) = snapshot["policies"]
    assert policy["versions"] == [{"id": "1", "document": "{}", "creationDate": "2026-11-24T12:00:00+00:00"}]
    assert (snapshot["thingTypes"], snapshot["thingGroups"], snapshot["billingGroups"]) == (
        ["meter"],
        ["all"],
        [],
    )


def test_a_snapshot_does_not_change_with_the_registry(
    registry: Registry, certificate: Callable[..., Certificate], now: datetime
) -> None:
    empty = registry.snapshot()
    fill(registry, certificate, now)

    assert registry.snapshot() != empty
    assert empty == Registry().snapshot()


def test_two_runs_with_the_same_input_end_equal(
    certificate: Callable[..., Certificate], now: datetime
) -> None:
    one, other = Registry(), Registry()
    fill(one, certificate, now)
    fill(other, certificate, now)

    assert one.snapshot() == other.snapshot()


def test_identifiers_come_from_where_they_are_told_to(
    certificate: Callable[..., Certificate], now: datetime
) -> None:
    registry = Registry(new_id=lambda: "an id")

    assert registry.cas.register(certificate("ca"), at=now).generation_id == "an id"


def test_counted_identifiers_look_like_uuids_and_differ() -> None:
    new_id = counting_ids()

    assert new_id() == "00000000-0000-0000-0000-000000000001"
    assert new_id() == "00000000-0000-0000-0000-000000000002"


def test_account_and_region_make_the_endpoint_and_every_arn() -> None:
    arns = Arns("000000000042", "eu-central-1")
    registry = Registry(arns, other_endpoints=["Other.IoT.example"])

    prefix, rest = registry.endpoint.split("-ats.iot.")
    assert len(prefix) == 14
    assert rest == "eu-central-1.amazonaws.com"
    assert registry.endpoint != Registry().endpoint
    assert registry.other_endpoints == {"other.iot.example"}
    head = "arn:aws:iot:eu-central-1:000000000042:"
    assert arns.client("c") == f"{head}client/c"
    assert arns.topic("a/b") == f"{head}topic/a/b"
    assert arns.topic_filter("a/#") == f"{head}topicfilter/a/#"
    assert arns.policy("p") == f"{head}policy/p"


@pytest.mark.parametrize(
    "account, region, reason",
    [("12345", "us-east-1", "is not 12 digits"), ("1" * 12, "US East", "is no Region name")],
)
def test_a_bad_account_or_region_is_refused(account: str, region: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Arns(account, region)


@pytest.mark.parametrize(
    "text, reason",
    [
        ('{"a": NaN}', "NaN is not JSON"),
        ("{", "Expecting"),
        ("[" * 100_000, "nested deeper"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested deeper"),
        (r'"\ud800"', "half of a surrogate pair"),
        ("1" * 5000, "Exceeds the limit"),
    ],
)
def test_json_that_is_none_or_too_much_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_json_at_the_limit_is_read() -> None:
    assert one_line(parse_json("[" * DEEPEST + "]" * DEEPEST)) == "[" * DEEPEST + "]" * DEEPEST


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_what_is_written_on_one_line_is_read_back(document: object) -> None:
    assert parse_json(json.dumps(document)) == document
