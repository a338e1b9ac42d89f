"""i2c://: our transport by plain ioctl, unchanged, in a process that has the preload library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from softatecc.ports.device import Plan
from softatecc.ports.parts import Order
from softatecc.ports.thread import DeviceThread
from softatecc.state import Contents
from softatecc.transports import NoResponse, open_transport
from softatecc.transports.i2c import I2cTransport

SERIAL = "0123528e47b3461dee"
CODE = """
import json, sys
from softatecc.host import Host
from softatecc.transports import NoResponse, open_transport
from softatecc.transports.guard import ChangeRefused
def tried(act, *arguments):
    try:
        answer = act(*arguments)
    except (NoResponse, ChangeRefused, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return answer.hex() if isinstance(answer, bytes) else answer
"""
Run = Callable[..., object]


@pytest.fixture
def run() -> Run:
    def run_code(device: DeviceThread, code: str, *arguments: str) -> object:
        environment = device.device.ready()["env"]
        assert isinstance(environment, dict)
        ran = subprocess.run(
            (sys.executable, "-c", CODE + code, *arguments),
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        answer: object = json.loads(ran.stdout)
        return answer

    return run_code


def serving(**more: object) -> DeviceThread:
    return DeviceThread(Plan((Order(serial_number=bytes.fromhex(SERIAL), seed="i2c"),), i2c=1, **more))  # type: ignore[arg-type]


@pytest.mark.program("cc")
def test_a_part_on_the_bus_is_read_and_signs_but_is_not_changed(run: Run) -> None:
    code = """
transport = open_transport("i2c:///dev/i2c-1?addr=0x60")
host = Host(transport)
print(json.dumps([tried(host.serial_number), tried(host.random), tried(host.lock_configuration),
    tried(host.genkey, 0), tried(host.write_slot, 8, b"abcd"), tried(transport.wake)]))
transport.sleep()
transport.idle()
transport.close()
"""
    with serving() as device:
        before = device.call(lambda: Contents.of(device.device.parts[0].chip))
        answer = run(device, code)
        after = device.call(lambda: Contents.of(device.device.parts[0].chip))
    assert isinstance(answer, list)
    serial, random, locked, made, written, woken = answer

    assert (serial, random, woken) == (SERIAL, "ffff0000" * 8, "04113343")
    for refused, what in ((locked, "Lock"), (made, "GenKey"), (written, "Write")):
        assert refused.startswith(f"ChangeRefused: {what}(")
        assert f"the part {SERIAL} at /dev/i2c-1 is taken for silicon" in refused
        assert refused.endswith(f"add &allow-changes={SERIAL} to the URL to allow it")
    assert after == before


@pytest.mark.program("cc")
def test_a_part_that_is_named_may_be_changed(run: Run) -> None:
    code = """
host = Host(open_transport("i2c:///dev/i2c-1?addr=0x60&allow-changes=" + sys.argv[1]))
host.lock_configuration()
public = host.genkey(0)
print(json.dumps([public.hex(), len(host.sign(0, bytes(32))), host.public_key(0) == public]))
"""
    with serving() as device:
        answer = run(device, code, SERIAL)
        contents = device.call(lambda: Contents.of(device.device.parts[0].chip))
    assert isinstance(answer, list)

    assert answer[1:] == [64, True]
    assert contents.private == {0}


@pytest.mark.program("cc")
def test_a_name_that_is_another_parts_opens_nothing(run: Run) -> None:
    code = 'print(json.dumps(tried(open_transport, "i2c:///dev/i2c-1?allow-changes=" + sys.argv[1])))'
    with serving() as device:
        answer = run(device, code, "0123528e47b3461def")

    assert answer == (
        "ValueError: 'i2c:///dev/i2c-1?allow-changes=0123528e47b3461def' allows changes to the part "
        f"0123528e47b3461def, and the one there is {SERIAL}; nothing was changed"
    )


@pytest.mark.program("cc")
def test_an_address_where_nothing_answers_is_named(run: Run) -> None:
    code = 'print(json.dumps(tried(open_transport, "i2c:///dev/i2c-1?addr=0x35")))'
    with serving() as device:
        answer = run(device, code)

    assert answer == (
        "NoResponse: no part answers at address 0x35 on /dev/i2c-1; check address, wiring and supply"
    )


@pytest.mark.program("cc")
def test_a_part_left_awake_by_another_program_is_woken_all_the_same(run: Run) -> None:
    code = """
from softatecc.transports.i2c import I2cTransport
first = I2cTransport("/dev/i2c-1", 0x60)
first.wake()
first._write(b"\\3" + bytes.fromhex("0730000000035d"))
second = I2cTransport("/dev/i2c-1", 0x60)
print(json.dumps([tried(second.wake), tried(second.exchange, bytes.fromhex("0730000000035d"))]))
"""
    with serving() as device:
        assert run(device, code) == ["04113343", "07000060028038"]


@pytest.mark.program("cc")
def test_a_busy_part_is_polled_and_registers_live_on_between_commands(run: Run) -> None:
    code = """
host = Host(open_transport("i2c:///dev/i2c-1?allow-changes=" + sys.argv[1]))
host.lock_configuration()
host.genkey(0)
print(json.dumps([len(host.sign(0, bytes(32))), tried(host.sha256, b"abc")]))
"""
    with serving(clock=time.monotonic) as device:
        answer = run(device, code, SERIAL)
        power = device.call(lambda: [str(record) for record in device.device.parts[0].chip.trace])

    assert answer == [64, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"]
    assert "watchdog" not in " ".join(power)


def test_a_bus_that_is_not_there_says_how_to_get_one() -> None:
    with pytest.raises(NoResponse) as caught:
        open_transport("i2c:///dev/i2c-250")

    assert str(caught.value) == (
        "there is no /dev/i2c-250; switch the bus on (Raspberry Pi: raspi-config), or start "
        "`jitplab device --i2c N` and run this with the environment it prints"
    )


def test_a_bus_that_may_not_be_opened_names_the_group(tmp_path: Path) -> None:
    with pytest.raises(NoResponse, match="cannot be opened: Is a directory; members of the group i2c"):
        I2cTransport(str(tmp_path), 0x60)


def test_a_file_that_is_no_bus_cannot_be_addressed(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    transport = I2cTransport(str(plain), 0x60)

    with pytest.raises(NoResponse, match="cannot be addressed: Inappropriate ioctl"):
        transport.wake()
    transport.close()


@pytest.mark.parametrize(
    "url, words",
    [
        ("i2c:dev", "is no part on a bus; write i2c:///dev/i2c-1"),
        ("i2c://host/dev/i2c-1", "is no part on a bus"),
        ("i2c:///dev/i2c-1?adr=0x60", r"is no part on a bus \(what is adr\?\)"),
        ("i2c:///dev/i2c-1?addr=", "addr= in .* is no number; write addr=0x60"),
        ("i2c:///dev/i2c-1?addr=0xc0", "0xc0 may be the 8-bit form, write addr=0x60"),
        ("i2c:///dev/i2c-1?addr=0x02", "is no 7-bit address from 0x03 to 0x77"),
        ("i2c:///dev/i2c-1?addr=1000", "is no 7-bit address from 0x03 to 0x77$"),
        ("i2c:///dev/i2c-1?allow-changes=all", "allow-changes=all in .* is no serial number"),
        ("i2c:///dev/i2c-1?allow-changes=0123", "is no serial number; give its nine bytes"),
    ],
)
def test_a_url_that_is_no_part_is_refused_before_anything_is_opened(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        open_transport(url)
