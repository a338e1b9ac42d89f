"""An export is imported exactly; a real account's answers are known by their shape."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.broker.store.test_registry_kept import LEAF, ROLE, SIGNER, TEMPLATE, furnish

from jitpbroker.registry.entities import AutoRegistration, CaStatus, CertificateStatus
from jitpbroker.registry.ids import counting_ids
from jitpbroker.registry.jsontext import parse_json
from jitpbroker.registry.names import Arns
from jitpbroker.registry.store import Registry
from jitpbroker.store.described import Described, Kind, account_of, answers_in, recognised, take_over
from jitpbroker.store.errors import StateError
from jitpbroker.store.exchange import accounts_in, exported, imported, is_export
from jitpbroker.store.state import State
from jitplab import cli, pki

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
REAL = Arns("999988887777", "eu-central-1")


def registry(arns: Arns | None = None) -> Registry:
    return Registry(arns, new_id=counting_ids())


def test_what_is_exported_is_imported_exactly() -> None:
    old, other = registry(), registry(REAL)
    furnish(old)
    other.things.create("elsewhere", at=NOW)
    document = parse_json(exported([old, other]))
    assert is_export(document)
    assert accounts_in(document) == (old.arns, REAL)

    new, new_other = registry(), registry(REAL)
    count = imported(document, new)

    assert new.snapshot() == old.snapshot()
    assert exported([new]) == exported([old])
    assert count == sum(len(table) for table in old.tables.values())
    assert imported(document, new) == 0
    assert imported(document, new_other) == 1


def test_an_import_that_would_change_something_changes_nothing() -> None:
    old = registry()
    old.things.create("first", at=NOW)
    old.policies.create("p", '{"Version":"2012-10-17","Statement":[]}', at=NOW)
    document = parse_json(exported([old]))
    new = registry()
    new.policies.create("p", '{"Version":"2012-10-17","Statement":[{}]}', at=NOW)

    with pytest.raises(StateError, match=r"^policies 'p' is there already and differs; import into a new"):
        imported(document, new)
    assert list(new.things) == []


@pytest.mark.parametrize(
    "change, why",
    [
        ({"version": 2}, "has version 2, this jitplab knows 1"),
        ({"accounts": []}, "names no account"),
        ({"accounts": {}}, "accounts is no list"),
        ({"accounts": [{"account": "1"}]}, "an account has no region"),
        ({"accounts": [{"account": "1", "region": "r", "partition": "aws"}]}, "is not 12 digits"),
    ],
)
def test_an_export_that_cannot_be_read_is_refused(change: dict[str, object], why: str) -> None:
    document = json.loads(exported([registry()])) | change

    with pytest.raises(StateError, match=why):
        accounts_in(document)


@pytest.mark.parametrize(
    "tables, why",
    [
        ([], "tables is no object"),
        ({"weather": []}, "nobody knows the table 'weather'"),
        ({"things": {}}, "things is no list"),
        ({"things": [["a"]]}, r"things\[0\] is no pair of key and fact"),
        ({"things": [["a", {"name": "a"}]]}, r"things\[0\] has no"),
    ],
)
def test_facts_that_are_none_are_refused_by_their_place(tables: object, why: str) -> None:
    document = json.loads(exported([registry()]))
    document["accounts"][0]["tables"] = tables

    with pytest.raises(StateError, match=why):
        imported(document, registry())


# --- a real account's answers ---------------------------------------------------------------------


def ca_answer(**config: str) -> dict[str, object]:
    """As the case's user published it: aws iot describe-ca-certificate."""
    pem = pki.pem(SIGNER.certificate).decode()
    return {
        "certificateDescription": {
            "certificateArn": f"arn:aws:iot:eu-central-1:999988887777:cacert/{'0' * 64}",
            "certificateId": "0" * 64,
            "status": "ACTIVE",
            "certificatePem": pem,
            "ownedBy": "999988887777",
            "creationDate": "2021-01-13T20:58:38.102000+01:00",
            "autoRegistrationStatus": "ENABLE",
            "customerVersion": 2,
        },
        "registrationConfig": config or {"templateBody": TEMPLATE, "roleArn": ROLE},
    }


TEMPLATE_ANSWER = {
    "templateArn": "arn:aws:iot:eu-central-1:999988887777:provisioningtemplate/named",
    "templateName": "named",
    "templateBody": TEMPLATE,
    "provisioningRoleArn": ROLE,
    "type": "JITP",
    "enabled": True,
    "creationDate": 1610567918.5,
}
POLICY_ANSWER = {
    "policyName": "all",
    "policyArn": "arn:aws:iot:eu-central-1:999988887777:policy/all",
    "policyDocument": '{"Version":"2012-10-17","Statement":[]}',
    "defaultVersionId": "1",
}
THING_ANSWER = {
    "thingName": "pu01",
    "thingArn": "arn:aws:iot:eu-central-1:999988887777:thing/pu01",
    "thingTypeName": "kind",
    "attributes": {"colour": "red"},
    "version": 1,
}
DEVICE_ANSWER = {
    "certificateDescription": {
        "certificateArn": "arn:aws:iot:eu-central-1:999988887777:cert/1",
        "certificatePem": pki.pem(LEAF).decode(),
        "status": "PENDING_ACTIVATION",
        "caCertificateId": "0" * 64,
        "certificateMode": "DEFAULT",
    }
}


def test_the_cases_answer_becomes_a_ca_that_provisions() -> None:
    home = registry(REAL)
    answer = recognised("ca.json", ca_answer())  # type: ignore[arg-type]

    told = take_over([answer], home, at=NOW)

    (ca,) = home.cas
    assert ca.certificate.der == SIGNER.certificate
    assert (ca.status, ca.auto_registration) == (CaStatus.ACTIVE, AutoRegistration.ENABLE)
    assert ca.registration_config is not None
    assert ca.registration_config.template_body == TEMPLATE
    assert ca.creation_date == datetime(2021, 1, 13, 19, 58, 38, 102000, tzinfo=UTC)
    assert account_of([answer]) == REAL
    assert told == (f"CA certificate {ca.id} (CN=signer.companyname.com FFFF,O=CompanyName) imported",)


def test_answers_are_taken_in_the_order_in_which_they_need_each_other() -> None:
    home = registry(REAL)
    documents = (DEVICE_ANSWER, THING_ANSWER, ca_answer(templateName="named"), POLICY_ANSWER, TEMPLATE_ANSWER)
    answers = [recognised(str(at), each) for at, each in enumerate(documents)]  # type: ignore[arg-type]

    told = take_over(answers, home, at=NOW)
    again = take_over(answers, home, at=NOW)

    assert [each.kind for each in answers] == [
        Kind.CERTIFICATE,
        Kind.THING,
        Kind.CA,
        Kind.POLICY,
        Kind.TEMPLATE,
    ]
    assert [sentence.partition(" ")[0] for sentence in told] == [
        "template",
        "policy",
        "CA",
        "certificate",
        "thing",
    ]
    assert all("left as it is" in sentence or "left as it was" in sentence for sentence in again)
    (ca,) = home.cas
    assert ca.registration_config is not None
    assert ca.registration_config.template_name == "named"
    (device,) = home.certificates
    assert device.status is CertificateStatus.PENDING_ACTIVATION
    thing = home.things.get("pu01")
    assert thing is not None
    assert (thing.thing_type, dict(thing.attributes)) == ("kind", {"colour": "red"})
    template = home.templates.get("named")
    assert template is not None
    assert template.enabled
    assert template.creation_date == datetime(2021, 1, 13, 19, 58, 38, 500000, tzinfo=UTC)


@pytest.mark.parametrize("document", [[], {}, {"things": []}, {"certificateDescription": {}}, "text", None])
def test_what_is_no_such_answer_is_said_with_those_that_are(document: object) -> None:
    with pytest.raises(StateError, match=r"^x\.json is no answer that can be imported; give what aws iot"):
        recognised("x.json", document)  # type: ignore[arg-type]


def test_every_thing_of_a_list_is_taken_over() -> None:
    other = THING_ANSWER | {
        "thingName": "pu02",
        "thingArn": "arn:aws:iot:eu-central-1:999988887777:thing/pu02",
    }
    home = registry(REAL)

    answers = answers_in("things.json", {"things": [THING_ANSWER, other]})  # type: ignore[list-item]
    told = take_over(answers, home, at=NOW)

    assert [each.where for each in answers] == ["things.json, things[0]", "things.json, things[1]"]
    assert told == ("thing pu01 imported", "thing pu02 imported")
    assert account_of(answers) == REAL
    assert answers_in("none.json", {"things": []}) == ()


@pytest.mark.parametrize(
    "document, why",
    [
        ({"certificates": [{"certificateId": "0"}]}, "describe-certificate or describe-ca-certificate"),
        ({"policies": [{"policyName": "all"}]}, "lists policies without what they hold; give .* get-policy"),
        ({"templates": [{"templateName": "named"}]}, "describe-provisioning-template"),
        ({"things": ["pu01"]}, "describe-thing"),
        ({"thingTypes": []}, "is no answer that can be imported"),
    ],
)
def test_a_list_of_names_is_sent_back_for_what_they_hold(document: dict[str, object], why: str) -> None:
    with pytest.raises(StateError, match=why):
        answers_in("x.json", document)  # type: ignore[arg-type]


def test_two_accounts_do_not_go_into_one_registry() -> None:
    other = THING_ANSWER | {"thingArn": "arn:aws:iot:us-east-1:111122223333:thing/pu01"}
    answers = [recognised("a", POLICY_ANSWER), recognised("b", other)]  # type: ignore[arg-type]

    with pytest.raises(StateError, match="a is of account 999988887777 in eu-central-1, b of 111122223333"):
        account_of(answers)
    assert account_of([Described("c", Kind.THING, {})]) is None
    with pytest.raises(StateError, match="d: Account '1' is not 12 digits"):
        account_of([Described("d", Kind.THING, {"thingArn": "arn:aws:iot:r:1:thing/x"})])


@pytest.mark.parametrize(
    "answer, why",
    [
        (ca_answer(templateName="named"), "aws iot describe-provisioning-template --template-name named"),
        (ca_answer(templateBody="{}"), "it has no roleArn"),
        ({"certificateDescription": {"certificatePem": "x", "autoRegistrationStatus": "ENABLE"}}, "PEM"),
        ({"thingName": "a b", "attributes": {}}, "'a b'"),
        ({"thingName": "a", "attributes": []}, "it has no attributes"),
        (TEMPLATE_ANSWER | {"type": "WISHFUL"}, "WISHFUL"),
        (TEMPLATE_ANSWER | {"creationDate": 1e300}, "creationDate 1e\\+300 is no time"),
        (TEMPLATE_ANSWER | {"creationDate": "last year"}, "last year"),
    ],
)
def test_an_answer_that_does_not_do_is_named_with_the_reason(answer: dict[str, object], why: str) -> None:
    with pytest.raises(StateError, match=why) as refused:
        take_over([recognised("f.json", answer)], registry(REAL), at=NOW)  # type: ignore[arg-type]

    assert str(refused.value).startswith("f.json: ")


def test_a_state_that_begins_with_an_import_is_of_that_account(tmp_path: Path) -> None:
    state = State.open(tmp_path, new_id=counting_ids(), home=REAL)
    assert state.registry.arns == REAL
    state.close()
    again = State.open(tmp_path, new_id=counting_ids())
    assert again.registry.arns == REAL
    again.close()


# --- the commands ---------------------------------------------------------------------------------


def written(directory: Path, **documents: object) -> list[str]:
    """Files by name; their paths."""
    for name, document in documents.items():
        (directory / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return [str(directory / f"{name}.json") for name in documents]


def test_one_file_that_will_not_do_keeps_all_of_them_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path / "s")]
    good, bad = written(tmp_path, good=POLICY_ANSWER, bad=THING_ANSWER | {"thingName": "a b"})

    refused = cli.main(["broker", "import", *state, good, bad])
    said = capsys.readouterr()
    cli.main(["broker", "export", *state])
    held = json.loads(capsys.readouterr().out)

    assert (refused, said.out) == (3, "")
    assert said.err.startswith(f"jitplab: {bad}: ")
    assert held["accounts"] == [
        {"account": REAL.account, "region": REAL.region, "partition": "aws", "tables": {}}
    ]


def test_what_does_not_fit_together_is_not_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = registry()
    furnish(old)
    document = json.loads(exported([old]))
    del document["accounts"][0]["tables"]["policies"]
    (file,) = written(tmp_path, torn=document)

    code = cli.main(["broker", "import", "--state", str(tmp_path / "s"), file])

    assert code == 3
    assert "does not fit together" in (said := capsys.readouterr().err)
    assert "which policies does not hold); nothing was imported" in said
    reopened = State.open(tmp_path / "s", new_id=counting_ids())
    assert list(reopened.registry.things) == []
    reopened.close()


def test_two_exports_of_a_further_account_go_into_one_registry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, one, two = registry(), registry(REAL), registry(REAL)
    one.things.create("one", at=NOW)
    two.things.create("two", at=NOW)
    files = written(tmp_path, a=json.loads(exported([home, one])), b=json.loads(exported([home, two])))

    code = cli.main(["broker", "import", "--json", "--state", str(tmp_path / "s"), *files])
    told = json.loads(capsys.readouterr().out)

    assert code == 0
    assert [sentence.partition(": ")[2] for sentence in told["imported"]] == [
        "0 facts of account 123456789012 in us-east-1 imported",
        "1 facts of account 999988887777 in eu-central-1 imported",
    ] * 2
    state = State.open(tmp_path / "s", new_id=counting_ids())
    assert [[thing.name for thing in each.things] for each in state.others] == [["one", "two"]]
    state.close()


def test_where_no_broker_has_kept_anything_an_export_begins_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["broker", "export", "--state", str(tmp_path)])

    assert code == 3
    assert capsys.readouterr().err == (
        f"jitplab: there is no state {tmp_path}; name the directory that a broker was given\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text, why",
    [
        ('{"policies":[]}', "standard input lists policies without what they hold"),
        ("dear diary", "standard input is no JSON"),
    ],
)
def test_what_comes_by_standard_input_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))

    code = cli.main(["broker", "import", "--state", str(tmp_path / "s"), "-"])

    assert code == 3
    assert capsys.readouterr().err.startswith(f"jitplab: {why}")
    assert not (tmp_path / "s").exists()
