"""What sources contradict each other about, as named switches: each way with its grade, source and year.

Rules of this file:
1. A switch asks one question; its first choice is taken unless a profile says otherwise.
2. Each choice says on its own what it was checked against; the one in force is a behaviour's evidence.
3. A choice changes what clients can see, or it is no choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jitpbroker.admission.evidence import Grade

_DG: Final = "AWS IoT developer guide, "


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a contested question.

    Attributes:
        name: what the switch is set to.
        meaning: the sentence in the manual.
        grade: what the answer was checked against.
        source: where that can be read.
        since: the year from which AWS is known, or held, to behave so.
    """

    name: str
    meaning: str
    grade: Grade
    source: str
    since: int


@dataclass(frozen=True, slots=True)
class Switch:
    """A contested question and its answers, the usual one first."""

    name: str
    question: str
    choices: tuple[Choice, ...]


CHAIN_OR_SNI: Final = Choice(
    "or-sni",
    "With a server name the CA certificate may be left out.",
    Grade.DOCUMENT,
    _DG + "jit-provisioning (2022 and later)",
    2022,
)
CHAIN_REQUIRED: Final = Choice(
    "required",
    "The CA certificate has to be sent along.",
    Grade.DOCUMENT,
    "AWS IoT blog on just-in-time provisioning (2017); still in aws/iot-atlas pull request 107 (2026)",
    2017,
)
SNI_WHERE_NEEDED: Final = Choice(
    "where-needed",
    "Only certificates in SNI_ONLY mode have to send a server name.",
    Grade.DOCUMENT,
    "CertificateDescription.certificateMode in AWS's service model; "
    + _DG
    + "diagnosing-connectivity-issues",
    2020,
)
SNI_REQUIRED: Final = Choice(
    "required",
    "Who sends no server name is refused.",
    Grade.DOCUMENT,
    _DG + "protocols and mqtt (2022)",
    2022,
)
PRESENTED_CA_IDENTICAL: Final = Choice(
    "identical",
    "A presented CA certificate is the registered one, byte for byte.",
    Grade.ASSUMED,
    "StackOverflow question 65735301 (January 2021) shows the refusal; the comparison is inferred",
    2021,
)
PRESENTED_CA_UNJUDGED: Final = Choice(
    "unjudged",
    "Name and signature of the leaf are all that counts.",
    Grade.DOCUMENT,
    "RegisterCertificate's and CertificateConflictException's sentences in AWS's service model",
    2016,
)
ABOVE_RECORDED: Final = Choice(
    "recorded",
    "Certificates above the leaf's issuer are written down and not judged.",
    Grade.ASSUMED,
    "nothing says that AWS looks above the leaf's issuer",
    2016,
)
ABOVE_JUDGED: Final = Choice(
    "judged",
    "Every certificate above the leaf's issuer signed the one before it.",
    Grade.ASSUMED,
    "nothing says that AWS looks above the leaf's issuer; for firmware that has to be strict",
    2026,
)
DATES_JUDGED: Final = Choice(
    "judged",
    "A device certificate that is not in date is refused.",
    Grade.ASSUMED,
    "floci pull request 3180 refuses expired certificates; AWS documents no date check for AWS IoT",
    2015,
)
DATES_IGNORED: Final = Choice(
    "ignored",
    "The dates of a device certificate do not matter.",
    Grade.ASSUMED,
    "the matching AWS documents names issuer and signature only",
    2015,
)
CA_DATES_IGNORED: Final = Choice(
    "ignored",
    "A CA certificate that has expired still registers devices.",
    Grade.ASSUMED,
    "AWS IoT Device Defender audits expiring CA certificates, nothing says that one stops working",
    2016,
)
CA_DATES_JUDGED: Final = Choice(
    "judged",
    "A CA certificate that is not in date registers nothing.",
    Grade.ASSUMED,
    "nothing attests it; the strict reading",
    2016,
)
COUNTRY_FREE: Final = Choice(
    "free",
    "The subject's country is the device's own business.",
    Grade.DOCUMENT,
    _DG + "jit-provisioning: a declared parameter has to be there, no more",
    2017,
)
COUNTRY_OF_THE_CA: Final = Choice(
    "as-the-ca's",
    "The subject's country, where it names one, is that of its CA certificate.",
    Grade.DOCUMENT,
    "aws/iot-atlas pull request 107 (2026), supported by no other source",
    2026,
)
EVENT_ALWAYS: Final = Choice(
    "always",
    "The registered event is published when provisioning follows, too.",
    Grade.DOCUMENT,
    _DG + "reserved-topics: whenever AWS IoT registers a certificate automatically",
    2016,
)
EVENT_WITHOUT_TEMPLATE: Final = Choice(
    "without-template",
    "The registered event is published by just-in-time registration only.",
    Grade.ASSUMED,
    "the page jit-provisioning does not mention the event",
    2017,
)
CONNACK_NONE: Final = Choice(
    "none",
    "A CONNECT that is refused is answered by close_notify alone.",
    Grade.DOCUMENT,
    "MiniStack pull request 1755, measured on AWS; paho.mqtt.rust issue 119; mongoose-os issue 178",
    2016,
)
CONNACK_NOT_AUTHORIZED: Final = Choice(
    "not-authorized",
    "A CONNECT that is refused is answered by CONNACK with return code 5.",
    Grade.DOCUMENT,
    "floci pull request 3180; the developer guide's line on return codes, which no capture supports",
    2022,
)
SUBSCRIBE_CLOSES: Final = Choice(
    "close",
    "A SUBSCRIBE that is not allowed ends the connection.",
    Grade.DOCUMENT,
    "aws-iot-device-sdk-js issue 125, where an AWS engineer calls it expected, and issue 112",
    2016,
)
SUBSCRIBE_FAILS: Final = Choice(
    "suback-failure",
    "A SUBSCRIBE that is not allowed is answered by SUBACK with 0x80 for each of its filters.",
    Grade.DOCUMENT,
    "OASIS MQTT 3.1.1 section 3.9.3; AWS's quotas page speaks of validating SUBACK",
    2014,
)
CONNECT_RATE_FREE: Final = Choice(
    "free",
    "A client id may connect as often as it likes.",
    Grade.ASSUMED,
    "own choice: the clock of a repeatable run stands still",
    2026,
)
CONNECT_RATE_ONE: Final = Choice(
    "one-per-second",
    "A second CONNECT of one client id within a second is refused; strangers' do not count.",
    Grade.DOCUMENT,
    "AWS General Reference, AWS IoT Core quotas (archived copy of 2019-20)",
    2018,
)
QUOTAS_FREE: Final = Choice(
    "free",
    "Nobody counts what an account or a connection does in a second.",
    Grade.ASSUMED,
    "own choice: a load test measures the broker, and the clock of a repeatable run stands still",
    2026,
)
QUOTAS_AWS: Final = Choice(
    "aws",
    "An account has 500,000 connections, 500 CONNECTs and 15 new certificates a second; a connection 100"
    " messages and 512 KiB a second.",
    Grade.DOCUMENT,
    "AWS General Reference, AWS IoT Core quotas (archived copy of 2019-20)",
    2019,
)
AUTHN_ERRORS_LOGGED: Final = Choice(
    "on-request",
    "The log event Connection.AuthNError exists, and is off until asked for.",
    Grade.DOCUMENT,
    "AWS What's New 2026-06-03",
    2026,
)
AUTHN_ERRORS_UNKNOWN: Final = Choice(
    "none",
    "Refused authentication leaves no log entry.",
    Grade.DOCUMENT,
    "AWS What's New 2026-06-03 introduces the entry; the case found none",
    2015,
)

CHAIN: Final = Switch("chain", "Must the CA certificate be sent along?", (CHAIN_OR_SNI, CHAIN_REQUIRED))
SNI: Final = Switch("sni", "Must a server name be sent?", (SNI_WHERE_NEEDED, SNI_REQUIRED))
PRESENTED_CA: Final = Switch(
    "presented-ca",
    "Is a CA certificate that is sent along compared with the registered one?",
    (PRESENTED_CA_IDENTICAL, PRESENTED_CA_UNJUDGED),
)
CHAIN_ABOVE: Final = Switch(
    "chain-above", "Does the chain above the issuer count?", (ABOVE_RECORDED, ABOVE_JUDGED)
)
DATES: Final = Switch("dates", "Do a device certificate's dates count?", (DATES_JUDGED, DATES_IGNORED))
CA_DATES: Final = Switch(
    "ca-dates", "Do a CA certificate's dates count?", (CA_DATES_IGNORED, CA_DATES_JUDGED)
)
COUNTRY: Final = Switch(
    "country", "Must device and CA name the same country?", (COUNTRY_FREE, COUNTRY_OF_THE_CA)
)
REGISTERED_EVENT: Final = Switch(
    "registered-event",
    "Is the registered event published when a template runs?",
    (EVENT_ALWAYS, EVENT_WITHOUT_TEMPLATE),
)
CONNACK: Final = Switch("connack", "How is a CONNECT refused?", (CONNACK_NONE, CONNACK_NOT_AUTHORIZED))
SUBSCRIBE: Final = Switch("subscribe", "How is a SUBSCRIBE refused?", (SUBSCRIBE_CLOSES, SUBSCRIBE_FAILS))
CONNECT_RATE: Final = Switch(
    "connect-rate", "How often may a client id connect?", (CONNECT_RATE_FREE, CONNECT_RATE_ONE)
)
QUOTAS: Final = Switch("quotas", "Do the quotas of account and second hold?", (QUOTAS_FREE, QUOTAS_AWS))
AUTHN_ERRORS: Final = Switch(
    "authn-errors", "Is refused authentication logged?", (AUTHN_ERRORS_LOGGED, AUTHN_ERRORS_UNKNOWN)
)

#: In the order in which they come to bear on a connection.
SWITCHES: Final = (
    SNI,
    CHAIN,
    PRESENTED_CA,
    CHAIN_ABOVE,
    DATES,
    CA_DATES,
    COUNTRY,
    REGISTERED_EVENT,
    CONNACK,
    SUBSCRIBE,
    CONNECT_RATE,
    QUOTAS,
    AUTHN_ERRORS,
)


def choice_named(switch: str, choice: str) -> Choice:
    """The choice of this name.

    Raises:
        ValueError: there is no such switch, or it has no such choice.
    """
    for each in SWITCHES:
        if each.name == switch:
            for one in each.choices:
                if one.name == choice:
                    return one
            names = ", ".join(one.name for one in each.choices)
            raise ValueError(f"{choice!r} is no choice of the switch {switch}; choose one of {names}.")
    names = ", ".join(each.name for each in SWITCHES)
    raise ValueError(f"{switch!r} is no switch; choose one of {names}.")


def switch_of(choice: Choice) -> Switch:
    """The switch a choice belongs to."""
    return next(switch for switch in SWITCHES if choice in switch.choices)
