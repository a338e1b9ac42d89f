"""`jitplab broker --control-port` where it cannot be served."""

from __future__ import annotations

import importlib.util
import io
from datetime import UTC, datetime
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from jitpbroker.control.logstore import LogStore
from jitpbroker.registry.ids import counting_ids
from jitpbroker.registry.settings import LoggingOptions
from jitpbroker.registry.store import Registry
from jitplab import cli
from jitplab.desk_control import steered_log


def test_without_its_libraries_the_cure_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("starlette", "uvicorn") else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    monkeypatch.chdir(tmp_path)

    code = cli.main(["broker", "--control-port", "0", "--port", "0"])

    assert code == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        "jitplab: the control plane needs starlette, uvicorn; run pip install 'jitplab[control]'\n"
    )


def test_without_ca_and_control_plane_there_is_nothing_to_serve(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["broker"])

    assert caught.value.code == 2
    assert "--ca (or --control-port, to register one later)" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [False, True])
def test_logging_options_that_were_kept_stay_and_the_command_line_adds_to_them(asked: bool) -> None:
    registry = Registry()
    registry.logging = LoggingOptions("arn:aws:iam::123456789012:role/mine", "ERROR", disabled=True)

    started(registry, asked)

    assert registry.logging.role_arn == "arn:aws:iam::123456789012:role/mine"
    assert (registry.logging.default_level, registry.logging.disabled) == ("ERROR", True)
    assert list(registry.logging.events) == ["Connection.AuthNError"] * asked


def test_where_no_logging_options_were_set_the_desk_logs_at_info() -> None:
    registry = Registry()

    started(registry, asked=False)

    assert (registry.logging.default_level, registry.logging.disabled) == ("INFO", False)
    assert registry.logging.role_arn is not None


def started(registry: Registry, asked: bool) -> None:
    steered_log(
        registry,
        io.StringIO(),
        LogStore(),
        now=lambda: datetime(2026, 11, 26, tzinfo=UTC),
        new_id=counting_ids(),
        log_authn_errors=asked,
    )
