"""/dev/i2c-1 for a program that nobody modified: plain open, ioctl, read and write in a child process."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from softatecc.ports import preload
from softatecc.ports.device import Plan
from softatecc.ports.parts import Order
from softatecc.ports.preload import CannotBuild
from softatecc.ports.thread import DeviceThread

pytestmark = pytest.mark.program("cc")
Serve = Callable[[Plan], DeviceThread]
Child = Callable[..., object]

PRELUDE = """
import errno, fcntl, json, os, struct, sys
SLAVE, FORCE, FUNCS, RDWR, TENBIT, PEC, RETRIES = 0x703, 0x706, 0x705, 0x707, 0x704, 0x708, 0x701
INFO = bytes.fromhex("0730000000035d")
def tried(act, *arguments):
    try:
        answer = act(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return answer.hex() if isinstance(answer, bytes) else answer
def bus(path="/dev/i2c-1"):
    return os.open(path, os.O_RDWR)
def wake(file, address=0x60):
    fcntl.ioctl(file, SLAVE, 0)
    said = tried(os.write, file, bytes(1))
    fcntl.ioctl(file, SLAVE, address)
    return said
"""


def test_a_program_wakes_asks_and_reads(device: DeviceThread, child: Child) -> None:
    code = """
file = bus()
print(json.dumps([wake(file), tried(os.read, file, 4), tried(os.write, file, b"\\3" + INFO),
    tried(os.read, file, 1), tried(os.read, file, 6), tried(os.write, file, b"\\0"),
    tried(os.read, file, 9)]))
"""
    assert child(device, PRELUDE + code) == [
        *("EREMOTEIO", "04113343", 8),
        *("07", "000060028038", 1, "07000060028038ffff"),
    ]


def test_who_is_not_there_or_asleep_does_not_acknowledge(device: DeviceThread, child: Child) -> None:
    code = """
file = bus()
fcntl.ioctl(file, SLAVE, 0x60)
asleep = [tried(os.write, file, b"\\0"), tried(os.read, file, 1)]
wake(file, 0x61)
absent = [tried(os.write, file, b"\\0"), tried(os.read, file, 1)]
fcntl.ioctl(file, SLAVE, 0x60)
print(json.dumps([asleep, absent, tried(os.write, file, b"")]))
"""
    refused = ["EREMOTEIO", "EREMOTEIO"]

    assert child(device, PRELUDE + code) == [refused, refused, 0]


def test_several_programs_share_one_part(device: DeviceThread, child: Child) -> None:
    code = """
from softatecc.packet import Command, Opcode
file = bus()
wake(file)
if sys.argv[1] == "first":
    os.write(file, b"\\3" + Command(Opcode.NONCE, 0x43, 0, bytes(32)).encode())
    answers = [tried(os.read, file, 4)]
    os.write(file, b"\\2")
else:
    os.write(file, b"\\3" + Command(Opcode.SHA, 0, 0).encode())
    answers = [tried(os.read, file, 4)]
print(json.dumps(answers))
"""
    answers = [child(device, PRELUDE + code, "first"), child(device, PRELUDE + code, "second")]
    held = device.call(lambda: device.device.parts[0].chip.volatile.message_digest_buffer)

    assert answers == [["04000340"], ["04000340"]]
    assert held == bytes(32)


def test_two_parts_answer_to_their_own_addresses(serve: Serve, child: Child) -> None:
    orders = (Order(serial_number=bytes(9)), Order(serial_number=bytes(range(9)), address=0x35))
    code = """
from softatecc.packet import Command, Opcode
file, answers = bus(), []
for address in (0x60, 0x35):
    wake(file, address)
    os.write(file, b"\\3" + Command(Opcode.READ, 0, 0).encode())
    answers.append(tried(os.read, file, 7)[2:10])
print(json.dumps(answers))
"""
    assert child(serve(Plan(orders, i2c=1)), PRELUDE + code) == ["00000000", "00010203"]


def test_ioctls_answer_as_an_adapter_without_smbus_does(device: DeviceThread, child: Child) -> None:
    code = """
file = bus()
functions = struct.unpack("L", fcntl.ioctl(file, FUNCS, bytes(8)))[0]
print(json.dumps([functions, tried(fcntl.ioctl, file, SLAVE, 0x80), tried(fcntl.ioctl, file, FORCE, 0x60),
    tried(fcntl.ioctl, file, TENBIT, 0), tried(fcntl.ioctl, file, TENBIT, 1),
    tried(fcntl.ioctl, file, PEC, 1), tried(fcntl.ioctl, file, RETRIES, 3),
    tried(fcntl.ioctl, file, 0x720, 0)]))
"""
    assert child(device, PRELUDE + code) == [1, "EINVAL", 0, 0, "EINVAL", "EINVAL", 0, "ENOTTY"]


def test_a_combined_transfer_writes_and_reads(device: DeviceThread, child: Child) -> None:
    code = """
import ctypes
class Message(ctypes.Structure):
    _fields_ = [("address", ctypes.c_uint16), ("flags", ctypes.c_uint16), ("length", ctypes.c_uint16),
                ("octets", ctypes.c_void_p)]
class Transfer(ctypes.Structure):
    _fields_ = [("messages", ctypes.c_void_p), ("count", ctypes.c_uint32)]
def transfer(file, *messages):
    array = (Message * len(messages))(*messages)
    return tried(fcntl.ioctl, file, RDWR, bytearray(Transfer(ctypes.addressof(array), len(messages))))
sent = ctypes.create_string_buffer(b"\\3" + INFO, 8)
got = ctypes.create_string_buffer(7)
write, read = (0x60, 0, 8, ctypes.addressof(sent)), (0x60, 1, 7, ctypes.addressof(got))
file = bus()
asleep = transfer(file, write, read)
wake(file)
print(json.dumps([asleep, transfer(file, write, read), got.raw.hex(), transfer(file, (0x80, *write[1:])),
    transfer(file, *[read] * 43)]))
"""
    answer = child(device, PRELUDE + code)

    assert answer == ["EREMOTEIO", 2, "07000060028038", "EINVAL", "EINVAL"]


def test_other_files_and_other_buses_are_left_alone(
    device: DeviceThread, child: Child, tmp_path: Path
) -> None:
    code = """
first = bus()
os.close(first)
plain = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o640)
os.write(plain, b"written")
os.lseek(plain, 0, 0)
again = bus()
moved = os.dup2(plain, again)
os.lseek(again, 0, 0)
print(json.dumps([first == plain, os.read(plain, 20).hex(), os.fstat(plain).st_mode & 0o777,
    tried(bus, "/dev/i2c-77"), tried(bus, "/dev/i2c-1x"), tried(fcntl.ioctl, plain, SLAVE, 0x60),
    os.lseek(again, 0, 0), os.read(again, 7).decode()]))
"""
    assert child(device, PRELUDE + code, str(tmp_path / "plain")) == [
        *(True, b"written".hex(), 0o640 & ~_umask()),
        *("ENOENT", "ENOENT", "ENOTTY"),
        *(0, "written"),
    ]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_child_of_the_program_uses_what_it_inherits(device: DeviceThread, child: Child) -> None:
    code = """
file = bus()
wake(file)
if os.fork() == 0:
    os.write(file, b"\\3" + INFO)
    os._exit(0)
os.wait()
print(json.dumps(os.read(file, 7).hex()))
"""
    assert child(device, PRELUDE + code) == "07000060028038"


def test_a_device_that_has_ended_is_an_error_and_not_a_crash(
    order: Order, child: Child, serve: Serve
) -> None:
    with DeviceThread(Plan((order,), i2c=1)) as ended:
        environment = ended.device.ready()["env"]
    assert isinstance(environment, dict)
    alive = serve(Plan((order,), i2c=2))
    code = """
os.environ["SOFTATECC_I2C"] = sys.argv[1]
import ctypes
ctypes.CDLL(None).setenv(b"SOFTATECC_I2C", sys.argv[1].encode(), 1)
print(json.dumps(tried(bus)))
"""
    assert child(alive, PRELUDE + code, environment["SOFTATECC_I2C"]) == "ENOENT"


# --- building it -----------------------------------------------------------------------------------


def _environment(tmp_path: Path, **more: str) -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path / "cache"), **more}


def test_it_is_built_once_into_a_cache_of_ones_own(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    built = preload.library(environment)
    at = built.stat().st_mtime_ns

    assert preload.library(environment) == built
    assert built.stat().st_mtime_ns == at
    assert built.parent == tmp_path / "cache" / "jitplab"
    assert built.parent.stat().st_mode & 0o777 == 0o700
    assert list(built.parent.iterdir()) == [built]


def test_without_a_compiler_the_sentence_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(CannotBuild, match="there is no cc or gcc or clang on PATH; install one"):
        preload.library(_environment(tmp_path, PATH=str(tmp_path)))


def test_a_named_compiler_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotBuild, match="there is no no-such-compiler on PATH"):
        preload.library(_environment(tmp_path, CC="no-such-compiler"))


def test_a_compiler_that_fails_is_quoted(tmp_path: Path) -> None:
    fake = tmp_path / "cc"
    fake.write_text("#!/bin/sh\necho 'fatal: no headers' >&2\nexit 4\n")
    fake.chmod(0o755)

    with pytest.raises(CannotBuild, match=r"exit code 4\): fatal: no headers; use --tcp"):
        preload.library(_environment(tmp_path, CC=str(fake)))
    assert list((tmp_path / "cache" / "jitplab").iterdir()) == []


def test_a_compiler_that_makes_nothing_is_noticed(tmp_path: Path) -> None:
    nothing = shutil.which("true")
    assert nothing is not None

    with pytest.raises(CannotBuild, match=r"exit code 0\): it says nothing"):
        preload.library(_environment(tmp_path, CC=nothing))


def test_a_cache_others_may_write_into_is_not_used(tmp_path: Path) -> None:
    directory = tmp_path / "cache" / "jitplab"
    directory.mkdir(parents=True)
    directory.chmod(0o777)

    with pytest.raises(CannotBuild, match=r"others may write into .*; make it yours alone"):
        preload.library(_environment(tmp_path))


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")

    with pytest.raises(CannotBuild, match=r"cannot be made for what is compiled: .*; set XDG_CACHE_HOME"):
        preload.library(_environment(tmp_path))


def test_where_there_is_no_linux_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(CannotBuild, match="is a matter of Linux, this is darwin; use --tcp instead"):
        preload.library(_environment(tmp_path))
