"""Templates that parse, templates that do not, and the functions in them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.admission.functions import Scope
from jitpbroker.admission.template import (
    LONGEST_BODY,
    Override,
    ProvisioningFailed,
    check_for_creation,
    parse_template,
)
from jitpbroker.registry.jsontext import Json

TEMPLATES = Path(__file__).parents[2] / "vectors" / "provisioning-templates"
CERTIFICATE: dict[str, Json] = {
    "Type": "AWS::IoT::Certificate",
    "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"},
}


def body(**resources: Json) -> str:
    return json.dumps({"Resources": {"certificate": CERTIFICATE, **resources}})


def thing(**parts: Json) -> dict[str, Json]:
    return {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "x"}, **parts}


@pytest.mark.parametrize("stem", ["01", "02", "03", "04", "05"])
def test_the_good_templates_parse_and_may_be_created(template: Callable[[str], str], stem: str) -> None:
    parsed = parse_template(template(stem))
    check_for_creation(parsed)

    assert len(parsed.things) == 1
    assert len(parsed.policies) == 1
    assert "AWS::IoT::Certificate::Id" in parsed.parameters


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.glob("*.registration-config.json")), ids=lambda path: path.name[:2]
)
def test_a_registration_config_holds_the_template_it_is_named_after(path: Path) -> None:
    plain = path.with_name(path.name.replace(".registration-config", "")).read_text()

    assert json.loads(json.loads(path.read_text())["templateBody"]) == json.loads(plain)


def test_a_template_says_what_it_says(template: Callable[[str], str]) -> None:
    parsed = parse_template(template("03"))

    assert parsed.parameters["Stage"] == "field"
    assert parsed.parameters["AWS::IoT::Certificate::Country"] is None
    assert parsed.things[0].override_groups is Override.REPLACE
    assert parsed.certificate_status == "ACTIVE"
    assert parse_template(template("05")).device_configuration["site"] == {"Ref": "Site"}


@pytest.mark.parametrize(
    "text, reason",
    [
        ('{"Parameters": {"x": ', "Expecting value"),
        ("[]", "it is no JSON object"),
        ("x" * (LONGEST_BODY + 1), f"it has {LONGEST_BODY + 1} characters, at most 10240 are allowed"),
        ("{}", "Template must have certificate resource."),
        ('{"Resources": []}', "Resources is no JSON object"),
        (body(second=CERTIFICATE), "Only one certificate resource can be defined"),
        (body(other={"Type": "AWS::S3::Bucket"}), "resource other has the unknown Type 'AWS::S3::Bucket'"),
        (body(other=7), "resource other has the unknown Type None"),
        (body(certificate={"Type": "AWS::IoT::Certificate"}), "Properties of a resource cannot be null."),
        (body(thing=thing(Properties={"ThingName": None})), "Properties of a resource cannot be null."),
        (body(thing=thing(Properties={})), "a thing resource needs a ThingName"),
        (
            body(certificate={**CERTIFICATE, "Properties": {"CertificateId": "abc"}}),
            "CertificateId must contain a reference to AWS::IoT::Certificate::Id",
        ),
        (
            body(
                policy={"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "x", "PolicyDocument": "{}"}}
            ),
            "a policy resource needs PolicyName or PolicyDocument, one of the two",
        ),
        (body(policy={"Type": "AWS::IoT::Policy", "Properties": {}}), "one of the two"),
        (
            body(thing=thing(OverrideSettings={"ThingTypeName": "MERGE"})),
            "OverrideSettings.ThingTypeName is 'MERGE'; choose one of DO_NOTHING, REPLACE, FAIL.",
        ),
        (body(thing=thing(OverrideSettings=[])), "OverrideSettings is no JSON object"),
        ('{"Parameters": {"x": {"Type": "Number"}}}', "Template must have certificate resource."),
    ],
)
def test_a_bad_template_is_refused_with_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(ProvisioningFailed) as caught:
        parse_template(text)

    assert str(caught.value).startswith("The template body is invalid: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "declared, reason",
    [
        ({"Type": "Number"}, 'parameter x must be declared with "Type": "String"'),
        ("String", 'parameter x must be declared with "Type": "String"'),
        ({"Type": "String", "Default": 7}, "the Default of parameter x is no string"),
    ],
)
def test_a_parameter_is_a_string(declared: Json, reason: str) -> None:
    text = json.dumps({"Parameters": {"x": declared}, "Resources": {"certificate": CERTIFICATE}})

    with pytest.raises(ProvisioningFailed, match=reason):
        parse_template(text)


@pytest.mark.parametrize(
    "stem, reason",
    [("bad-01", "Expecting"), ("bad-02", "certificate resource"), ("bad-04", "one of the two")],
)
def test_the_bad_templates_do_not_parse(template: Callable[[str], str], stem: str, reason: str) -> None:
    with pytest.raises(ProvisioningFailed, match=reason):
        parse_template(template(stem))


def test_a_template_may_have_10240_characters(template: Callable[[str], str]) -> None:
    text = template("01")

    assert parse_template(text + " " * (LONGEST_BODY - len(text))).things


@pytest.mark.parametrize("status", [None, "PENDING", {"Ref": "x"}])
def test_creation_asks_for_a_fixed_status_and_running_does_not(status: Json) -> None:
    properties: dict[str, Json] = {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}}
    if status is not None:
        properties["Status"] = status
    parsed = parse_template(body(certificate={**CERTIFICATE, "Properties": properties}))

    with pytest.raises(ProvisioningFailed, match='must specify a Status of either "Active" or "Inactive"'):
        check_for_creation(parsed)


SCOPE = Scope(
    {"Serial": "A_B_C", "Site": "lab"},
    {"Sites": {"lab": {"Group": "g-lab"}, "field": {"Group": "g-field"}}, "Flat": "x"},
)


@pytest.mark.parametrize(
    "value, expected",
    [
        ("plain", "plain"),
        ({"Ref": "Serial"}, "A_B_C"),
        ({"Fn::Join": ["-", ["gw", {"Ref": "Site"}]]}, "gw-lab"),
        ({"Fn::Select": ["2", {"Fn::Split": ["_", {"Ref": "Serial"}]}]}, "C"),
        ({"Fn::Select": [0, ["a", "b"]]}, "a"),
        ({"Fn::Split": ["_", "a_b"]}, ["a", "b"]),
        ({"Fn::FindInMap": ["Sites", {"Ref": "Site"}, "Group"]}, "g-lab"),
        ({"Fn::Sub": "arn/${Site}/${!Literal}"}, "arn/lab/${Literal}"),
        ({"Fn::Sub": ["${Site}-${Own}", {"Own": {"Ref": "Serial"}}]}, "lab-A_B_C"),
        ({"a": {"Ref": "Site"}, "b": [True, None, 7]}, {"a": "lab", "b": [True, None, 7]}),
        ({"Ref": "Site", "other": "x"}, {"Ref": "Site", "other": "x"}),
        ({}, {}),
    ],
)
def test_functions_are_worked_out(value: Json, expected: Json) -> None:
    assert SCOPE.resolve(value) == expected


@pytest.mark.parametrize(
    "value, reason",
    [
        ({"Ref": "Nothing"}, "Cannot resolve reference value: Nothing"),
        ({"Ref": 7}, "Cannot resolve reference value: 7"),
        ({"Fn::Sub": "${Nothing}"}, "Cannot resolve reference value: Nothing"),
        ({"Fn::Sub": ["x", 7]}, "second argument must be a map, not 7"),
        ({"Fn::Sub": ["x"]}, "takes a list of 2 arguments"),
        ({"Fn::Sub": 7}, "first argument must be a string, not 7"),
        ({"Fn::Sub": ["${a}", {"a": 7}]}, "Fn::Sub's a must be a string, not 7"),
        ({"Fn::Join": "x"}, "takes a list of 2 arguments, not 'x'"),
        ({"Fn::Join": ["-", "x"]}, "second argument must be a list, not 'x'"),
        ({"Fn::Join": ["-", [7]]}, "An element of Fn::Join's second argument must be a string, not 7"),
        ({"Fn::Select": ["3", ["a"]]}, "has no element 3 in a list of 1"),
        ({"Fn::Select": ["-1", ["a"]]}, "has no element -1"),
        ({"Fn::Select": [None, ["a"]]}, "has no element None"),
        ({"Fn::Select": ["9" * 5000, ["a"]]}, "has no element 999"),
        ({"Fn::Split": ["", "a"]}, "needs a delimiter"),
        ({"Fn::FindInMap": ["Sites", "nowhere", "Group"]}, "finds nothing under Sites / nowhere / Group"),
        ({"Fn::FindInMap": ["Flat", "a", "b"]}, "finds nothing under Flat / a / b"),
        ({"Fn::If": []}, "There is no function Fn::If; known are Fn::Join"),
    ],
)
def test_what_cannot_be_worked_out_stops_with_a_sentence(value: Json, reason: str) -> None:
    with pytest.raises(ProvisioningFailed) as caught:
        SCOPE.resolve(value)

    assert reason in str(caught.value)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Ref", "Site", "${Site}", "-", "0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Ref",
                    "Fn::Join",
                    "Fn::Select",
                    "Fn::Split",
                    "Fn::FindInMap",
                    "Fn::Sub",
                    "Type",
                    "Properties",
                ]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


@given(ANY_JSON)
def test_arbitrary_values_raise_nothing_but_provisioning_failed(value: Json) -> None:
    resolved: Json = value
    with contextlib.suppress(ProvisioningFailed):
        resolved = SCOPE.resolve(value)

    json.dumps(resolved)


@given(
    st.dictionaries(st.sampled_from(["Parameters", "Resources", "Mappings", "certificate"]), ANY_JSON),
    ANY_JSON,
)
def test_arbitrary_bodies_raise_nothing_but_provisioning_failed(
    document: dict[str, Json], resource: Json
) -> None:
    for text in (json.dumps(document), body(extra=resource), body(thing=thing(Properties=resource))):
        status: Json = "Active"
        with contextlib.suppress(ProvisioningFailed):
            status = parse_template(text).certificate_status

        assert status == "Active"
