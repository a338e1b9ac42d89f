"""A length that nobody has set."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCA_SMALL_BUFFER",
    checked_against="vendor-library",
    source=(
        "cryptoauthlib issue 109 and pull request 151 (read as excerpts; said there to be fixed in 3.2.1); "
        "the refusal measured with cryptoauthlib 20260505, where 3.3.3 has status 3 instead of -19"
    ),
    twin="right-slot",
)
def certificate_buffer_is_too_small(lab: Lab) -> Outcome:
    """The buffer is large enough; what the library is told of its size is whatever lay in the variable.

    `cert_len` goes in as the buffer's size and comes out as the certificate's. Before cryptoauthlib 3.2.1
    `atca_mbedtls_cert_add` did not set it. Here it happens to end eight bytes into the signature.

    Cause. `cert_len` is not initialised.
    Symptom. The call returns an error: ATCA_SMALL_BUFFER. No connection is tried. On another day, with
    another value on the stack, the same firmware works.
    Tell-tale. -19 (3 in versions up to 3.5) though the chip has answered every command with success.
    Cure. `cert_len = sizeof(buffer)` before each call, or cryptoauthlib 3.2.1 or later.
    """
    device = lab.device()
    library = lab.bench.library
    left_over = device.device_definition.at_signature.offset + 8  # the one fault
    try:
        library.read_cert(device.device_definition, lab.signer.key.public_key, capacity=left_over)
    except LibraryError as error:
        lab.foretell("refused by the chip", [], lab.bench.refused_commands())
        enough = library.read_cert(device.device_definition, lab.signer.key.public_key, capacity=1024)
        lab.foretell("with room it is as issued", True, enough == device.certificate)
        return lab.outcome(refusal=error)
    return lab.outcome()
