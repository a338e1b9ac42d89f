"""What was foretold beside what was seen, and a run as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from jitplab import pki
from jitplab.account import Account
from jitplab.channel import Closed
from jitplab.identifiers import Key
from jitplab.lab import Chain, Lab
from jitplab.outcome import Call, Fact, Outcome, signer_differences
from jitplab.scenario import Evidence, Scenario
from jitplab.stop import By, Stop
from jitplab.visit import Visit


def story(lab: Lab) -> Outcome:
    """Nothing happens in it; it is only judged."""
    return lab.outcome()


SCENARIO = Scenario("a-name", "onboarding", story, None, False, Evidence.DOCUMENT, "a source", None, None)
REFUSING = replace(SCENARIO, stopped_by=Stop(By.RULE, "presented_ca_is_registered"))
ADMITTING = replace(SCENARIO, admitted=True)

REFUSED = Call(
    Visit("completed", None, "TLSv1.2", b"\x10", closed_by=Closed.CLOSE_NOTIFY),
    "aws-2026",
    sni=True,
    by="firmware",
    rule="presented_ca_is_registered",
    why="It is not the registered one.",
    status_before=None,
    status_after=None,
    stop=Stop(By.RULE, "presented_ca_is_registered"),
)
ADMITTED = replace(
    REFUSED,
    visit=Visit("completed", None, "TLSv1.3", b"\x10", connack=0, puback=True),
    rule=None,
    why=None,
    status_before="ACTIVE",
    status_after="ACTIVE",
    stop=None,
)


def outcome(*calls: Call, registered: bool = False, facts: tuple[Fact, ...] = ()) -> Outcome:
    return Outcome(
        calls=calls,
        registered=registered,
        device=b"leaf",
        signer=b"signer",
        signer_differences=(),
        device_issued=b"leaf",
        signer_issued=b"signer",
        error=None,
        stop=calls[-1].stop if calls else None,
        ended_early=False,
        chip_commands=(),
        registry={},
        trace=(),
        log=(),
        facts=facts,
        by_library="own",
        by_tls="ssl",
    )


@pytest.mark.parametrize(
    "foretold, seen, agrees",
    [(0, 0, True), (None, None, True), (0, None, False), ("a", "b", False), ([1, 2], [1, 2], True)],
)
def test_a_fact_agrees_when_the_two_are_the_same(foretold: object, seen: object, agrees: bool) -> None:
    fact = Fact("connack", foretold, seen)  # type: ignore[arg-type]

    assert fact.agrees is agrees
    assert fact.as_json() == {"what": "connack", "foretold": foretold, "seen": seen, "agrees": agrees}


def test_a_refusal_implies_its_rule_and_the_silence_on_the_wire() -> None:
    judged = outcome(REFUSED, facts=(Fact("more", 1, 1),)).judged(REFUSING)

    assert [(fact.what, fact.seen) for fact in judged.facts] == [
        ("handshake", "completed"),
        ("stopped by", "rule presented_ca_is_registered"),
        ("connack", None),
        ("closed_by", "close_notify"),
        ("more", 1),
    ]
    assert judged.as_foretold


def test_an_admission_implies_a_connack_and_a_registration() -> None:
    judged = outcome(REFUSED, ADMITTED, registered=True).judged(ADMITTING)

    assert [(fact.what, fact.seen) for fact in judged.facts] == [
        ("handshake", "completed"),
        ("connack", 0),
        ("registered", True),
    ]
    assert judged.as_foretold


@pytest.mark.parametrize(
    "call, wrong",
    [
        (replace(REFUSED, stop=Stop(By.RULE, "every_link_is_signed")), "stopped by"),
        (ADMITTED, "stopped by"),
        (replace(REFUSED, visit=replace(REFUSED.visit, closed_by=Closed.END_OF_STREAM)), "closed_by"),
        (replace(REFUSED, visit=replace(REFUSED.visit, closed_by=None)), "closed_by"),
        (replace(REFUSED, visit=replace(REFUSED.visit, handshake="failed")), "handshake"),
        (replace(REFUSED, visit=replace(REFUSED.visit, connack=5)), "connack"),
    ],
)
def test_a_refusal_for_another_reason_is_not_as_foretold(call: Call, wrong: str) -> None:
    judged = outcome(call).judged(REFUSING)

    assert not judged.as_foretold
    assert wrong in {fact.what for fact in judged.facts if not fact.agrees}


def test_an_admission_that_registers_nothing_is_not_as_foretold() -> None:
    assert not outcome(ADMITTED, registered=False).judged(ADMITTING).as_foretold
    assert not outcome(REFUSED, registered=True).judged(ADMITTING).as_foretold


def test_an_outcome_without_a_fact_foretold_nothing() -> None:
    assert not outcome(REFUSED).as_foretold


def test_where_the_story_ended_before_a_visit_only_what_stopped_it_is_implied() -> None:
    stopped = replace(outcome(REFUSED), ended_early=True, stop=Stop(By.CHIP, "EXECUTION_ERROR"))

    assert [fact.what for fact in stopped.judged(REFUSING).facts if not fact.agrees] == ["stopped by"]
    assert replace(stopped, foretold_stop=stopped.stop).judged(REFUSING).as_foretold
    assert not outcome().judged(REFUSING).as_foretold
    assert outcome().last is None


def test_an_outcome_is_json_with_the_last_visit_on_top(lab: Lab, wrong_chain: Chain) -> None:
    assert wrong_chain.signer is not None
    differences = signer_differences(wrong_chain.signer, lab.signer.certificate, lab.keys_at_hand())
    seen = replace(outcome(ADMITTED, REFUSED), signer_differences=differences).judged(REFUSING)
    told = json.loads(json.dumps(seen.as_json()))

    assert told["as_foretold"] is True
    assert (told["rule"], told["why"]) == (REFUSED.rule, REFUSED.why)
    assert (told["connack"], told["closed_by"], told["error"]) == (None, "close_notify", None)
    assert [visit["connack"] for visit in told["visits"]] == [0, None]
    assert told["signer_difference"] == told["signer_differences"][0]
    assert told["signer_difference"]["matches_slot"] == 13
    assert told["facts"][0] == {
        "what": "handshake",
        "foretold": "completed",
        "seen": "completed",
        "agrees": True,
    }


def test_an_outcome_without_a_visit_is_json_too() -> None:
    told = json.loads(json.dumps(outcome().as_json()))

    assert "handshake" not in told
    assert told["signer_difference"] is None


def test_a_run_of_the_lab_is_json(lab: Lab, account: Account) -> None:
    told = json.loads(json.dumps(lab.outcome().as_json()))

    assert told["library"]
    assert told["chip_commands"][0]["number"] == 1


def test_equal_signers_do_not_differ(lab: Lab) -> None:
    assert signer_differences(lab.signer.certificate, lab.signer.certificate, ()) == ()


def test_only_identifiers_are_matched_with_keys(lab: Lab) -> None:
    """A whole other certificate: the fields that are no identifiers belong to no key."""
    keys = [Key("the root", lab.root.key.public_key), Key("the other CA", lab.other_ca.key.public_key)]
    found = signer_differences(lab.other_ca.certificate, lab.root.certificate, iter(keys))
    owners = {each.difference.field.name: each.match and each.match.key for each in found}

    assert owners["subjectKeyIdentifier"] == owners["authorityKeyIdentifier"] == "the other CA"
    assert {name for name, owner in owners.items() if owner} == {
        "subjectKeyIdentifier",
        "authorityKeyIdentifier",
    }
    assert pki.key_identifier(lab.other_ca.key.public_key) in {each.difference.ours for each in found}
