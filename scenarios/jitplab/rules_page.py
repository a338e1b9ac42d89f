"""Draws docs/reference/rules.md from the broker's rules: ``python -m jitplab.rules_page > FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from jitpbroker.admission.profiles import AWS_2026, PROFILES, Profile, judging_the_whole_chain
from jitpbroker.admission.rule import Rule


def lines() -> Iterator[str]:
    """The page, line by line."""
    whole = judging_the_whole_chain(AWS_2026)
    known = dict.fromkeys(rule for profile in (*PROFILES.values(), whole) for rule in profile.rules)
    yield "# Rules of admission"
    yield ""
    yield "<!-- Drawn from the code by `make docs`; a test compares the two. -->"
    yield ""
    yield "What is asked of a client certificate at CONNECT. The first to object decides. The trace keeps"
    yield "its reason, the wire never tells it. The marks are those of [fidelity](fidelity.md)."
    yield ""
    yield "| rule | asks | evidence | source | since | logged as |"
    yield "|---|---|---|---|---|---|"
    for rule in known:
        asks, source = _cell(rule.question), _cell(rule.source)
        reason = rule.log_reason
        yield f"| `{rule.name}` | {asks} | `{rule.grade}` | {source} | {rule.since} | `{reason}` |"
    for profile in PROFILES.values():
        yield ""
        yield from _profile_lines(profile)


def _profile_lines(profile: Profile) -> Iterator[str]:
    yield f"## {profile.name}"
    yield ""
    yield profile.summary
    yield ""
    yield f"1. Of every CONNECT: {_names(profile.first)}."
    yield f"2. Then, of a certificate that is ACTIVE: {_names(profile.known)}."
    yield f"3. Of every other one: {_names(profile.onboarding)}."


def _names(rules: tuple[Rule, ...]) -> str:
    return ", ".join(f"`{rule.name}`" for rule in rules)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
