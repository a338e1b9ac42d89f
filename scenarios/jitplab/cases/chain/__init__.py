"""Failures of the chain that is sent."""
