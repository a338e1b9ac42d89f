"""A device that its owner has registered by hand, and what becomes of the packets it sends."""

from __future__ import annotations

from collections.abc import Sequence

from jitpbroker import mqtt
from jitpbroker.registry.jsontext import Json
from jitplab.channel import Closed
from jitplab.lab import Lab
from jitplab.outcome import Call


def send_when_registered(lab: Lab, script: Sequence[mqtt.Packet], *statements: Json) -> Call:
    """Let the case's device, registered ACTIVE, connect as ``d`` and send packets once it is let in.

    Args:
        lab: whose chip, and where the account is opened.
        script: packets, see `jitplab.visit.visit`.
        statements: of the device's policy; everything is allowed where none is given.

    Raises:
        LibraryError: the chip refused.
        NeedUnmet: see `Lab.device`.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device, *statements)
    return lab.connect(device, chain, account, connect=mqtt.Connect("d", 60), script=script)


def foretell_hang_up(lab: Lab, call: Call, answers: Sequence[str] = ()) -> None:
    """Foretell that the device is let in, gets these answers, and then close_notify instead of the next."""
    lab.foretell("connack", 0, call.visit.connack)
    lab.foretell("answers", answers, call.visit.answers)
    lab.foretell("closed_by", Closed.CLOSE_NOTIFY.value, str(call.visit.closed_by))
