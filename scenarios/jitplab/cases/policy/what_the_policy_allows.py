"""The healthy twin of what policies refuse."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.documents import allow
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    admitted=True,
    checked_against="document",
    source="AWS IoT developer guide, pub-sub-policy",
    twin="client-id-is-not-the-thing-name",
    needs=(Need.LOCAL_ENGINE,),
)
def what_the_policy_allows(lab: Lab) -> Outcome:
    """A certificate with a policy of least privilege does what that policy allows.

    Connect as the attached thing, publish and retain below its name, subscribe and receive there.

    Cause. None.
    Symptom. None: everything is answered.
    Tell-tale. Each answer is on the wire: CONNACK 0, SUBACK, PUBACK, and the message itself.
    Cure. None needed.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    own = "${iot:Connection.Thing.ThingName}"
    account.register_by_hand(
        chain.device,
        allow("iot:Connect", resource=f"client/{own}"),
        allow("iot:Publish", "iot:RetainPublish", "iot:Receive", resource=f"topic/{own}/*"),
        allow("iot:Subscribe", resource=f"topicfilter/{own}/*"),
    )
    account.make_thing("mine", chain.device)

    call = lab.connect(
        device,
        chain,
        account,
        connect=mqtt.Connect("mine", 60, will=mqtt.Will("mine/will", b"gone")),
        script=(
            mqtt.Subscribe(1, (mqtt.Subscription("mine/a", 1),)),
            mqtt.Publish("mine/a", b"1", qos=1, retain=True, packet_id=2),
            mqtt.PingReq(),
        ),
    )

    lab.foretell("answers", ["PUBACK", "PUBLISH mine/a", "SUBACK 1"], sorted(call.visit.answers))
    return lab.outcome()
