"""A policy that does not allow it."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.documents import allow
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.registered_device import foretell_hang_up, send_when_registered
from jitplab.scenario import scenario


@scenario(
    stopped_by="policy iot:Subscribe",
    checked_against="document",
    source="aws-iot-device-sdk-js issue 125, where an AWS engineer calls the close expected",
    twin="what-the-policy-allows",
    like=("publish-is-not-allowed",),
    needs=(Need.LOCAL_ENGINE,),
)
def subscribe_is_not_allowed(lab: Lab) -> Outcome:
    """The policy allows no subscription to that filter.

    Subscribe is asked on `topicfilter/…`, Publish and Receive on `topic/…`: a policy that names one where
    the other belongs allows nothing.

    Cause. The resource says `topic/` where `topicfilter/` is meant.
    Symptom. CONNACK 0, then a close instead of the SUBACK.
    Tell-tale. The log shows eventType Subscribe, reason AUTHORIZATION_FAILURE. A refused publish looks the
    same on the wire and is named Publish-In there.
    Cure. Allow iot:Subscribe on `topicfilter/…`.
    """
    script = (mqtt.Subscribe(1, (mqtt.Subscription("here", 1),)),)
    call = send_when_registered(
        lab, script, allow("iot:Connect"), allow("iot:Subscribe", resource="topic/here")
    )  # the one fault

    foretell_hang_up(lab, call)
    return lab.outcome()
