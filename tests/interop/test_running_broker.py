"""The catalogue against `jitplab broker`, a process of its own, asked by AWS's API alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jitpbroker.trace import (
    Authorization,
    Connect,
    Decision,
    Disconnect,
    Handshake,
    Provisioning,
    Record,
    as_json,
)
from jitplab import cli
from jitplab.account import Account
from jitplab.remote_account import RemoteAccount, RemoteBroker, record_from

NOW = datetime(2026, 11, 26, 16, 0, 0, 123456, tzinfo=UTC)
FIXED = ("--library", "own")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("running")
    arguments = [sys.executable, "-m", "jitplab", "broker", "--port", "0", "--control-port", "0"]
    with (directory / "broker.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(arguments, cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    port = ready["mqtt"].rpartition(":")[2]
    yield (
        f"mqtts://localhost:{port}?control={ready['control']}&cafile={ready['root']}&trace={ready['trace']}"
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["run", *arguments, *FIXED])
    out, err = capsys.readouterr()
    return code, out, err


def listed(url: str) -> dict[str, object]:
    def nobody(_certificate: bytes, _code: str) -> bytes:
        raise AssertionError

    return {**RemoteAccount(RemoteBroker.parse(url), now=lambda: NOW, prove=nobody).snapshot()}


def test_onboarding_ends_as_foretold_and_leaves_the_account_as_it_was(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    before = listed(url)
    code, out, _ = run(capsys, "-k", "onboarding", "--broker", url, "--json")
    told = {each["scenario"]: each for each in json.loads(out)}
    skipped = {name for name, each in told.items() if each["verdict"] == "skipped"}

    assert code == 0
    assert told["wrong-slot-root-key"]["rule"] == "presented_ca_is_registered"
    assert told["right-slot"]["puback"] is True
    assert told["right-slot"]["registry"]["things"]
    assert skipped == {"refusal-in-the-log", "signer-left-out"}
    assert "set up as AWS's API cannot do it" in told["signer-left-out"]["skipped"]
    assert listed(url) == before


def test_chains_and_policies_are_judged_the_same_by_a_running_broker(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    code, out, _ = run(capsys, "-k", "policy/ or chain/", "--broker", url, "--json")
    told = json.loads(out)

    assert code == 0, [each["facts"] for each in told if each["verdict"] == "not as foretold"]
    assert sum(each["verdict"] == "as foretold" for each in told) >= 14
    assert listed(url)["certificates"] == []


def test_templates_leave_nothing_behind(capsys: pytest.CaptureFixture[str], url: str) -> None:
    code, _, _ = run(capsys, "-k", "policy-that-does-not-exist or quarantine or revoked", "--broker", url)

    assert code == 0
    assert listed(url) == {"caCertificates": [], "certificates": [], "things": [], "policies": []}


def test_the_log_is_read_by_cloudwatchs_api(capsys: pytest.CaptureFixture[str], url: str) -> None:
    _, out, _ = run(capsys, "no-policy-at-all", "--broker", url, "--json")

    assert "AUTHORIZATION_FAILURE" in {entry.get("reason") for entry in json.loads(out)["log"]}


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ("potato", "lacks control, cafile, trace"),
        ("http://localhost:8883?control=http://x&cafile=y&trace=z", "is no URL of a broker"),
        ("mqtts://localhost?control=ftp://x&cafile=y&trace=z", "is no HTTP URL"),
        ("mqtts://localhost?control=http://x&cafile=absent.pem&trace=z", "absent.pem: No such file"),
        (
            "mqtts://localhost?control=http://x&cafile=y&trace=z&profile=aws-1999",
            "profile='aws-1999' is none",
        ),
    ],
)
def test_a_url_that_cannot_be_used_is_misuse(
    capsys: pytest.CaptureFixture[str], wrong: str, sentence: str
) -> None:
    code, out, err = run(capsys, "right-slot", "--broker", wrong)

    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_control_plane_that_does_not_answer_is_a_need(capsys: pytest.CaptureFixture[str], url: str) -> None:
    control = url.partition("control=")[2].partition("&")[0]
    code, _, err = run(capsys, "right-slot", "--broker", url.replace(control, "http://127.0.0.1:1"))

    assert code == 3
    assert "no control plane answers at http://127.0.0.1:1" in err


RECORDS: tuple[Record, ...] = (
    Handshake(NOW, "p", completed=True, version="TLSv1.3", sni=None, alpn=None, chain=("a", "b")),
    Connect(NOW, "p", "c", b"\x10\x00"),
    Decision(NOW, "p", "c", "aws-2026", "refuse", "a", None, "rule", "why", ("one", "rule")),
    Provisioning(
        NOW, "a", "b", succeeded=False, certificate_status="ACTIVE", thing_name=None, policy_names=()
    ),
    Authorization(NOW, "c", "a", "iot:Connect", "arn", allowed=True, why="w"),
    Disconnect(NOW, "p", None, "server", "CLIENT_ERROR", "w"),
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.kind)
def test_a_record_read_from_a_trace_file_is_the_record_that_was_written(record: Record) -> None:
    assert record_from(json.loads(json.dumps(as_json(record)))) == record


def test_what_an_account_of_the_labs_own_can_do_is_named_when_it_cannot_be_had(url: str) -> None:
    account = RemoteAccount(RemoteBroker.parse(url), now=lambda: NOW, prove=lambda der, _: der)
    both = {name for name in vars(Account) if not name.startswith("_")} & set(vars(RemoteAccount))

    assert {"endpoint", "register_ca", "status_of", "settle", "records", "log_entries"} <= both
    with pytest.raises(Exception, match="it uses registry of its account"):
        _ = account.registry
    with pytest.raises(AttributeError):
        _ = account._nothing_like_it


def test_the_trace_is_read_from_where_the_account_was_opened(tmp_path: Path, url: str) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(json.dumps(as_json(RECORDS[0])) + "\n", encoding="utf-8")
    given = url.partition("trace=")[2]
    account = RemoteAccount(
        RemoteBroker.parse(url.replace(given, str(trace))), now=lambda: NOW, prove=lambda der, _: der
    )
    with trace.open("a", encoding="utf-8") as file:
        file.write(json.dumps(as_json(RECORDS[1])) + "\n" + '{"kind": "being writ')

    assert account.records() == (RECORDS[1],)
