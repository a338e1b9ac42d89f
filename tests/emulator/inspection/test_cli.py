"""``jitplab chip`` as a person and as a script meet it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from jitplab import chip_report, cli
from jitplab.terminal import Style
from softatecc import profiles
from softatecc.chip import Chip
from softatecc.config import Configuration
from softatecc.describe.configuration import fields
from softatecc.describe.slot_map import Locks, locked_as, slot_map
from softatecc.packet import Command, Opcode
from softatecc.transports import EmulatorTransport, NoResponse

INFO = "0730000000035d"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["chip", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("source", ["mbedtls_examples_608", "emulator:mbedtls_examples_608", "hex", "binary"])
def test_a_configuration_is_taken_from_a_profile_a_device_or_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, source: str
) -> None:
    image = profiles.load("mbedtls_examples_608").configuration
    if source == "hex":
        (tmp_path / source).write_text("# the case\n" + image.hex(" ") + "\n")
    if source == "binary":
        (tmp_path / source).write_bytes(image)
    name = str(tmp_path / source) if source in ("hex", "binary") else source
    code, out, err = run(capsys, "map", name, "--slot", "9", "--locked", "data")

    assert (code, err) == (0, "")
    assert "readable only encrypted with the key in slot 4" in out
    assert "(SlotConfig 44C4: IsSecret, EncryptRead, ReadKey 4)" in out
    assert "slot 8" not in out


def test_a_dump_has_every_field_and_json_has_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "dump", "cal_test_608")
    told = json.loads(run(capsys, "dump", "cal_test_608", "--json")[1])
    slot = json.loads(run(capsys, "dump", "cal_test_608", "--json", "--slot", "3")[1])
    count = len(fields(Configuration(profiles.load("cal_test_608").configuration)))

    assert code == 0
    assert "SlotConfig of slot 3" in out
    assert len(told["fields"]) == count
    assert {row["slot"] for row in slot["fields"]} == {3}
    assert told["configuration"] == profiles.load("cal_test_608").configuration.hex()


def test_the_map_follows_the_locks(capsys: pytest.CaptureFixture[str]) -> None:
    _, now, _ = run(capsys, "map", "blank", "--slot", "8")
    _, then, _ = run(capsys, "map", "blank", "--slot", "8", "--locked", "data")
    told = json.loads(run(capsys, "map", "blank", "--json", "--locked", "config")[1])

    assert "not readable" in now
    assert "readable in the clear" in then
    assert told["locked"] == {"config": True, "data": False}
    assert [page["number"] for page in told["slots"]] == list(range(16))


def test_a_trace_of_a_run_tells_the_checks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("trace", "--scenario", "right-slot", "--library", "own", "--seed", "1")
    code, out, err = run(capsys, *arguments)
    lines = run(capsys, *arguments, "--json")[1].splitlines()
    (tmp_path / "trace.jsonl").write_text("\n".join(lines) + "\n")
    again = run(capsys, "trace", str(tmp_path / "trace.jsonl"))[1]

    assert (code, err) == (0, "")
    assert "GenKey (40 04 0000): create a private key; slot 0" in out
    assert "checked   is_no_private_p256:" in out
    assert all(json.loads(line)["kind"] in ("command", "power") for line in lines)
    assert "GenKey (40 04 0000): create a private key; slot 0" in again


def test_only_what_was_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    chip = Chip.blank(bytes(9))
    for command in (Command(Opcode.INFO, 0, 0, b""), Command(Opcode.GENKEY, 4, 0, b"")):
        chip.exchange(command.encode())
    file = tmp_path / "trace.jsonl"
    file.write_text("\n".join(json.dumps(record.as_json()) for record in chip.trace))
    _, out, _ = run(capsys, "trace", str(file), "--refused")

    assert "Info" not in out
    assert "why       the configuration zone is not locked" in out


def test_packets_are_explained_from_arguments_a_file_and_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "capture.txt").write_text(f"> {INFO}\n< 07000060028038\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"03{INFO}"))

    for arguments in (INFO.split(), ["03", *(INFO[at : at + 2] for at in range(0, 14, 2))], ["-"]):
        code, out, _ = run(capsys, "decode", *arguments)
        assert (code, "Info (30 00 0000): revision" in out) == (0, True)
    code, out, _ = run(capsys, "decode", str(tmp_path / "capture.txt"), "--json")
    assert [each["direction"] for each in json.loads(out)] == ["to the chip", "from the chip"]


def test_a_capture_with_a_wrong_crc_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "decode", "07300000000000")

    assert code == 1
    assert "WRONG: CRC 00 00 is wrong, the bytes give 03 5D" in out


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("dump", "nope"), "'nope' is no profile"),
        (("map", "emulator:nope"), "'emulator:nope'"),
        (("trace",), "give a trace file or --scenario NAME"),
        (("trace", "absent.jsonl"), "absent.jsonl cannot be read"),
        (("trace", "--scenario", "wrong-slot-root"), "did you mean 'wrong-slot-root-key'?"),
        (("decode", "GenKey"), "'GenKey', is not hex"),
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
    "contents, sentence",
    [
        (b"\xff\xfe", "is neither 128 bytes nor hex digits"),
        (b"01 23", "holds 2 bytes, a configuration has 128"),
    ],
)
def test_a_file_that_holds_no_configuration_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, contents: bytes, sentence: str
) -> None:
    (tmp_path / "file").write_bytes(contents)

    assert run(capsys, "dump", str(tmp_path / "file"))[0] == 2
    assert sentence in run(capsys, "dump", str(tmp_path / "file"))[2]
    assert run(capsys, "dump", str(tmp_path))[0] == 2


@pytest.mark.parametrize("contents", [b"\xff", b'{"kind": "song"}'])
def test_a_file_that_is_no_trace_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, contents: bytes
) -> None:
    (tmp_path / "file").write_bytes(contents)
    code, _, err = run(capsys, "trace", str(tmp_path / "file"))

    assert code == 2
    assert err.count("\n") == 1


class Mute(EmulatorTransport):
    """A device that is there and says nothing."""

    def exchange(self, packet: bytes) -> bytes:
        raise NoResponse(f"nothing came back to {len(packet)} bytes")


@pytest.mark.parametrize("answer", [OSError(2, "No such file or directory"), None])
def test_a_device_that_does_not_answer_is_an_unmet_need(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: OSError | None
) -> None:
    def opened(url: str) -> EmulatorTransport:
        if answer is not None:
            raise answer
        return Mute(Chip.blank(bytes(9)))

    monkeypatch.setattr("jitplab.chip_source.open_transport", opened)
    code, _, err = run(capsys, "map", "i2c:///dev/i2c-1")

    assert code == 3
    assert "i2c:///dev/i2c-1" in err
    assert err.count("\n") == 1


def test_an_unmet_need_of_a_scenario_exits_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softatecc.cal.available", lambda: False)
    arguments = ("trace", "--scenario", "right-slot", "--library", "cryptoauthlib")

    assert run(capsys, *arguments)[0] == 3


@pytest.mark.parametrize(
    "arguments", [(), ("juggle",), ("dump",), ("dump", "blank", "--slot", "16"), ("map",)]
)
def test_a_command_line_that_cannot_be_read_exits_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["chip", *arguments])

    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("part", ["dump", "map", "trace", "decode"])
def test_every_part_has_a_help_with_an_example(capsys: pytest.CaptureFixture[str], part: str) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["chip", part, "--help"])

    assert caught.value.code == 0
    assert f"jitplab chip {part} " in capsys.readouterr().out.split("examples:", 1)[1]


def test_colour_marks_what_is_granted_and_what_is_not() -> None:
    configuration = locked_as(Configuration(profiles.load("mbedtls_examples_608").configuration), Locks.DATA)
    coloured = "\n".join(chip_report.map_lines(slot_map(configuration), Style(colour=True)))
    plain = "\n".join(chip_report.map_lines(slot_map(configuration), Style(colour=False)))

    assert "\x1b[31m" in coloured
    assert "\x1b[32m" in coloured
    assert "\x1b[" not in plain
