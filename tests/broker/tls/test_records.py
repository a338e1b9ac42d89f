"""Where records end: by construction, and by OpenSSL, which alone decides."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from jitpbroker.credentials import ServerCredentials, in_memory
from jitpbroker.records import RecordTypes, after_handshake
from jitpbroker.tls import TlsSettings, server_context

RECORDS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=8)
CUTS = st.lists(st.integers(0, 1000), max_size=8)


def record(content_type: int, body: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(body).to_bytes(2, "big") + body


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """``stream`` cut up, each piece with at least a byte."""
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[begin:end] for begin, end in pairwise(places)]


@given(RECORDS, CUTS)
def test_each_record_is_told_once_and_where_it_ends(
    records: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    ends: list[int] = []
    for each in records:
        ends.append((ends[-1] if ends else 0) + len(record(*each)))
    follower, told, at = RecordTypes(), b"", 0
    for piece in pieces(b"".join(record(*each) for each in records), cuts):
        told += follower.completed(piece)
        at += len(piece)
        assert told == bytes(kind for (kind, _), end in zip(records, ends, strict=True) if end <= at)
        assert follower.midway is (at not in ends)


def test_a_tls_1_2_handshake_swallows_its_own_records() -> None:
    assert after_handshake(bytes([22, 22, 20, 22])) == b""
    assert after_handshake(bytes([22, 20, 22, 23, 21])) == bytes([23, 21])


@pytest.fixture(scope="module")
def credentials() -> ServerCredentials:
    return in_memory()


def connected(credentials: ServerCredentials, version: int) -> tuple[SSL.Connection, SSL.Connection]:
    """Server and client after their handshake; nothing is under way."""
    settings = TlsSettings(require_client_certificate=False)
    server = SSL.Connection(server_context(credentials, settings), None)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    client = SSL.Connection(context, None)
    server.set_accept_state()
    client.set_connect_state()
    for _ in range(3):
        for one, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                one.do_handshake()
            if out := drained(one):
                other.bio_write(out)
    return server, client


def drained(connection: SSL.Connection) -> bytes:
    out = b""
    while True:
        try:
            out += connection.bio_read(65536)
        except SSL.WantReadError:
            return out


def received(connection: SSL.Connection) -> bytes | None:
    try:
        return connection.recv(16384)
    except SSL.WantReadError:
        return None


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])
@given(messages=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5), cuts=CUTS)
def test_openssl_reads_as_often_as_records_have_ended_and_then_wants_more(
    credentials: ServerCredentials, version: int, messages: list[bytes], cuts: list[int]
) -> None:
    server, client = connected(credentials, version)
    for message in messages:
        client.sendall(message)
    follower, got = RecordTypes(), []
    for piece in pieces(drained(client), cuts):
        server.bio_write(piece)
        got += [received(server) for _ in follower.completed(piece)]
        assert received(server) is None
    assert got == messages
