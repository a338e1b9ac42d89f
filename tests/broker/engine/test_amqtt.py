"""amqtt's engine where it needs no network; the rest is shown in tests/broker/server and tests/interop."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Mapping, Sequence

import pytest

from jitpbroker.engine.amqtt import AmqttEngine, AmqttMissingError
from jitpbroker.gate import Event


def test_without_amqtt_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_amqtt(
        name: str,
        globals_: Mapping[str, object] | None = None,
        locals_: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> object:
        if name.startswith("amqtt"):
            raise ImportError(name)
        return original(name, globals_, locals_, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without_amqtt)

    with pytest.raises(AmqttMissingError, match=r"run pip install 'jitplab\[amqtt\]'"):
        asyncio.run(AmqttEngine().start())


def test_an_engine_that_was_not_started_says_so() -> None:
    engine = AmqttEngine()
    asyncio.run(engine.close())

    with pytest.raises(RuntimeError, match="await start"):
        engine.publish(Event("a", b""))
