"""What a device's log says: mbedTLS's and coreMQTT's words, and the return codes that matter.

Evidence: vendor-library - mbedTLS's error codes (include/mbedtls/ssl.h and x509.h).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: Code, what it says, and where on the way the device then was.
CODES: Final = {
    0x7880: ("MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY: the peer closed the connection in good order", "closed"),
    0x7280: ("MBEDTLS_ERR_SSL_CONN_EOF: the stream ended without close_notify", "closed"),
    0x7780: ("MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: the peer sent a fatal alert", "handshake"),
    0x2700: ("MBEDTLS_ERR_X509_CERT_VERIFY_FAILED: the device does not trust the server", "own trust"),
    0x7F00: ("MBEDTLS_ERR_SSL_ALLOC_FAILED: no memory", "memory"),
    0x6800: ("MBEDTLS_ERR_SSL_TIMEOUT: nothing came in time", "silence"),
}
_KNOWN: Final = re.compile(r"mbedtls|ssl_tls|ssl_cli|ssl_msg|coreMQTT|MQTT_Connect|handshake", re.IGNORECASE)
# `<= handshake` is no proof: mbedtls_ssl_handshake writes it on its way out, whatever it returns.
_DONE: Final = re.compile(
    r"handshake (?:is )?(?:over|done|complete|successful|wrapup)|handshake: ?done", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"(?<![\w.])-(0x[0-9a-fA-F]{4}|[0-9]{4,5})\b")


@dataclass(frozen=True, slots=True)
class DeviceLog:
    """What a log says.

    Attributes:
        handshake_done: whether the TLS handshake was completed.
        codes: mbedTLS's error codes in it, as positive numbers, in order and once each.
        connack: whether a CONNACK came.
    """

    handshake_done: bool
    codes: tuple[int, ...]
    connack: bool

    @property
    def closed_without_connack(self) -> bool:
        """The case's symptom."""
        return bool({0x7880, 0x7280} & set(self.codes)) and not self.connack and self.handshake_done


def read_log(text: str) -> DeviceLog | None:
    """A log out of text, ``None`` when it is none."""
    numbers = [int(found, 0) for found in _NUMBER.findall(text)]
    codes = tuple(dict.fromkeys(number for number in numbers if number in CODES))
    if not codes and not _KNOWN.search(text):
        return None
    connack = re.search(r"CONNACK (?:received|return code 0|0\b)|Connection accepted", text, re.IGNORECASE)
    return DeviceLog(bool(_DONE.search(text)), codes, connack is not None)
