"""The command line as a person and as a script meet it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from jitpbroker.admission.profiles import AWS_2026, PROFILES
from jitplab import cli, pki
from jitplab.lab import Lab, Settings

FIXED = ("--seed", "1", "--now", "2026-01-31", "--no-host-sleeps")
CASE_CONNECT = (
    "105300044d5154540482003c000a74657374636c69656e74003b3f53444b3d4665646f72612656657273696f6e3d3333"
    "26506c6174666f726d3d5043264d5154544c69623d636f72652d6d7174744076312e312e30"
)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_wrong_slot_is_told_in_json_to_the_last_byte(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "run", "wrong-slot-root-key", "--json", *FIXED)
    told = json.loads(out)

    assert (code, err) == (0, "")
    assert told["handshake"] == "completed"
    assert told["connack"] is None
    assert told["closed_by"] == "close_notify"
    assert told["rule"] == "presented_ca_is_registered"
    assert told["registered"] is False
    assert told["connect_packet"] == CASE_CONNECT
    difference = told["signer_difference"]
    assert difference["field"] == "authorityKeyIdentifier"
    assert difference["length"] == 20
    assert difference["matches_slot"] == 13
    assert difference["rebuilt"] != difference["registered"]
    assert {difference["offset"] + i for i in range(20)} >= set(difference["differing_offsets"])
    commands = [command["name"] for command in told["chip_commands"]]
    assert [command["number"] for command in told["chip_commands"]] == list(range(1, len(commands) + 1))
    assert commands.index("Lock") < commands.index("GenKey") < commands.index("Sign")
    assert told["chip_commands"][-1]["name"] == "Sign"


def test_the_offset_named_is_where_the_identifier_lies_in_the_registered_signer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = run(capsys, "run", "wrong-slot-root-key", "--json", *FIXED)
    difference = json.loads(out)["signer_difference"]
    with Lab(Settings(seed="1", host_sleeps=False)) as lab:
        signer = lab.signer.certificate
        identifier = pki.key_identifier(lab.root.key.public_key)

    assert signer[difference["offset"] : difference["offset"] + 20] == identifier


def test_a_seed_repeats_a_run_but_for_what_tls_draws(capsys: pytest.CaptureFixture[str]) -> None:
    def told() -> dict[str, object]:
        report: dict[str, object] = json.loads(run(capsys, "run", "right-slot", "--json", *FIXED)[1])
        log = report.pop("log")
        commands = report.pop("chip_commands")
        assert isinstance(log, list)
        assert isinstance(commands, list)
        report["provisioning"] = [c for c in commands if c["name"] not in {"Nonce", "Sign"}]
        report["events"] = [entry["eventType"] for entry in log]
        return report

    assert told() == told()


def test_several_names_make_an_array(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "run", "handshake-only", "hand-made-v1-certificate", "--json", *FIXED)

    assert code == 0
    assert [each["scenario"] for each in json.loads(out)] == ["handshake-only", "hand-made-v1-certificate"]


def test_a_run_for_people_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "run", "wrong-slot-root-key", *FIXED)

    assert code == 0
    assert "as foretold" in out
    assert "which lies in slot 13" in " ".join(out.split())
    assert "\x1b[" not in out


@pytest.mark.parametrize("slot", [8, 10, 11, 12, 13, 14])
def test_every_silent_wrong_slot_ends_the_same_way(capsys: pytest.CaptureFixture[str], slot: int) -> None:
    code, out, _ = run(capsys, "run", "wrong-slot-root-key", "--slot", str(slot), "--json", *FIXED)
    told = json.loads(out)

    assert code == 0
    assert told["rule"] == "presented_ca_is_registered"
    assert told["signer_difference"]["matches_slot"] == slot


@pytest.mark.parametrize("slot, status", [(0, "-30"), (7, "-30"), (9, "-12")])
def test_a_loud_wrong_slot_is_stopped_by_the_library(
    capsys: pytest.CaptureFixture[str], slot: int, status: str
) -> None:
    code, out, _ = run(capsys, "run", "wrong-slot-root-key", "--slot", str(slot), "--json", *FIXED)
    told = json.loads(out)

    assert code == 0
    assert f"returned {status} " in told["refusal"]
    assert told["visits"] == []


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("run", "wrong-slot-root"), "no scenario 'wrong-slot-root'; did you mean 'wrong-slot-root-key'?"),
        (("run", "right-slot", "--slot", "3"), "right-slot has no parameter 'slot'; it has: none"),
        (("run", "wrong-slot-root-key", "--slot", "15"), "slot 15 is where the root's key lies"),
        (("run", "wrong-slot-root-key", "--slot", "16"), "an ATECC608A has slots 0 to 15, not 16"),
        (("run", "right-slot", "--device", "i2c:///dev/i2c-1?addr=0xc0"), "write addr=0x60"),
        (("run", "right-slot", "--device", "potato"), "'potato' is no way to a chip"),
        (("show", "nothing-like-it"), "there is no scenario 'nothing-like-it'; jitplab list shows them all"),
        (("broker", "--ca", "absent.pem"), "the CA certificate absent.pem cannot be read"),
        (("explain", "absent.pem", "--registered", "absent.pem"), "absent.pem cannot be read"),
    ],
)
def test_misuse_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("juggle",),
        ("run",),
        ("run", "right-slot", "--now", "yesterday"),
        ("run", "right-slot", "--set", "slot"),
        ("run", "right-slot", "--profile", "aws-1999"),
        ("broker",),
        ("broker", "--ca", "x", "--port", "65536"),
        ("explain", "x", "--registered", "y", "--key", "nameless"),
    ],
)
def test_a_command_line_that_cannot_be_read_exits_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)

    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("command", cli.COMMAND_NAMES)
def test_every_command_has_a_help_with_an_example(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])

    assert caught.value.code == 0
    assert f"jitplab {command}" in re.sub(r"\s+", " ", capsys.readouterr().out.split("example", 1)[1])


def test_the_help_has_a_line_for_every_command_and_loads_none_of_them(tmp_path: Path) -> None:
    """Whoever asks what there is does not wait for the laboratory, and it is written nowhere twice."""
    program = (
        "import sys, jitplab.cli\n"
        "try: jitplab.cli.main(['-h'])\n"
        "finally: assert not {'jitplab.lab', 'jitpbroker', 'softatecc'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    listed = re.findall(r"^    (\w+)(?:$| +\S)", done.stdout, re.MULTILINE)
    assert tuple(listed) == cli.COMMAND_NAMES


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])

    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"jitplab {metadata.version('jitplab')}\n"


def test_a_command_there_is_not_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["rum", "right-slot"])

    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert "invalid choice: 'rum'" in told
    assert all(name in told for name in cli.COMMAND_NAMES)


def test_an_unmet_need_exits_3(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softatecc.cal.available", lambda: False)

    code, out, err = run(capsys, "run", "right-slot", "--library", "cryptoauthlib")

    assert (code, out) == (3, "")
    assert "cryptoauthlib is not installed for this Python" in err


def test_without_the_wheel_the_own_rebuild_takes_over_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softatecc.cal.available", lambda: False)

    code, out, _ = run(capsys, "run", "wrong-slot-root-key", "--seed", "1")

    assert code == 0
    assert "jitplab's own rebuild" in out


def test_a_scenario_that_ends_otherwise_exits_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_rule = tuple(
        rule for rule in AWS_2026.onboarding if rule.name != "presented_ca_is_registered"
    )
    monkeypatch.setitem(PROFILES, "aws-2026", replace(AWS_2026, onboarding=without_the_rule))

    code, out, _ = run(capsys, "run", "wrong-slot-root-key", *FIXED)

    assert code == 1
    assert "NOT as foretold" in out
    assert "NO  stopped by: rule presented_ca_is_registered, seen disconnect JITP_REGISTERED" in out


def test_list_is_an_array_with_everything_a_script_wants(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list", "--json")
    listed = {each["name"]: each for each in json.loads(out)}

    assert code == 0
    assert listed["wrong-slot-root-key"]["refused_by"] == "presented_ca_is_registered"
    assert listed["wrong-slot-root-key"]["parameters"] == {"slot": 13}
    assert all(each["checked_against"] and each["source"] for each in listed.values())


def test_list_and_show_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    _, listing, _ = run(capsys, "list")
    _, page, _ = run(capsys, "show", "wrong-slot-root-key")

    assert "right-slot" in listing
    for part in ("Cause.", "Symptom.", "Tell-tale.", "Cure.", "--set slot=13", "question 1"):
        assert part in page


def test_python_m_jitplab_is_the_same_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jitplab", "list"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert "wrong-slot-root-key" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        f"{sys.executable} -m jitplab list | head -n 1",
        shell=True,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr == ""
