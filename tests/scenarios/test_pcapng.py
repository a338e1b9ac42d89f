"""A saved run holds what passed at the socket, in frames that add up, with the secrets that open it."""

from __future__ import annotations

import socket
import stat
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jitplab import cli
from jitplab.pcapng import pcapng
from jitplab.runner import Order, play
from jitplab.settings import Settings
from jitplab.tap import Conversation, Event, Moment, Tap

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
FIXED = ("--seed", "1", "--library", "own", "--now", "2026-01-31")
CLIENT_HELLO, ALERT = b"\x16\x03\x01", 0x15


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each block; its two lengths must agree."""
    while data:
        kind, size = struct.unpack_from("<II", data)
        assert size % 4 == 0
        assert data[size - 4 : size] == data[4:8]
        yield kind, data[8 : size - 4]
        data = data[size:]


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """Time in microseconds and bytes of each packet."""
    found = []
    for kind, body in blocks(data):
        if kind == 6:
            _, high, low, size, _ = struct.unpack_from("<IIIII", body)
            found.append(((high << 32) + low, body[20 : 20 + size]))
    return found


def folded(data: bytes) -> int:
    total: int = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def streams(data: bytes) -> dict[tuple[int, int], bytes]:
    """What each side of each connection said, put together by sequence numbers that must fit."""
    said: dict[tuple[int, int], bytes] = {}
    expected: dict[tuple[int, int], int] = {}
    for _, frame in frames(data):
        ip = frame[14:]
        tcp = ip[20:]
        assert folded(ip[:20]) == 0xFFFF
        assert folded(ip[12:20] + struct.pack(">BBH", 0, 6, len(tcp)) + tcp) == 0xFFFF
        way = struct.unpack_from(">HH", tcp)
        (number,) = struct.unpack_from(">I", tcp, 4)
        flags, payload = tcp[13], tcp[20:]
        assert number == expected.get(way, number)
        said[way] = said.get(way, b"") + payload
        expected[way] = number + len(payload) + bool(flags & 3)
    return said


def conversation(*events: tuple[Moment, bytes]) -> Conversation:
    return Conversation(
        [Event(NOW.replace(microsecond=n), what, data) for n, (what, data) in enumerate(events)]
    )


def test_bytes_come_out_as_they_went_in_and_sequence_numbers_fit() -> None:
    long = bytes(range(256)) * 20
    saved = pcapng(
        [
            conversation(
                (Moment.OPENED, b""), (Moment.SENT, b"hello"), (Moment.RECEIVED, long), (Moment.SENT, b"x"),
                (Moment.ENDED, b""), (Moment.CLOSED, b""),
            ),
            conversation(
                (Moment.OPENED, b""), (Moment.SENT, b"second"), (Moment.RESET, b""), (Moment.CLOSED, b"")
            ),
        ],
        b"",
    )  # fmt: skip

    assert streams(saved) == {
        (49152, 8883): b"hellox",
        (8883, 49152): long,
        (49153, 8883): b"second",
        (8883, 49153): b"",
    }
    assert max(len(frame) for _, frame in frames(saved)) <= 1514


def test_the_secrets_stand_before_the_first_packet_and_times_never_go_back() -> None:
    saved = pcapng([conversation((Moment.OPENED, b""), (Moment.SENT, b"a"))], b"CLIENT_RANDOM 00 11\n")
    kinds = [kind for kind, _ in blocks(saved)]
    (secrets,) = [body for kind, body in blocks(saved) if kind == 0x0A]
    times = [at for at, _ in frames(saved)]

    assert kinds[:4] == [0x0A0D0D0A, 1, 0x0A, 6]
    assert secrets[:8] == struct.pack("<II", 0x544C534B, 20)
    assert secrets[8:28] == b"CLIENT_RANDOM 00 11\n"
    assert times == sorted(times)
    assert datetime.fromtimestamp(times[0] / 1e6, UTC).replace(microsecond=0) == NOW


def test_a_tap_hears_everything_and_changes_nothing() -> None:
    ours, theirs = socket.socketpair()
    with Tap(lambda: NOW) as tap:
        tapped = tap.listen(ours)
        tapped.sendall(b"ping")
        count = tapped.send(b"again")
        theirs.sendall(b"pong")
        got = tapped.recv(100)
        theirs.shutdown(socket.SHUT_WR)
        tapped.recv(100)
        ends = tapped.recv(100)
        tapped.settimeout(1.0)
        tapped.close()
        tapped.close()
        heard = theirs.recv(100)
        (only,) = tap.conversations
    theirs.close()

    assert (heard, count, got, ends) == (b"pingagain", 5, b"pong", b"")
    assert [(event.what, event.data) for event in only.events] == [
        (Moment.OPENED, b""),
        (Moment.SENT, b"ping"),
        (Moment.SENT, b"again"),
        (Moment.RECEIVED, b"pong"),
        (Moment.ENDED, b""),
        (Moment.CLOSED, b""),
    ]
    assert len({event.at for event in only.events}) == len(only.events)


def test_a_run_is_saved_with_both_sides_of_each_connection(tmp_path: Path) -> None:
    target = tmp_path / "made" / "run.pcapng"
    code = cli.main(["run", "right-slot", "--pcap", str(target), *FIXED])
    saved = target.read_bytes()
    said = streams(saved)
    (secrets,) = [body for kind, body in blocks(saved) if kind == 0x0A]

    assert code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert len(said) == 4
    assert all(data.startswith(CLIENT_HELLO) for (_, to), data in said.items() if to == 8883)
    assert b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" in secrets
    assert b"SERVER_TRAFFIC_SECRET_0" in secrets
    assert b"PRIVATE" not in saved


def test_what_tlslite_kept_no_secrets_of_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "run.pcapng"
    code = cli.main(["run", "handshake-only", "--tls", "tlslite", "--pcap", str(target), *FIXED])

    assert code == 0
    assert len(streams(target.read_bytes())) == 2
    assert "cannot be decrypted: tlslite-ng keeps no secrets of TLS 1.3" in capsys.readouterr().err


def test_the_secrets_are_gone_when_the_tap_is() -> None:
    with Tap() as tap:
        play(Order("handshake-only", Settings(seed="1", library="own")), tap)
        place, secrets = tap.keylog, tap.secrets()

    assert secrets
    assert not place.parent.exists()


@pytest.mark.parametrize(
    "arguments",
    [("--all",), ("right-slot", "handshake-only"), ("right-slot", "--jobs", "2"), ("-k", "slot")],
)
def test_more_than_one_scenario_is_misuse(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", *arguments, "--pcap", str(tmp_path / "run.pcapng")])

    assert caught.value.code == 2
    assert "give one NAME" in capsys.readouterr().err
