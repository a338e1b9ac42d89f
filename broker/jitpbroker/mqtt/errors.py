"""Who broke the rule is the type: the peer (`ProtocolError`) or the caller (`ValueError`)."""

from __future__ import annotations


class ProtocolError(Exception):
    """The peer's bytes break MQTT 3.1.1; the message is one sentence for the trace."""


class UnsupportedProtocolLevel(ProtocolError):  # noqa: N818 - the standard's own words
    """A CONNECT of another MQTT version, which 3.1.1 lets a server answer with return code 1."""
