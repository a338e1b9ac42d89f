"""What an account has set rather than registered: its registration code, logging, events, tags, transfers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from jitpbroker.registry.errors import ErrorCode, RegistryError
from jitpbroker.registry.tables import Table

#: Evidence: document - AWS's service model, LogLevel.
LEVELS: Final = ("DISABLED", "ERROR", "WARN", "INFO", "DEBUG")

#: Event types that are silent until an event configuration names them.
#: Evidence: document - AWS What's New 2026-06-03 for the first, developer guide, cwl-format, for the other.
OFF_BY_DEFAULT: Final = frozenset({"Connection.AuthNError", "Ping"})

#: Kinds of events that can be switched on.
#: Evidence: document - AWS's service model, EventType.
EVENT_TYPES: Final = (
    "THING",
    "THING_GROUP",
    "THING_TYPE",
    "THING_GROUP_MEMBERSHIP",
    "THING_GROUP_HIERARCHY",
    "THING_TYPE_ASSOCIATION",
    "JOB",
    "JOB_EXECUTION",
    "POLICY",
    "CERTIFICATE",
    "CA_CERTIFICATE",
)

#: Evidence: document - AWS General Reference, "resource-specific logging levels" (archived copy of 2019-20).
MOST_LOG_TARGETS: Final = 1000

#: Tags of one resource.
#: Evidence: document - AWS General Reference, tag restrictions.
MOST_TAGS: Final = 50


@dataclass(frozen=True, slots=True)
class EventLogLevel:
    """One event configuration of SetV2LoggingOptions."""

    event_type: str
    level: str | None
    destination: str | None


@dataclass(frozen=True, slots=True)
class LoggingOptions:
    """V2 logging options; without a role nothing has been configured.

    Attributes:
        role_arn: under which AWS writes; ``None`` before SetV2LoggingOptions.
        default_level: one of `LEVELS`.
        disabled: disableAllLogs.
        events: event configurations by event type.
        targets: levels of single targets, by (targetType, targetName).
    """

    role_arn: str | None = None
    default_level: str = "DISABLED"
    disabled: bool = False
    events: Mapping[str, EventLogLevel] = field(default_factory=dict)
    targets: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def level_of(self, event_type: str, target_names: Mapping[str, frozenset[str]]) -> str:
        """The level for an entry: of its event type, else the loudest of its targets, else the default.

        Args:
            event_type: such as ``Connect``.
            target_names: by targetType, the names that apply to the entry.
        """
        if self.disabled:
            return "DISABLED"
        event = self.events.get(event_type)
        if event is not None and event.level is not None:
            return event.level
        if event_type in OFF_BY_DEFAULT:
            return "DISABLED"
        named = [
            level
            for (kind, name), level in self.targets.items()
            if name in target_names.get(kind, frozenset())
        ]
        return max(named, key=LEVELS.index) if named else self.default_level


@dataclass(frozen=True, slots=True)
class EventConfigurations:
    """Which kinds of events the account has switched on; none at first, and then without dates."""

    enabled: Mapping[str, bool] = field(default_factory=dict)
    creation_date: datetime | None = None
    last_modified_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A certificate on its way to another account."""

    certificate_id: str
    target_account: str
    message: str | None
    date: datetime
    reject_reason: str | None = None
    reject_date: datetime | None = None
    accept_date: datetime | None = None


class TagStore:
    """Tags of resources, by ARN."""

    def __init__(self) -> None:
        self._tags: Table[str, dict[str, str]] = Table("tags", dict[str, str])

    @property
    def tables(self) -> tuple[Table[str, dict[str, str]], ...]:
        """What has to be kept."""
        return (self._tags,)

    def of(self, arn: str) -> Mapping[str, str]:
        """A resource's tags; empty when it has none."""
        return self._tags.get(arn, {})

    def set(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags, or change their values.

        Raises:
            RegistryError: the resource would have more than fifty.
        """
        merged = {**self._tags.get(arn, {}), **tags}
        if len(merged) > MOST_TAGS:
            raise RegistryError(
                ErrorCode.LIMIT_EXCEEDED,
                f"{arn} would have {len(merged)} tags, at most {MOST_TAGS} are allowed; remove some first.",
            )
        if merged:
            self._tags[arn] = merged

    def remove(self, arn: str, keys: list[str]) -> None:
        """Remove tags by key; a key that is not there is passed over."""
        kept = {key: value for key, value in self._tags.get(arn, {}).items() if key not in keys}
        self.forget(arn)
        if kept:
            self._tags[arn] = kept

    def forget(self, arn: str) -> None:
        """Remove all tags of a resource that is gone."""
        self._tags.pop(arn, None)

    def as_json(self) -> dict[str, dict[str, str]]:
        """Everything, independent of later changes."""
        return {arn: dict(tags) for arn, tags in self._tags.items()}
