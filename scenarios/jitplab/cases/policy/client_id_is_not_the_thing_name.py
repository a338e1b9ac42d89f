"""A policy that does not allow it."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.documents import allow
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="policy iot:Connect",
    checked_against="document",
    source="AWS IoT developer guide, thing-policy-variables; aws-iot-device-sdk-js issue 261",
    twin="what-the-policy-allows",
    like=("no-policy-at-all",),
    needs=(Need.LOCAL_ENGINE,),
)
def client_id_is_not_the_thing_name(lab: Lab) -> Outcome:
    """The client id is not the name of the certificate's thing.

    Policies of least privilege let a client connect under its thing's name only. A client id that is
    anything else resolves no thing, and the variable in the policy stays empty.

    Cause. The firmware uses a fixed client id, such as `testclient`, or the MAC address.
    Symptom. Closed without CONNACK although the certificate is ACTIVE; `connect_failed` is published under
    $aws/events/presence.
    Tell-tale. AWSIotLogsV2 shows eventType Connect, status Failure, reason AUTHORIZATION_FAILURE: nothing
    of the kind is there when the certificate itself is refused. Without any policy the log says the same;
    `aws iot list-attached-policies` tells the two apart.
    Cure. Use the thing's name as client id, or attach the thing exclusively.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(
        chain.device,
        allow("iot:Connect", resource="client/${iot:Connection.Thing.ThingName}"),
    )  # the one fault
    account.make_thing("mine", chain.device)

    call = lab.connect(device, chain, account, connect=mqtt.Connect("testclient", 60))

    lab.foretell("connack", None, call.visit.connack)
    lab.foretell("status after", "ACTIVE", call.status_after)
    return lab.outcome()
