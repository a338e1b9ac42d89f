"""Failures of what the account's owner registered, and how."""
