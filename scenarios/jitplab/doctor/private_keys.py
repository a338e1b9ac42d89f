"""Private keys in what a user hands in: found in every form that people have them in, and left out.

Rules of this file:
1. What is left out is not shown, not kept and not measured; only that it was there is said.
2. A form that is cut short is still a private key.
"""

from __future__ import annotations

import re
from typing import Final

from jitplab.pki import is_der_private_key

# A block without its last line runs to the end: half a key is not to be shown either.
_PEM: Final = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_OPENSSL_TEXT: Final = re.compile(
    rb"^\s*priv(?:ate[^\n:]*)?:\s*\n(?:[ \t]+[0-9a-fA-F:]+\s*\n?)+", re.MULTILINE
)
_SEQUENCE: Final = b"\x30"


def without_private_keys(data: bytes) -> tuple[bytes, bool]:
    """The data without private keys, and whether there were any.

    Args:
        data: a file's contents: PEM anywhere in it (also within JSON), `openssl pkey -text`, or DER alone.
    """
    if data.startswith(_SEQUENCE) and is_der_private_key(data):
        return b"", True
    rest, blocks = _PEM.subn(b"", data)
    rest, printed = _OPENSSL_TEXT.subn(b"", rest)
    return rest, bool(blocks or printed)
