"""Live MQTT connections by certificate, learnt from the trace.

A Decision names a connection's certificate and peer, its Disconnect the peer again; in between it lives.
"""

from __future__ import annotations

from collections.abc import Callable

from jitpbroker.trace import Decision, Disconnect, Record


class LiveSessions:
    """Implements `jitpbroker.control.call.Sessions`; give `hear` to `Trace.listen`.

    Args:
        hang_up: hangs up on a client id; whether it was connected.
    """

    def __init__(self, hang_up: Callable[[str, str], bool]) -> None:
        self._hang_up = hang_up
        self._live: dict[str, tuple[str, str]] = {}  # peer -> (certificate id, client id)

    def __len__(self) -> int:
        return len(self._live)

    def hear(self, record: Record) -> None:
        """Note who comes and who goes."""
        match record:
            case Decision(verdict="known", peer=peer, client_id=client_id, certificate_id=str() as device):
                self._live[peer] = (device, client_id)
            case Disconnect(peer=peer):
                self._live.pop(peer, None)
            case _:
                pass

    def end(self, certificate_id: str, why: str) -> int:
        """Hang up on every connection of this certificate."""
        clients = [client for device, client in self._live.values() if device == certificate_id]
        return sum(self._hang_up(client, why) for client in clients)
