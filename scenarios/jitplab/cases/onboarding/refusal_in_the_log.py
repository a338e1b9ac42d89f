"""The user's third question."""

from __future__ import annotations

from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import JsonValue, Outcome
from jitplab.scenario import scenario

#: (profile, the owner switched the event on, a server name is sent) -> entries in AWSIotLogsV2.
_TRIED: dict[tuple[str, bool, bool], list[JsonValue]] = {
    ("aws-2021", True, True): [],
    ("aws-2026", False, True): [],
    ("aws-2026", True, False): [],
    ("aws-2026", True, True): ["DEVICE_CERTIFICATE_NOT_REGISTERED"],
}


@scenario(
    checked_against="document",
    source="AWS What's New 2026-06-03 (Connection.AuthNError); AWS IoT developer guide, cwl-format",
    twin="right-slot",
    question=3,
)
def refusal_in_the_log(lab: Lab) -> Outcome:
    """Can a refused device certificate be seen in CloudWatch? Since June 2026, if asked for; before, no.

    The wrong chain of the case is refused four times: under the rules of 2021, under today's with the
    event switched off as it is by default, switched on but without a server name, and switched on with one.
    Only the last leaves an entry.

    Cause. As in wrong-slot-root-key.
    Symptom. The same close each time; the log is silent three times out of four.
    Tell-tale. An entry of type Connection.AuthNError with reason DEVICE_CERTIFICATE_NOT_REGISTERED.
    Cure. Switch the event on with `aws iot set-v2-logging-options --event-configurations
    eventType=Connection.AuthNError,logLevel=ERROR`, and have the client send SNI.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device, root_key_slot=Slot.OTHER_CA_PUBLIC_KEY)  # something to refuse

    for (profile, switched_on, sni), reasons in _TRIED.items():
        if profile not in lab.profiles():
            continue
        account = lab.account(profile, log_authn_errors=switched_on)
        lab.connect(device, chain, account, sni=sni)
        seen: list[JsonValue] = [
            entry["reason"]
            for entry in account.log_entries()
            if isinstance(entry, dict) and entry.get("eventType") == "Connection.AuthNError"
        ]
        where = f"{profile}, {'on' if switched_on else 'off'}, {'with' if sni else 'without'} SNI"
        lab.foretell(f"reasons logged ({where})", reasons, seen)
    return lab.outcome()
