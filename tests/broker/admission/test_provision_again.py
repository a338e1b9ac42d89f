"""A thing that exists already, and a role that may not do everything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.admission.profiles import AWS_2026, Profile
from jitpbroker.gate import Admitted, HangUp
from jitpbroker.registry import RegistrationConfig, Registry
from jitpbroker.registry.jsontext import Json
from jitpbroker.registry.templates import TemplateType
from jitpbroker.trace import Provisioning, Trace
from jitpbroker.x509 import Certificate

Pki: TypeAlias = Mapping[str, Certificate]
Connect: TypeAlias = Callable[..., Admitted | HangUp]
RegisterCa: TypeAlias = Callable[..., object]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
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


EXISTING: dict[str, str] = {"version": "v0", "kept": "yes"}


@pytest.mark.parametrize(
    "override, attributes",
    [
        ("DO_NOTHING", EXISTING),
        ("REPLACE", {"version": "v1"}),
        ("MERGE", {"version": "v1", "kept": "yes"}),
    ],
)
def test_differing_attributes_are_overridden_as_told(
    onboard: Onboard,
    template: Callable[[str], str],
    registry: Registry,
    pki: Pki,
    override: str,
    attributes: dict[str, str],
) -> None:
    registry.things.create("pu02", at=pki["signer"].not_before, attributes=EXISTING)

    record = onboard(changed(template("01"), thing__OverrideSettings={"AttributePayload": override}))

    assert record.succeeded
    thing = registry.things.get("pu02")
    assert thing is not None
    assert thing.attributes == attributes
    assert thing.version == (1 if override == "DO_NOTHING" else 2)


@pytest.mark.parametrize("settings", [{}, {"AttributePayload": "FAIL"}])
def test_differing_attributes_fail_when_nothing_else_is_said(
    onboard: Onboard, template: Callable[[str], str], registry: Registry, pki: Pki, settings: dict[str, Json]
) -> None:
    registry.things.create("pu02", at=pki["signer"].not_before, attributes={"version": "v0"})

    record = onboard(changed(template("01"), thing__OverrideSettings=settings))

    assert record.why == (
        'Existing AttributePayload: {"version":"v0"} conflicts'
        ' with AttributePayload: {"version":"v1"} in Template.'
    )


@pytest.mark.parametrize(
    "override, kind, groups",
    [
        ("DO_NOTHING", "old", ("a", "b")),
        ("REPLACE", "new", ("b", "c")),
        ("FAIL", None, None),
        ("MERGE", "new", ("a", "b", "c")),
    ],
)
def test_a_differing_type_and_differing_groups_are_overridden_as_told(
    onboard: Onboard,
    template: Callable[[str], str],
    registry: Registry,
    pki: Pki,
    override: str,
    kind: str | None,
    groups: tuple[str, ...] | None,
) -> None:
    at = pki["signer"].not_before
    for each in ("old", "new"):
        registry.things.create_type(each, at=at)
    for each in ("a", "b", "c"):
        registry.things.create_group(each, at=at)
    registry.things.create("pu02", at=at, attributes={"version": "v1"}, thing_type="old", groups=("a", "b"))

    record = onboard(
        changed(
            template("01"),
            thing__Properties__ThingTypeName="new",
            thing__Properties__ThingGroups=["b", "c"],
            thing__OverrideSettings={
                "ThingTypeName": "REPLACE" if override == "MERGE" else override,
                "ThingGroups": override,
            },
        )
    )

    thing = registry.things.get("pu02")
    assert thing is not None
    if kind is None:
        assert record.why == 'Existing ThingTypeName: "old" conflicts with ThingTypeName: "new" in Template.'
        assert thing.version == 1
    else:
        assert record.succeeded, record.why
        assert (thing.thing_type, thing.groups) == (kind, groups)


def test_a_role_that_cannot_be_assumed_or_may_not_stops_at_the_call(
    registry: Registry,
    register_ca: RegisterCa,
    pki: Pki,
    attempt: Callable[..., Attempt],
    template: Callable[[str], str],
) -> None:
    role = "arn:aws:iam::123456789012:role/JITPRole"
    calls = (
        "iot:CreateThing",
        "iot:CreatePolicy",
        "iot:AttachPolicy",
        "iot:AttachThingPrincipal",
        "iot:UpdateCertificate",
    )
    register_ca(pki["signer"])
    reached = []
    for allowed in ({}, *({role: frozenset(calls[:count])} for count in range(len(calls)))):
        trace = Trace()
        FrontDesk(registry, trace, roles=allowed).connect(attempt(pki["device"], pki["signer"]))
        record = trace[-1]
        assert isinstance(record, Provisioning)
        assert record.why is not None
        reached.append(record.why)
    trace = Trace()
    FrontDesk(registry, trace, roles={role: frozenset({"iot:*"})}).connect(
        attempt(pki["device"], pki["signer"])
    )

    assert reached[0].startswith(f"AccessDenied: role {role} cannot be assumed")
    assert [
        why for why, call in zip(reached[1:], calls, strict=True) if f"may not {call};" in why
    ] == reached[1:]
    record = trace[-1]
    assert isinstance(record, Provisioning)
    assert record.succeeded


def test_a_template_by_name_runs_as_it_stands_now(
    registry: Registry,
    register_ca: RegisterCa,
    pki: Pki,
    attempt: Callable[..., Attempt],
    template: Callable[[str], str],
) -> None:
    role = "arn:aws:iam::123456789012:role/JITPRole"
    register_ca(pki["signer"], body="copied when the CA was registered")
    config = RegistrationConfig("copied when the CA was registered", role, template_name="meters")
    registry.cas.update(pki["signer"].id, at=NOW, registration_config=config)
    whys = []
    trace = Trace()
    desk = FrontDesk(registry, trace)

    def run() -> str | None:
        desk.connect(attempt(pki["device"], pki["signer"]))
        record = trace[-1]
        assert isinstance(record, Provisioning)
        return record.why

    whys.append(run())
    made = registry.templates.create("meters", "{", role_arn=role, at=NOW, type=TemplateType.JITP)
    whys.append(run())
    registry.templates.replace(replace(made, enabled=True))
    whys.append(run())
    registry.templates.add_version("meters", template("01"), at=NOW, set_as_default=True)
    whys.append(run())

    assert whys[:2] == [
        "InvalidTemplate: Template meters does not exist.",
        "InvalidTemplate: Template meters is not enabled.",
    ]
    assert whys[2] is not None
    assert whys[2].startswith("The template body is invalid")
    assert whys[3] is None
