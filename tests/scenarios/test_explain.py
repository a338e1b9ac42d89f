"""The pre-flight: the rule, the field and whose key it was, with the broker's own verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitplab import anatomy, pki
from jitplab.explain import Explanation, explain
from jitplab.identifiers import LENGTH_DEFECT, Key
from jitplab.lab import Chain, Device, Lab

NOW = datetime(2021, 1, 15, 12, 0, 0, tzinfo=UTC)
PROFILES = pytest.mark.parametrize("profile", ["aws-2021", "aws-2026"])

_KEYS = pki.KeySource("explain")
_ROOT = pki.make_root(_KEYS)
_SIGNER = pki.make_signer(_KEYS, _ROOT)
_LEAF = pki.make_device_certificate(
    _SIGNER, _KEYS.key("leaf").public_key, common_name="a device", serial=bytes(range(1, 17))
)


def judge(
    lab: Lab,
    *chain: bytes | None,
    registered: tuple[bytes, ...] | None = None,
    keys: tuple[Key, ...] = (),
    profile: str = "aws-2026",
    sni: bool = True,
    at: datetime = NOW,
) -> Explanation:
    known = (lab.root.certificate, lab.signer.certificate) if registered is None else registered
    presented = tuple(der for der in chain if der is not None)
    told = explain(presented, known, keys, profile=profile, at=at, sni=sni)
    assert json.loads(json.dumps(told.as_json()))["rule"] == told.rule
    return told


@PROFILES
def test_the_case_s_wrong_chain_is_told_by_rule_field_and_slot(
    lab: Lab, wrong_chain: Chain, profile: str
) -> None:
    told = judge(lab, *wrong_chain.presented, keys=lab.keys_at_hand(), profile=profile)
    (found,) = told.differences
    difference = found.as_json()
    field = anatomy.field_named(lab.signer.certificate, "authorityKeyIdentifier")

    assert not told.admitted
    assert told.rule == "presented_ca_is_registered"
    assert field is not None
    assert (difference["field"], difference["offset"], difference["length"]) == (
        "authorityKeyIdentifier",
        field.offset,
        20,
    )
    assert (difference["matches_slot"], difference["matches_key"]) == (13, "root.othercompany.com FFFF")
    assert difference["rebuilt"] == pki.key_identifier(lab.other_ca.key.public_key).hex()
    assert difference["registered"] == pki.key_identifier(lab.root.key.public_key).hex()
    assert told.identifiers == ()


def test_the_rule_comes_with_its_question_its_evidence_and_what_would_object_next(
    lab: Lab, wrong_chain: Chain
) -> None:
    late = datetime(3001, 1, 1, tzinfo=UTC)
    told = judge(lab, *wrong_chain.presented, at=late)

    assert told.question == (
        "A certificate presented as the leaf's issuer is the registered CA certificate, byte for byte."
    )
    assert str(told.evidence).startswith("assumed: ")
    assert [rule for rule, _ in told.also] == ["leaf_is_in_date"]
    assert told.compared_with is not None
    assert "signer.companyname.com FFFF" in told.compared_with


def test_without_the_other_key_the_owner_stays_unknown(lab: Lab, wrong_chain: Chain) -> None:
    (difference,) = judge(lab, *wrong_chain.presented).differences

    assert difference.match is None
    assert difference.difference.field.length == 20


def test_a_handed_over_key_of_no_slot_is_named(lab: Lab, wrong_chain: Chain) -> None:
    keys = (Key("other.pem", lab.other_ca.key.public_key),)
    (difference,) = judge(lab, *wrong_chain.presented, keys=keys).differences

    assert difference.match is not None
    assert (difference.match.key, difference.match.slot) == ("other.pem", None)


@pytest.mark.parametrize("which", ["signer", "leaf"])
def test_the_length_defect_is_named_without_any_further_key(lab: Lab, device: Device, which: str) -> None:
    """The registered certificates' own keys are enough to find it."""
    issuer = lab.root if which == "signer" else lab.signer
    right = pki.key_identifier(issuer.key.public_key)
    defective = pki.key_identifier(issuer.key.public_key + bytes(8))
    if which == "signer":
        told = judge(lab, device.certificate, lab.signer.certificate.replace(right, defective))
        found = told.differences[0].match
        assert told.rule == "presented_ca_is_registered"
    else:
        leaf = device.certificate.replace(right, defective)
        told = judge(lab, leaf, lab.signer.certificate)
        (identifier,) = told.identifiers
        found = identifier.match
        assert told.rule == "every_link_is_signed"
        assert leaf[identifier.offset : identifier.offset + 20] == defective == identifier.value
        assert identifier.expected == right

    assert found is not None
    assert found.derivation == "SHA1(04|X|Y|00*8)"
    assert found.defect == LENGTH_DEFECT
    assert "cryptoauthlib 3.7.9" in found.defect


@PROFILES
@pytest.mark.parametrize("sni", [True, False])
def test_the_good_chain_is_admitted_and_nothing_is_found(
    lab: Lab, good_chain: Chain, profile: str, sni: bool
) -> None:
    told = judge(lab, *good_chain.presented, profile=profile, sni=sni)

    assert told.admitted
    assert (told.rule, told.why, told.question, told.evidence) == (None, None, None, None)
    assert (told.also, told.differences, told.identifiers) == ((), (), ())


@pytest.mark.parametrize(
    "profile, sni, rule",
    [
        ("aws-2021", True, "chain_carries_a_registered_ca"),
        ("aws-2021", False, "chain_carries_a_registered_ca"),
        ("aws-2026", True, None),
        ("aws-2026", False, "chain_or_sni_is_sent"),
    ],
)
def test_a_leaf_alone_needs_its_signer_or_today_a_server_name(
    lab: Lab, device: Device, profile: str, sni: bool, rule: str | None
) -> None:
    told = judge(lab, device.certificate, profile=profile, sni=sni)

    assert told.rule == rule
    assert told.admitted is (rule is None)
    assert told.differences == ()


@pytest.mark.parametrize("registered", ["nothing", "the root"])
def test_a_signer_that_is_not_registered_itself_is_unknown(
    lab: Lab, good_chain: Chain, registered: str
) -> None:
    """Registering the root in its place is the natural slip: AWS wants the direct issuer."""
    known = () if registered == "nothing" else (lab.root.certificate,)
    told = judge(lab, *good_chain.presented, registered=known)

    assert told.rule == "issuer_is_known"
    assert "register the direct issuer" in str(told.why)
    assert (told.compared_with, told.differences, told.also) == (None, (), ())


def test_in_the_wrong_order_the_signer_is_taken_for_the_device(lab: Lab, good_chain: Chain) -> None:
    """The root is registered and issued what comes first; what comes next is not the root."""
    told = judge(lab, good_chain.signer, good_chain.device)

    assert told.rule == "presented_ca_is_registered"
    assert told.compared_with is not None
    assert "root.companyname.com FFFF" in told.compared_with
    assert "subject" in {difference.difference.field.name for difference in told.differences}


def test_a_root_sent_in_the_signer_s_place_differs_in_nearly_everything(lab: Lab, device: Device) -> None:
    told = judge(lab, device.certificate, lab.root.certificate)

    assert told.rule == "presented_ca_is_registered"
    assert {"subject", "subjectPublicKey"} <= {d.difference.field.name for d in told.differences}


def test_the_root_behind_the_signer_harms_nothing(lab: Lab, good_chain: Chain) -> None:
    assert judge(lab, *good_chain.presented, lab.root.certificate).admitted


def test_nothing_sent_is_refused_by_name(lab: Lab) -> None:
    assert judge(lab).rule == "client_certificate_was_presented"


def test_a_certificate_registered_twice_is_registered(lab: Lab, good_chain: Chain) -> None:
    known = (lab.signer.certificate, lab.root.certificate, lab.signer.certificate)

    assert judge(lab, *good_chain.presented, registered=known).admitted


def test_the_hand_made_certificate_without_identifiers_is_admitted(lab: Lab, v1_certificate: bytes) -> None:
    told = judge(lab, v1_certificate, lab.signer.certificate)

    assert told.admitted
    assert told.identifiers == ()


def test_an_unknown_profile_is_refused_with_those_there_are(lab: Lab, good_chain: Chain) -> None:
    with pytest.raises(ValueError, match="'aws-1999' is no profile; choose one of aws-2021, aws-2026"):
        judge(lab, *good_chain.presented, profile="aws-1999")


def test_a_registered_certificate_that_is_none_is_refused(lab: Lab, good_chain: Chain) -> None:
    with pytest.raises(ValueError, match="no readable certificate"):
        judge(lab, *good_chain.presented, registered=(b"\x30\x00",))


def test_a_presented_signer_that_cannot_be_read_is_refused_without_differences(
    lab: Lab, device: Device
) -> None:
    told = judge(lab, device.certificate, b"\x30\x00")

    assert told.rule == "presented_ca_is_registered"
    assert "cannot be read" in str(told.why)
    assert told.differences == ()


def test_a_signer_whose_identifier_is_no_identifier_is_still_told_field_by_field(
    lab: Lab, device: Device
) -> None:
    right = pki.key_identifier(lab.root.key.public_key)
    broken = lab.signer.certificate.replace(b"\x80\x14" + right, b"\x80\x7f" + right)
    told = judge(lab, device.certificate, broken)

    assert told.rule == "presented_ca_is_registered"
    assert "authorityKeyIdentifier" in {d.difference.field.name for d in told.differences}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=64), max_size=4), st.sampled_from(["aws-2021", "aws-2026"]), st.booleans())
def test_garbage_in_the_chain_is_refused_and_never_stumbled_over(
    chain: list[bytes], profile: str, sni: bool
) -> None:
    told = explain(chain, (_SIGNER.certificate,), (), profile=profile, at=NOW, sni=sni)

    assert told.rule in {"client_certificate_was_presented", "client_certificate_parses"}


@settings(deadline=None)
@given(
    st.sampled_from([0, 1]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3),
    st.integers(0, 600),
    st.booleans(),
)
def test_no_mutated_chain_makes_it_stumble(
    which: int, changes: list[tuple[int, int]], end: int, sni: bool
) -> None:
    chain = [bytearray(_LEAF), bytearray(_SIGNER.certificate)]
    for at, octet in changes:
        chain[which][at] = octet
    chain[which] = chain[which][:end]
    presented = tuple(bytes(der) for der in chain)
    told = explain(presented, (_SIGNER.certificate,), (), profile="aws-2026", at=NOW, sni=sni)
    json.dumps(told.as_json())

    assert told.admitted is (told.rule is None)
    assert told.admitted is (presented == (_LEAF, _SIGNER.certificate))


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_garbage_among_the_registered_is_a_value_error_with_a_sentence(der: bytes) -> None:
    with pytest.raises(ValueError, match="no readable certificate"):
        explain((_LEAF,), (der,), (), profile="aws-2026", at=NOW)


def test_a_match_may_be_added_to_an_explanation_without_changing_the_verdict(
    lab: Lab, wrong_chain: Chain
) -> None:
    plain, helped = (judge(lab, *wrong_chain.presented, keys=keys) for keys in ((), lab.keys_at_hand()))

    assert replace(plain, differences=()) == replace(helped, differences=())
    assert plain.differences != helped.differences
