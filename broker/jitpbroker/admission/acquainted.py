"""`decide`, with a memory for devices that come back.

Rules of this file:
1. Only `Known` is remembered: whoever is refused or provisioned is judged anew.
2. Any change of the registry wipes the memory (`Remembered`).
3. A memory counts within the dates of the device's certificate: no rule that a known device is asked looks
   at the clock for anything else.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Known, Verdict, decide
from jitpbroker.admission.profiles import Profile
from jitpbroker.registry.remembered import Remembered
from jitpbroker.registry.store import Registry

_MOST: Final = 512  # a kilobyte of chain each

#: All that the verdict on a known device depends on: what was sent, and which names are other accounts'.
_Shown: TypeAlias = "tuple[tuple[bytes, ...], str | None, frozenset[str]]"


class Acquainted:
    """Judges by ``profile`` on ``registry``."""

    def __init__(self, registry: Registry, profile: Profile) -> None:
        self._registry = registry
        self._profile = profile
        self._known: Remembered[_Shown, Known] = Remembered(registry, _MOST)

    def decide(self, attempt: Attempt) -> Verdict:
        """As `jitpbroker.admission.decide.decide`."""
        shown = (attempt.chain, attempt.sni, self._registry.other_endpoints)
        known = self._known.get(shown)
        if known is not None:
            certificate = known.device.certificate
            if certificate.not_before <= attempt.at <= certificate.not_after:
                return known
        verdict = decide(attempt, self._registry, self._profile)
        if isinstance(verdict, Known):
            self._known.keep(shown, verdict)
        return verdict
