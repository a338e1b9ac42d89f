"""What happened in a run, step by step, for the sequence diagram: from the trace, never from the scenario.

Rules of this file:
1. Commands to the chip are told in bundles, by what they were for; a refusal is told by itself.
2. What a visit's records say is told in their order; what only the device saw stands where it saw it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from jitplab.html.sequence import Lane, Step
from jitplab.outcome import Call, JsonValue, Milestone, Outcome
from jitplab.stop import By
from softatecc.status import Status

Tree: TypeAlias = "dict[str, JsonValue]"


def steps_of(outcome: Outcome) -> tuple[Step, ...]:
    """Every step of a run."""
    events: list[tuple[int, int, Milestone | Call]] = [
        *((each.commands, 0, each) for each in outcome.milestones),
        *((each.commands, 1, each) for each in outcome.calls),
    ]
    events.sort(key=lambda event: event[:2])
    out: list[Step] = []
    told = 0
    for upto, _, event in events:
        commands = outcome.chip_commands[told:upto]
        told = max(told, upto)
        if isinstance(event, Milestone):
            out += _bench(event, commands)
        else:
            out += _visit(event, commands)
    rest = outcome.chip_commands[told:]
    if rest:
        out += _bench(Milestone("further commands", len(outcome.chip_commands)), rest)
    if outcome.ended_early and not any(step.stops for step in out):
        out.append(_early(outcome))
    return tuple(out)


def _early(outcome: Outcome) -> Step:
    registration = outcome.stop is not None and outcome.stop.by is By.REGISTRATION
    lane = Lane.REGISTRY if registration else Lane.FIRMWARE
    return Step(lane, lane, f"{outcome.stop}: {outcome.error}", stops=True)


def _bench(event: Milestone, commands: Sequence[Tree]) -> Iterator[Step]:
    if not commands:
        yield Step(Lane.FIRMWARE, Lane.FIRMWARE, event.what)
        return
    yield Step(Lane.FIRMWARE, Lane.CHIP, f"{event.what}: {_bundle(commands)}")
    yield from _refusals(commands)


def _refusals(commands: Sequence[Tree]) -> Iterator[Step]:
    for command in commands:
        if command["status"] != Status.SUCCESS:
            status = Status(_number(command["status"]))
            why = f"; {command['why']}" if command["why"] else ""
            yield Step(
                Lane.CHIP, Lane.FIRMWARE, f"{command['name']} answered {status.label}{why}", stops=True
            )


def _number(value: JsonValue) -> int:
    assert isinstance(value, int)
    return value


def _bundle(commands: Sequence[Tree]) -> str:
    counted = Counter(str(command["name"]) for command in commands)
    names = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in counted.items())
    return f"{len(commands)} command{'s' if len(commands) > 1 else ''}: {names}"


def _visit(call: Call, commands: Sequence[Tree]) -> Iterator[Step]:
    visit = call.visit
    name = "with a server name" if call.sni else "without a server name"
    yield Step(Lane.FIRMWARE, Lane.TLS, f"{call.by}: ClientHello {name}, then its chain")
    if commands:
        yield Step(Lane.FIRMWARE, Lane.CHIP, f"sign the handshake: {_bundle(commands)}")
        yield from _refusals(commands)
    if visit.handshake != "completed":
        yield Step(Lane.TLS, Lane.FIRMWARE, f"handshake failed: {visit.why}", stops=True)
        return
    yield Step(
        Lane.TLS, Lane.FIRMWARE, f"{visit.tls} handshake completed: the key is there, the chain unjudged"
    )
    answered = False
    for record in call.records:
        match record["kind"]:
            case "authorization" if not answered and visit.connack is not None:
                answered = True
                yield from _record(record, call)
                yield Step(Lane.BROKER, Lane.FIRMWARE, f"CONNACK {visit.connack}")
            case "disconnect" if visit.puback:
                yield Step(Lane.BROKER, Lane.FIRMWARE, "PUBACK")
                yield from _record(record, call)
            case _:
                yield from _record(record, call)


def _record(record: Tree, call: Call) -> Iterator[Step]:
    match record["kind"]:
        case "connect":
            size = len(str(record["packet"])) // 2
            yield Step(Lane.FIRMWARE, Lane.BROKER, f"CONNECT, {size} bytes, client id {record['client_id']}")
        case "decision":
            yield from _decision(record)
        case "provisioning":
            yield from _provisioning(record)
        case "authorization":
            yield from _authorization(record)
        case "disconnect":
            yield _ending(record, call)


def _decision(record: Tree) -> Iterator[Step]:
    asked = record["asked"]
    count = len(asked) if isinstance(asked, list) else 0
    yield Step(Lane.BROKER, Lane.REGISTRY, f"{count} rules asked, profile {record['profile']}")
    match record["verdict"]:
        case "known":
            yield Step(Lane.REGISTRY, Lane.BROKER, "the certificate is known and ACTIVE")
        case "provision":
            yield Step(Lane.BROKER, Lane.REGISTRY, "register the certificate: PENDING_ACTIVATION")
        case _:
            yield Step(Lane.BROKER, Lane.BROKER, f"{record['rule']} objects: {record['why']}", stops=True)


def _provisioning(record: Tree) -> Iterator[Step]:
    if record["succeeded"]:
        policies = record["policy_names"]
        made = f"thing {record['thing_name']}, " if record["thing_name"] else ""
        count = len(policies) if isinstance(policies, list) else 0
        yield Step(
            Lane.BROKER,
            Lane.REGISTRY,
            f"run the template: {made}{count} polic{'y' if count == 1 else 'ies'}, "
            f"certificate {record['certificate_status']}",
        )
        return
    yield Step(
        Lane.BROKER, Lane.REGISTRY, f"the template fails, {record['failure']}: {record['why']}", stops=True
    )


def _authorization(record: Tree) -> Iterator[Step]:
    asked = f"{record['action']} on {str(record['resource']).rpartition(':')[2]}"
    if record["action"] in {"iot:Publish", "iot:Subscribe"}:
        packet = "PUBLISH" if record["action"] == "iot:Publish" else "SUBSCRIBE"
        topic = str(record["resource"]).rpartition(":")[2].partition("/")[2]
        yield Step(Lane.FIRMWARE, Lane.BROKER, f"{packet} {topic}")
    if record["allowed"]:
        yield Step(Lane.BROKER, Lane.BROKER, f"{asked}: allowed")
    else:
        yield Step(Lane.BROKER, Lane.BROKER, f"{asked}: no, {record['why']}", stops=True)


def _ending(record: Tree, call: Call) -> Step:
    match record["by"]:
        case "server":
            stops = (
                call.stop is not None
                and call.stop.by is By.DISCONNECT
                and record["reason"] != "JITP_REGISTERED"
            )
            silent = "" if call.visit.connack is not None else ", no CONNACK"
            return Step(Lane.BROKER, Lane.FIRMWARE, f"close_notify{silent} ({record['reason']})", stops=stops)
        case "client":
            return Step(Lane.FIRMWARE, Lane.BROKER, "DISCONNECT")
        case _:
            return Step(Lane.FIRMWARE, Lane.BROKER, f"the connection is gone ({record['reason']})")
