"""What a behaviour was checked against."""

from __future__ import annotations

from enum import StrEnum


class Grade(StrEnum):
    """From the strongest to the weakest; every behaviour carries exactly one."""

    SILICON = "silicon"
    VENDOR_LIBRARY = "vendor-library"
    DOCUMENT = "document"
    ASSUMED = "assumed"
