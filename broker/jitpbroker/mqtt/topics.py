"""Topics and filters: what MQTT calls well-formed, what AWS IoT adds, and who matches whom.

Rules of this file:
1. ``malformed_*`` ask the MQTT 3.1.1 standard (section 4.7); the decoder refuses on them.
2. ``*_objection`` ask AWS IoT; the connection closes on them. Both answer ``None`` or the rest of a sentence
   whose subject the caller supplies.
3. A filter that starts with a wildcard never sees a topic that starts with ``$`` [MQTT-4.7.2-1].
4. ``a/#`` does not match ``a``, unlike the standard says.

Evidence: document - rules 1 and 3: OASIS MQTT 3.1.1 section 4.7; rule 4: AWS IoT developer guide, page mqtt;
lengths and slashes: AWS General Reference, AWS IoT Core message broker quotas; ``$`` being reserved:
developer guide, page reserved-topics.
"""

from __future__ import annotations

MAX_TOPIC_BYTES = 256
MAX_SLASHES = 7

_BASIC_INGEST = "$aws/rules/"

#: Where clients may publish below ``$``. Evidence: document - AWS IoT developer guide, reserved-topics.
_OPEN_TO_CLIENTS = (
    _BASIC_INGEST,
    "$aws/certificates/create",
    "$aws/commands/",
    "$aws/device_location/",
    "$aws/provisioning-templates/",
    "$aws/sitewise/",
    "$aws/things/",
)


def malformed_topic(topic: str) -> str | None:
    """Why ``topic`` is no topic name, ``None`` if it is one."""
    if not topic:
        return "is empty [MQTT-4.7.3-1]"
    if "+" in topic or "#" in topic:
        return f"{topic!r} contains a wildcard, which only filters may [MQTT-3.3.2-2]"
    return None


def malformed_filter(topic_filter: str) -> str | None:
    """Why ``topic_filter`` is no topic filter, ``None`` if it is one."""
    if not topic_filter:
        return "is empty [MQTT-4.7.3-1]"
    levels = topic_filter.split("/")
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        return f"{topic_filter!r} has a # that is not its whole last level [MQTT-4.7.1-2]"
    if any("+" in level and level != "+" for level in levels):
        return f"{topic_filter!r} has a + that is not a whole level [MQTT-4.7.1-3]"
    return None


def topic_objection(topic: str) -> str | None:
    """Why AWS IoT would not take a client's message for ``topic``, ``None`` if it would.

    Policies are asked elsewhere; this is what no policy can allow.
    """
    if (why := _size_objection(topic)) is not None:
        return why
    if topic.startswith("$") and not topic.startswith(_OPEN_TO_CLIENTS):
        return f"{topic!r} is reserved: clients cannot publish there"
    return None


def filter_objection(topic_filter: str) -> str | None:
    """Why AWS IoT would not take a subscription to ``topic_filter``, ``None`` if it would.

    Shared subscriptions exist on AWS and are not emulated: they are refused rather than silently unshared.
    """
    if topic_filter.startswith("$share/"):
        return f"{topic_filter!r} is a shared subscription, which this broker does not emulate"
    if topic_filter.startswith(_BASIC_INGEST):
        return f"{topic_filter!r} is Basic Ingest: its messages go to a rule and to no subscriber"
    if topic_filter.startswith("$") and not topic_filter.startswith("$aws/"):
        return f"{topic_filter!r} is reserved: below $, only $aws/ can be subscribed to"
    return _size_objection(topic_filter)


def _size_objection(topic: str) -> str | None:
    length = len(topic.encode())
    if length > MAX_TOPIC_BYTES:
        return f"has {length} bytes, AWS IoT allows {MAX_TOPIC_BYTES}"
    slashes = topic.count("/")
    if is_basic_ingest(topic):
        slashes = max(0, slashes - 3)  # $aws/rules/<rule>/ does not count
    if slashes > MAX_SLASHES:
        return f"{topic!r} has {slashes} slashes, AWS IoT allows {MAX_SLASHES}"
    return None


def is_basic_ingest(topic: str) -> bool:
    """Whether ``topic`` goes straight to the rules engine and to no subscriber."""
    return topic.startswith(_BASIC_INGEST)


def has_wildcard(topic_filter: str) -> bool:
    """Whether ``topic_filter`` can match more than one topic."""
    return "+" in topic_filter or "#" in topic_filter


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a subscription to ``topic_filter`` sees a message on ``topic`` (both well-formed)."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    wanted, given = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        # At least one level must stand where the # is: AWS IoT's a/# does not match a.
        if len(given) < len(wanted):
            return False
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(w in {"+", g} for w, g in zip(wanted, given, strict=True))
