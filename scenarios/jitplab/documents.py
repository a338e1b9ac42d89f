"""Policies and provisioning templates for scenarios, right by default."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from jitpbroker.registry.jsontext import Json
from jitpbroker.registry.names import Arns

_ARN: Final = Arns().client("").removesuffix("client/")


def allow(*actions: str, resource: str = "*", condition: Json = None) -> Json:
    """A statement that allows actions on a resource: ``*``, or what follows account and colon in its ARN."""
    arn = resource if resource == "*" else f"{_ARN}{resource}"
    statement: dict[str, Json] = {"Effect": "Allow", "Action": list(actions), "Resource": arn}
    return statement if condition is None else statement | {"Condition": condition}


def policy_document(*statements: Json) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def template(
    *,
    thing_name: Json = None,
    attributes: Json = None,
    policy: Json = None,
    status: str = "ACTIVE",
    parameters: Iterable[str] = (),
) -> str:
    """A just-in-time provisioning template.

    Args:
        thing_name: of its thing; ``None`` makes none.
        attributes: of its thing.
        policy: properties of its policy resource; everything is allowed where none is given.
        status: the certificate's, afterwards.
        parameters: declared beside the certificate's id, without their prefix.
    """
    prefix = "AWS::IoT::Certificate::"
    resources: dict[str, Json] = {
        "certificate": {
            "Type": "AWS::IoT::Certificate",
            "Properties": {"CertificateId": {"Ref": f"{prefix}Id"}, "Status": status},
        },
        "policy": {
            "Type": "AWS::IoT::Policy",
            "Properties": policy or {"PolicyDocument": policy_document(allow("iot:*"))},
        },
    }
    if thing_name is not None:
        properties: dict[str, Json] = {"ThingName": thing_name}
        if attributes is not None:
            properties["AttributePayload"] = attributes
        resources["thing"] = {"Type": "AWS::IoT::Thing", "Properties": properties}
    declared = {f"{prefix}{name}": {"Type": "String"} for name in ("Id", *parameters)}
    return json.dumps({"Parameters": declared, "Resources": resources})


#: A template's reference to the subject's common name.
COMMON_NAME: Final[Json] = {"Ref": "AWS::IoT::Certificate::CommonName"}
