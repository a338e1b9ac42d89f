"""Colour where there is a terminal that wants it, none elsewhere."""

from __future__ import annotations

import io

import pytest

from jitplab.terminal import Style, octets, style_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colour_and_a_file_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.platform", "linux")

    assert style_of(Terminal()).colour
    assert not style_of(io.StringIO()).colour


@pytest.mark.parametrize("value, colour", [("1", False), ("0", False), ("", True)])
def test_no_color_is_honoured_when_it_is_not_empty(
    monkeypatch: pytest.MonkeyPatch, value: str, colour: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    monkeypatch.setattr("sys.platform", "linux")

    assert style_of(Terminal()).colour is colour


def test_a_console_of_windows_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.platform", "win32")

    assert not style_of(Terminal()).colour


def test_every_mark_ends_what_it_began_and_without_colour_is_not_there() -> None:
    for name in ("bold", "dim", "good", "bad"):
        marked = getattr(Style(colour=True), name)("text")

        assert marked.startswith("\x1b[")
        assert marked.endswith("mtext\x1b[0m")
        assert getattr(Style(colour=False), name)("text") == "text"


@pytest.mark.parametrize(
    "data, most, shown",
    [(b"", 20, ""), (b"\x01\xab", 20, "01 ab"), (bytes(3), 3, "00 00 00"), (bytes(3), 2, "00 00 ...")],
)
def test_octets_are_two_digits_each_and_cut_with_an_ellipsis(data: bytes, most: int, shown: str) -> None:
    assert octets(data, most) == shown
