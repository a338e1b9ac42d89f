"""What an ACTIVE certificate may do: its policies, those of its thing's groups, a record of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from jitpbroker import logs
from jitpbroker.gate import Principal
from jitpbroker.policy import Answer, Context, NamedPolicy, evaluate
from jitpbroker.registry.entities import DeviceCertificate, Thing
from jitpbroker.registry.remembered import Remembered
from jitpbroker.registry.store import Registry
from jitpbroker.trace import Authorization, Trace

#: (action, resource): ``iot:Connect`` and the like, and an ARN.
Question: TypeAlias = tuple[str, str]

#: All that an answer depends on beside the registry: certificate id, client id, source address, connect
#: attributes, action and resource.
_Asked: TypeAlias = tuple[str, str, str, tuple[str, ...], str, str]

_MOST_ANSWERS: Final = 1024


@dataclass(frozen=True, slots=True)
class Session:
    """One admitted connection, as later events and questions need it.

    Attributes:
        id: AWS's sessionIdentifier.
        version: AWS's versionNumber; counts the connections of a client id from 0.
        source_ip: the peer's address.
        source_port: the peer's port.
        connect_attributes: PersistentConnect, LastWill; AWS asks about them at CONNECT only.
    """

    id: str
    version: int
    source_ip: str
    source_port: int
    connect_attributes: tuple[str, ...]


class Authorizer:
    """Asks the policies, writes the answer into trace and log."""

    def __init__(self, registry: Registry, trace: Trace, log: logs.Log | None) -> None:
        self._registry = registry
        self._trace = trace
        self._log = log
        self._answers: Remembered[_Asked, Answer] = Remembered(registry, _MOST_ANSWERS)

    def ask(
        self, principal: Principal, session: Session, questions: tuple[Question, ...], at: datetime
    ) -> str | None:
        """``None`` when every question is answered yes, else why the first one is not.

        One log entry is written: for the first question, or for the one refused.
        """
        decisive: Authorization | None = None
        for action, resource in questions:
            answer = self._answer(principal, session, action, resource)
            record = Authorization(
                at,
                principal.client_id,
                principal.certificate_id,
                action,
                resource,
                answer.allowed,
                answer.why,
            )
            self._trace.add(record)
            if decisive is None or not record.allowed:
                decisive = record
            if not record.allowed:
                break
        assert decisive is not None, "nobody asks nothing"
        self._write(decisive, session)
        return None if decisive.allowed else decisive.why

    def _write(self, record: Authorization, session: Session) -> None:
        if self._log is not None:
            self._log.write(
                logs.authorization_entry(record, source_ip=session.source_ip, source_port=session.source_port)
            )

    def _answer(self, principal: Principal, session: Session, action: str, resource: str) -> Answer:
        asked = (
            principal.certificate_id,
            principal.client_id,
            session.source_ip,
            session.connect_attributes,
            action,
            resource,
        )
        answer = self._answers.get(asked)
        if answer is None:
            answer = self._evaluate(principal, session, action, resource)
            self._answers.keep(asked, answer)
        return answer

    def _evaluate(self, principal: Principal, session: Session, action: str, resource: str) -> Answer:
        device = self._registry.certificates.get(principal.certificate_id)
        if device is None:
            why = f"certificate {principal.certificate_id} is no longer registered"
            return Answer(allowed=False, why=why)
        thing, attached = self._thing_of(device, principal.client_id)
        context = Context(
            client_id=principal.client_id,
            source_ip=session.source_ip,
            certificate=device.certificate,
            thing=thing,
            attached=attached,
            connect_attributes=session.connect_attributes if action == "iot:Connect" else (),
        )
        return evaluate(self._policies_of(device, thing if attached else None), action, resource, context)

    def _thing_of(self, device: DeviceCertificate, client_id: str) -> tuple[Thing | None, bool]:
        """The thing a connection is associated with, and whether it is attached to the certificate.

        Evidence: document - AWS IoT developer guide, exclusive-thing and thing-policy-variables.
        """
        things = self._registry.things
        name = things.exclusive_thing_of(device.arn) or client_id
        return things.get(name), name in things.of_principal(device.arn)

    def _policies_of(self, device: DeviceCertificate, thing: Thing | None) -> list[NamedPolicy]:
        """Policies of the certificate, of the groups its thing is in, and of the groups above those.

        Evidence: document - AttachPolicy in AWS's service model takes both kinds of target; developer guide,
        thing-groups: what is attached to a parent holds for its children.
        """
        groups = self._with_ancestors(thing.groups if thing else ())
        targets = (device.arn, *(self._registry.arns.thing_group(group) for group in groups))
        found = (policy for target in targets for policy in self._registry.policies.of_target(target))
        return [NamedPolicy(policy.name, policy.document) for policy in found]

    def _with_ancestors(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Each group once, the nearest first."""
        found: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            group = self._registry.things.groups.get(name)
            if group is not None and name not in found:
                found[name] = None
                waiting += [group.parent] if group.parent else []
        return tuple(found)
