"""What a run is made with; everything that could differ from run to run comes from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is made with.

    Attributes:
        device: URL of the chip.
        profile: which AWS is imitated.
        profile_was_chosen: whether a person named it; scenarios that compare profiles then keep to it.
        engine: ``local`` or ``amqtt``.
        seed: fixes keys and the chip's randomness; ``None`` draws them anew.
        now: fixes the clock; ``None`` is the real one.
        library: ``auto``, ``cryptoauthlib`` or ``own``.
        host_sleeps: whether cryptoauthlib keeps its own waiting.
        tls_by: ``ssl`` or ``tlslite`` to force one.
    """

    device: str = "emulator:blank"
    profile: str = "aws-2026"
    profile_was_chosen: bool = False
    engine: str = "local"
    seed: str | None = None
    now: datetime | None = None
    library: str = "auto"
    host_sleeps: bool = True
    tls_by: str | None = None
