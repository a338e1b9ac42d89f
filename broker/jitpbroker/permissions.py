"""What the gate says about one packet of an admitted client: may it, and what is told of it."""

from __future__ import annotations

from datetime import datetime

from jitpbroker.gate import Event, Gate, Principal
from jitpbroker.mqtt import PubAck, Publish, Request, Subscribe, Unsubscribe


def refusal(gate: Gate, principal: Principal, request: Request, at: datetime) -> str | None:
    """Why the policies do not let a packet pass; giving back and acknowledging need no permission."""
    match request:
        case Publish(topic=topic, retain=retain):
            return gate.may_publish(principal, topic, retain=retain, at=at)
        case Subscribe(subscriptions=subscriptions):
            answers = (gate.may_subscribe(principal, each.topic_filter, at=at) for each in subscriptions)
            return next((why for why in answers if why is not None), None)
        case Unsubscribe() | PubAck():
            return None


def announcement(gate: Gate, principal: Principal, request: Request, at: datetime) -> tuple[Event, ...]:
    """What the service publishes once the engine has answered a packet."""
    match request:
        case Subscribe(subscriptions=subscriptions):
            filters = tuple(subscription.topic_filter for subscription in subscriptions)
            return gate.subscribed(principal, filters, at=at)
        case Unsubscribe(topic_filters=topic_filters):
            return gate.unsubscribed(principal, topic_filters, at=at)
        case Publish() | PubAck():
            return ()
