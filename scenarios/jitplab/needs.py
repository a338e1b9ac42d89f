"""What a scenario may need beside a chip and a broker, and whether a lab has it."""

from __future__ import annotations

import importlib.util
from enum import StrEnum
from typing import TYPE_CHECKING

from softatecc import cal

if TYPE_CHECKING:
    from jitplab.bench import Bench
    from jitplab.settings import Settings


class Need(StrEnum):
    """Declared in a scenario's decorator; where it is unmet the scenario is skipped with a sentence."""

    LOCAL_ENGINE = "local-engine"  # what the engine amqtt cannot do: AWS's own message semantics
    CHIP_INSIDE = "chip-inside"  # the chip's memory or its faults, which no bus shows
    CRYPTOAUTHLIB = "cryptoauthlib"  # Microchip's own library
    CONTROL_PLANE = "control-plane"  # AWS's own API at the desk
    REAL_CLOCK = "real-clock"  # time that goes on while the scenario waits


def unmet(need: Need, settings: Settings, bench: Bench) -> str | None:
    """Why a lab cannot meet a need, in one sentence; ``None`` when it can."""
    match need:
        case Need.LOCAL_ENGINE if settings.engine != "local":
            return f"it needs the engine local, and {settings.engine} was chosen; leave --engine out"
        case Need.CHIP_INSIDE if not bench.is_emulated:
            return f"it looks into the chip, and the one at {settings.device} is behind a bus"
        case Need.CRYPTOAUTHLIB if settings.library == "own" or not cal.available():
            return "it needs Microchip's cryptoauthlib, which is not in use here (--library cryptoauthlib)"
        case Need.CONTROL_PLANE if importlib.util.find_spec("botocore") is None:
            return "it needs botocore for the control plane; run pip install 'jitplab[control]'"
        case Need.REAL_CLOCK if settings.now is not None:
            return "it waits, and --now has stopped the clock; leave --now out"
        case _:
            return None
