"""A template that fits one device."""

from __future__ import annotations

from jitplab import pki
from jitplab.documents import COMMON_NAME, template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="template ResourceConflict",
    checked_against="document",
    source=(
        "AWS IoT developer guide, provision-template, OverrideSettings; "
        "that it is behind aws-iot-device-sdk-python-v2 issue 531, closed without a cause, is inferred"
    ),
    twin="right-slot",
    like=("policy-that-does-not-exist",),
)
def only_the_first_thing_works(lab: Lab) -> Outcome:
    """The template gives every device one thing name, with an attribute that differs.

    The first device is provisioned. The second finds a thing of that name whose attributes are others, and
    the template does not say what then.

    Cause. ThingName is a constant, or an attribute that is the same for a whole batch.
    Symptom. The first device works, every later one is closed on for ever; its certificate stays
    PENDING_ACTIVATION.
    Tell-tale. One thing in the registry, many certificates; `aws iot list-thing-principals --thing-name
    NAME` shows the first device's alone. Where a policy does not exist the first device fails, too.
    Cure. Name the thing after what is the device's own, or set OverrideSettings.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    same = template(
        thing_name="the-thing", attributes={"owner": COMMON_NAME}, parameters=("CommonName",)
    )  # the one fault
    account.register_ca(lab.signer.certificate, same)
    key = lab.key("the first device")
    serial = lab.serial("the first device").to_bytes(16)
    first = pki.make_device_certificate(lab.signer, key.public_key, common_name="first", serial=serial)
    went_well = lab.connect_with_key(first, key, account)

    call = lab.connect(device, chain, account)

    lab.foretell("the first device", "ACTIVE", went_well.status_after)
    lab.foretell("the second device", "PENDING_ACTIVATION", call.status_after)
    return lab.outcome()
