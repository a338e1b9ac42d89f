"""Runs a template for a certificate in PENDING_ACTIVATION and writes down what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from jitpbroker import logs
from jitpbroker.admission.provision import provision
from jitpbroker.registry.entities import CertificateStatus, RegistrationConfig
from jitpbroker.registry.store import Registry
from jitpbroker.trace import Provisioning, Trace

#: Provisioning's second half; called with the time at which it runs.
Job: TypeAlias = "Callable[[datetime], None]"


class Provisioner:
    """Provisions under roles that may be refused.

    Args:
        registry: changed by templates.
        trace: gets one `Provisioning` for each run.
        log: CloudWatch's stand-in, ``None`` for no log at all.
        roles: what each role may do, by ARN, as IAM actions; ``None`` trusts every role with everything.
    """

    def __init__(
        self,
        registry: Registry,
        trace: Trace,
        log: logs.Log | None,
        roles: Mapping[str, frozenset[str]] | None,
    ) -> None:
        self._registry = registry
        self._trace = trace
        self._log = log
        self._roles = roles

    def job(self, certificate_id: str, ca_certificate_id: str, config: RegistrationConfig) -> Job:
        """What is to be done for a certificate, now or later."""

        def run(at: datetime) -> None:
            self._run(certificate_id, ca_certificate_id, config, at)

        return run

    def _run(
        self, certificate_id: str, ca_certificate_id: str, config: RegistrationConfig, at: datetime
    ) -> None:
        device = self._registry.certificates.get(certificate_id)
        if device is None or device.status is not CertificateStatus.PENDING_ACTIVATION:
            return  # somebody was faster than a delayed job
        outcome = provision(config, device, self._registry, role_check=self._role_check, at=at)
        record = Provisioning(
            at=at,
            certificate_id=certificate_id,
            ca_certificate_id=ca_certificate_id,
            succeeded=outcome.why is None,
            certificate_status=outcome.status.value,
            thing_name=outcome.thing_name,
            policy_names=outcome.policy_names,
            why=outcome.why,
            failure=outcome.failure,
        )
        self._trace.add(record)
        if self._log is not None:
            self._log.write(logs.provisioning_entry(record))

    def _role_check(self, role: str, action: str) -> str | None:
        if self._roles is None:
            return None
        if role not in self._roles:
            return f"role {role} cannot be assumed; create it and let it trust iot.amazonaws.com."
        if not {action, "iot:*"} & self._roles[role]:
            return f"role {role} may not {action}; AWSIoTThingsRegistration would allow it."
        return None
