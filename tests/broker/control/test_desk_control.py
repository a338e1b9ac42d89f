"""`jitplab broker --control-port` where it cannot be served."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from jitplab import cli


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
