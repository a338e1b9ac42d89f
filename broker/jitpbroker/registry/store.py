"""The registry: everything AWS IoT remembers for one account in one Region, in memory.

Rules of this file:
1. Facts are frozen; a change puts a new fact in the old one's place.
2. A CONNECT costs dictionary lookups only, never a scan.
3. Times and identifiers are passed in, so that two runs with the same input end equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, cast

from jitpbroker.registry.certificates import CaStore, CertificateStore
from jitpbroker.registry.ids import IdSource, counting_ids
from jitpbroker.registry.names import Arns
from jitpbroker.registry.policies import PolicyStore
from jitpbroker.registry.settings import EventConfigurations, LoggingOptions, TagStore, Transfer
from jitpbroker.registry.snapshot import as_json, plain
from jitpbroker.registry.tables import AnyTable, Table
from jitpbroker.registry.templates import TemplateStore
from jitpbroker.registry.things import ThingStore
from jitpbroker.trace import JsonValue

_ENDPOINT_LETTERS: Final = 13

#: The key of a table that holds one fact.
_ONLY: Final = "account"
_NO_LOGGING: Final = LoggingOptions()
_NO_EVENTS: Final = EventConfigurations()


class Registry:
    """One account's registry.

    Attributes:
        arns: how resources are named; holds account and Region.
        endpoint: the account's own data endpoint, made from account and Region.
        other_endpoints: host names (lower case) that belong to other accounts; any other name a client asks
            for by SNI selects this account, so that firmware with a real endpoint in it still gets here.
        cas: registered CA certificates.
        certificates: registered device certificates.
        things: things, types, groups and their principals.
        policies: policies and their targets.
        templates: provisioning templates.
        tags: tags of resources.
        transfers: certificates on their way to another account, by id.
    """

    def __init__(
        self,
        arns: Arns | None = None,
        *,
        new_id: IdSource | None = None,
        other_endpoints: Iterable[str] = (),
    ) -> None:
        ids = new_id or counting_ids()
        self.arns = arns or Arns()
        self.endpoint = _endpoint(self.arns)
        self.other_endpoints = frozenset(name.lower() for name in other_endpoints)
        self.cas = CaStore(self.arns, ids)
        self.certificates = CertificateStore(self.arns, ids)
        self.things = ThingStore(self.arns, ids)
        self.policies = PolicyStore(self.arns, ids)
        self.templates = TemplateStore(self.arns)
        self.tags = TagStore()
        self.transfers: Table[str, Transfer] = Table("transfers", Transfer)
        self._registration_code: Table[str, str] = Table("registrationCode", str)
        self._logging: Table[str, LoggingOptions] = Table("loggingOptions", LoggingOptions)
        self._events: Table[str, EventConfigurations] = Table("eventConfigurations", EventConfigurations)

    @property
    def registration_code(self) -> str | None:
        """``None`` until somebody asks for it."""
        return self._registration_code.get(_ONLY)

    @registration_code.setter
    def registration_code(self, code: str | None) -> None:
        if code is None:
            self._registration_code.pop(_ONLY, None)
        else:
            self._registration_code[_ONLY] = code

    @property
    def logging(self) -> LoggingOptions:
        """V2 logging options."""
        return self._logging.get(_ONLY) or _NO_LOGGING

    @logging.setter
    def logging(self, options: LoggingOptions) -> None:
        self._logging[_ONLY] = options

    @property
    def event_configurations(self) -> EventConfigurations:
        """Which kinds of registry events are switched on."""
        return self._events.get(_ONLY) or _NO_EVENTS

    @event_configurations.setter
    def event_configurations(self, configurations: EventConfigurations) -> None:
        self._events[_ONLY] = configurations

    @property
    def tables(self) -> dict[str, AnyTable]:
        """Everything that has to be kept, by name; what a fact names comes before it."""
        stores = (self.templates, self.cas, self.certificates, self.policies, self.things, self.tags)
        settings = (self._registration_code, self._logging, self._events, self.transfers)
        found = [*(table for store in stores for table in store.tables), *settings]
        return {table.name: cast("AnyTable", table) for table in found}

    def reindex(self) -> None:
        """Make look-ups fit tables that were loaded."""
        self.cas.reindex()
        self.policies.reindex()
        self.things.reindex()

    def know_other_endpoint(self, name: str) -> None:
        """Note that a host name belongs to another account: as SNI it selects that one, not this."""
        self.other_endpoints |= {name.lower()}

    def snapshot(self) -> dict[str, JsonValue]:
        """Everything as plain JSON, independent of later changes; equal snapshots mean equal registries."""
        return {
            "caCertificates": [as_json(each) for each in self.cas],
            "certificates": [
                {
                    **as_json(each),
                    "policies": [policy.name for policy in self.policies.of_target(each.arn)],
                    "things": list(self.things.of_principal(each.arn)),
                }
                for each in self.certificates
            ],
            "things": [
                {**as_json(each), "principals": list(self.things.principals_of(each.name))}
                for each in self.things
            ],
            "thingTypes": list(self.things.types),
            "thingGroups": list(self.things.groups),
            "billingGroups": list(self.things.billing_groups),
            "policies": [
                {**as_json(each), "targets": list(self.policies.targets_of(each.name))}
                for each in self.policies
            ],
            "provisioningTemplates": [plain(each) for each in self.templates],
            "registrationCode": self.registration_code,
            "loggingOptions": plain(self.logging),
            "eventConfigurations": plain(self.event_configurations),
            "transfers": [plain(each) for each in self.transfers.values()],
            "tags": plain(self.tags.as_json()),
        }


def _endpoint(arns: Arns) -> str:
    """An ATS endpoint of AWS's shape, 14 characters before ``-ats``, the same for an account in every run."""
    digest = hashlib.sha256(f"{arns.account}/{arns.region}".encode()).hexdigest()
    return f"a{digest[:_ENDPOINT_LETTERS]}-ats.iot.{arns.region}.amazonaws.com"
