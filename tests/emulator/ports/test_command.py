"""``jitplab device`` and ``python -m softatecc device`` as a person and a script meet them."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from jitplab import cli
from softatecc import __main__ as program
from softatecc.host import Host
from softatecc.ports.thread import DeviceThread
from softatecc.statefile import StateFile
from softatecc.transports import open_transport

SERIAL = "0123528e47b3461dee"


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    command = (sys.executable, "-m", "softatecc", "device", *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield process, json.loads(line)
        finally:
            process.kill()


@contextmanager
def asking(ready: dict[str, object]) -> Iterator[Host]:
    with closing(open_transport(f"tcp://{ready['tcp']}")) as transport:
        yield Host(transport)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = program.main(["device", *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_ready_line_has_what_a_client_needs(tmp_path: Path) -> None:
    state = tmp_path / "part.state"
    with started("--tcp", "0", "--i2c", "7", "--state", str(state), "--serial-number", SERIAL) as (
        process,
        ready,
    ):
        tcp = str(ready["tcp"])
        environment = ready["env"]
        assert isinstance(environment, dict)
        with asking(ready) as host:
            serial = host.serial_number()
        process.send_signal(signal.SIGTERM)
        code = process.wait()
        assert process.stdout is not None
        rest = process.stdout.read()

    assert ready["ready"] is True
    assert ready["i2c"] == "/dev/i2c-7"
    assert ready["parts"] == [
        {
            "serial_number": SERIAL,
            "model": "ATECC608A",
            "address": "0x60",
            "tcp": tcp,
            "state": str(state),
        }
    ]
    assert f"{environment['ATECC608_SIM_HOST']}:{environment['ATECC608_SIM_PORT']}" == tcp
    assert Path(environment["LD_PRELOAD"]).exists()
    assert environment["SOFTATECC_I2C"].startswith("7=127.0.0.1:")
    assert serial.hex() == SERIAL
    assert (code, rest) == (0, "")


def test_an_interrupt_ends_it_cleanly_with_a_client_connected() -> None:
    with started("--tcp", "0") as (process, ready):
        host, port = str(ready["tcp"]).split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"\x03\x07\x30")
            process.send_signal(signal.SIGINT)
            code = process.wait()
        assert process.stderr is not None
        said = process.stderr.read()

    assert (code, said) == (0, "")


def test_a_part_survives_its_process(tmp_path: Path) -> None:
    options = ("--tcp", "0", "--state", str(tmp_path / "part.state"))
    with started(*options) as (process, ready):
        with asking(ready) as host:
            host.lock_configuration()
            public, serial = host.genkey(0), host.serial_number()
        process.kill()
        process.wait()
    with started(*options) as (_, ready), asking(ready) as again:
        assert again.public_key(0) == public
        assert again.serial_number() == serial
        assert again.is_configuration_locked() is True


def test_two_processes_on_one_state_are_refused(tmp_path: Path) -> None:
    state = str(tmp_path / "part.state")
    with started("--tcp", "0", "--state", state):
        ran = subprocess.run(
            (sys.executable, "-m", "softatecc", "device", "--tcp", "0", "--state", state),
            capture_output=True,
            text=True,
            check=False,
        )

    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        f"device: the state {state} is in use by another device; stop that one or name another file\n"
    )


def test_jitplab_offers_the_same_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code = cli.main(["device", "--state", str(tmp_path / "none"), "--export", "-"])

    assert code == 3
    assert "there is no state" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("--tcp", "70000"), "'70000' is no port; 0 to 65535"),
        (("--tcp", "x"), "'x' is no port"),
        (("--i2c", "300"), "'300' is no number of a bus"),
        (("--address", "0xc0"), "'0xc0' is no 7-bit I2C address"),
        (("--serial-number", "0123"), "'0123' has 2 bytes, a serial number 9"),
        (("--random", "0x"), "'0x' is no sequence of hex bytes"),
        (("--profile", "potato"), "invalid choice: 'potato'"),
        (("--model", "ATECC508A"), "invalid choice: 'ATECC508A'"),
        (("--fresh", "--state", "x"), "--fresh is for TCP and keeps nothing"),
        (("--fresh", "--i2c", "1"), "--fresh is for TCP and keeps nothing"),
        (("--export", "x"), "are about one part's memory; name its file with --state"),
        (("--export", "x", "--import", "y", "--state", "z"), "ask for one at a time"),
        (("--with-secrets",), "--with-secrets is about --export alone"),
        (("--state", "a", "--state", "a"), "two parts cannot share one --state"),
        (("--state", "a", "--state", "b", "--address", "0x60"), "--address is given 1 times for 2 parts"),
    ],
)
def test_misuse_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    assert sentence in err


def test_a_port_in_use_is_an_unmet_need(capsys: pytest.CaptureFixture[str], device: DeviceThread) -> None:
    port = device.device.tcp[0]
    code, out, err = run(capsys, "--tcp", str(port))

    assert (code, out) == (3, "")
    assert f"device: 127.0.0.1:{port} cannot be listened on" in err


def test_a_missing_compiler_is_an_unmet_need(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code, out, err = run(capsys, "--i2c", "1")

    assert (code, out) == (3, "")
    assert "/dev/i2c-N needs a C compiler once, and there is no no-such-compiler on PATH" in err


def test_a_damaged_state_is_an_unmet_need(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "part.state"
    path.write_bytes(b"hello")
    code, out, err = run(capsys, "--tcp", "0", "--state", str(path))

    assert (code, out) == (3, "")
    assert "is not a part's state: it begins with b'hello'" in err


# --- text ------------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state with a private key in slot 0."""
    path = tmp_path / "part.state"
    with started("--tcp", "0", "--state", str(path)) as (process, ready):
        with asking(ready) as host:
            host.lock_configuration()
            host.genkey(0)
        process.kill()
        process.wait()
    return path


def test_a_state_travels_as_text_with_its_secrets_on_request(
    capsys: pytest.CaptureFixture[str], state: Path, tmp_path: Path
) -> None:
    text, copy = tmp_path / "part.txt", tmp_path / "copy.state"
    text.write_text("there before")
    text.chmod(0o644)
    exported = run(capsys, "--state", str(state), "--export", str(text), "--with-secrets")
    mode = stat.S_IMODE(text.stat().st_mode)
    imported = run(capsys, "--state", str(copy), "--import", str(text))
    with StateFile(state) as one, StateFile(copy) as other:
        same = one.contents == other.contents

    assert (exported, imported) == ((0, "", ""), (0, "", ""))
    assert (same, mode) == (True, 0o600)


def test_an_export_withholds_secrets_and_goes_to_standard_output(
    capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    with StateFile(state) as file:
        assert file.contents is not None
        scalar = file.contents.slots[0][4:36].hex()
    code, out, err = run(capsys, "--state", str(state), "--export", "-")

    assert (code, err) == (0, "")
    assert "slot 0 private-key\n# slot 0" in out
    assert scalar not in out


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda directory: directory / "none", "cannot be read: No such file or directory"),
        (lambda directory: _file(directory, "hello"), "its first line is not 'softatecc part, format 1'"),
        (lambda directory: _file(directory, "\xff"), "part.txt: "),
    ],
)
def test_a_text_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    code, out, err = run(capsys, "--state", str(tmp_path / "new"), "--import", str(make(tmp_path)))

    assert code in (2, 3)
    assert out == ""
    assert words in err
    assert not (tmp_path / "new").exists()


def _file(directory: Path, text: str) -> Path:
    path = directory / "part.txt"
    path.write_text(text, encoding="latin-1")
    return path


def test_an_import_overwrites_no_part(
    capsys: pytest.CaptureFixture[str], state: Path, tmp_path: Path
) -> None:
    text = tmp_path / "part.txt"
    run(capsys, "--state", str(state), "--export", str(text))
    before = state.read_bytes()
    code, _, err = run(capsys, "--state", str(state), "--import", str(text))

    assert code == 3
    assert "holds a part already; name a file that does not exist yet" in err
    assert state.read_bytes() == before


def test_a_target_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], state: Path, tmp_path: Path
) -> None:
    code, _, err = run(capsys, "--state", str(state), "--export", str(tmp_path))

    assert code == 3
    assert f"{tmp_path} cannot be written: Is a directory" in err


def test_help_does_not_load_what_only_serving_needs() -> None:
    code = (
        "import sys; from softatecc import __main__ as m\n"
        "try: m.main(['device', '--help'])\nexcept SystemExit: pass\n"
        "print('asyncio' in sys.modules)"
    )
    ran = subprocess.run(
        (sys.executable, "-c", code), capture_output=True, text=True, check=True, env=os.environ
    )

    assert ran.stdout.splitlines()[-1] == "False"
