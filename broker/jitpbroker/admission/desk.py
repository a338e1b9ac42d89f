"""The gate's only keeper: decides, registers, provisions, authorizes, and writes down what it did.

Rules of this file:
1. ``decide`` speaks first and changes nothing; the registry changes only for a certificate to be provisioned.
2. A certificate that has just been registered is sent away without CONNACK; it has to come back.
3. Whatever is refused leaves a trace record; the client is told nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

from jitpbroker import events, logs
from jitpbroker.admission.acquainted import Acquainted
from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.authorize import Authorizer, Question, Session
from jitpbroker.admission.case import Sni
from jitpbroker.admission.decide import Known, Provision, Refuse, record_of
from jitpbroker.admission.profiles import AWS_2026, Profile
from jitpbroker.admission.provisioner import Job, Provisioner
from jitpbroker.admission.rate import AWS_QUOTAS, AccountQuotas, AccountRate, ConnectRate
from jitpbroker.admission.sessions import Sessions
from jitpbroker.admission.switches import (
    CONNACK_NOT_AUTHORIZED,
    CONNECT_RATE_ONE,
    EVENT_ALWAYS,
    QUOTAS_AWS,
    SUBSCRIBE_FAILS,
)
from jitpbroker.gate import Admitted, Event, HangUp, Principal
from jitpbroker.mqtt.packets import ConnectReturnCode
from jitpbroker.registry.entities import CertificateStatus, DeviceCertificate
from jitpbroker.registry.ids import IdSource, counting_ids
from jitpbroker.registry.store import Registry
from jitpbroker.trace import Authorization, Decision, Trace

#: Runs a job now or later; the time handed in is that of the CONNECT.
Schedule: TypeAlias = "Callable[[Job, datetime], None]"

NOT_AUTHENTICATED: Final = "NOT_AUTHENTICATED"
AUTH_ERROR: Final = "AUTH_ERROR"
JITP_REGISTERED: Final = "JITP_REGISTERED"
JITR_REGISTERED: Final = "JITR_REGISTERED"
THROTTLED: Final = "THROTTLED"

__all__ = ["AUTH_ERROR", "JITP_REGISTERED", "JITR_REGISTERED", "FrontDesk", "Job", "Schedule", "at_once"]


def at_once(job: Job, at: datetime) -> None:
    """Provision before the connection is closed.

    Evidence: assumed - AWS provisions one to three seconds after the close; nothing observable but the time
    differs, and runs without a clock can be repeated.
    """
    job(at)


class FrontDesk:
    """Implements ``jitpbroker.gate.Gate`` on a registry.

    Args:
        registry: who is known; changed by provisioning.
        trace: where decisions are written down.
        profile: which AWS is imitated.
        log: CloudWatch's stand-in, ``None`` for no log at all.
        new_id: source of session identifiers.
        schedule: when provisioning runs.
        roles: what each role may do, by ARN, as IAM actions; ``None`` trusts every role with everything.
        quotas: of the account; ``None`` for those of the profile.
    """

    def __init__(
        self,
        registry: Registry,
        trace: Trace,
        *,
        profile: Profile = AWS_2026,
        log: logs.Log | None = None,
        new_id: IdSource | None = None,
        schedule: Schedule = at_once,
        roles: Mapping[str, frozenset[str]] | None = None,
        quotas: AccountQuotas | None = None,
    ) -> None:
        self.registry = registry
        self.trace = trace
        self.profile = profile
        self._log = log
        self._new_id = new_id or counting_ids()
        self._schedule = schedule
        self._provisioner = Provisioner(registry, trace, log, roles)
        self._authorizer = Authorizer(registry, trace, log)
        self._sessions = Sessions()
        self._acquainted = Acquainted(registry, profile)
        self._connects = ConnectRate() if profile.chose(CONNECT_RATE_ONE) else None
        if quotas is None:
            quotas = AWS_QUOTAS if profile.chose(QUOTAS_AWS) else AccountQuotas()
        self._account = AccountRate(quotas)

    # --- Gate -------------------------------------------------------------------------------------

    @property
    def denies_by_suback(self) -> bool:
        """As the profile's switch says."""
        return self.profile.chose(SUBSCRIBE_FAILS)

    def connect(self, attempt: Attempt) -> Admitted | HangUp:
        """Judge a CONNECT; register and provision where the verdict says so."""
        verdict = self._acquainted.decide(attempt)
        decision = record_of(verdict, attempt, self.profile)
        self.trace.add(decision)
        match verdict:
            case Known(device):
                return self._admit(attempt, device)
            case Provision():
                return self._onboard(attempt, verdict)
        self._log_refusal(decision, attempt, verdict)
        return self._refused(NOT_AUTHENTICATED, verdict.why)

    def _refused(self, reason: str, why: str, told: tuple[Event, ...] = ()) -> HangUp:
        """In silence, or with return code 5 where the profile's switch says so."""
        aloud = self.profile.chose(CONNACK_NOT_AUTHORIZED)
        return HangUp(reason, why, told, ConnectReturnCode.NOT_AUTHORIZED if aloud else None)

    def may_publish(self, principal: Principal, topic: str, *, retain: bool, at: datetime) -> str | None:
        """``iot:Publish``, and ``iot:RetainPublish`` for a retained message."""
        resource = self.registry.arns.topic(topic)
        actions = ("iot:Publish", "iot:RetainPublish") if retain else ("iot:Publish",)
        return self._ask(principal, tuple((action, resource) for action in actions), at)

    def may_subscribe(self, principal: Principal, topic_filter: str, *, at: datetime) -> str | None:
        """``iot:Subscribe``."""
        resource = self.registry.arns.topic_filter(topic_filter)
        return self._ask(principal, (("iot:Subscribe", resource),), at)

    def may_receive(self, principal: Principal, topic: str, *, at: datetime) -> str | None:
        """``iot:Receive``."""
        return self._ask(principal, (("iot:Receive", self.registry.arns.topic(topic)),), at)

    def _ask(self, principal: Principal, questions: tuple[Question, ...], at: datetime) -> str | None:
        return self._authorizer.ask(principal, self._sessions.latest(principal.client_id), questions, at)

    def discarded(self, principal: Principal, topic: str, *, inbound: bool, why: str, at: datetime) -> None:
        """Written down as a refusal of ``iot:Publish`` or ``iot:Receive`` that no policy was asked about."""
        action = "iot:Publish" if inbound else "iot:Receive"
        resource = self.registry.arns.topic(topic)
        self.trace.add(
            Authorization(
                at,
                principal.client_id,
                principal.certificate_id,
                action,
                resource,
                allowed=False,
                why=f"discarded, no policy was asked: {why}",
            )
        )

    # --- the end of an admitted connection ----------------------------------------------------------

    def disconnected(
        self, principal: Principal, *, client_initiated: bool, reason: str, at: datetime
    ) -> tuple[Event, ...]:
        """What the service publishes when an admitted connection ends; ``reason`` is AWS's disconnectReason.

        Of two connections with one client id the older ends first, as when the newer has taken over.
        """
        session = self._sessions.closed(principal.client_id)
        if session is None:
            return ()
        if self._log is not None:
            entry = logs.disconnect_entry(
                principal.client_id,
                principal.certificate_id,
                reason,
                at,
                source_ip=session.source_ip,
                source_port=session.source_port,
            )
            self._log.write(entry)
        return events.disconnected(
            principal.client_id,
            principal.certificate_id,
            session_id=session.id,
            version=session.version,
            thing_name=lambda: self._exclusive_thing(principal.certificate_id),
            client_initiated=client_initiated,
            reason=reason,
            at=at,
        )

    def subscribed(
        self, principal: Principal, topic_filters: tuple[str, ...], *, at: datetime
    ) -> tuple[Event, ...]:
        """``$aws/events/subscriptions/subscribed/<client id>``."""
        return self._subscription_changed("subscribed", principal, topic_filters, at)

    def unsubscribed(
        self, principal: Principal, topic_filters: tuple[str, ...], *, at: datetime
    ) -> tuple[Event, ...]:
        """``$aws/events/subscriptions/unsubscribed/<client id>``."""
        return self._subscription_changed("unsubscribed", principal, topic_filters, at)

    def _subscription_changed(
        self,
        kind: Literal["subscribed", "unsubscribed"],
        principal: Principal,
        topic_filters: tuple[str, ...],
        at: datetime,
    ) -> tuple[Event, ...]:
        return events.subscription_changed(
            kind,
            principal.client_id,
            principal.certificate_id,
            topic_filters,
            session_id=self._sessions.latest(principal.client_id).id,
            thing_name=lambda: self._exclusive_thing(principal.certificate_id),
            at=at,
        )

    # --- a certificate that is ACTIVE ---------------------------------------------------------------

    def _admit(self, attempt: Attempt, device: DeviceCertificate) -> Admitted | HangUp:
        """Policies first: ``iot:Connect``, then what the last will would do.

        Evidence: assumed - that AWS asks about the will's topic at CONNECT is MiniStack's reading.
        """
        if (why := self._throttled(attempt)) is not None:
            return HangUp(THROTTLED, why)
        session = Session(
            self._new_id(),
            self._sessions.next_version(attempt.client_id),
            attempt.source_ip,
            attempt.source_port,
            _connect_attributes(attempt),
        )
        principal = Principal(device.id, attempt.client_id)
        why = self._authorizer.ask(principal, session, self._questions(attempt), attempt.at)
        if why is not None:
            failed = events.connect_failed(
                attempt.client_id, device.id, source_ip=attempt.source_ip, at=attempt.at
            )
            return self._refused(AUTH_ERROR, why, failed)

        self._sessions.opened(attempt.client_id, session)
        connected = events.connected(
            attempt.client_id,
            device.id,
            session_id=session.id,
            version=session.version,
            source_ip=attempt.source_ip,
            thing_name=lambda: self._exclusive_thing(device.id),
            at=attempt.at,
        )
        return Admitted(principal, connected)

    def _throttled(self, attempt: Attempt) -> str | None:
        """The account is asked first: what it throttles does not use up the client id's second."""
        connected = self._sessions.others(attempt.client_id)
        why = self._account.connect_objection(attempt.at, connected)
        if why is None and self._connects is not None:
            why = self._connects.objection(attempt)
        return why

    def _questions(self, attempt: Attempt) -> tuple[Question, ...]:
        arns = self.registry.arns
        connect = ("iot:Connect", arns.client(attempt.client_id))
        if attempt.will_topic is None:
            return (connect,)
        topic = arns.topic(attempt.will_topic)
        retained = (("iot:RetainPublish", topic),) if attempt.will_retain else ()
        return (connect, ("iot:Publish", topic), *retained)

    def _exclusive_thing(self, certificate_id: str) -> str | None:
        return self.registry.things.exclusive_thing_of(self.registry.arns.cert(certificate_id))

    # --- a certificate to register --------------------------------------------------------------------

    def _onboard(self, attempt: Attempt, verdict: Provision) -> HangUp:
        """Register in PENDING_ACTIVATION, publish, provision if there is a template, and hang up.

        Evidence: document - AWS IoT developer guide, auto-register-device-cert and jit-provisioning; whether
        the event is published when provisioning follows is a switch.
        """
        ca = verdict.ca
        if verdict.waiting is None and (why := self._account.registration_objection(attempt.at)) is not None:
            return HangUp(THROTTLED, why)
        device = verdict.waiting or self.registry.certificates.register(
            verdict.certificate,
            at=attempt.at,
            status=CertificateStatus.PENDING_ACTIVATION,
            ca_certificate_id=ca.id,
            certificate_mode=ca.certificate_mode,
        )
        registered = events.registered(
            device,
            ca,
            account=self.registry.arns.account,
            source_ip=attempt.source_ip,
            at=attempt.at,
            again=verdict.waiting is not None,
        )
        where = f"certificate {device.id} is registered under CA certificate {ca.id}"
        config = ca.registration_config
        if config is None:
            why = f"{where} and waits in PENDING_ACTIVATION for somebody to activate it"
            return HangUp(JITR_REGISTERED, why, (registered,))

        self._schedule(self._provisioner.job(device.id, ca.id, config), attempt.at)
        told = (registered,) if self.profile.chose(EVENT_ALWAYS) else ()
        return HangUp(JITP_REGISTERED, f"{where}; its template runs now, connect again", told)

    # --- refusals -----------------------------------------------------------------------------------

    def _log_refusal(self, record: Decision, attempt: Attempt, refusal: Refuse) -> None:
        """One entry where the profile has such entries and the server name says in whose log.

        Evidence: document - AWS What's New 2026-06-03; before that date nothing was written.
        """
        if self._log is None or not self.profile.logs_authn_errors or refusal.sni is Sni.NONE:
            return
        self._log.write(logs.authn_error_entry(record, attempt, refusal.rule.log_reason))


def _connect_attributes(attempt: Attempt) -> tuple[str, ...]:
    """Evidence: document - AWS IoT developer guide, connect-policy, ``iot:ConnectAttributes``."""
    persistent = () if attempt.clean_session else ("PersistentConnect",)
    will = () if attempt.will_topic is None else ("LastWill",)
    return (*persistent, *will)
