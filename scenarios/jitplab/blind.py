"""A run as an engineer at the bench meets it: the firmware's log, the cloud's answers, and views on request.

Rules of this file:
1. The bench view holds nothing that a real device, the AWS console or CloudWatch would not show.
2. Views open in a fixed order, each one nearer to the cause; neither they nor the bench view name the
   scenario, what it foretells or what its page says. Only the reveal does.
3. Return codes are those of mbedTLS (include/mbedtls/ssl.h, x509.h, net_sockets.h; the same in 2 and 3).
"""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from jitpbroker import mqtt
from jitplab import anatomy
from jitplab.channel import Closed
from jitplab.outcome import Call, Outcome
from jitplab.report import in_words, outcome_lines, page_lines, visit_lines
from jitplab.scenario import Scenario, ScenarioError
from jitplab.stop import By
from jitplab.terminal import Style
from jitplab.visit import Visit
from softatecc.config import Configuration
from softatecc.describe.record import headline, record_from
from softatecc.describe.slot_map import slot_map
from softatecc.trace import CommandRecord

View: TypeAlias = "Callable[[Outcome, Style], Iterator[str]]"

_CODES: Final = {
    Closed.CLOSE_NOTIFY: "-0x7880 (MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)",
    Closed.END_OF_STREAM: "-0x7280 (MBEDTLS_ERR_SSL_CONN_EOF)",
    Closed.ALERT: "-0x7780 (MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)",
    Closed.RESET: "-0x0050 (MBEDTLS_ERR_NET_CONN_RESET)",
    Closed.SILENCE: "-0x6800 (MBEDTLS_ERR_SSL_TIMEOUT)",
    Closed.NOT_TLS: "-0x7200 (MBEDTLS_ERR_SSL_INVALID_RECORD)",
}
_VERIFY_FAILED: Final = "-0x2700 (MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)"


def any_failure(known: Mapping[str, Scenario], seed: str) -> Scenario:
    """The failure that a seed stands for; few seeds change theirs when the catalogue grows."""

    def rank(name: str) -> bytes:
        return hashlib.sha256(f"{seed}/{name}".encode()).digest()

    return known[min((name for name, each in known.items() if each.stopped_by is not None), key=rank)]


def token(name: str) -> str:
    """A word that stands for a scenario without telling its name."""
    return hashlib.sha256(name.encode()).hexdigest()[:6]


def by_token(known: Mapping[str, Scenario], wanted: str) -> Scenario:
    """The scenario that a token stands for.

    Raises:
        ScenarioError: none does.
    """
    for name, each in known.items():
        if token(name) == wanted.lower():
            return each
    raise ScenarioError(f"no scenario has the token {wanted!r}; jitplab run --any --blind draws one")


# --- what the bench shows -------------------------------------------------------------------------


def bench_lines(outcome: Outcome, style: Style) -> Iterator[str]:
    """The firmware's log, then the cloud's side."""
    yield style.bold("The firmware's log")
    if not outcome.calls and outcome.error is None:
        yield "  nothing"
    for number, call in enumerate(outcome.calls, 1):
        yield from (f"  [{number}] {line}" for line in _firmware_log(call.visit))
    if outcome.error is not None and outcome.stop is not None and outcome.stop.by is not By.REGISTRATION:
        yield f"  [ERROR] {outcome.error}"
    yield style.bold("What the AWS command line shows")
    if outcome.stop is not None and outcome.stop.by is By.REGISTRATION:
        yield f"  An error occurred ({outcome.stop.name}): {outcome.error}"
    yield from (f"  {line}" for line in _registry(outcome.registry))
    yield style.bold("CloudWatch, log group AWSIotLogsV2")
    yield from (f"  {line}" for line in _cloudwatch(outcome))


def _firmware_log(visit: Visit) -> Iterator[str]:
    if visit.handshake != "completed":
        code = f" returned {_VERIFY_FAILED}" if "certificate verify failed" in (visit.why or "") else ""
        yield f"[ERROR] mbedtls_ssl_handshake{code}: {visit.why}"
        return
    yield f"[INFO] TLS handshake completed ({visit.tls or 'version not told'})"
    if visit.connect_packet is not None:
        yield f"[DEBUG] CONNECT written, {len(visit.connect_packet)} bytes"
    if visit.connack is not None:
        yield f"[INFO] CONNACK received, return code {visit.connack}"
    if visit.puback:
        yield "[INFO] PUBACK received"
    if visit.why is not None:
        yield f"[ERROR] {visit.why}"
    if visit.closed_by is not None:
        yield f"[ERROR] mbedtls_ssl_read returned {_CODES[visit.closed_by]}"
        if visit.connack is None and visit.connect_packet is not None:
            yield "[ERROR] MQTT_Connect: CONNACK recv failed with status = MQTTRecvFailed"


def _registry(registry: Mapping[str, object]) -> Iterator[str]:
    for what, command in (
        ("caCertificates", "list-ca-certificates"),
        ("certificates", "list-certificates"),
        ("things", "list-things"),
        ("policies", "list-policies"),
    ):
        entries = registry.get(what)
        found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        yield f"$ aws iot {command}"
        yield from (f"    {line}" for line in map(_entry, found))
        if not found:
            yield "    []"


def _entry(entry: Mapping[str, object]) -> str:
    shown = ("certificateId", "thingName", "policyName", "name", "status", "autoRegistrationStatus")
    parts = [f"{key} {str(entry[key])[:16]}" for key in shown if entry.get(key) is not None]
    return ", ".join(parts)


def _cloudwatch(outcome: Outcome) -> Iterator[str]:
    entries = [entry for entry in outcome.log if isinstance(entry, dict)]
    for entry in entries:
        shown = ("eventType", "status", "reason", "details")
        yield json.dumps({key: entry[key] for key in shown if key in entry})
    if not entries:
        yield "nothing"


# --- the views ------------------------------------------------------------------------------------


def _connection(outcome: Outcome, _: Style) -> Iterator[str]:
    for number, call in enumerate(outcome.calls, 1):
        yield from _packets(number, call)
    if not outcome.calls:
        yield "no connection was opened"


def _packets(number: int, call: Call) -> Iterator[str]:
    seen = call.visit
    yield f"connection {number}: SNI {'sent' if call.sni else 'not sent'}, handshake {seen.handshake}"
    for record in call.records:
        if record["kind"] == "handshake" and isinstance(chain := record.get("chain"), list):
            yield f"  -> certificates: {len(chain)}, and a proof that the first one's key is held"
    if seen.connect_packet is not None:
        yield f"  -> CONNECT {seen.connect_packet.hex(' ')}"
        decoder = mqtt.Decoder(max_remaining_length=len(seen.connect_packet))
        decoder.receive_data(seen.connect_packet)
        if isinstance(packet := decoder.next_packet(), mqtt.Connect):
            yield f"     client id {packet.client_id!r}, user name {packet.user_name!r}"
            yield f"     keep-alive {packet.keep_alive} s, clean session {in_words(packet.clean_session)}"
    if seen.connack is not None:
        yield f"  <- CONNACK, return code {seen.connack}"
    if seen.puback:
        yield "  <- PUBACK"
    yield f"  <- {seen.closed_by}" if seen.closed_by is not None else "  -> closed by the client"


def _certificates(outcome: Outcome, _: Style) -> Iterator[str]:
    for whose, presented, issued in (
        ("device certificate", outcome.device, outcome.device_issued),
        ("signer certificate", outcome.signer, outcome.signer_issued),
    ):
        for how, der in (("presented", presented), ("issued", issued)):
            yield f"{whose}, as {how}: {'none' if der is None else f'{len(der)} bytes'}"
            yield from (f"  {line}" for line in (_fields(der) if der is not None else ()))


def _fields(der: bytes) -> Iterator[str]:
    try:
        found = anatomy.fields(der)
    except ValueError as error:
        yield f"it cannot be read: {error}"
        return
    for field in found:
        data = der[field.offset : field.offset + field.length]
        yield f"{field.name:<26} {data.hex()}"


def _chip_commands(outcome: Outcome, _: Style) -> Iterator[str]:
    for command in outcome.chip_commands:
        record = record_from(json.dumps({key: command[key] for key in command if key != "number"}))
        if isinstance(record, CommandRecord):
            yield f"{command['number']:>4}  {headline(record)}: {record.status.name}"
    if not outcome.chip_commands:
        yield "the chip was not asked anything"


def _slots(outcome: Outcome, _: Style) -> Iterator[str]:
    if outcome.configuration is None:
        yield "the chip did not give its configuration away"
        return
    for page in slot_map(Configuration(outcome.configuration)):
        may = ", ".join(each.words for each in page.permissions)
        yield from textwrap.wrap(
            f"slot {page.number:2}, {page.kind}, {page.size} bytes: {may}", 100, subsequent_indent=" " * 9
        )


def _trace(outcome: Outcome, _: Style) -> Iterator[str]:
    yield from visit_lines(outcome.calls)


VIEWS: Final[tuple[tuple[str, View], ...]] = (
    ("the connection, packet by packet", _connection),
    ("the certificates, as presented and as issued", _certificates),
    ("what the chip was asked", _chip_commands),
    ("the chip's slots", _slots),
    ("the broker's trace", _trace),
)


def view_lines(outcome: Outcome, count: int, style: Style) -> Iterator[str]:
    """The first ``count`` views, each under its number and name."""
    for number, (name, view) in enumerate(VIEWS[:count], 1):
        yield ""
        yield style.bold(f"Hint {number} of {len(VIEWS)}: {name}")
        yield from (f"  {line}" for line in view(outcome, style))


def reveal_lines(chosen: Scenario, outcome: Outcome, style: Style) -> Iterator[str]:
    """The scenario's page, and what was foretold and seen."""
    yield ""
    yield style.bold("It was:")
    yield from page_lines(chosen, style)
    yield ""
    yield from outcome_lines(chosen.name, outcome, style)


def next_lines(again: Iterable[str], shown: int, *, revealed: bool) -> Iterator[str]:
    """How to come back for more.

    Args:
        again: words of the command line that play the same again.
        shown: how many views are open.
        revealed: whether it has been told already.
    """
    if revealed:
        return
    command = " ".join(("jitplab run", *again))
    yield ""
    if shown < len(VIEWS):
        yield f"one view more:  {command} --hint {shown + 1}"
    yield f"what it was:    {command} --reveal"
