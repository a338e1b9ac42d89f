"""Names and ARNs as AWS IoT writes them.

Patterns and limits are botocore's (``iot/2015-05-28/service-2.json``, shapes ThingName, AttributeName,
AttributeValue, PolicyName).

Evidence: document - the service model that AWS publishes with botocore 1.44.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from jitpbroker.registry.errors import ErrorCode, RegistryError

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_REGION: Final = re.compile(r"[a-z0-9-]{1,32}")
_THING: Final = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_ATTRIBUTE_NAME: Final = re.compile(r"[a-zA-Z0-9_.,@/:#-]{1,128}")
_ATTRIBUTE_VALUE: Final = re.compile(r"[a-zA-Z0-9_.,@/:#=\[\]-]{0,800}")
_POLICY: Final = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arns:
    """ARNs of one account in one Region.

    Raises:
        ValueError: the account is not 12 digits, or the Region no Region name.
    """

    account: str = "123456789012"
    region: str = "us-east-1"
    partition: str = "aws"

    def __post_init__(self) -> None:
        if not _ACCOUNT.fullmatch(self.account):
            raise ValueError(f"Account {self.account!r} is not 12 digits; use one such as 123456789012.")
        if not _REGION.fullmatch(self.region):
            raise ValueError(f"Region {self.region!r} is no Region name; use one such as us-east-1.")

    def _arn(self, resource: str) -> str:
        return f"arn:{self.partition}:iot:{self.region}:{self.account}:{resource}"

    def cert(self, certificate_id: str) -> str:
        """A device certificate; the principal that policies and things are attached to."""
        return self._arn(f"cert/{certificate_id}")

    def cacert(self, certificate_id: str) -> str:
        """A registered CA certificate."""
        return self._arn(f"cacert/{certificate_id}")

    def thing(self, name: str) -> str:
        """A thing."""
        return self._arn(f"thing/{name}")

    def thing_type(self, name: str) -> str:
        """A thing type."""
        return self._arn(f"thingtype/{name}")

    def thing_group(self, name: str) -> str:
        """A thing group, which policies can be attached to as well."""
        return self._arn(f"thinggroup/{name}")

    def billing_group(self, name: str) -> str:
        """A billing group."""
        return self._arn(f"billinggroup/{name}")

    def policy(self, name: str) -> str:
        """A policy."""
        return self._arn(f"policy/{name}")

    def provisioning_template(self, name: str) -> str:
        """A provisioning template."""
        return self._arn(f"provisioningtemplate/{name}")

    def client(self, client_id: str) -> str:
        """What ``iot:Connect`` is asked about."""
        return self._arn(f"client/{client_id}")

    def topic(self, topic: str) -> str:
        """What ``iot:Publish``, ``iot:RetainPublish`` and ``iot:Receive`` are asked about."""
        return self._arn(f"topic/{topic}")

    def topic_filter(self, topic_filter: str) -> str:
        """What ``iot:Subscribe`` is asked about."""
        return self._arn(f"topicfilter/{topic_filter}")


def check_thing_name(name: str) -> None:
    """Raise ``RegistryError`` unless AWS would take ``name`` for a thing, a type or a group."""
    if not _THING.fullmatch(name):
        raise _invalid(
            f"{name!r} is no thing name; use 1 to 128 letters, digits, ':', '_' and '-', no spaces or dots."
        )


def check_attribute(name: str, value: str) -> None:
    """Raise ``RegistryError`` unless AWS would take the pair as a thing attribute."""
    if not _ATTRIBUTE_NAME.fullmatch(name):
        raise _invalid(f"{name!r} is no attribute name; use 1 to 128 letters, digits and '_.,@/:#-'.")
    if not _ATTRIBUTE_VALUE.fullmatch(value):
        raise _invalid(
            f"Attribute {name} cannot hold {value!r}; use at most 800 letters, digits and '_.,@/:#=[]-'."
        )


def check_policy_name(name: str) -> None:
    """Raise ``RegistryError`` unless AWS would take ``name`` for a policy."""
    if not _POLICY.fullmatch(name):
        raise _invalid(f"{name!r} is no policy name; use 1 to 128 letters, digits and '_+=,.@-'.")


def _invalid(message: str) -> RegistryError:
    return RegistryError(ErrorCode.INVALID_REQUEST, message)
