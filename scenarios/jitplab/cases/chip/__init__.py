"""Failures that the chip itself answers."""
