"""What a device sees of a visit, whichever client goes: the firmware, a key file, aiomqtt."""

from __future__ import annotations

import gc
import json
from dataclasses import replace

import pytest
import trustme

from jitpbroker import mqtt, trace
from jitplab import visit as visit_module
from jitplab.account import Account
from jitplab.aiomqtt_client import visit_with_aiomqtt
from jitplab.channel import Channel, Closed, Endpoint, Identity
from jitplab.hand_made import visit_with_key_file
from jitplab.lab import Chain, Device, Lab
from jitplab.lent_key import why_not
from jitplab.visit import Message, Visit, connect_packet, visit

#: What coreMQTT 1.1.0 wrote with the case's settings.
THE_CASE = bytes.fromhex(
    "10 53 00 04 4d 51 54 54 04 82 00 3c 00 0a 74 65 73 74 63 6c 69 65 6e 74 00 3b 3f 53 44 4b 3d 46"
    "65 64 6f 72 61 26 56 65 72 73 69 6f 6e 3d 33 33 26 50 6c 61 74 66 6f 72 6d 3d 50 43 26 4d 51 54"
    "54 4c 69 62 3d 63 6f 72 65 2d 6d 71 74 74 40 76 31 2e 31 2e 30"
)
BOTH = pytest.mark.parametrize(
    "way, tls", [(way, tls) for way in ("ssl", "tlslite") for tls in ("1.2", "1.3")]
)


def test_the_connect_packet_is_the_case_s_byte_for_byte() -> None:
    assert len(THE_CASE) == 85
    assert connect_packet() == THE_CASE


def test_another_client_id_changes_that_alone() -> None:
    packet = connect_packet("another")

    assert packet == THE_CASE.replace(b"\0\x0atestclient", b"\0\x07another").replace(b"\x10\x53", b"\x10\x50")


# --- the firmware ----------------------------------------------------------------------------------


@BOTH
def test_the_second_visit_of_a_good_chain_is_let_in_and_its_message_acknowledged(
    account: Account, identity: Identity, way: str, tls: str
) -> None:
    there = account.endpoint(tls=tls)
    first = visit(there, identity, message=Message(), way=way)
    account.settle()
    second = visit(there, identity, message=Message(), way=way)

    assert first == Visit("completed", None, f"TLSv{tls}", THE_CASE, closed_by=Closed.CLOSE_NOTIFY)
    assert second == Visit(
        "completed", None, f"TLSv{tls}", THE_CASE, connack=0, puback=True, answers=("PUBACK",)
    )
    assert (first.admitted, second.admitted) == (False, True)


@BOTH
def test_the_case_s_wrong_chain_gets_close_notify_every_time(
    account: Account, lab: Lab, device: Device, wrong_chain: Chain, way: str, tls: str
) -> None:
    there = account.endpoint(tls=tls)
    seen = [visit(there, lab.identity(device, wrong_chain), way=way) for _ in range(2)]
    account.settle()

    assert seen == [Visit("completed", None, f"TLSv{tls}", THE_CASE, closed_by=Closed.CLOSE_NOTIFY)] * 2
    assert account.status_of(wrong_chain.device) is None


def test_a_visit_may_end_after_the_handshake(account: Account, identity: Identity) -> None:
    seen = visit(account.endpoint(tls="1.2"), identity, send_connect=False)

    assert seen == Visit("completed", tls="TLSv1.2")


def test_a_message_of_qos_0_is_acknowledged_by_nobody(account: Account, identity: Identity) -> None:
    account.register_by_hand(identity.chain[0])
    seen = visit(account.endpoint(), identity, message=Message(qos=0))

    assert (seen.connack, seen.puback, seen.closed_by) == (0, False, None)


def test_without_a_message_a_device_that_is_let_in_takes_its_leave(
    account: Account, identity: Identity
) -> None:
    account.register_by_hand(identity.chain[0])
    seen = visit(account.endpoint(), identity)

    assert (seen.connack, seen.puback, seen.closed_by) == (0, False, None)


def test_a_failed_handshake_is_told_with_its_reason(account: Account, identity: Identity) -> None:
    foreign = replace(account.endpoint(), root_pem=trustme.CA().cert_pem.bytes())
    seen = visit(foreign, identity)

    assert seen.handshake == "failed"
    assert seen.why == "certificate verify failed"
    assert seen.connect_packet is None
    assert not seen.admitted


class Scripted:
    """A channel that answers what it was told to."""

    version = "TLSv1.2"
    server_certificate = None

    def __init__(self, *answers: bytes | Closed, sends: int = 99) -> None:
        self.answers = list(answers)
        self.sent: list[bytes] = []
        self.closed = False
        self._sends = sends

    def send(self, data: bytes) -> Closed | None:
        self.sent.append(data)
        return None if len(self.sent) <= self._sends else Closed.RESET

    def receive(self) -> bytes | Closed:
        return self.answers.pop(0)

    def close(self) -> None:
        self.closed = True


CONNACK = mqtt.encode(mqtt.ConnAck(session_present=False, return_code=mqtt.ConnectReturnCode.ACCEPTED))
NOT_AUTHORIZED = bytes.fromhex("20020005")
PUBACK = mqtt.encode(mqtt.PubAck(1))


@pytest.mark.parametrize(
    "channel, seen",
    [
        (Scripted(Closed.END_OF_STREAM), (None, False, Closed.END_OF_STREAM)),
        (Scripted(Closed.SILENCE), (None, False, Closed.SILENCE)),
        (Scripted(sends=0), (None, False, Closed.RESET)),
        (Scripted(NOT_AUTHORIZED), (5, False, None)),
        (Scripted(CONNACK, Closed.CLOSE_NOTIFY), (0, False, Closed.CLOSE_NOTIFY)),
        (Scripted(CONNACK, sends=1), (0, False, Closed.RESET)),
        (Scripted(CONNACK[:1], CONNACK[1:] + PUBACK), (0, True, None)),
        (Scripted(CONNACK, mqtt.encode(mqtt.PubAck(2))), (0, False, None)),
        (Scripted(PUBACK), (None, False, None)),
    ],
)
def test_whatever_the_peer_answers_is_what_was_seen(
    channel: Scripted,
    seen: tuple[int | None, bool, Closed | None],
    identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened(_endpoint: Endpoint, _identity: Identity, _way: str | None) -> Channel:
        return channel

    monkeypatch.setattr(visit_module, "open_channel", opened)
    came = visit(Endpoint("127.0.0.1", 0, b"", None), identity, message=Message())

    assert (came.connack, came.puback, came.closed_by) == seen
    assert channel.sent[0] == THE_CASE
    assert channel.closed


def test_an_answer_that_is_no_mqtt_is_told(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Scripted(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    monkeypatch.setattr(visit_module, "open_channel", lambda *_: channel)
    seen = visit(Endpoint("127.0.0.1", 0, b"", None), identity)

    assert str(seen.why).startswith("the broker's answer is not MQTT: ")
    assert channel.closed


def test_a_visit_is_json() -> None:
    seen = Visit("completed", None, "TLSv1.3", b"\x10", closed_by=Closed.CLOSE_NOTIFY)

    assert json.loads(json.dumps(seen.as_json())) == {
        "handshake": "completed",
        "error": None,
        "tls": "TLSv1.3",
        "connect_packet": "10",
        "connack": None,
        "puback": False,
        "closed_by": "close_notify",
        "answers": [],
    }
    assert Visit("failed", "why").as_json()["closed_by"] is None


# --- a key file ------------------------------------------------------------------------------------


def test_the_hand_made_certificate_is_let_in_the_second_time(
    account: Account, lab: Lab, v1_certificate: bytes
) -> None:
    presented, key = (v1_certificate, lab.signer.certificate), lab.key("hand-made")
    first = visit_with_key_file(account.endpoint(), presented, key, Message())
    account.settle()
    second = visit_with_key_file(account.endpoint(), presented, key, Message())

    assert first.closed_by is Closed.CLOSE_NOTIFY
    assert (second.connack, second.puback) == (0, True)
    assert second.connect_packet == connect_packet("deviceCert")
    assert account.status_of(v1_certificate) == "ACTIVE"


# --- aiomqtt ---------------------------------------------------------------------------------------

#: paho forgets the socket of a handshake that failed; it is collected inside the test that failed it.
LEAKS = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

AIOMQTT = pytest.mark.skipif(why_not() is not None, reason="this Python's ssl takes no lent key")


@AIOMQTT
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("sni", [True, False])
def test_aiomqtt_is_let_in_with_the_chip_s_key_and_its_message_acknowledged(
    account: Account, identity: Identity, tls: str, sni: bool
) -> None:
    account.register_by_hand(identity.chain[0])
    seen = visit_with_aiomqtt(account.endpoint(tls=tls, sni=sni), identity, Message())
    account.settle()
    asked = [record for record in account.records() if isinstance(record, trace.Authorization)]

    assert (seen.handshake, seen.connack, seen.puback) == ("completed", 0, True)
    assert seen.admitted
    assert [(each.action, each.allowed) for each in asked] == [("iot:Connect", True), ("iot:Publish", True)]
    assert asked[1].resource.endswith("topic/ji/tp")


@AIOMQTT
def test_aiomqtt_comes_back_from_a_refused_chain_within_its_time_out(
    account: Account, lab: Lab, device: Device, wrong_chain: Chain
) -> None:
    seen = visit_with_aiomqtt(account.endpoint(), lab.identity(device, wrong_chain), Message(), timeout=0.5)

    assert seen.handshake == "completed"
    assert str(seen.why).startswith("aiomqtt: ")
    assert seen.connack is None
    assert account.status_of(wrong_chain.device) is None


@AIOMQTT
@LEAKS
def test_aiomqtt_tells_a_server_it_does_not_trust(account: Account, identity: Identity) -> None:
    foreign = replace(account.endpoint(), root_pem=trustme.CA().cert_pem.bytes())
    seen = visit_with_aiomqtt(foreign, identity, Message(), timeout=5)
    gc.collect()

    assert seen.handshake == "failed"
    assert "certificate verify failed" in str(seen.why).lower()


@AIOMQTT
@LEAKS
def test_aiomqtt_names_a_chip_that_does_not_sign(account: Account, identity: Identity) -> None:
    def refuse(_digest: bytes) -> bytes:
        raise RuntimeError("not today")

    seen = visit_with_aiomqtt(account.endpoint(), replace(identity, sign=refuse), Message(), timeout=5)
    gc.collect()

    assert seen == Visit("failed", why="the chip did not sign: not today")
