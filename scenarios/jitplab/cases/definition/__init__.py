"""Failures of certificate definitions: what is rebuilt is not what was issued."""
