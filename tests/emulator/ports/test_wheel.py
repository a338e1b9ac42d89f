"""Microchip's wheel as it is, its own I2C HAL included, provisions a part on /dev/i2c-1 and signs."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from softatecc import cal
from softatecc.crypto import public_key, verify
from softatecc.ports.device import Plan
from softatecc.ports.parts import Order
from softatecc.ports.thread import DeviceThread
from softatecc.state import Contents
from softatecc.timing import Clock
from softatecc.trace import CommandRecord

pytestmark = [
    pytest.mark.wheel,
    pytest.mark.program("cc"),
    pytest.mark.skipif(not cal.available(), reason="there is no cryptoauthlib wheel for this Python"),
]

CODE = """
import json, warnings
warnings.simplefilter("ignore")
import cryptoauthlib as cal
from softatecc import profiles
cal.load_cryptoauthlib()
cfg = cal.cfg_ateccx08a_i2c_default()
cfg.cfg.atcai2c.bus, cfg.cfg.atcai2c.address, cfg.devtype = 1, 0xC0, 3
codes = [int(cal.atcab_init(cfg))]
image = profiles.load("mbedtls_examples_608").configuration
codes.append(int(cal.atcab_write_config_zone(bytearray(image))))
codes.append(int(cal.atcab_lock_config_zone()))
public, signature, serial = bytearray(64), bytearray(64), bytearray(9)
codes.append(int(cal.atcab_genkey(0, public)))
codes.append(int(cal.atcab_lock_data_zone()))
codes.append(int(cal.atcab_read_serial_number(serial)))
codes.append(int(cal.atcab_sign(0, bytearray(range(32)), signature)))
flag = cal.AtcaReference(False)
codes.append(int(cal.atcab_verify_extern(bytearray(range(32)), signature, public, flag)))
codes.append(int(cal.atcab_release()))
print(json.dumps([codes, public.hex(), signature.hex(), serial.hex(), bool(flag.value)]))
"""

KIT = """
import ctypes, json, sys, warnings
warnings.simplefilter("ignore")
import cryptoauthlib as cal
cal.load_cryptoauthlib()
cfg = cal.ATCAIfaceCfg()
cfg.iface_type, cfg.devtype, cfg.rx_retries, cfg.wake_delay = 2, 3, 1, 1500
uart, path = cfg.cfg.atcauart, ctypes.create_string_buffer(sys.argv[1].encode())
uart.dev_interface, uart.dev_identity, uart.baud, uart.wordsize, uart.parity = 1, 0xC0, 115200, 8, 2
cfg.cfg_data = ctypes.addressof(path)
revision, serial = bytearray(4), bytearray(9)
codes = [int(cal.atcab_init(cfg)), int(cal.atcab_info(revision)), int(cal.atcab_read_serial_number(serial))]
print(json.dumps([codes, revision.hex(), serial.hex()]))
"""


def test_the_unmodified_wheel_finds_the_kit_on_a_pseudo_terminal(
    serve: Callable[[Plan], DeviceThread], order: Order, child: Callable[..., object]
) -> None:
    device = serve(Plan((order,), kit=True))
    assert device.device.terminal is not None

    assert child(device, KIT, device.device.terminal.path) == [[0, 0, 0], "00006002", "0123528e47b3461dee"]


@pytest.mark.parametrize("clock", [None, time.monotonic], ids=["at once", "in real time"])
def test_the_unmodified_wheel_provisions_and_signs_through_the_preload_library(
    serve: Callable[[Plan], DeviceThread], order: Order, child: Callable[..., object], clock: Clock | None
) -> None:
    device = serve(Plan((order,), i2c=1, clock=clock))
    answer = child(device, CODE)
    assert isinstance(answer, list)
    codes, public, signature, serial, verified = answer
    chip = device.device.parts[0].chip
    contents = device.call(lambda: Contents.of(chip))
    names = [record.name for record in chip.trace if isinstance(record, CommandRecord)]

    assert codes == [0] * 9
    assert serial == "0123528e47b3461dee"
    assert verified is True
    verify(public_key(bytes.fromhex(public)), bytes(range(32)), bytes.fromhex(signature))
    assert contents.private == {0}
    assert names.count("GenKey") == 1
    assert names[-2:] == ["Nonce", "Verify"]
    assert "watchdog" not in " ".join(str(record) for record in chip.trace)
