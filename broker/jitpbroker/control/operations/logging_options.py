"""V2 logging options and event configurations.

Evidence: document - AWS's service model, SetV2LoggingOptions, SetV2LoggingLevel, UpdateEventConfigurations
and their companions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.messages import Answer, Refused, Value, invalid
from jitpbroker.registry.settings import (
    EVENT_TYPES,
    MOST_LOG_TARGETS,
    EventConfigurations,
    EventLogLevel,
    LoggingOptions,
)

#: Event types of AWS IoT's broker and provisioning; an event configuration names one of them.
#: Evidence: document - developer guide, cwl-format.
LOG_EVENT_TYPES: Final = frozenset(
    {
        "Connect",
        "Connection.AuthNError",
        "DeleteConnection",
        "Disconnect",
        "GetConnection",
        "GetDeviceCredentials",
        "GetRetainedMessage",
        "ListRetainedMessage",
        "ListSubscriptions",
        "Ping",
        "ProvisionDevice",
        "Publish-In",
        "Publish-Out",
        "Queued",
        "SendDirectMessage",
        "Subscribe",
        "Unsubscribe",
    }
)


def set_v2_logging_options(call: Call) -> Answer:
    """Set what is given, keep the rest; the first time a role is needed.

    Evidence: document - AWS What's New 2026-06-03 for Connection.AuthNError, an event configuration like any;
    that an unknown event type is refused is assumed.
    """
    asked, old = call.asked, call.registry.logging
    role = asked.maybe_text("roleArn") or old.role_arn
    if role is None:
        raise invalid("A roleArn is needed before AWS IoT can write logs; give one.")
    events = dict(old.events)
    for each in asked.objects("eventConfigurations"):
        kind = each.text("eventType")
        if kind not in LOG_EVENT_TYPES:
            raise invalid(f"{kind} is no event type; choose one of {', '.join(sorted(LOG_EVENT_TYPES))}.")
        events[kind] = EventLogLevel(kind, each.maybe_text("logLevel"), each.maybe_text("logDestination"))
    call.registry.logging = replace(
        old,
        role_arn=role,
        default_level=asked.maybe_text("defaultLogLevel") or old.default_level,
        disabled=asked.flag("disableAllLogs") if "disableAllLogs" in asked else old.disabled,
        events=events,
    )
    return {}


def get_v2_logging_options(call: Call) -> Answer:
    """The options; event configurations only when asked to be verbose.

    Evidence: document - AWS's service model, GetV2LoggingOptions.
    """
    options = _configured(call)
    events: Value = None
    if call.asked.flag("verbose"):
        events = [
            {"eventType": each.event_type, "logLevel": each.level, "logDestination": each.destination}
            for each in options.events.values()
        ]
    return {
        "roleArn": options.role_arn,
        "defaultLogLevel": options.default_level,
        "disableAllLogs": options.disabled,
        "eventConfigurations": events,
    }


def set_v2_logging_level(call: Call) -> Answer:
    """Set the level for one client, address, certificate or thing group; DEFAULT sets the default level."""
    options, level = _configured(call), call.asked.text("logLevel")
    target = call.asked.object("logTarget")
    kind, name = target.text("targetType"), target.maybe_text("targetName")
    if kind == "DEFAULT":
        call.registry.logging = replace(options, default_level=level)
        return {}
    if name is None:
        raise invalid(f"A logTarget of type {kind} needs a targetName.")
    if len(options.targets) >= MOST_LOG_TARGETS and (kind, name) not in options.targets:
        raise Refused(
            "LimitExceededException",
            f"{MOST_LOG_TARGETS} targets have a level, the most allowed; delete one first.",
        )
    call.registry.logging = replace(options, targets={**options.targets, (kind, name): level})
    return {}


def list_v2_logging_levels(call: Call) -> Answer:
    """The levels of single targets."""
    options, wanted = _configured(call), call.asked.maybe_text("targetType")
    default: Value = {"logTarget": {"targetType": "DEFAULT"}, "logLevel": options.default_level}
    listed: list[Value] = [default] if wanted in (None, "DEFAULT") else []
    listed += [
        {"logTarget": {"targetType": kind, "targetName": name}, "logLevel": level}
        for (kind, name), level in options.targets.items()
        if wanted in (None, kind)
    ]
    names = ("logTargetConfigurations", "nextToken")
    return page(call, listed, size="maxResults", marker="nextToken", answer=names)


def delete_v2_logging_level(call: Call) -> Answer:
    """Remove the level of one target; one that has none stays as it is."""
    gone = (call.asked.text("targetType"), call.asked.text("targetName"))
    options = call.registry.logging
    kept = {target: level for target, level in options.targets.items() if target != gone}
    call.registry.logging = replace(options, targets=kept)
    return {}


def _configured(call: Call) -> LoggingOptions:
    if call.registry.logging.role_arn is None:
        raise Refused("NotConfiguredException", "Logging options are not configured; set them first.")
    return call.registry.logging


def describe_event_configurations(call: Call) -> Answer:
    """Which kinds of registry events are switched on; all are off at first."""
    configured = call.registry.event_configurations
    return {
        "eventConfigurations": {
            kind: {"Enabled": configured.enabled.get(kind, False)} for kind in EVENT_TYPES
        },
        "creationDate": configured.creation_date,
        "lastModifiedDate": configured.last_modified_date,
    }


def update_event_configurations(call: Call) -> Answer:
    """Switch kinds of registry events on and off."""
    old = call.registry.event_configurations
    given = call.asked.object("eventConfigurations")
    changes = {kind: given.object(kind).flag("Enabled") for kind in given.values}
    created = old.creation_date or call.at
    call.registry.event_configurations = EventConfigurations({**old.enabled, **changes}, created, call.at)
    return {}


OPERATIONS: Final[Mapping[str, Handler]] = {
    "SetV2LoggingOptions": set_v2_logging_options,
    "GetV2LoggingOptions": get_v2_logging_options,
    "SetV2LoggingLevel": set_v2_logging_level,
    "ListV2LoggingLevels": list_v2_logging_levels,
    "DeleteV2LoggingLevel": delete_v2_logging_level,
    "DescribeEventConfigurations": describe_event_configurations,
    "UpdateEventConfigurations": update_event_configurations,
}
