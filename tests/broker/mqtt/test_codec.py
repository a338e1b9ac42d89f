"""Bytes and packets, each row read through the decoder and written through the encoder.

Section numbers are those of OASIS MQTT Version 3.1.1.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker import mqtt
from jitpbroker.mqtt.encode import MAX_REMAINING_LENGTH, remaining_length
from jitpbroker.mqtt.packets import Packet

#: What coreMQTT 1.1.0 wrote in the case, as published (shared reference: the 85 bytes of the case's CONNECT).
CASE_CONNECT = bytes.fromhex(
    "10 53 00 04 4d 51 54 54 04 82 00 3c 00 0a 74 65 73 74 63 6c 69 65 6e 74 00 3b 3f 53 44 4b 3d 46"
    "65 64 6f 72 61 26 56 65 72 73 69 6f 6e 3d 33 33 26 50 6c 61 74 66 6f 72 6d 3d 50 43 26 4d 51 54"
    "54 4c 69 62 3d 63 6f 72 65 2d 6d 71 74 74 40 76 31 2e 31 2e 30"
)

TABLE = [
    # 3.1 CONNECT
    pytest.param(
        "10 0d 0004 4d515454 04 02 003c 0001 61",
        mqtt.Connect("a", keep_alive=60),
        id="3.1 a clean session",
    ),
    pytest.param(
        "10 0c 0004 4d515454 04 00 0000 0000",
        mqtt.Connect("", clean_session=False),
        id="3.1.2.4 a session to keep",
    ),
    pytest.param(
        "10 13 0004 4d515454 04 2e 0000 0001 61 0001 77 0001 21",
        mqtt.Connect("a", will=mqtt.Will("w", b"!", qos=1, retain=True)),
        id="3.1.2.5 a will",
    ),
    pytest.param(
        "10 13 0004 4d515454 04 c2 0000 0001 61 0001 75 0001 70",
        mqtt.Connect("a", user_name="u", password=b"p"),
        id="3.1.2.8 user name and password",
    ),
    # 3.2 CONNACK
    pytest.param("20 02 00 00", mqtt.ConnAck(), id="3.2 accepted"),
    pytest.param("20 02 01 00", mqtt.ConnAck(session_present=True), id="3.2.2.2 session present"),
    pytest.param("20 02 00 05", mqtt.ConnAck(mqtt.ConnectReturnCode.NOT_AUTHORIZED), id="3.2.2.3 refused"),
    pytest.param("20 02 00 2a", mqtt.ConnAck(42), id="3.2.2.3 an unknown code keeps its number"),
    # 3.3 PUBLISH
    pytest.param("30 05 0003 612f62", mqtt.Publish("a/b", b""), id="3.3 QoS 0, empty"),
    pytest.param("31 06 0003 612f62 21", mqtt.Publish("a/b", b"!", retain=True), id="3.3.1.3 retained"),
    pytest.param(
        "3a 08 0003 612f62 000a 21",
        mqtt.Publish("a/b", b"!", qos=1, dup=True, packet_id=10),
        id="3.3.1.1 QoS 1 again",
    ),
    pytest.param(
        "34 07 0003 612f62 ffff", mqtt.Publish("a/b", b"", qos=2, packet_id=65535), id="3.3.1.2 QoS 2"
    ),
    # 3.4 and 3.8 to 3.14
    pytest.param("40 02 0001", mqtt.PubAck(1), id="3.4 PUBACK"),
    pytest.param(
        "82 0e 000a 0003 612f62 01 0003 632f64 02",
        mqtt.Subscribe(10, (mqtt.Subscription("a/b", 1), mqtt.Subscription("c/d", 2))),
        id="3.8 the standard's example",
    ),
    pytest.param("90 05 000a 00 02 80", mqtt.SubAck(10, (0, 2, 0x80)), id="3.9 the standard's example"),
    pytest.param(
        "a2 0c 000a 0003 612f62 0003 632f64", mqtt.Unsubscribe(10, ("a/b", "c/d")), id="3.10 the example"
    ),
    pytest.param("b0 02 000a", mqtt.UnsubAck(10), id="3.11 UNSUBACK"),
    pytest.param("c0 00", mqtt.PingReq(), id="3.12 PINGREQ"),
    pytest.param("d0 00", mqtt.PingResp(), id="3.13 PINGRESP"),
    pytest.param("e0 00", mqtt.Disconnect(), id="3.14 DISCONNECT"),
]

REFUSED = [
    ("00 00", "packet type 0 is reserved"),
    ("f0 00", "packet type 15 is reserved"),
    ("50 02 0001", "PUBREC belongs to QoS 2"),
    ("62 02 0001", "PUBREL belongs to QoS 2"),
    ("70 02 0001", "PUBCOMP belongs to QoS 2"),
    ("11 00", "CONNECT has flags 0x1"),
    ("80 05 0001 0001 61 00", "SUBSCRIBE has flags 0x0, the standard reserves 0x2"),
    ("a0 05 0001 0001 61", "UNSUBSCRIBE has flags 0x0"),
    ("e1 00", "DISCONNECT has flags 0x1"),
    ("36 00", "QoS 3"),
    ("38 00", "DUP with QoS 0"),
    ("30 80 80 80 80 01", "longer than four bytes"),
    ("c0 80 00", "needless bytes"),
    # CONNECT
    ("10 00", "CONNECT ends inside its protocol name: 2 bytes wanted, 0 left"),
    ("10 0c 0004 4d515458 04 02 0000 0000", "names the protocol b'MQTX'"),
    ("10 0c 0004 4d515454 04 03 0000 0000", "reserved bit 0"),
    ("10 0c 0004 4d515454 04 0a 0000 0000", "no will"),
    ("10 0c 0004 4d515454 04 22 0000 0000", "no will"),
    ("10 0c 0004 4d515454 04 1e 0000 0000", "will QoS 3"),
    ("10 0c 0004 4d515454 04 42 0000 0000", "password without user name"),
    ("10 0d 0004 4d515454 04 02 0000 0000 00", "CONNECT has 1 bytes too many"),
    ("10 0d 0004 4d515454 04 02 0000 0005 61", "ends inside its client id: 5 bytes wanted, 1 left"),
    ("10 0d 0004 4d515454 04 02 0000 0001 ff", "client id is not UTF-8 at byte 0"),
    ("10 0f 0004 4d515454 04 02 0000 0003 eda080", "client id is not UTF-8"),  # a surrogate, U+D800
    ("10 0d 0004 4d515454 04 02 0000 0001 00", "client id contains U+0000"),
    ("10 10 0004 4d515454 04 06 0000 0000 0000 0000", "will topic is empty"),
    ("10 11 0004 4d515454 04 06 0000 0000 0001 2b 0000", "will topic '+' contains a wildcard"),
    # CONNACK
    ("20 02 02 00", "CONNACK flags 0x02 set reserved bits"),
    ("20 02 01 05", "refuses with code 5 and yet says session present"),
    ("20 03 00 00 00", "CONNACK has 1 bytes too many"),
    # PUBLISH
    ("30 02 0000", "topic is empty"),
    ("30 03 0001 23", "contains a wildcard"),
    ("30 05 0003 61 2f 2b", "contains a wildcard"),
    ("32 05 0001 61 0000", "PUBLISH has packet id 0"),
    ("32 04 0001 61 00", "ends inside its packet id"),
    # the rest
    ("40 02 0000", "PUBACK has packet id 0"),
    ("40 03 0001 00", "PUBACK has 1 bytes too many"),
    ("82 02 0001", "SUBSCRIBE has no filter"),
    ("82 06 0001 0001 61 03", "QoS byte 0x03"),
    ("82 06 0001 0001 61 80", "QoS byte 0x80"),
    ("82 05 0001 0001 61", "ends inside its requested QoS"),
    ("82 05 0001 0000 00", "filter is empty"),
    ("82 07 0001 0002 6123 00", "# that is not its whole last level"),
    ("82 08 0001 0003 232f61 00", "# that is not its whole last level"),
    ("82 07 0001 0002 612b 00", "+ that is not a whole level"),
    ("90 02 0001", "SUBACK has no return code"),
    ("90 03 0001 03", "reserved return code 0x03"),
    ("a2 02 0001", "UNSUBSCRIBE has no filter"),
    ("b0 03 0001 00", "UNSUBACK has 1 bytes too many"),
    ("c0 01 00", "PINGREQ has 1 bytes too many"),
    ("d0 01 00", "PINGRESP has 1 bytes too many"),
    ("e0 01 00", "DISCONNECT has 1 bytes too many"),
]


def read(data: bytes) -> Packet | None:
    decoder = mqtt.Decoder()
    decoder.receive_data(data)
    return decoder.next_packet()


def test_the_cases_connect_is_written_byte_for_byte() -> None:
    packet = mqtt.Connect(
        "testclient",
        keep_alive=60,
        user_name="?SDK=Fedora&Version=33&Platform=PC&MQTTLib=core-mqtt@v1.1.0",
    )

    assert len(CASE_CONNECT) == 85
    assert mqtt.encode(packet) == CASE_CONNECT
    assert read(CASE_CONNECT) == packet


@pytest.mark.parametrize("wire,packet", TABLE)
def test_a_packet_is_written_and_read_as_the_standard_says(wire: str, packet: Packet) -> None:
    assert mqtt.encode(packet).hex() == wire.replace(" ", "")
    assert read(bytes.fromhex(wire)) == packet


@pytest.mark.parametrize("wire,sentence", REFUSED)
def test_a_broken_packet_is_refused_in_one_sentence(wire: str, sentence: str) -> None:
    with pytest.raises(mqtt.ProtocolError) as caught:
        read(bytes.fromhex(wire))

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wire,name",
    [
        ("10 0d 0004 4d515454 05 02 0000 00 0000", "MQTT level 5"),
        ("10 0e 0006 4d5149736470 03 02 0000 0000", "MQIsdp level 3"),
        ("10 0c 0004 4d515454 84 02 0000 0000", "MQTT level 132"),  # a bridge's mark
    ],
)
def test_another_protocol_level_is_refused_by_its_name(wire: str, name: str) -> None:
    with pytest.raises(mqtt.UnsupportedProtocolLevel, match=name):
        read(bytes.fromhex(wire))


def test_the_standards_remaining_lengths_are_written_so() -> None:
    # Table 2.4: the first and last value of each width.
    table = {
        0: "00",
        127: "7f",
        128: "8001",
        16_383: "ff7f",
        16_384: "808001",
        2_097_151: "ffff7f",
        2_097_152: "80808001",
        MAX_REMAINING_LENGTH: "ffffff7f",
    }

    assert {length: remaining_length(length).hex() for length in table} == table


@pytest.mark.parametrize("length", [-1, MAX_REMAINING_LENGTH + 1])
def test_no_other_remaining_length_can_be_written(length: int) -> None:
    with pytest.raises(ValueError, match=str(length)):
        remaining_length(length)


@pytest.mark.parametrize(
    "packet,sentence",
    [
        (mqtt.Connect("a", password=b"p"), "password but no user name"),
        (mqtt.Connect("a", keep_alive=65536), "keep-alive 65536"),
        (mqtt.Connect("a\0"), "client id 'a\\x00' contains U+0000"),
        (mqtt.Connect("a" * 65536), "client id of 65536 bytes"),
        (mqtt.Connect("a", will=mqtt.Will("w", b"x" * 65536)), "will payload of 65536 bytes"),
        (mqtt.Connect("a", will=mqtt.Will("w", b"", qos=3)), "QoS 3 does not exist"),
        (mqtt.Connect("\ud800"), "surrogates not allowed"),
        (mqtt.ConnAck(256), "return code 256"),
        (mqtt.Publish("a", b"", packet_id=1), "neither packet id nor DUP"),
        (mqtt.Publish("a", b"", dup=True), "neither packet id nor DUP"),
        (mqtt.Publish("a", b"", qos=1), "needs a packet id"),
        (mqtt.Publish("a", b"", qos=1, packet_id=0), "packet id 0"),
        (mqtt.Publish("a", b"", qos=1, packet_id=65536), "packet id 65536"),
        (mqtt.Subscribe(1, ()), "SUBSCRIBE is empty"),
        (mqtt.SubAck(1, ()), "SUBACK is empty"),
        (mqtt.Unsubscribe(1, ()), "UNSUBSCRIBE is empty"),
    ],
)
def test_what_the_standard_forbids_is_not_written(packet: Packet, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        mqtt.encode(packet)

    assert sentence in str(caught.value)


def test_nothing_is_read_after_a_broken_packet() -> None:
    decoder = mqtt.Decoder()
    decoder.receive_data(bytes.fromhex("c000 c100"))
    before = decoder.next_packet()
    with pytest.raises(mqtt.ProtocolError) as first:
        decoder.next_packet()
    decoder.receive_data(bytes.fromhex("c000"))
    with pytest.raises(mqtt.ProtocolError) as again:
        decoder.next_packet()

    assert before == mqtt.PingReq()
    assert again.value is first.value


def test_a_broken_body_breaks_the_decoder_too() -> None:
    decoder = mqtt.Decoder()
    decoder.receive_data(bytes.fromhex("40020000 c000"))
    with pytest.raises(mqtt.ProtocolError) as first:
        decoder.next_packet()
    with pytest.raises(mqtt.ProtocolError) as again:
        decoder.next_packet()

    assert again.value is first.value


def test_a_packet_that_declares_too_much_is_refused_before_it_has_arrived() -> None:
    decoder = mqtt.Decoder(max_remaining_length=1000)
    decoder.receive_data(bytes.fromhex("30 e907"))  # 1001
    with pytest.raises(mqtt.ProtocolError, match="PUBLISH declares 1001 bytes, the limit is 1000"):
        decoder.next_packet()

    assert decoder.buffered == 3


def test_a_wrong_first_packet_is_refused_on_its_first_byte() -> None:
    decoder = mqtt.Decoder(expected=mqtt.PacketType.CONNECT)
    decoder.receive_data(b"\x30")
    with pytest.raises(mqtt.ProtocolError, match="the first packet is PUBLISH, it must be CONNECT"):
        decoder.next_packet()


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
topics = texts.filter(lambda text: text and "+" not in text and "#" not in text)
filters = st.one_of(topics, topics.map(lambda topic: f"{topic}/#"), topics.map(lambda topic: f"+/{topic}"))
packet_ids = st.integers(1, 65535)
qos = st.integers(0, 2)
wills = st.builds(mqtt.Will, topics, st.binary(max_size=40), qos, st.booleans())
connects = st.builds(
    mqtt.Connect,
    texts,
    st.integers(0, 65535),
    st.booleans(),
    st.none() | wills,
    st.none() | texts,
).flatmap(
    lambda c: (
        st.just(c)
        if c.user_name is None
        else st.builds(
            lambda password: mqtt.Connect(
                c.client_id, c.keep_alive, c.clean_session, c.will, c.user_name, password
            ),
            st.none() | st.binary(max_size=40),
        )
    )
)
publishes = st.one_of(
    st.builds(mqtt.Publish, topics, st.binary(max_size=300), st.just(0), st.booleans()),
    st.builds(
        mqtt.Publish,
        topics,
        st.binary(max_size=300),
        st.integers(1, 2),
        st.booleans(),
        st.booleans(),
        packet_ids,
    ),
)
subscriptions = st.lists(st.builds(mqtt.Subscription, filters, qos), min_size=1, max_size=9).map(tuple)
packets: st.SearchStrategy[Packet] = st.one_of(
    connects,
    publishes,
    st.builds(mqtt.ConnAck, st.integers(1, 255)),
    st.builds(mqtt.ConnAck, st.just(0), st.booleans()),
    st.builds(mqtt.PubAck, packet_ids),
    st.builds(mqtt.Subscribe, packet_ids, subscriptions),
    st.builds(
        mqtt.SubAck, packet_ids, st.lists(st.sampled_from(list(mqtt.SubAckCode)), min_size=1).map(tuple)
    ),
    st.builds(mqtt.Unsubscribe, packet_ids, st.lists(filters, min_size=1, max_size=9).map(tuple)),
    st.builds(mqtt.UnsubAck, packet_ids),
    st.sampled_from([mqtt.PingReq(), mqtt.PingResp(), mqtt.Disconnect()]),
)


@given(sent=st.lists(packets, max_size=5), cuts=st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_packets_survive_the_wire_however_it_is_cut(sent: list[Packet], cuts: list[int]) -> None:
    wire = b"".join(mqtt.encode(packet) for packet in sent)
    decoder, received = mqtt.Decoder(), []
    position = turn = 0
    while position < len(wire):
        size = cuts[turn % len(cuts)]
        decoder.receive_data(wire[position : position + size])
        position, turn = position + size, turn + 1
        while (packet := decoder.next_packet()) is not None:
            received.append(packet)

    assert received == sent
    assert decoder.buffered == 0


@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_are_packets_or_one_protocol_error(data: bytes) -> None:
    decoder = mqtt.Decoder()
    decoder.receive_data(data)
    read_back = b""
    with suppress(mqtt.ProtocolError):
        while (packet := decoder.next_packet()) is not None:
            read_back += mqtt.encode(packet)

    # What was understood means exactly the bytes it came from: there is one spelling of a packet.
    assert data.startswith(read_back)


@given(packet=packets, at=st.integers(0), value=st.integers(0, 255))
def test_a_changed_byte_never_crashes_the_decoder(packet: Packet, at: int, value: int) -> None:
    wire = bytearray(mqtt.encode(packet))
    wire[at % len(wire)] = value
    understood: Packet | None = None
    with suppress(mqtt.ProtocolError):
        understood = read(bytes(wire))

    assert understood is None or wire.startswith(mqtt.encode(understood))
