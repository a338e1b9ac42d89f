"""What a run is made with; everything that could differ from run to run comes from here."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass, replace
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
        broker: URL of a broker that runs already; ``None`` has the lab run its own.
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
    broker: str | None = None


def is_inside(settings: Settings) -> bool:
    """Whether the chip is emulated in this process: every lab has its own."""
    return settings.device.startswith("emulator:")


def quick(settings: Settings) -> Settings:
    """The same without cryptoauthlib's own waiting, where that can be taken out and the chip needs none."""
    if is_inside(settings) and sys.platform == "linux" and ctypes.sizeof(ctypes.c_void_p) == 8:
        return replace(settings, host_sleeps=False)
    return settings
