"""CloudWatch Logs, read side: what AWS IoT wrote.

Evidence: document - AWS's service model of CloudWatch Logs; that AWS IoT's group has one stream is assumed
where it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler
from jitpbroker.control.filter_pattern import filter_of
from jitpbroker.control.logstore import LogEvent
from jitpbroker.control.messages import Answer, Refused, Value
from jitpbroker.logs import LOG_GROUP

#: Events of one answer, and their bytes, at most.
#: Evidence: document - AWS's service model, GetLogEvents and FilterLogEvents: 10,000 events or 1 MB.
_MOST_EVENTS: Final = 10_000
_MOST_BYTES: Final = 1024 * 1024
_MOST_LISTED: Final = 50


def describe_log_groups(call: Call) -> Answer:
    """The groups AWS IoT writes to, once logging is configured."""
    prefix = call.asked.maybe_text("logGroupNamePrefix") or ""
    pattern = call.asked.maybe_text("logGroupNamePattern") or ""
    if prefix and pattern:
        raise _invalid("logGroupNamePrefix and logGroupNamePattern exclude each other; give one of them.")
    found: list[Value] = [
        {
            "logGroupName": name,
            "creationTime": min((event.timestamp for event in _events(call, name)), default=0),
            "metricFilterCount": 0,
            "arn": f"{_arn(call, name)}:*",
            "logGroupArn": _arn(call, name),
            "storedBytes": sum(len(event.message.encode()) for event in _events(call, name)),
            "logGroupClass": "STANDARD",
        }
        for name in _groups(call)
        if name.startswith(prefix) and pattern.lower() in name.lower()
    ]
    return {"logGroups": found[: call.asked.number("limit") or _MOST_LISTED]}


def describe_log_streams(call: Call) -> Answer:
    """The streams of a group: one, as soon as something was written."""
    name = _group(call)
    events, stream = _events(call, name), _stream(call)
    if not events or not stream.startswith(call.asked.maybe_text("logStreamNamePrefix") or ""):
        return {"logStreams": []}
    return {
        "logStreams": [
            {
                "logStreamName": stream,
                "creationTime": events[0].ingested,
                "firstEventTimestamp": min(event.timestamp for event in events),
                "lastEventTimestamp": max(event.timestamp for event in events),
                "lastIngestionTime": events[-1].ingested,
                "arn": f"{_arn(call, name)}:log-stream:{stream}",
                "storedBytes": 0,
            }
        ]
    }


def get_log_events(call: Call) -> Answer:
    """Events of a stream, the latest unless asked from the head; times include the start, not the end.

    Evidence: document - AWS's service model, GetLogEvents: the end of the stream gives back the token it got.
    """
    asked, name = call.asked, _group(call)
    if asked.text("logStreamName") != _stream(call):
        raise Refused("ResourceNotFoundException", "The specified log stream does not exist.")
    start, end = asked.number("startTime") or 0, asked.number("endTime")
    found = [
        event
        for event in _events(call, name)
        if start <= event.timestamp and (end is None or event.timestamp < end)
    ]
    direction, at = _token(asked.maybe_text("nextToken"))
    if direction == "f" or (direction is None and asked.flag("startFromHead")):
        chosen = _first(call, (event for event in found if event.id >= at))
    else:
        limit = at if direction == "b" else None
        earlier = [event for event in found if limit is None or event.id < limit]
        chosen = list(reversed(_first(call, reversed(earlier))))
    forward = chosen[-1].id + 1 if chosen else at
    backward = chosen[0].id if chosen else at
    return {
        "events": [_written(event) for event in chosen],
        "nextForwardToken": f"f/{forward}",
        "nextBackwardToken": f"b/{backward}",
    }


def filter_log_events(call: Call) -> Answer:
    """Events of a group that a pattern and a span of time select; both its ends are included."""
    asked, name, stream = call.asked, _group(call), _stream(call)
    streams, prefix = asked.texts("logStreamNames"), asked.maybe_text("logStreamNamePrefix")
    if streams and prefix is not None:
        raise _invalid("logStreamNames and logStreamNamePrefix exclude each other; give one of them.")
    fits = filter_of(asked.maybe_text("filterPattern") or "")
    start, end = asked.number("startTime") or 0, asked.number("endTime")
    _, at = _token(asked.maybe_text("nextToken"))
    searched = (not streams or stream in streams) and stream.startswith(prefix or "")
    found = [
        event
        for event in (_events(call, name) if searched else ())
        if event.id >= at
        and start <= event.timestamp
        and (end is None or event.timestamp <= end)
        and fits(event.message)
    ]
    chosen = _first(call, found)
    return {
        "events": [
            {**_written(event), "logStreamName": stream, "eventId": f"{event.timestamp:020d}{event.id:036d}"}
            for event in chosen
        ],
        "searchedLogStreams": [],
        "nextToken": f"f/{chosen[-1].id + 1}" if len(chosen) < len(found) else None,
    }


def _first(call: Call, events: Iterable[LogEvent]) -> list[LogEvent]:
    """As many as were asked for and fit into one answer."""
    most, octets = call.asked.number("limit") or _MOST_EVENTS, 0
    out: list[LogEvent] = []
    for event in events:
        octets += len(event.message.encode())
        if len(out) >= most or (out and octets > _MOST_BYTES):
            break
        out.append(event)
    return out


def _written(event: LogEvent) -> dict[str, Value]:
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


def _token(text: str | None) -> tuple[str | None, int]:
    """Direction and event id of a token of ours."""
    if text is None:
        return None, 0
    direction, _, number = text.partition("/")
    if direction not in ("f", "b") or not (number.isascii() and number.isdigit() and len(number) <= 12):
        raise _invalid("The specified nextToken is invalid.")
    return direction, int(number)


def _events(call: Call, group: str) -> list[LogEvent]:
    if call.registry is not call.around.accounts.home:
        return []
    return [event for event in call.around.log if event.group == group]


def _groups(call: Call) -> list[str]:
    options = call.registry.logging
    named = {each.destination for each in options.events.values() if each.destination is not None}
    configured = {LOG_GROUP} if options.role_arn is not None else set()
    at_home = call.registry is call.around.accounts.home
    written = {event.group for event in call.around.log} if at_home else set()
    return sorted(named | configured | written)


def _group(call: Call) -> str:
    """The group asked about, by name or by ARN."""
    name, identifier = (call.asked.maybe_text(each) for each in ("logGroupName", "logGroupIdentifier"))
    if (name is None) is (identifier is None):
        raise _invalid("Give logGroupName or logGroupIdentifier, one of the two.")
    chosen = name or (identifier or "").rpartition(":log-group:")[2]
    if chosen not in _groups(call):
        raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
    return chosen


def _arn(call: Call, group: str) -> str:
    arns = call.registry.arns
    return f"arn:{arns.partition}:logs:{arns.region}:{arns.account}:log-group:{group}"


def _stream(call: Call) -> str:
    return f"{call.registry.arns.account}_{call.registry.arns.region}_0"


def _invalid(message: str) -> Refused:
    return Refused("InvalidParameterException", message)


OPERATIONS: Final[Mapping[str, Handler]] = {
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "GetLogEvents": get_log_events,
    "FilterLogEvents": filter_log_events,
}
