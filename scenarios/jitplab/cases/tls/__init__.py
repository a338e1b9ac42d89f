"""Failures in and around the TLS handshake."""
