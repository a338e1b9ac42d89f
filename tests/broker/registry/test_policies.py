"""Policies, versions and targets."""

from __future__ import annotations

from datetime import datetime

import pytest

from jitpbroker.registry import ErrorCode, Registry, RegistryError

TARGET = "arn:aws:iot:us-east-1:123456789012:cert/" + "a" * 64


def test_a_policy_is_created_once_with_version_1_as_default(registry: Registry, now: datetime) -> None:
    policy = registry.policies.create("allow-all", "{}", at=now)

    with pytest.raises(RegistryError) as caught:
        registry.policies.create("allow-all", "{}", at=now)

    assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS
    assert registry.policies.get("allow-all") == policy
    assert policy.arn == "arn:aws:iot:us-east-1:123456789012:policy/allow-all"
    assert (policy.default_version_id, policy.document) == ("1", "{}")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a" * 129, "é"])
def test_a_policy_name_is_made_of_few_letters(registry: Registry, now: datetime, name: str) -> None:
    with pytest.raises(RegistryError, match="is no policy name"):
        registry.policies.create(name, "{}", at=now)


def test_a_document_has_2048_characters_not_counting_white_space(registry: Registry, now: datetime) -> None:
    registry.policies.create("long", "x" * 2048 + " \n" * 5000, at=now)

    with pytest.raises(RegistryError, match="has 2049 characters without white space"):
        registry.policies.create("longer", "x" * 2049, at=now)


def test_only_the_default_version_counts(registry: Registry, now: datetime) -> None:
    registry.policies.create("p", "one", at=now)

    assert registry.policies.add_version("p", "two", at=now).document == "one"
    assert registry.policies.add_version("p", "three", at=now, set_as_default=True).document == "three"
    assert registry.policies.set_default_version("p", "2").document == "two"


def test_five_versions_are_kept_and_numbers_never_come_back(registry: Registry, now: datetime) -> None:
    registry.policies.create("p", "1", at=now)
    for number in "2345":
        registry.policies.add_version("p", number, at=now)

    with pytest.raises(RegistryError) as caught:
        registry.policies.add_version("p", "6", at=now)
    registry.policies.delete_version("p", "5")
    policy = registry.policies.add_version("p", "6", at=now)

    assert caught.value.code is ErrorCode.VERSIONS_LIMIT_EXCEEDED
    assert [each.id for each in policy.versions] == ["1", "2", "3", "4", "6"]


def test_the_default_version_and_strangers_are_not_deleted(registry: Registry, now: datetime) -> None:
    registry.policies.create("p", "1", at=now)

    with pytest.raises(RegistryError) as default:
        registry.policies.delete_version("p", "1")
    with pytest.raises(RegistryError) as stranger:
        registry.policies.delete_version("p", "2")

    assert default.value.code is ErrorCode.DELETE_CONFLICT
    assert stranger.value.code is ErrorCode.RESOURCE_NOT_FOUND


def test_a_policy_is_attached_and_detached(registry: Registry, now: datetime) -> None:
    policy = registry.policies.create("p", "{}", at=now)

    registry.policies.attach("p", TARGET)
    registry.policies.attach("p", TARGET)

    assert registry.policies.of_target(TARGET) == (policy,)
    assert registry.policies.targets_of("p") == (TARGET,)
    registry.policies.detach("p", TARGET)
    registry.policies.detach("nobody", TARGET)
    assert registry.policies.of_target(TARGET) == ()
    with pytest.raises(RegistryError, match="does not exist"):
        registry.policies.attach("nobody", TARGET)


def test_a_target_has_ten_policies_at_most(registry: Registry, now: datetime) -> None:
    for number in range(11):
        registry.policies.create(f"p{number}", "{}", at=now)
    for number in range(10):
        registry.policies.attach(f"p{number}", TARGET)

    with pytest.raises(RegistryError) as caught:
        registry.policies.attach("p10", TARGET)

    assert caught.value.code is ErrorCode.LIMIT_EXCEEDED
    registry.policies.attach("p9", TARGET)


def test_a_policy_is_deleted_without_targets_and_second_versions(registry: Registry, now: datetime) -> None:
    registry.policies.create("p", "{}", at=now)
    registry.policies.attach("p", TARGET)
    with pytest.raises(RegistryError, match="detach and delete them first"):
        registry.policies.delete("p")
    registry.policies.detach("p", TARGET)
    registry.policies.add_version("p", "{}", at=now)
    with pytest.raises(RegistryError, match="detach and delete them first"):
        registry.policies.delete("p")
    registry.policies.delete_version("p", "2")

    registry.policies.delete("p")

    assert list(registry.policies) == []
