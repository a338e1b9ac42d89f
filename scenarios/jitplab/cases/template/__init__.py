"""Failures of provisioning templates, and of who waits for them."""
