"""Which rules AWS IoT asked, when, and in which order; and which way each contested question went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jitpbroker.admission.rule import Rule
from jitpbroker.admission.rules import (
    ca_auto_registers,
    ca_is_active,
    ca_is_in_date,
    certificate_is_not_in_transfer,
    certificate_is_not_inactive,
    certificate_is_not_revoked,
    chain_carries_a_registered_ca,
    chain_or_sni_is_sent,
    client_certificate_parses,
    client_certificate_was_presented,
    country_is_the_cas,
    every_link_is_signed,
    issuer_is_known,
    leaf_is_in_date,
    links_above_are_signed,
    presented_ca_is_registered,
    sni_is_sent,
    sni_is_sent_where_the_ca_needs_it,
    sni_is_sent_where_the_certificate_needs_it,
    sni_selects_this_account,
)
from jitpbroker.admission.switches import (
    ABOVE_JUDGED,
    AUTHN_ERRORS_LOGGED,
    AUTHN_ERRORS_UNKNOWN,
    CA_DATES_JUDGED,
    CHAIN_REQUIRED,
    COUNTRY_OF_THE_CA,
    DATES_JUDGED,
    PRESENTED_CA_IDENTICAL,
    SNI_REQUIRED,
    SWITCHES,
    Choice,
    choice_named,
    switch_of,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """AWS IoT at one time.

    Attributes:
        name: what ``--profile`` takes.
        summary: one sentence.
        choices: one for each of ``SWITCHES``, in their order.
        first: asked of every CONNECT.
        known: asked then of a certificate that is ACTIVE.
        onboarding: asked then of every other certificate.
    """

    name: str
    summary: str
    choices: tuple[Choice, ...]
    first: tuple[Rule, ...]
    known: tuple[Rule, ...]
    onboarding: tuple[Rule, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule once, in the order a newcomer meets them."""
        return tuple(dict.fromkeys((*self.first, *self.onboarding, *self.known)))

    @property
    def logs_authn_errors(self) -> bool:
        """Whether Connection.AuthNError exists yet."""
        return self.chose(AUTHN_ERRORS_LOGGED)

    def chose(self, choice: Choice) -> bool:
        """Whether this is the way its question went."""
        return choice in self.choices


def profile_of(name: str, summary: str, *choices: Choice) -> Profile:
    """A profile by what it chooses; questions nobody answers get their usual answer."""
    given = {switch_of(choice): choice for choice in choices}
    settled = tuple(given.get(switch, switch.choices[0]) for switch in SWITCHES)

    def only(choice: Choice, rule: Rule) -> tuple[Rule, ...]:
        return (rule,) if choice in settled else ()

    return Profile(
        name,
        summary,
        settled,
        first=(
            client_certificate_was_presented,
            client_certificate_parses,
            *only(SNI_REQUIRED, sni_is_sent),
            sni_selects_this_account,
            certificate_is_not_revoked,
            certificate_is_not_inactive,
            certificate_is_not_in_transfer,
        ),
        known=(
            sni_is_sent_where_the_certificate_needs_it,
            *only(DATES_JUDGED, leaf_is_in_date),
        ),
        onboarding=(
            issuer_is_known,
            ca_is_active,
            ca_auto_registers,
            *only(CA_DATES_JUDGED, ca_is_in_date),
            sni_is_sent_where_the_ca_needs_it,
            chain_carries_a_registered_ca if CHAIN_REQUIRED in settled else chain_or_sni_is_sent,
            *only(PRESENTED_CA_IDENTICAL, presented_ca_is_registered),
            every_link_is_signed,
            *only(COUNTRY_OF_THE_CA, country_is_the_cas),
            *only(DATES_JUDGED, leaf_is_in_date),
            *only(ABOVE_JUDGED, links_above_are_signed),
        ),
    )


AWS_2021: Final = profile_of(
    "aws-2021",
    "The chain must carry the registered CA certificate; nothing is logged when it does not.",
    CHAIN_REQUIRED,
    AUTHN_ERRORS_UNKNOWN,
)

AWS_2026: Final = profile_of(
    "aws-2026",
    "With SNI the chain is optional; a CA certificate that is sent must still be the registered one.",
)

PROFILES: Final = {profile.name: profile for profile in (AWS_2021, AWS_2026)}


def turned(profile: Profile, *choices: Choice) -> Profile:
    """``profile`` with some switches turned."""
    return profile_of(profile.name, profile.summary, *profile.choices, *choices)


def turned_by_name(profile: Profile, switch: str, choice: str) -> Profile:
    """``profile`` with one switch turned, both named.

    Raises:
        ValueError: there is no such switch, or it has no such choice.
    """
    return turned(profile, choice_named(switch, choice))


def judging_the_whole_chain(profile: Profile) -> Profile:
    """``profile``, but links above the leaf's issuer are judged too; normally they are recorded only."""
    return turned(profile, ABOVE_JUDGED)


def profile_named(name: str) -> Profile:
    """The profile of this name.

    Raises:
        ValueError: there is none.
    """
    if name not in PROFILES:
        raise ValueError(f"{name!r} is no profile; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]
