"""V2 logging options steer what is kept, and CloudWatch's read side shows it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from jitpbroker.control.logstore import LogStore, LogStream
from jitpbroker.logs import Entry, Log, LogLevel, LogOptions
from jitpbroker.registry import counting_ids

if TYPE_CHECKING:
    from typing import TextIO

    from tests.broker.control.conftest import Desk

ROLE = "arn:aws:iam::123456789012:role/logs"
GROUP = "AWSIotLogsV2"
AUTHN = "Connection.AuthNError"
Write = Callable[..., None]


@pytest.fixture
def also() -> io.StringIO:
    """The file beside the store."""
    return io.StringIO()


@pytest.fixture
def write(desk: Desk, also: io.StringIO) -> Write:
    """``write(event_type, level, **fields)``: an entry, as the front desk writes them, at the desk's time."""
    options = LogOptions("123456789012", LogLevel.DEBUG, {AUTHN: LogLevel.DEBUG})
    stream = LogStream(desk.registry, desk.log, also, lambda: desk.clock[0])
    log = Log(cast("TextIO", stream), options, counting_ids())

    def write_one(event_type: str = "Connect", level: LogLevel = LogLevel.INFO, **fields: str) -> None:
        at = desk.clock[0].isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
        log.write(Entry(level, level > LogLevel.ERROR, event_type, at, fields))

    return write_one


def configure(desk: Desk, level: str = "INFO", **more: object) -> None:
    desk.iot("SetV2LoggingOptions", roleArn=ROLE, defaultLogLevel=level, **more)


def kept(desk: Desk, **more: object) -> list[str]:
    """Event types and clients of what filter-log-events shows."""
    events = desk.logs("FilterLogEvents", logGroupName=GROUP, **more)["events"]
    messages = [json.loads(each["message"]) for each in events]
    return [f"{each['eventType']} {each.get('clientId', '-')}" for each in messages]


def test_nothing_is_kept_before_logging_is_configured(desk: Desk, write: Write, also: io.StringIO) -> None:
    write(level=LogLevel.ERROR)

    assert len(desk.log) == 0
    assert also.getvalue() == ""
    assert desk.logs("DescribeLogGroups")["logGroups"] == []
    refusal = desk.refused("GetV2LoggingOptions")
    assert (refusal.status, refusal.code) == (404, "NotConfiguredException")
    for operation, more in (
        ("SetV2LoggingLevel", {"logTarget": {"targetType": "DEFAULT"}, "logLevel": "INFO"}),
        ("ListV2LoggingLevels", {}),
    ):
        assert desk.refused(operation, **more).code == "NotConfiguredException"
    assert desk.refused("SetV2LoggingOptions", defaultLogLevel="INFO").code == "InvalidRequestException"


def test_the_default_level_decides(desk: Desk, write: Write, also: io.StringIO) -> None:
    configure(desk, "ERROR")
    write(clientId="quiet")
    write(clientId="loud", level=LogLevel.ERROR)
    desk.iot("SetV2LoggingOptions", disableAllLogs=True)
    write(clientId="off", level=LogLevel.ERROR)
    desk.iot("SetV2LoggingOptions", disableAllLogs=False, defaultLogLevel="DEBUG")
    write(clientId="all")

    assert kept(desk) == ["Connect loud", "Connect all"]
    assert [json.loads(line)["clientId"] for line in also.getvalue().splitlines()] == ["loud", "all"]


def test_refused_authentication_is_silent_until_its_event_is_configured(desk: Desk, write: Write) -> None:
    configure(desk, "DEBUG")
    write(AUTHN, LogLevel.ERROR, clientId="before")
    desk.iot("SetV2LoggingOptions", eventConfigurations=[{"eventType": AUTHN, "logLevel": "ERROR"}])
    write(AUTHN, LogLevel.ERROR, clientId="after")

    assert kept(desk) == [f"{AUTHN} after"]
    quiet = desk.iot("GetV2LoggingOptions")
    assert quiet == {"roleArn": ROLE, "defaultLogLevel": "DEBUG", "disableAllLogs": False}
    verbose = desk.iot("GetV2LoggingOptions", verbose=True)
    assert verbose["eventConfigurations"] == [{"eventType": AUTHN, "logLevel": "ERROR"}]


def test_an_event_type_nobody_knows_is_refused(desk: Desk) -> None:
    refusal = desk.refused(
        "SetV2LoggingOptions", roleArn=ROLE, eventConfigurations=[{"eventType": "Coffee", "logLevel": "INFO"}]
    )

    assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
    assert AUTHN in refusal.message


def test_an_event_can_have_a_group_of_its_own(desk: Desk, write: Write) -> None:
    event = {"eventType": "Connect", "logLevel": "INFO", "logDestination": "connects"}
    configure(desk, eventConfigurations=[event])
    write(clientId="a")
    write("Subscribe", clientId="b")

    def clients(group: str) -> list[str]:
        events = desk.logs("FilterLogEvents", logGroupName=group)["events"]
        return [json.loads(each["message"])["clientId"] for each in events]

    assert (clients("connects"), clients(GROUP)) == (["a"], ["b"])
    groups = desk.logs("DescribeLogGroups")["logGroups"]
    assert [each["logGroupName"] for each in groups] == [GROUP, "connects"]


@pytest.mark.parametrize(
    "target, fields",
    [
        ({"targetType": "CLIENT_ID", "targetName": "t"}, {}),
        ({"targetType": "SOURCE_IP", "targetName": "192.0.2.7"}, {"sourceIp": "192.0.2.7"}),
        ({"targetType": "PRINCIPAL_ID", "targetName": "c" * 64}, {"principalId": "c" * 64}),
        ({"targetType": "THING_GROUP", "targetName": "all"}, {}),
    ],
    ids=lambda each: str(each.get("targetType", "")),
)
def test_a_target_has_a_level_of_its_own(
    desk: Desk, write: Write, target: dict[str, str], fields: dict[str, str]
) -> None:
    configure(desk, "ERROR")
    desk.iot("CreateThingGroup", thingGroupName="all")
    desk.iot("CreateThing", thingName="t")
    desk.iot("AddThingToThingGroup", thingName="t", thingGroupName="all")

    write(clientId="t", **fields)
    desk.iot("SetV2LoggingLevel", logTarget=target, logLevel="INFO")
    write(clientId="t", **fields)
    write(clientId="somebody")
    levels = desk.iot("ListV2LoggingLevels")["logTargetConfigurations"]
    desk.iot("DeleteV2LoggingLevel", **target)
    write(clientId="t", **fields)

    assert kept(desk) == ["Connect t"]
    assert levels == [
        {"logTarget": {"targetType": "DEFAULT"}, "logLevel": "ERROR"},
        {"logTarget": target, "logLevel": "INFO"},
    ]
    only = desk.iot("ListV2LoggingLevels", targetType="DEFAULT")["logTargetConfigurations"]
    assert only == levels[:1]


def test_default_is_a_target_too_and_others_need_a_name(desk: Desk) -> None:
    configure(desk)
    desk.iot("SetV2LoggingLevel", logTarget={"targetType": "DEFAULT"}, logLevel="WARN")
    refusal = desk.refused("SetV2LoggingLevel", logTarget={"targetType": "CLIENT_ID"}, logLevel="WARN")

    assert desk.iot("GetV2LoggingOptions")["defaultLogLevel"] == "WARN"
    assert refusal.code == "InvalidRequestException"


def test_event_configurations_are_all_off_until_switched_on(desk: Desk) -> None:
    first = desk.iot("DescribeEventConfigurations")
    desk.iot("UpdateEventConfigurations", eventConfigurations={"THING": {"Enabled": True}})
    desk.clock[0] += timedelta(hours=1)
    desk.iot("UpdateEventConfigurations", eventConfigurations={"CERTIFICATE": {"Enabled": True}})

    second = desk.iot("DescribeEventConfigurations")
    assert {each["Enabled"] for each in first["eventConfigurations"].values()} == {False}
    assert "creationDate" not in first
    on = [kind for kind, each in second["eventConfigurations"].items() if each["Enabled"]]
    assert on == ["THING", "CERTIFICATE"]
    assert second["lastModifiedDate"] - second["creationDate"] == timedelta(hours=1)
    assert (
        desk.refused("UpdateEventConfigurations", eventConfigurations={"COFFEE": {"Enabled": True}}).code
        == "InvalidRequestException"
    )


# --- CloudWatch ------------------------------------------------------------------------------------------


def logs_refused(desk: Desk, operation: str, **parameters: object) -> tuple[int, str]:
    with pytest.raises(Exception, match="Exception") as caught:
        desk.logs(operation, **parameters)
    error: Any = caught.value
    return error.status, error.code


@pytest.fixture
def ten(desk: Desk, write: Write) -> None:
    """Ten entries, a minute apart."""
    configure(desk)
    for number in range(10):
        write(clientId=str(number))
        desk.clock[0] += timedelta(minutes=1)


def ms(minute: int) -> int:
    return int(datetime(2026, 11, 24, 12, minute, tzinfo=UTC).timestamp() * 1000)


def test_group_and_stream_are_described(desk: Desk, ten: None) -> None:
    (group,) = desk.logs("DescribeLogGroups", logGroupNamePrefix="AWSIot")["logGroups"]
    (stream,) = desk.logs("DescribeLogStreams", logGroupIdentifier=group["logGroupArn"])["logStreams"]

    assert group["arn"] == f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}:*"
    assert group["storedBytes"] == desk.log.size
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (ms(0), ms(9))
    assert desk.logs("DescribeLogGroups", logGroupNamePrefix="x")["logGroups"] == []
    assert desk.logs("DescribeLogStreams", logGroupName=GROUP, logStreamNamePrefix="x")["logStreams"] == []


def test_events_are_filtered_by_time_with_both_ends_and_by_stream(desk: Desk, ten: None) -> None:
    (stream,) = desk.logs("DescribeLogStreams", logGroupName=GROUP)["logStreams"]

    between = kept(desk, startTime=ms(2), endTime=ms(4))
    named = kept(desk, logStreamNames=[stream["logStreamName"]])
    others = kept(desk, logStreamNames=["x"])

    assert between == ["Connect 2", "Connect 3", "Connect 4"]
    assert (len(named), others) == (10, [])


def test_events_are_filtered_in_pages(desk: Desk, ten: None) -> None:
    seen: list[list[str]] = []
    token: str | None = None
    for _ in range(4):
        more: dict[str, object] = {} if token is None else {"nextToken": token}
        answer = desk.logs("FilterLogEvents", logGroupName=GROUP, limit=3, **more)
        seen.append([json.loads(each["message"])["clientId"] for each in answer["events"]])
        token = answer.get("nextToken")

    assert seen == [["0", "1", "2"], ["3", "4", "5"], ["6", "7", "8"], ["9"]]
    assert token is None


def test_a_stream_is_read_backwards_from_its_end_or_forwards(desk: Desk, ten: None) -> None:
    (stream,) = desk.logs("DescribeLogStreams", logGroupName=GROUP)["logStreams"]

    def read(**more: object) -> tuple[list[str], dict[str, Any]]:
        name = stream["logStreamName"]
        answer = desk.logs("GetLogEvents", logGroupName=GROUP, logStreamName=name, **more)
        return [json.loads(each["message"])["clientId"] for each in answer["events"]], answer

    last, tail = read(limit=2)
    before, _ = read(limit=2, nextToken=tail["nextBackwardToken"])
    nothing, end = read(nextToken=tail["nextForwardToken"])
    head, start = read(limit=2, startFromHead=True)
    after, _ = read(limit=2, nextToken=start["nextForwardToken"])
    between, _ = read(startTime=ms(2), endTime=ms(4))

    assert (last, before, nothing) == (["8", "9"], ["6", "7"], [])
    assert end["nextForwardToken"] == tail["nextForwardToken"]
    assert (head, after, between) == (["0", "1"], ["2", "3"], ["2", "3"])


@pytest.mark.parametrize(
    "operation, parameters, code",
    [
        ("FilterLogEvents", {"logGroupName": "nobody"}, "ResourceNotFoundException"),
        ("FilterLogEvents", {}, "InvalidParameterException"),
        ("FilterLogEvents", {"logGroupName": "a b"}, "InvalidParameterException"),
        ("FilterLogEvents", {"logGroupName": GROUP, "nextToken": "x"}, "InvalidParameterException"),
        ("FilterLogEvents", {"logGroupName": GROUP, "filterPattern": "{ $.a }"}, "InvalidParameterException"),
        (
            "FilterLogEvents",
            {"logGroupName": GROUP, "logStreamNames": ["a"], "logStreamNamePrefix": "b"},
            "InvalidParameterException",
        ),
        ("GetLogEvents", {"logGroupName": GROUP, "logStreamName": "x"}, "ResourceNotFoundException"),
        (
            "DescribeLogGroups",
            {"logGroupNamePrefix": "a", "logGroupNamePattern": "b"},
            "InvalidParameterException",
        ),
        (
            "DescribeLogStreams",
            {"logGroupName": GROUP, "logGroupIdentifier": GROUP},
            "InvalidParameterException",
        ),
        ("StartQuery", {"startTime": 0, "endTime": 1, "queryString": "x"}, "InvalidParameterException"),
    ],
)
def test_what_cloudwatch_cannot_answer_it_refuses(
    desk: Desk, ten: None, operation: str, parameters: dict[str, object], code: str
) -> None:
    assert logs_refused(desk, operation, **parameters) == (400, code)


def test_another_account_sees_nothing_of_it(desk: Desk, elsewhere: Desk, ten: None) -> None:
    assert elsewhere.logs("DescribeLogGroups")["logGroups"] == []
    configure(elsewhere)
    assert elsewhere.logs("FilterLogEvents", logGroupName=GROUP)["events"] == []


def test_the_oldest_events_give_way_by_number_and_by_size() -> None:
    few, small = LogStore(most_events=3), LogStore(most_bytes=25)
    for number in range(9):
        few.add(str(number), timestamp=number, ingested=number)
        small.add(f"{number:010}", timestamp=number, ingested=number)

    assert [event.message for event in few] == ["6", "7", "8"]
    assert [event.id for event in small] == [7, 8]
    assert small.size == 20


def test_without_a_file_beside_it_the_store_is_enough(desk: Desk) -> None:
    configure(desk)
    stream = LogStream(desk.registry, desk.log, None, lambda: desk.clock[0])
    log = Log(cast("TextIO", stream), LogOptions("123456789012"), counting_ids())

    log.write(Entry(LogLevel.INFO, True, "Connect", "2026-11-24 12:00:00.000", {}))

    assert kept(desk) == ["Connect -"]


def test_a_thousand_and_first_target_is_one_too_many(desk: Desk) -> None:
    configure(desk)
    for number in range(1000):
        target = {"targetType": "CLIENT_ID", "targetName": str(number)}
        desk.iot("SetV2LoggingLevel", logTarget=target, logLevel="INFO")

    target = {"targetType": "CLIENT_ID", "targetName": "x"}
    refusal = desk.refused("SetV2LoggingLevel", logTarget=target, logLevel="INFO")

    assert (refusal.status, refusal.code) == (410, "LimitExceededException")
    desk.iot("SetV2LoggingLevel", logTarget={"targetType": "CLIENT_ID", "targetName": "7"}, logLevel="WARN")


def test_an_answer_stays_below_a_megabyte(desk: Desk, write: Write) -> None:
    configure(desk)
    for number in range(3):
        write(clientId=str(number), details="x" * 600_000)

    answer = desk.logs("FilterLogEvents", logGroupName=GROUP)

    assert len(answer["events"]) == 1
    more = desk.logs("FilterLogEvents", logGroupName=GROUP, nextToken=answer["nextToken"])
    assert len(more["events"]) == 1
