"""The plane as a whole: routing, accounts, browsers, hostile input, and faults of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitpbroker.control.checks import rsa_bits
from jitpbroker.control.messages import Request, Response
from jitpbroker.control.model import compiled, pattern_of, service
from jitpbroker.control.operations import OPERATIONS
from jitpbroker.control.sessions import LiveSessions
from jitpbroker.trace import Decision, Disconnect

if TYPE_CHECKING:
    from botocore.model import Shape
    from tests.broker.control.conftest import Desk

LOGS = {"x-amz-target": "Logs_20140328.FilterLogEvents"}


def refusal(response: Response) -> tuple[int, str]:
    """Status and code, of an answer in AWS's form."""
    assert response.headers["content-type"].startswith("application/")
    assert json.loads(response.body)["message"]
    return response.status, response.headers["x-amzn-errortype"]


def test_an_unsigned_request_is_for_the_account_served(desk: Desk) -> None:
    desk.iot("CreateThing", thingName="t")

    response = desk.handle(Request("GET", "/things"))

    assert response.status == 200
    assert json.loads(response.body)["things"][0]["thingName"] == "t"
    assert response.headers["x-amzn-requestid"]


def test_accounts_and_regions_do_not_see_each_other(desk: Desk, elsewhere: Desk) -> None:
    desk.iot("CreateThing", thingName="t")
    before = elsewhere.iot("ListThings")["things"]
    made = elsewhere.iot("CreateThing", thingName="u")
    elsewhere.region = "eu-central-1"
    abroad = elsewhere.iot("ListThings")["things"]

    assert before == abroad == []
    assert made["thingArn"] == "arn:aws:iot:us-east-1:210987654321:thing/u"
    assert [each["thingName"] for each in desk.iot("ListThings")["things"]] == ["t"]


def test_another_accounts_endpoint_selects_that_account(desk: Desk, elsewhere: Desk) -> None:
    assert elsewhere.registry.endpoint in desk.registry.other_endpoints


def test_there_is_an_end_to_accounts_and_regions(desk: Desk) -> None:
    for number in range(63):
        desk.region = f"region-{number}"
        desk.iot("ListThings")
    desk.region = "one-more"

    with pytest.raises(Exception, match="410 LimitExceededException"):
        desk.iot("ListThings")


@pytest.mark.parametrize(
    "request_, expected",
    [
        (Request("GET", "/nothing/here"), (400, "InvalidRequestException")),
        (Request("GET", "/things/"), (400, "InvalidRequestException")),
        (Request("BREW", "/things"), (400, "InvalidRequestException")),
        (Request("GET", "/jobs"), (400, "InvalidRequestException")),
        (Request("POST", "/", "", LOGS), (400, "InvalidParameterException")),
        (Request("POST", "/", "", LOGS, b"["), (400, "SerializationException")),
        (Request("POST", "/", "", {"x-amz-target": "Logs_1.X"}), (400, "UnknownOperationException")),
        (Request("POST", "/", "", {"x-amz-target": "x"}), (400, "UnknownOperationException")),
        (Request("POST", "/things/t", "", {}, b"[1]"), (400, "InvalidRequestException")),
        (Request("POST", "/things/t", "", {}, b"\xff"), (400, "InvalidRequestException")),
        (Request("POST", "/things/t", "", {}, b"[" * 5000), (400, "InvalidRequestException")),
        (Request("POST", "/things/t", "", {}, b'{"thingTypeName": 7}'), (400, "InvalidRequestException")),
        (Request("POST", "/things/t", "", {}, b'{"attributePayload": {"attributes": {"a": null}}}'),
         (400, "InvalidRequestException")),
        (Request("GET", "/things", "maxResults=many"), (400, "InvalidRequestException")),
        (Request("GET", "/things", "maxResults=" + "9" * 5000), (400, "InvalidRequestException")),
        (Request("GET", "/things", "maxResults=1000"), (400, "InvalidRequestException")),
        (Request("GET", "/things", "maxResults=0"), (400, "InvalidRequestException")),
        (Request("GET", "/things", "usePrefixAttributeValue=perhaps"), (400, "InvalidRequestException")),
        (Request("GET", "/things", "&".join("a=b" for _ in range(101))), (400, "InvalidRequestException")),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_a_bad_request(
    desk: Desk, request_: Request, expected: tuple[int, str]
) -> None:
    assert refusal(desk.handle(request_)) == expected


def test_a_service_that_is_not_here_is_unknown(desk: Desk) -> None:
    response = desk.handle(Request("GET", "/", "", desk.signed("s3")))

    assert refusal(response) == (400, "UnknownOperationException")


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_operation_takes_a_list_in_its_query_or_nothing_at_all(name: str) -> None:
    for operation in service(name).operations.values():
        members = getattr(operation.input_shape, "members", None)

        assert members is not None
        queried = [each for each in members.values() if each.serialization.get("location") == "querystring"]
        assert "list" not in {each.type_name for each in queried}


def test_of_a_parameter_given_twice_the_last_counts(desk: Desk) -> None:
    arn = desk.iot("CreateThingType", thingTypeName="m", tags=[{"Key": "a"}, {"Key": "b"}])["thingTypeArn"]
    query = "pageSize=1&pageSize=2&isAscendingOrder=TRUE&unknown=1"

    listed = desk.handle(Request("GET", "/policies", query))
    tags = desk.handle(Request("GET", "/tags", f"resourceArn={arn}"))

    assert listed.status == 200
    assert len(json.loads(tags.body)["tags"]) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"host": "evil.example:8080"},
        {"host": "evil.example"},
        {"host": ""},
    ],
)
def test_browsers_and_strange_names_are_turned_away(desk: Desk, headers: dict[str, str]) -> None:
    response = desk.handle(Request("POST", "/things/t", "", headers))

    assert refusal(response) == (403, "AccessDeniedException")
    assert desk.iot("ListThings")["things"] == []


@pytest.mark.parametrize(
    "host", ["localhost:8080", "LOCALHOST", "127.0.0.1:1", "[::1]:1", "[::1]", "192.0.2.7:1", "desk.local"]
)
def test_addresses_and_the_desks_own_names_are_served(desk: Desk, host: str) -> None:
    assert desk.handle(Request("GET", "/things", "", {"host": host})).status == 200


def test_what_is_not_implemented_is_noted_for_the_operator(desk: Desk) -> None:
    response = desk.handle(Request("GET", "/jobs"))

    assert "ListJobs is not implemented on this desk" in json.loads(response.body)["message"]
    assert response.note == "iot ListJobs was asked for and is not implemented here"


def test_a_fault_of_ours_is_no_500_and_is_told_to_the_operator(make_desk: Callable[..., Desk]) -> None:
    def broken(_count: int) -> bytes:
        raise RuntimeError("no randomness left")

    response = make_desk(draw=broken).handle(Request("GET", "/registrationcode"))

    assert refusal(response) == (400, "ThrottlingException")
    assert b"randomness" not in response.body
    assert response.note is not None
    assert "no randomness left" in response.note


def test_the_endpoint_is_where_the_broker_listens(desk: Desk) -> None:
    answers = [desk.iot("DescribeEndpoint", **kind) for kind in ({}, {"endpointType": "iot:Data-ATS"})]

    assert answers == [{"endpointAddress": "localhost:8883"}] * 2
    assert desk.refused("DescribeEndpoint", endpointType="iot:Jobs").code == "InvalidRequestException"


def shapes(shape: Shape | None, seen: set[str]) -> list[Shape]:
    """A shape and all below it."""
    if shape is None or shape.name in seen:
        return []
    seen.add(shape.name)
    below = [*getattr(shape, "members", {}).values()]
    below += [getattr(shape, each) for each in ("member", "key", "value") if hasattr(shape, each)]
    return [shape, *(found for each in below for found in shapes(each, seen))]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_in_the_model_and_its_patterns_are_understood(name: str) -> None:
    seen: set[str] = set()
    for operation in OPERATIONS[name]:
        for shape in shapes(service(name).operations[operation].input_shape, seen):
            pattern = pattern_of(shape)
            if pattern is not None:
                compiled(pattern)

    assert len(seen) > 10


@pytest.mark.parametrize(
    "pattern, text, fits",
    [
        (r"[\p{Graph}\x20]*", "a meter", True),
        (r"[\p{Graph}\x20]*", "ä", False),
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "Zähler 7", True),
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "a;b", False),
        (r"[^\p{C}]*", "a\x07", False),
        (r"[\w=,@-]+", "ä", False),
        (r"[\w-_]*", "a-b_c", True),
    ],
)
def test_javas_classes_are_read_as_java_reads_them(pattern: str, text: str, fits: bool) -> None:
    assert (compiled(pattern).fullmatch(text) is not None) is fits


@given(st.binary(max_size=64))
def test_no_key_makes_the_bit_count_stumble(tail: bytes) -> None:
    assert rsa_bits(bytes.fromhex("06092a864886f70d010101") + tail) >= 0


@pytest.mark.parametrize("tail", ["", "050003820000308200", "0500030300300002", "05000308003006040400000000"])
def test_a_key_that_breaks_off_has_no_bits(tail: str) -> None:
    assert rsa_bits(bytes.fromhex("06092a864886f70d010101" + tail)) == 0


SEGMENT = st.sampled_from(["things", "policies", "certificates", "cacertificate", "a", "%2F", "%", "..", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
REQUESTS = st.builds(
    Request,
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    st.lists(SEGMENT, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    st.text(max_size=30),
    st.dictionaries(
        st.sampled_from(["authorization", "x-amz-target", "x-amzn-principal", "host"]),
        st.text(max_size=30) | st.sampled_from(list(LOGS.values())),
        max_size=2,
    ),
    st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(REQUESTS)
def test_whatever_comes_in_an_answer_in_awss_form_goes_out(desk: Desk, request_: Request) -> None:
    response = desk.handle(request_)

    assert response.status < 500
    assert response.headers["content-type"].startswith("application/")
    json.loads(response.body or b"{}")
    assert response.note is None or "fault" not in response.note


@pytest.fixture(scope="module")
def operations() -> list[tuple[str, str]]:
    return [(name, each) for name, table in OPERATIONS.items() for each in table]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.data())
def test_no_parameter_makes_an_operation_stumble(
    desk: Desk, operations: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Every operation gets bodies whose members have the model's names and any JSON as values."""
    name, operation = data.draw(st.sampled_from(operations))
    model = service(name).operations[operation]
    members = list(getattr(model.input_shape, "members", {})) or ["x"]
    body = data.draw(st.dictionaries(st.sampled_from(members), JSON, max_size=4))
    path = model.http["requestUri"]
    for label in members:
        path = path.replace(f"{{{label}}}", data.draw(st.sampled_from(["a", "0" * 64, "%00"])))
    headers = {"x-amz-target": f"Logs_20140328.{operation}"} if name == "logs" else {}

    response = desk.handle(Request(model.http["method"], path, "", headers, json.dumps(body).encode()))

    assert response.status < 500
    assert response.note is None or "fault" not in response.note


# --- live sessions ---------------------------------------------------------------------------------------


def decision(desk: Desk, peer: str, client: str, certificate: str, verdict: str = "known") -> Decision:
    return Decision(desk.clock[0], peer, client, "aws-2026", verdict, certificate, None, None, None, ())


def test_sessions_are_found_by_certificate_until_they_end(desk: Desk) -> None:
    hung_up: list[tuple[str, str]] = []

    def hang_up(client: str, why: str) -> bool:
        hung_up.append((client, why))
        return client != "gone"

    sessions = LiveSessions(hang_up)
    for peer, client, certificate in (
        ("a:1", "x", "A"),
        ("a:2", "y", "A"),
        ("b:1", "z", "B"),
        ("a:3", "gone", "A"),
    ):
        sessions.hear(decision(desk, peer, client, certificate))
    sessions.hear(decision(desk, "c:1", "refused", "A", "refuse"))
    ended = Disconnect(
        desk.clock[0] + timedelta(1), "a:2", "y", "client", "CLIENT_INITIATED_DISCONNECT", "left"
    )
    sessions.hear(ended)

    assert sessions.end("A", "because") == 1
    assert sorted(hung_up) == [("gone", "because"), ("x", "because")]
    assert len(sessions) == 3
    assert sessions.end("nobody", "because") == 0
