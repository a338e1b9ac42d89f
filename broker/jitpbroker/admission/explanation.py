"""A profile in words: its rules in the order they are asked, and its switches."""

from __future__ import annotations

import textwrap

from jitpbroker.admission.profiles import Profile
from jitpbroker.admission.rule import Rule
from jitpbroker.admission.switches import SWITCHES, Choice
from jitpbroker.trace import JsonValue

_WIDTH = 100


def explain(profile: Profile) -> str:
    """The profile as text, lines of at most a hundred and ten characters where words allow."""
    lines = [f"{profile.name}: {profile.summary}", ""]
    for title, rules in _stages(profile):
        lines += [title, ""]
        for number, rule in enumerate(rules, start=1):
            lines += [f"{number:3}. {rule.name}", *_folded(rule.question)]
            lines += _folded(_marks(rule.grade, rule.since, rule.source))
        lines.append("")
    lines += ["Contested questions, and which way each is switched:", ""]
    for switch, chosen in zip(SWITCHES, profile.choices, strict=True):
        lines += [f"  {switch.name} = {chosen.name}", *_folded(f"{switch.question} {chosen.meaning}")]
        lines += _folded(_marks(chosen.grade, chosen.since, chosen.source))
        for other in switch.choices:
            if other is not chosen:
                marks = _marks(other.grade, other.since, other.source)
                lines += _folded(f"or {other.name}: {other.meaning} {marks}")
    return "\n".join(lines) + "\n"


def as_json(profile: Profile) -> dict[str, JsonValue]:
    """The same for programs."""
    return {
        "profile": profile.name,
        "summary": profile.summary,
        "rules": [
            {"stage": stage, **_rule(rule)}
            for stage, rules in (
                ("first", profile.first),
                ("onboarding", profile.onboarding),
                ("known", profile.known),
            )
            for rule in rules
        ],
        "switches": [
            {
                "name": switch.name,
                "question": switch.question,
                "choice": chosen.name,
                "choices": [_choice(each) for each in switch.choices],
            }
            for switch, chosen in zip(SWITCHES, profile.choices, strict=True)
        ],
    }


def _stages(profile: Profile) -> tuple[tuple[str, tuple[Rule, ...]], ...]:
    return (
        ("Asked of every CONNECT, in this order; the first to object decides:", profile.first),
        ("Asked then of a certificate that is not ACTIVE:", profile.onboarding),
        ("Asked then of a certificate that is ACTIVE:", profile.known),
    )


def _rule(rule: Rule) -> dict[str, JsonValue]:
    return {
        "name": rule.name,
        "question": rule.question,
        "grade": rule.grade.value,
        "source": rule.source,
        "since": rule.since,
        "logReason": rule.log_reason.value,
    }


def _choice(choice: Choice) -> dict[str, JsonValue]:
    return {
        "name": choice.name,
        "meaning": choice.meaning,
        "grade": choice.grade.value,
        "source": choice.source,
        "since": choice.since,
    }


def _marks(grade: str, since: int, source: str) -> str:
    return f"[{grade}, since {since}: {source}]"


def _folded(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="     ", subsequent_indent="     ")
