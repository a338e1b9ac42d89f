"""Which rules AWS IoT asked, when, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from jitpbroker.admission.rule import Rule
from jitpbroker.admission.rules import (
    ca_auto_registers,
    ca_is_active,
    certificate_is_not_in_transfer,
    certificate_is_not_inactive,
    certificate_is_not_revoked,
    chain_carries_a_registered_ca,
    chain_or_sni_is_sent,
    client_certificate_parses,
    client_certificate_was_presented,
    every_link_is_signed,
    issuer_is_known,
    leaf_is_in_date,
    links_above_are_signed,
    presented_ca_is_registered,
    sni_is_sent_where_the_ca_needs_it,
    sni_is_sent_where_the_certificate_needs_it,
    sni_selects_this_account,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """AWS IoT at one time.

    Attributes:
        name: what ``--profile`` takes.
        summary: one sentence.
        first: asked of every CONNECT.
        known: asked then of a certificate that is ACTIVE.
        onboarding: asked then of every other certificate.
        logs_authn_errors: whether Connection.AuthNError exists yet.
    """

    name: str
    summary: str
    first: tuple[Rule, ...]
    known: tuple[Rule, ...]
    onboarding: tuple[Rule, ...]
    logs_authn_errors: bool

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule once, in the order a newcomer meets them."""
        return tuple(dict.fromkeys((*self.first, *self.onboarding, *self.known)))


_FIRST: Final = (
    client_certificate_was_presented,
    client_certificate_parses,
    sni_selects_this_account,
    certificate_is_not_revoked,
    certificate_is_not_inactive,
    certificate_is_not_in_transfer,
)

_KNOWN: Final = (
    sni_is_sent_where_the_certificate_needs_it,
    leaf_is_in_date,
)


def _onboarding(chain_rule: Rule) -> tuple[Rule, ...]:
    return (
        issuer_is_known,
        ca_is_active,
        ca_auto_registers,
        sni_is_sent_where_the_ca_needs_it,
        chain_rule,
        presented_ca_is_registered,
        every_link_is_signed,
        leaf_is_in_date,
    )


AWS_2021: Final = Profile(
    "aws-2021",
    "The chain must carry the registered CA certificate; nothing is logged when it does not.",
    _FIRST,
    _KNOWN,
    _onboarding(chain_carries_a_registered_ca),
    logs_authn_errors=False,
)

AWS_2026: Final = Profile(
    "aws-2026",
    "With SNI the chain is optional; a CA certificate that is sent must still be the registered one.",
    _FIRST,
    _KNOWN,
    _onboarding(chain_or_sni_is_sent),
    logs_authn_errors=True,
)

PROFILES: Final = {profile.name: profile for profile in (AWS_2021, AWS_2026)}


def judging_the_whole_chain(profile: Profile) -> Profile:
    """``profile``, but links above the leaf's issuer are judged too; normally they are recorded only."""
    return replace(profile, onboarding=(*profile.onboarding, links_above_are_signed))


def profile_named(name: str) -> Profile:
    """The profile of this name.

    Raises:
        ValueError: there is none.
    """
    if name not in PROFILES:
        raise ValueError(f"{name!r} is no profile; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]
