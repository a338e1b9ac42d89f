"""A broker's control plane, put together: registry, sessions, log store and a port of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from jitpbroker.control.call import Addresses, Surroundings
from jitpbroker.control.issuer import DeskIssuer
from jitpbroker.control.logstore import LogStore
from jitpbroker.control.model import IOT, LOGS, service
from jitpbroker.control.plane import AccountBook, ControlPlane
from jitpbroker.control.serving import ControlApp, ControlServer
from jitpbroker.control.sessions import LiveSessions
from jitpbroker.mqtt import DisconnectReason
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.store import Registry
from jitpbroker.server import Server


def control_server(
    server: Server,
    registry: Registry | AccountBook,
    store: LogStore,
    *,
    new_id: IdSource,
    tell: Callable[[str], None],
    host: str = "127.0.0.1",
    port: int = 0,
    data_host: str = "localhost",
) -> ControlServer:
    """The control plane of ``server``; start and close it in that server's event loop.

    Args:
        server: the broker; its trace says which connections live.
        registry: what its gate judges by, or all registries, that one at home.
        store: where its log goes.
        new_id: UUIDs.
        tell: takes a sentence for the operator.
        host: address to bind; whoever reaches it may do everything, so loopback unless told otherwise.
        port: 0 for any free one.
        data_host: the host name DescribeEndpoint gives, to which the MQTT port is added.
    """

    def hang_up(client_id: str, why: str) -> bool:
        """Evidence: assumed - which disconnectReason AWS gives when a certificate leaves ACTIVE."""
        return server.disconnect(client_id, DisconnectReason.SERVER_INITIATED_DISCONNECT, why)

    def now() -> datetime:
        return server.now()

    for name in (IOT, LOGS):  # now, rather than while the first request waits and the broker with it
        service(name)
    book = registry if isinstance(registry, AccountBook) else AccountBook(registry, new_id)
    sessions = LiveSessions(hang_up)
    server.trace.listen(sessions.hear)
    around = Surroundings(
        accounts=book.accounts(),
        sessions=sessions,
        log=store,
        issuer=DeskIssuer(secrets.token_bytes),
        new_id=new_id,
        draw=secrets.token_bytes,
        addresses=lambda: Addresses(mqtt=f"{data_host}:{server.port}"),
    )
    plane = ControlPlane(around, now=now, hosts=frozenset({host}))
    app = ControlApp(plane, tell, commit=server.settings.commit)
    return ControlServer(app, host=host, port=port)
