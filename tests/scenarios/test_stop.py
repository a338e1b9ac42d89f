"""What stopped a device is read off the evidence, by the name of whoever said no."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jitpbroker.registry.errors import ErrorCode, RegistryError
from jitpbroker.trace import Authorization, Decision, Disconnect, Provisioning, Record
from jitplab.stop import By, Stop, stop_of_error, stop_of_visit
from jitplab.visit import Visit
from softatecc.library import LibraryError

AT = datetime(2026, 1, 31, tzinfo=UTC)
DONE = Visit("completed", None, "TLSv1.3", b"\x10")
REFUSED = Decision(AT, "p", "c", "aws-2026", "refuse", "id", "ca", "ca_is_active", "why", ("ca_is_active",))
KNOWN = Decision(AT, "p", "c", "aws-2026", "known", "id", "ca", None, None, ())
FAILED = Provisioning(AT, "id", "ca", False, "PENDING_ACTIVATION", None, (), "why", "MissingParameter")
DENIED = Authorization(AT, "c", "id", "iot:Connect", "arn", False, "why")
ALLOWED = Authorization(AT, "c", "id", "iot:Connect", "arn", True, "why")
HUNG_UP = Disconnect(AT, "p", "c", "server", "CLIENT_ERROR", "why")
LEFT = Disconnect(AT, "p", "c", "client", "CLIENT_INITIATED_DISCONNECT", "why")


@pytest.mark.parametrize(
    "records, stop",
    [
        ((REFUSED, HUNG_UP), Stop(By.RULE, "ca_is_active")),
        ((KNOWN, FAILED, HUNG_UP), Stop(By.TEMPLATE, "MissingParameter")),
        ((KNOWN, DENIED, HUNG_UP), Stop(By.POLICY, "iot:Connect")),
        ((KNOWN, ALLOWED, HUNG_UP), Stop(By.DISCONNECT, "CLIENT_ERROR")),
        ((KNOWN, ALLOWED, LEFT), None),
        ((), None),
    ],
)
def test_the_earliest_no_in_the_devices_way_counts(records: tuple[Record, ...], stop: Stop | None) -> None:
    assert stop_of_visit(DONE, records) == stop


def test_a_failed_handshake_comes_before_everything() -> None:
    assert stop_of_visit(Visit("failed", why="no"), (REFUSED,)) == Stop(By.TLS, "handshake")


def test_a_status_is_the_chips_where_the_chip_did_answer_so_and_else_the_librarys() -> None:
    read, refused = {"status": 0}, {"status": 0x0F}

    assert stop_of_error(LibraryError("atcab_read", -12), [read, refused]) == Stop(By.CHIP, "EXECUTION_ERROR")
    assert stop_of_error(LibraryError("atcab_read", -30), [refused, read]) == Stop(  # another status
        By.LIBRARY, "ATCA_BAD_PARAM"
    )
    assert stop_of_error(LibraryError("atcab_read", -30)) == Stop(By.LIBRARY, "ATCA_BAD_PARAM")


def test_the_control_planes_no_goes_by_its_exception() -> None:
    error = RegistryError(ErrorCode.RESOURCE_ALREADY_EXISTS, "It exists.")

    assert str(stop_of_error(error)) == "registration ResourceAlreadyExistsException"


def test_a_stop_reads_as_it_is_written() -> None:
    assert Stop.parse("rule ca_is_active") == Stop(By.RULE, "ca_is_active")
    assert str(Stop.parse("chip EXECUTION_ERROR")) == "chip EXECUTION_ERROR"


@pytest.mark.parametrize("text", ["", "rule", "rule ", "weather rain"])
def test_what_names_no_stop_is_refused_with_the_kinds_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="write KIND NAME, with a KIND of chip, library"):
        Stop.parse(text)
