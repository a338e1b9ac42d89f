"""Templates at work: what each vector makes, and how a run stops half way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest

from jitpbroker.admission.profiles import AWS_2026, Profile
from jitpbroker.admission.provision import inline_policy_name
from jitpbroker.gate import Admitted, HangUp
from jitpbroker.registry import CertificateStatus, Registry
from jitpbroker.registry.jsontext import Json
from jitpbroker.trace import Provisioning, Trace
from jitpbroker.x509 import Certificate

Pki: TypeAlias = Mapping[str, Certificate]
Connect: TypeAlias = Callable[..., Admitted | HangUp]
RegisterCa: TypeAlias = Callable[..., object]

SIGNER = "O=CompanyName,CN=signer FFFF"


@pytest.fixture
def profile() -> Profile:
    """Templates run alike in every year."""
    return AWS_2026


@pytest.fixture
def onboard(
    connect: Connect, register_ca: RegisterCa, issue: Callable[..., Certificate], pki: Pki, trace: Trace
) -> Callable[..., Provisioning]:
    """``onboard(body, subject=)``: one CONNECT under a CA with this template; what became of it."""

    def run(body: str, subject: str = "O=CompanyName,CN=pu02", key: int = 20) -> Provisioning:
        if not any(isinstance(each, Provisioning) for each in trace):
            register_ca(pki["signer"], body=body)
        leaf = issue(subject, key=key, issuer=SIGNER, issuer_key=2)
        connect(leaf, pki["signer"])
        record = trace[-1]
        assert isinstance(record, Provisioning)
        return record

    return run


Onboard: TypeAlias = Callable[..., Provisioning]


def test_template_01_makes_a_thing_and_an_inline_policy_named_by_its_hash(
    onboard: Onboard, template: Callable[[str], str], registry: Registry
) -> None:
    record = onboard(template("01"))

    document = json.loads(template("01"))["Resources"]["policy"]["Properties"]["PolicyDocument"]
    assert record.succeeded
    assert record.certificate_status == "ACTIVE"
    assert record.policy_names == (inline_policy_name(document),)
    policy = registry.policies.get(record.policy_names[0])
    assert policy is not None
    assert policy.document == document
    thing = registry.things.get("pu02")
    assert thing is not None
    assert thing.attributes == {"version": "v1"}


def test_a_second_device_reuses_the_inline_policy(
    onboard: Onboard, template: Callable[[str], str], registry: Registry
) -> None:
    onboard(template("01"))
    record = onboard(template("01"), "O=CompanyName,CN=pu03", 21)

    assert record.succeeded
    assert len(list(registry.policies)) == 1
    assert len(registry.policies.targets_of(record.policy_names[0])) == 2


def test_a_second_device_of_the_same_name_is_attached_to_the_same_thing(
    onboard: Onboard, template: Callable[[str], str], registry: Registry
) -> None:
    onboard(template("01"))
    record = onboard(template("01"), key=21)

    assert record.succeeded
    assert len(registry.things.principals_of("pu02")) == 2
    thing = registry.things.get("pu02")
    assert thing is not None
    assert thing.version == 1


def test_template_02_uses_a_policy_that_exists_and_the_subjects_serial_number(
    onboard: Onboard, template: Callable[[str], str], registry: Registry, pki: Pki
) -> None:
    registry.policies.create("device-least-privilege", "{}", at=pki["signer"].not_before)

    record = onboard(template("02"), "O=CompanyName,CN=pu02,serialNumber=0123")

    assert record.succeeded
    assert record.policy_names == ("device-least-privilege",)
    thing = registry.things.get("pu02")
    assert thing is not None
    assert thing.attributes == {"serialNumber": "0123", "fw": "0"}


def test_template_02_without_its_policy_stays_pending_and_leaves_the_thing(
    onboard: Onboard, template: Callable[[str], str], registry: Registry
) -> None:
    record = onboard(template("02"), "O=CompanyName,CN=pu02,serialNumber=0123")

    assert not record.succeeded
    assert record.certificate_status == "PENDING_ACTIVATION"
    assert record.why is not None
    assert "there is no policy 'device-least-privilege'" in record.why
    assert (record.thing_name, record.policy_names) == ("pu02", ())
    assert registry.things.get("pu02") is not None
    assert registry.things.principals_of("pu02") == ()


def test_template_03_puts_a_typed_thing_into_groups(
    onboard: Onboard, template: Callable[[str], str], registry: Registry, pki: Pki
) -> None:
    at = pki["signer"].not_before
    registry.things.create_type("meter-v2", at=at)
    registry.things.create_group("all-meters", at=at)
    registry.things.create_group("NO", at=at)
    registry.things.create_billing_group("meters", at=at)

    record = onboard(template("03"), "C=NO,O=CompanyName,OU=plant7,CN=pu02")

    assert record.succeeded, record.why
    thing = registry.things.get("pu02")
    assert thing is not None
    assert (thing.thing_type, thing.groups, thing.billing_group) == (
        "meter-v2",
        ("all-meters", "NO"),
        "meters",
    )
    assert thing.attributes == {"plant": "plant7", "stage": "field"}


def test_template_03_without_its_type_stays_pending(onboard: Onboard, template: Callable[[str], str]) -> None:
    record = onboard(template("03"), "C=NO,O=CompanyName,OU=plant7,CN=pu02")

    assert record.why == "Thing Type 123456789012:meter-v2 not found."
    assert record.thing_name is None


def test_template_04_ends_inactive_and_the_next_connect_is_refused(
    onboard: Onboard,
    connect: Connect,
    template: Callable[[str], str],
    registry: Registry,
    pki: Pki,
    issue: Callable[..., Certificate],
) -> None:
    registry.things.create_group("quarantine", at=pki["signer"].not_before)

    record = onboard(template("04"), "O=CompanyName,CN=pu02")
    again = connect(issue("O=CompanyName,CN=pu02", key=20, issuer=SIGNER, issuer_key=2), pki["signer"])

    assert record.succeeded
    assert record.certificate_status == "INACTIVE"
    assert isinstance(again, HangUp)
    assert "is INACTIVE; only ACTIVE connects" in again.why


def test_the_fleet_template_cannot_run_just_in_time(onboard: Onboard, template: Callable[[str], str]) -> None:
    record = onboard(template("05"))

    assert record.why is not None
    assert record.why.startswith("Parameter SerialNumber has no Default and comes from no certificate")


def test_the_fleet_functions_run_just_in_time_when_the_parameters_are_there(
    onboard: Onboard, template: Callable[[str], str], registry: Registry, pki: Pki
) -> None:
    body = template("05").replace('"SerialNumber"', '"AWS::IoT::Certificate::CommonName"')
    body = body.replace("${SerialNumber}", "${AWS::IoT::Certificate::CommonName}")
    registry.things.create_group("g-lab", at=pki["signer"].not_before)

    record = onboard(body, "O=CompanyName,CN=A1_B2")

    assert record.succeeded, record.why
    thing = registry.things.get("gw-A1_B2")
    assert thing is not None
    assert thing.attributes == {"serial": "A1_B2", "prefix": "A1"}
    assert thing.groups == ("g-lab",)
    policy = registry.policies.get(record.policy_names[0])
    assert policy is not None
    assert "client/gw-A1_B2" in policy.document


@pytest.mark.parametrize(
    "stem, reason",
    [
        ("bad-01", "The template body is invalid: Expecting value"),
        ("bad-02", "The template body is invalid: Template must have certificate resource."),
        ("bad-03", "The certificate's subject (CN=pu02,O=CompanyName) has no Country"),
        ("bad-04", "a policy resource needs PolicyName or PolicyDocument"),
    ],
)
def test_a_bad_template_leaves_the_certificate_pending_at_every_connect(
    onboard: Onboard, template: Callable[[str], str], registry: Registry, stem: str, reason: str
) -> None:
    first = onboard(template(stem))
    second = onboard(template(stem))

    for record in (first, second):
        assert not record.succeeded
        assert record.why is not None
        assert reason in record.why
        assert record.certificate_status == "PENDING_ACTIVATION"
    device = registry.certificates.get(first.certificate_id)
    assert device is not None
    assert device.status is CertificateStatus.PENDING_ACTIVATION
    assert list(registry.things) == []


def changed(template: str, **change: Json) -> str:
    """Template 01 with another thing, certificate or policy: ``thing__Properties__ThingName="x"``."""
    body = json.loads(template)
    for path, value in change.items():
        place = body["Resources"]
        *way, last = path.split("__")
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value
    return json.dumps(body)


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"thing__Properties__ThingName": "no good"}, "'no good' is no thing name"),
        ({"thing__Properties__ThingName": 7}, "ThingName must be a string, not 7"),
        ({"thing__Properties__AttributePayload": "x"}, "AttributePayload must be a map, not 'x'"),
        ({"thing__Properties__AttributePayload": {"a": 7}}, "Attribute a must be a string, not 7"),
        ({"thing__Properties__AttributePayload": {"a": "b c"}}, "Attribute a cannot hold 'b c'"),
        ({"thing__Properties__ThingGroups": "x"}, "ThingGroups must be a list, not 'x'"),
        (
            {"policy__Properties__PolicyDocument": "{}"},
            "MalformedPolicyException: The policy document's Version",
        ),
        (
            {"policy__Properties__PolicyDocument": 7},
            "MalformedPolicyException: The policy document is no JSON",
        ),
        ({"certificate__Properties__Status": "PENDING"}, "The certificate's Status is 'PENDING'"),
        ({"certificate__Properties__Status": ["x"]}, "The certificate's Status must be a string"),
    ],
)
def test_a_value_that_aws_would_not_take_stops_the_run(
    onboard: Onboard, template: Callable[[str], str], change: dict[str, Json], reason: str
) -> None:
    record = onboard(changed(template("01"), **change))

    assert record.why is not None
    assert reason in record.why
    assert record.certificate_status == "PENDING_ACTIVATION"


@pytest.mark.parametrize("status", ["ACTIVE", "Active", "active"])
def test_the_status_is_read_without_regard_to_case(
    onboard: Onboard, template: Callable[[str], str], status: str
) -> None:
    record = onboard(changed(template("01"), certificate__Properties__Status=status))

    assert record.certificate_status == "ACTIVE"


def test_what_the_subject_says_goes_before_a_default(
    onboard: Onboard, template: Callable[[str], str], registry: Registry
) -> None:
    body = json.loads(template("01"))
    body["Parameters"]["AWS::IoT::Certificate::CommonName"]["Default"] = "nobody"
    body["Parameters"]["AWS::IoT::Certificate::Country"] = {"Type": "String", "Default": "nowhere"}
    body["Resources"]["thing"]["Properties"]["AttributePayload"] = {
        "country": {"Ref": "AWS::IoT::Certificate::Country"}
    }

    record = onboard(json.dumps(body))

    assert record.thing_name == "pu02"
    thing = registry.things.get("pu02")
    assert thing is not None
    assert thing.attributes == {"country": "nowhere"}


def test_the_status_may_be_left_out_and_is_then_active(
    onboard: Onboard, template: Callable[[str], str]
) -> None:
    body = json.loads(template("01"))
    del body["Resources"]["certificate"]["Properties"]["Status"]

    assert onboard(json.dumps(body)).certificate_status == "ACTIVE"


def test_a_thing_needs_nothing_but_a_name_and_a_template_no_thing(
    onboard: Onboard, template: Callable[[str], str], registry: Registry
) -> None:
    body = json.loads(template("01"))
    del body["Resources"]["thing"]["Properties"]["AttributePayload"]
    bare = onboard(json.dumps(body))
    again = onboard(json.dumps(body), key=21)

    assert bare.succeeded
    assert again.succeeded
    thing = registry.things.get("pu02")
    assert thing is not None
    assert thing.attributes == {}
