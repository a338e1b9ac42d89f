"""Tables tell what changes, and what was loaded can be looked up like what was registered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import pytest

from jitpbroker.registry import Registry
from jitpbroker.registry.tables import Key, Table
from jitpbroker.x509 import Certificate

Heard: TypeAlias = "list[tuple[Key, int | None]]"


@pytest.fixture
def heard() -> Heard:
    return []


@pytest.fixture
def table(heard: Heard) -> Table[str, int]:
    made: Table[str, int] = Table("numbers", int)
    made.listeners.append(lambda key, old: heard.append((key, old)))
    return made


def test_every_change_is_told_after_it_was_made(
    table: Table[str, int], heard: list[tuple[Key, int | None]]
) -> None:
    table["a"] = 1
    table["a"] = 2
    taken = table.pop("a")
    table["b"] = 3
    del table["b"]

    assert taken == 2
    assert heard == [("a", None), ("a", 1), ("a", 2), ("b", None), ("b", 3)]
    assert table == {}


def test_what_is_loaded_or_not_there_is_no_change(
    table: Table[str, int], heard: list[tuple[Key, int | None]]
) -> None:
    table.load([("a", 1), ("b", 2)])

    assert table.pop("c", None) is None
    with pytest.raises(KeyError):
        table.pop("c")
    assert heard == []
    assert list(table) == ["a", "b"]


@pytest.mark.parametrize("way", ["update", "clear", "popitem", "setdefault", "__ior__"])
def test_there_is_no_way_around_the_listener(table: Table[str, int], way: str) -> None:
    with pytest.raises(TypeError, match="the table numbers is changed key by key"):
        getattr(table, way)("a", 1)


def test_a_loaded_registry_finds_what_the_first_one_found(
    certificate: Callable[..., Certificate], now: datetime
) -> None:
    first, second = Registry(), Registry()
    cas = [first.cas.register(certificate("signer", key), at=now) for key in (2, 1)]
    first.things.create("pump", at=now)
    first.things.attach("pump", "arn:b", exclusive=False)
    first.things.attach("pump", "arn:a")
    first.policies.create("p", "{}", at=now)
    first.policies.attach("p", "arn:b")
    first.policies.attach("p", "arn:a")
    first.registration_code = "c" * 64
    for name, table in first.tables.items():
        second.tables[name].load(table.items())
    second.reindex()

    assert second.snapshot() == first.snapshot()
    assert second.cas.named(cas[0].certificate.subject) == tuple(cas)
    assert second.things.of_principal("arn:a") == ("pump",)
    assert second.things.principals_of("pump") == ("arn:b", "arn:a")
    assert second.policies.targets_of("p") == ("arn:b", "arn:a")
    assert [policy.name for policy in second.policies.of_target("arn:a")] == ["p"]
    assert second.registration_code == "c" * 64


def test_a_registration_code_can_be_given_back_twice(registry: Registry) -> None:
    registry.registration_code = "c" * 64
    registry.registration_code = None
    registry.registration_code = None

    assert registry.registration_code is None
