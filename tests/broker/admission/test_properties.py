"""What holds for any chain and any registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Known, Provision, Refuse, decide
from jitpbroker.admission.profiles import PROFILES
from jitpbroker.admission.rules import differing_range
from jitpbroker.registry import AutoRegistration, CaStatus, CertificateStatus, RegistrationConfig, Registry
from jitpbroker.x509 import Certificate, NotIssuedBy

SIGNER = "O=CompanyName,CN=signer FFFF"
QUIET = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def signed_by(leaf: Certificate, ca: Certificate) -> bool:
    try:
        leaf.check_issued_by(ca)
    except NotIssuedBy:
        return False
    return True


@QUIET
@given(data=st.data())
def test_nothing_is_provisioned_but_what_a_willing_registered_ca_signed(
    data: st.DataObject,
    issue: Callable[..., Certificate],
    pki: Mapping[str, Certificate],
    attempt: Callable[..., Attempt],
) -> None:
    namesake = issue(SIGNER, key=3, issuer="O=CompanyName,CN=root FFFF", issuer_key=1, ca=True)
    forged = issue("O=CompanyName,CN=forged", key=8, issuer=SIGNER, issuer_key=9)
    by_namesake = issue("O=CompanyName,CN=pu03", key=11, issuer=SIGNER, issuer_key=3)
    authorities = [pki["signer"], pki["wrong signer"], pki["root"], namesake]
    registry = Registry()
    for certificate in data.draw(st.lists(st.sampled_from(authorities), unique=True)):
        registry.cas.register(
            certificate,
            at=certificate.not_before,
            status=data.draw(st.sampled_from(CaStatus)),
            auto_registration=data.draw(st.sampled_from(AutoRegistration)),
            registration_config=RegistrationConfig("{}", "role"),
        )
    leaf = data.draw(st.sampled_from([pki["device"], forged, by_namesake, pki["signer"], pki["root"]]))
    status = data.draw(st.none() | st.sampled_from(CertificateStatus))
    if status is not None:
        registry.certificates.register(leaf, at=leaf.not_before, status=status)
    above = data.draw(st.lists(st.sampled_from([*authorities, b"junk"]), max_size=3))
    sni = data.draw(st.sampled_from([None, "broker.local", "127.0.0.1"]))
    profile = data.draw(st.sampled_from(list(PROFILES.values())))
    before = registry.snapshot()

    verdict = decide(attempt(leaf, *above, sni=sni), registry, profile)

    assert registry.snapshot() == before
    assert decide(attempt(leaf, *above, sni=sni), registry, profile) == verdict
    match verdict:
        case Provision():
            assert verdict.ca.status is CaStatus.ACTIVE
            assert verdict.ca.auto_registration is AutoRegistration.ENABLE
            assert registry.cas.get(verdict.ca.id) == verdict.ca
            assert signed_by(leaf, verdict.ca.certificate)
            assert status in (None, CertificateStatus.PENDING_ACTIVATION)
            assert not above or verdict.ca.certificate in above
            assert above or sni == "broker.local"
        case Known():
            assert status is CertificateStatus.ACTIVE
        case Refuse():
            assert verdict.why


@QUIET
@given(chain=st.lists(st.binary(max_size=200), max_size=4), client_id=st.text(max_size=20))
def test_arbitrary_bytes_in_the_chain_are_refused_and_never_raise(
    chain: list[bytes], client_id: str, attempt: Callable[..., Attempt]
) -> None:
    for profile in PROFILES.values():
        verdict = decide(attempt(*chain, client_id=client_id), Registry(), profile)

        assert isinstance(verdict, Refuse)


@QUIET
@given(data=st.data())
def test_a_damaged_signer_is_never_taken_for_the_registered_one(
    data: st.DataObject,
    pki: Mapping[str, Certificate],
    attempt: Callable[..., Attempt],
) -> None:
    fresh = Registry()
    fresh.cas.register(
        pki["signer"],
        at=pki["signer"].not_before,
        status=CaStatus.ACTIVE,
        auto_registration=AutoRegistration.ENABLE,
    )
    damaged = bytearray(pki["signer"].der)
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))

    for profile in PROFILES.values():
        verdict = decide(attempt(pki["device"], bytes(damaged)), fresh, profile)

        assert isinstance(verdict, Refuse)
        assert verdict.rule.name == "presented_ca_is_registered"


def test_the_differing_range_is_the_smallest_for_all_short_strings() -> None:
    short = [bytes(each) for size in range(4) for each in product(range(2), repeat=size)]
    for one, other in product(short, short):
        if one != other:
            offset, count = differing_range(one, other)

            tail = len(one) - offset - count
            assert one[:offset] == other[:offset]
            assert one[offset + count :] == other[len(other) - tail :]
            assert tail + offset <= len(other)
            assert one[offset : offset + 1] != other[offset : offset + 1] or count == 0
