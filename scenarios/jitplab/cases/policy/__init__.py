"""Failures of policies: what an admitted certificate may not do."""
