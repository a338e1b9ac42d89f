"""Where log lines end up."""

from __future__ import annotations

import io

import pytest


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()
