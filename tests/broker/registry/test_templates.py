"""Provisioning templates as the registry keeps them, and tags."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest

from jitpbroker.registry import ErrorCode, Registry, RegistryError
from jitpbroker.registry.settings import EventLogLevel, LoggingOptions
from jitpbroker.registry.templates import TemplateType


def test_a_template_name_is_short_and_plain(registry: Registry, now: datetime) -> None:
    for name in ("", "a b", "a" * 37):
        with pytest.raises(RegistryError, match="is no template name") as caught:
            registry.templates.create(name, "{}", role_arn="role", at=now)
        assert caught.value.code is ErrorCode.INVALID_REQUEST

    assert registry.templates.create("a" * 36, "{}", role_arn="role", at=now).type is not TemplateType.JITP
    assert registry.templates.get("b") is None


def test_a_default_version_is_one_of_the_versions(registry: Registry, now: datetime) -> None:
    template = registry.templates.create("t", "{}", role_arn="role", at=now)

    with pytest.raises(RegistryError, match="has no version 7"):
        registry.templates.replace(replace(template, default_version_id=7))

    assert registry.templates.require("t") == template


def test_tags_go_when_the_last_is_removed(registry: Registry) -> None:
    registry.tags.set("arn", {})
    registry.tags.set("arn", {"a": "1"})
    registry.tags.remove("arn", ["a"])

    assert registry.tags.as_json() == {}


def test_a_snapshot_tells_what_was_set(registry: Registry, now: datetime) -> None:
    empty = registry.snapshot()
    registry.templates.create("t", "{}", role_arn="role", at=now)
    registry.registration_code = "f" * 64
    registry.tags.set("arn", {"a": "1"})
    registry.logging = LoggingOptions(
        "role",
        "INFO",
        events={"Connect": EventLogLevel("Connect", "INFO", None)},
        targets={("CLIENT_ID", "x"): "DEBUG"},
    )

    snapshot = json.loads(json.dumps(registry.snapshot()))

    assert snapshot["provisioningTemplates"][0]["versions"][0]["body"] == "{}"
    assert snapshot["registrationCode"] == "f" * 64
    assert snapshot["loggingOptions"]["targets"] == {"CLIENT_ID/x": "DEBUG"}
    assert snapshot["loggingOptions"]["events"]["Connect"]["level"] == "INFO"
    assert snapshot["tags"] == {"arn": {"a": "1"}}
    assert snapshot != empty
