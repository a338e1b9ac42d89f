"""Wireshark's own dissectors open a saved run, decrypt it by the secrets in it, and object to nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jitplab import cli

pytestmark = pytest.mark.program("tshark")
FIXED = ("--seed", "1", "--library", "own")


def tshark(saved: Path, *options: str) -> list[list[str]]:
    done = subprocess.run(
        ["tshark", "-n", "-r", str(saved), *options], capture_output=True, text=True, check=True, timeout=60
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("tls", ["ssl", "tlslite"])
def test_tshark_decrypts_a_saved_run_without_further_files(tmp_path: Path, tls: str) -> None:
    saved = tmp_path / "run.pcapng"
    code = cli.main(["run", "right-slot", "--pcap", str(saved), "--tls", tls, *FIXED])
    mqtt = tshark(
        saved, "-Y", "mqtt", "-T", "fields", "-e", "tcp.stream", "-e", "mqtt.msgtype", "-e", "mqtt.clientid"
    )
    handshakes = tshark(saved, "-Y", "tls.handshake.certificate", "-T", "fields", "-e", "tcp.stream")

    assert code == 0
    if tls == "tlslite":  # it keeps no secrets of TLS 1.3
        assert mqtt == []
        return
    assert mqtt[:2] == [["0", "1", "testclient"], ["1", "1", "testclient"]]
    assert [kind for _, kind, _ in mqtt] == ["1", "1", "2", "3", "4", "14"]
    assert {stream for (stream,) in handshakes} == {"0", "1"}


def test_tshark_objects_to_no_frame(tmp_path: Path) -> None:
    saved = tmp_path / "run.pcapng"
    cli.main(["run", "wrong-slot-root-key", "--pcap", str(saved), *FIXED])
    checked = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    wrong = "tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0 || _ws.malformed"

    assert tshark(saved, *checked, "-Y", wrong) == []
    assert len(tshark(saved, "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0")) == 1
    assert len(tshark(saved, "-Y", "tls.alert_message.desc == 0 && tcp.srcport == 8883")) == 1
