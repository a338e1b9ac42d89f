"""The certificate the user made by hand, and which worked."""

from __future__ import annotations

from datetime import timedelta

from jitplab import pki
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario

#: The case's own -days 357335.
_LIFETIME = timedelta(days=357_335)


@scenario(
    admitted=True,
    checked_against="document",
    source="StackOverflow 65735301: the same account let this certificate in, dropped first, then accepted",
    twin="wrong-slot-root-key",
    question=2,
    part=Part.NONE,
)
def hand_made_v1_certificate(lab: Lab) -> Outcome:
    """A version 1 certificate without any extension, made with openssl, onboards at once.

    It is signed by the same signer, and the client sends the signer's certificate as issued, from a file:
    nothing is rebuilt, so nothing can be rebuilt wrongly. OpenSSL 3.1 and earlier make version 1 here; the
    scenario builds the version itself and asserts it.

    Cause. None. It shows that version 3 and its extensions are not what just-in-time provisioning asks for.
    Symptom. First connection closed without CONNACK, second one accepted.
    Tell-tale. That a hand-made certificate works and the chip's does not points at the chain that is sent,
    not at the account.
    Cure. None needed.
    """
    key = lab.key("hand-made")
    certificate = pki.make_v1_certificate(
        lab.signer,
        key.public_key,
        serial=lab.serial("hand-made"),
        not_before=lab.now(),
        not_after=lab.now() + _LIFETIME,
    )

    first = lab.connect_with_key(certificate, key)
    second = lab.connect_with_key(certificate, key)

    lab.foretell("certificate version", 1, pki.certificate_version(certificate))
    lab.foretell("first connack", None, first.visit.connack)
    lab.foretell("first closed_by", "close_notify", str(first.visit.closed_by))
    lab.foretell("puback", True, second.visit.puback)
    return lab.outcome()
