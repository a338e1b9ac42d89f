"""What a principal may do, answered by the very engine that judges its packets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler
from jitpbroker.control.checks import certificate_of_arn
from jitpbroker.control.messages import Answer, Value, invalid
from jitpbroker.control.params import Params
from jitpbroker.policy import Context, NamedPolicy, evaluate
from jitpbroker.registry.entities import DeviceCertificate, Policy, Thing
from jitpbroker.registry.errors import not_found

_ACTIONS: Final = {
    "CONNECT": "iot:Connect",
    "PUBLISH": "iot:Publish",
    "SUBSCRIBE": "iot:Subscribe",
    "RECEIVE": "iot:Receive",
}

#: Beside this policy an answer of "no" can only come from an explicit Deny.
_ALLOW_ALL: Final = NamedPolicy(
    "allow-all",
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
)


def test_authorization(call: Call) -> Answer:
    """Would these actions on these resources be allowed? One result for each resource.

    Evidence: document - AWS's service model, TestAuthorization; that several resources of one authInfo have a
    result each is assumed there where it says nothing.
    """
    device = _principal(call)
    client_id = call.asked.maybe_text("clientId")
    thing = _thing_of(call, device, client_id)
    held = {policy.name: policy for policy in _policies_of(call, device, thing)}
    for name in call.asked.texts("policyNamesToAdd"):
        held[name] = _policy_named(call, name)
    for name in call.asked.texts("policyNamesToSkip"):
        held.pop(name, None)
    context = Context(client_id or "", "", device.certificate, thing, attached=thing is not None)
    missing = _missing(held.values(), client_id)
    results: list[Value] = [
        _result(list(held.values()), info, resource, context, missing)
        for info in call.asked.objects("authInfos")
        for resource in info.texts("resources")
    ]
    return {"authResults": results}


def _result(
    held: list[Policy], info: Params, resource: str, context: Context, missing: list[Value]
) -> dict[str, Value]:
    kind = info.maybe_text("actionType")
    if kind is None:
        raise invalid(f"An authInfo needs an actionType; choose one of {', '.join(_ACTIONS)}.")
    named = [NamedPolicy(policy.name, policy.document) for policy in held]

    def agrees(*policies: NamedPolicy) -> bool:
        return evaluate(policies, _ACTIONS[kind], resource, context).allowed

    denying = [policy for policy, one in zip(held, named, strict=True) if not agrees(one, _ALLOW_ALL)]
    allowing = [policy for policy, one in zip(held, named, strict=True) if agrees(one)]
    silent = [policy for policy in held if policy not in denying and policy not in allowing]
    verdict = "ALLOWED" if agrees(*named) else "EXPLICIT_DENY" if denying else "IMPLICIT_DENY"
    return {
        "authInfo": {"actionType": kind, "resources": [resource]},
        "allowed": {"policies": _written(allowing)},
        "denied": {
            "implicitDeny": {"policies": _written(silent)},
            "explicitDeny": {"policies": _written(denying)},
        },
        "authDecision": verdict,
        "missingContextValues": missing,
    }


def _missing(held: Iterable[Policy], client_id: str | None) -> list[Value]:
    """Context keys that the policies ask about and the request does not give.

    The source address is never given: TestAuthorization has no parameter for it.
    """
    text = " ".join(policy.document for policy in held).lower()
    asked = {"iot:ClientId": client_id is None, "aws:SourceIp": True}
    return [key for key, absent in asked.items() if absent and key.lower() in text]


def get_effective_policies(call: Call) -> Answer:
    """The policies that count for a principal, those of its thing's groups and their parents included.

    Evidence: document - AWS's service model, GetEffectivePolicies.
    """
    name = call.asked.maybe_text("thingName")
    if name is not None and call.registry.things.get(name) is None:
        raise not_found(f"Thing {name} does not exist.")
    device = _principal(call)
    found = _policies_of(call, device, _thing_of(call, device, name))
    return {
        "effectivePolicies": [
            {"policyName": policy.name, "policyArn": policy.arn, "policyDocument": policy.document}
            for policy in found
        ]
    }


def _written(policies: list[Policy]) -> list[Value]:
    return [{"policyName": policy.name, "policyArn": policy.arn} for policy in policies]


def _principal(call: Call) -> DeviceCertificate:
    arn = call.asked.maybe_text("principal")
    if arn is None:
        raise invalid("Name a certificate's ARN as principal; Cognito identities are not on this desk.")
    device = call.registry.certificates.get(certificate_of_arn(call.registry, arn))
    assert device is not None, "certificate_of_arn has just found it"
    return device


def _thing_of(call: Call, device: DeviceCertificate, name: str | None) -> Thing | None:
    """The attached thing a connection is associated with: the exclusive one, else that of the client id.

    Evidence: document - developer guide, exclusive-thing and thing-policy-variables.
    """
    things = call.registry.things
    chosen = things.exclusive_thing_of(device.arn) or name
    return things.get(chosen) if chosen in things.of_principal(device.arn) else None


def _policies_of(call: Call, device: DeviceCertificate, thing: Thing | None) -> list[Policy]:
    registry = call.registry
    groups = [each for name in (thing.groups if thing else ()) for each in registry.things.lineage(name)]
    targets = (device.arn, *(group.arn for group in groups))
    found = (policy for target in targets for policy in registry.policies.of_target(target))
    return list({policy.name: policy for policy in found}.values())


def _policy_named(call: Call, name: str) -> Policy:
    policy = call.registry.policies.get(name)
    if policy is None:
        raise not_found(f"Policy {name} does not exist.")
    return policy


OPERATIONS: Final[Mapping[str, Handler]] = {
    "TestAuthorization": test_authorization,
    "GetEffectivePolicies": get_effective_policies,
}
