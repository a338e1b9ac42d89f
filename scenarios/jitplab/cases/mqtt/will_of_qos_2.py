"""A limit of AWS IoT."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="disconnect CLIENT_ERROR",
    checked_against="document",
    source="AWS IoT developer guide, mqtt: QoS 2 is not supported; espMqttClient issue 116 for the will",
    twin="within-the-limits",
    like=("qos-2-is-not-spoken",),
    needs=(Need.LOCAL_ENGINE,),
)
def will_of_qos_2(lab: Lab) -> Outcome:
    """The last will asks for QoS 2.

    AWS IoT speaks QoS 0 and 1, and the will's QoS stands in CONNECT. The device is not let in at all, and
    it looks like a policy's no or a certificate that nobody knows.

    Cause. A library whose default for the will is QoS 2, or a will taken over from another broker.
    Symptom. Closed without CONNACK although the certificate is ACTIVE and its policy allows everything.
    Tell-tale. The same will with QoS 1 connects: the scenario does that, too. Bits 3 and 4 of the CONNECT's
    flags are the will's QoS; no policy was asked, so no AUTHORIZATION_FAILURE is in the log.
    Cure. Ask for the will with QoS 1.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device)
    once = mqtt.Connect("d", 60, will=mqtt.Will("d/state", b"offline", qos=1))
    allowed = lab.connect(device, chain, account, connect=once)
    lab.foretell("connack where the will has QoS 1", 0, allowed.visit.connack)

    twice = mqtt.Connect("d", 60, will=mqtt.Will("d/state", b"offline", qos=2))  # the one fault
    call = lab.connect(device, chain, account, connect=twice)

    lab.foretell("connack", None, call.visit.connack)
    return lab.outcome()
