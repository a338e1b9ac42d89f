"""Topics and filters: MQTT 3.1.1 section 4.7, with AWS IoT's deviations."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.mqtt.topics import (
    filter_objection,
    has_wildcard,
    is_basic_ingest,
    malformed_filter,
    matches,
    topic_objection,
)


@pytest.mark.parametrize(
    "topic_filter,topic,expected",
    [
        ("a/b", "a/b", True),
        ("a/b", "a/c", False),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("+", "a", True),
        ("+", "a/b", False),
        ("+/b", "a/b", True),
        ("a/+", "a", False),
        ("a/+", "a/", True),  # an empty level is a level
        ("a/+/c", "a/b/c", True),
        ("+/+", "/a", True),
        ("#", "a/b/c", True),
        ("#", "a", True),
        ("a/#", "a/b", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a/", True),
        ("+/#", "a/b", True),
        ("A/b", "a/b", False),
        # AWS IoT developer guide, page mqtt: a/# does not match a, against section 4.7.1.2.
        ("a/#", "a", False),
        ("+/#", "a", False),
        # Section 4.7.2: a leading wildcard sees nothing below $.
        ("#", "$aws/events/x", False),
        ("+/events/x", "$aws/events/x", False),
        ("$aws/#", "$aws/events/x", True),
        ("$aws/events/+", "$aws/events/x", True),
    ],
)
def test_a_filter_matches_as_aws_says(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


@pytest.mark.parametrize(
    "topic,sentence",
    [
        ("a" * 257, "has 257 bytes, AWS IoT allows 256"),
        ("ü" * 129, "has 258 bytes"),
        ("a/b/c/d/e/f/g/h/i", "8 slashes, AWS IoT allows 7"),
        ("$SYS/broker", "reserved"),
        ("$mine", "reserved"),
        ("$aws/events/presence/connected/x", "reserved"),
        ("$aws/of/our/own", "reserved"),
        ("$aws/rules/r/b/c/d/e/f/g/h/i/j", "8 slashes"),
    ],
)
def test_aws_does_not_take_a_message_for_such_a_topic(topic: str, sentence: str) -> None:
    assert sentence in str(topic_objection(topic))


@pytest.mark.parametrize(
    "topic",
    [
        "a" * 256,
        "a/b/c/d/e/f/g/h",
        "$aws/things/t/shadow/name/n/update/accepted",
        "$aws/rules/r/b/c/d/e/f/g/h/i",  # the first three slashes of Basic Ingest do not count
        "$aws/rules/r",
    ],
)
def test_aws_takes_a_message_for_such_a_topic(topic: str) -> None:
    assert topic_objection(topic) is None


@pytest.mark.parametrize(
    "topic_filter,sentence",
    [
        ("$share/group/a", "shared subscription"),
        ("$SYS/#", "only $aws/"),
        ("$aws/rules/r/#", "to no subscriber"),
        ("a" * 257, "257 bytes"),
        ("+/+/+/+/+/+/+/+/+", "8 slashes"),
    ],
)
def test_aws_does_not_take_such_a_subscription(topic_filter: str, sentence: str) -> None:
    assert sentence in str(filter_objection(topic_filter))


@pytest.mark.parametrize("topic_filter", ["#", "+/a", "$aws/events/#", "a/b/c/d/e/f/g/#"])
def test_aws_takes_such_a_subscription(topic_filter: str) -> None:
    assert filter_objection(topic_filter) is None


def test_basic_ingest_and_wildcards_are_recognised() -> None:
    assert is_basic_ingest("$aws/rules/r/t")
    assert not is_basic_ingest("aws/rules/r/t")
    assert has_wildcard("a/+")
    assert has_wildcard("#")
    assert not has_wildcard("a/b")


levels = st.text("ab$", max_size=3)
topic_names = st.lists(levels, min_size=1, max_size=5).map("/".join).filter(bool)
filter_names = (
    st.lists(levels | st.just("+"), min_size=1, max_size=5)
    .flatmap(lambda parts: st.sampled_from([parts, [*parts, "#"]]))
    .map("/".join)
    .filter(lambda name: bool(name) and malformed_filter(name) is None)
)


@given(topic_filter=filter_names, topic=topic_names)
def test_matching_agrees_with_the_filter_read_as_a_regular_expression(topic_filter: str, topic: str) -> None:
    pattern = re.escape(topic_filter).replace(r"\+", "[^/]*").replace(r"\#", ".*")
    hidden = topic[0] == "$" and topic_filter[0] in "+#"

    assert matches(topic_filter, topic) is (not hidden and re.fullmatch(pattern, topic) is not None)
