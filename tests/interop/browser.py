"""A headless Chromium, spoken to over a pair of pipes, and what a page did in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_COMMANDS, _EVENTS = 3, 4  # the file descriptors that Chromium expects
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@dataclass
class Seen:
    """What one page did.

    Attributes:
        requests: URLs it asked for.
        complaints: errors and warnings of console, log and exceptions.
        images: accessible names of its pictures.
        paper: background colour in light and in dark.
    """

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    paper: tuple[str, str] = ("", "")


class Browser:
    """A context manager."""

    def __init__(self, profile: Path) -> None:
        program = shutil.which("chromium")
        assert program is not None
        read_commands, self._commands = os.pipe()
        self._events, write_events = os.pipe()

        def put_in_place() -> None:
            commands, events = os.dup(read_commands), os.dup(write_events)
            os.dup2(commands, _COMMANDS)
            os.dup2(events, _EVENTS)

        self._process = subprocess.Popen(
            [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=put_in_place,  # noqa: PLW1509 - the two descriptors have fixed numbers
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_events)
        self._number = 0
        self._buffer = b""
        self._told: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._events)

    def look(self, file: Path) -> Seen:
        """Load a page and see what it does."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self._ask(f"{domain}.enable", session)
        self._told.clear()
        self._ask("Page.navigate", session, url=file.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._told):
            self._told.append(self._next())
        seen = Seen()
        seen.paper = (self._paper(session, "light"), self._paper(session, "dark"))
        nodes = self._ask("Accessibility.getFullAXTree", session)["nodes"]
        seen.images = [
            node.get("name", {}).get("value", "")
            for node in nodes
            if node.get("role", {}).get("value") in {"image", "img"} and not node.get("ignored")
        ]
        for event in self._told:
            self._note(event, seen)
        self._ask("Target.closeTarget", targetId=target)
        return seen

    def _paper(self, session: str, scheme: str) -> str:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", session, features=features)
        expression = "getComputedStyle(document.body).backgroundColor"
        answer = self._ask("Runtime.evaluate", session, expression=expression)
        return str(answer["result"]["value"])

    @staticmethod
    def _note(event: dict[str, Any], seen: Seen) -> None:
        about = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                seen.requests.append(about["request"]["url"])
            case "Runtime.exceptionThrown":
                seen.complaints.append(str(about["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if about["type"] in {"error", "warning", "assert"}:
                seen.complaints.append(str(about["args"]))
            case "Log.entryAdded" if about["entry"]["level"] in {"error", "warning"}:
                seen.complaints.append(about["entry"]["text"])

    def _ask(self, method: str, session: str | None = None, **about: object) -> dict[str, Any]:
        self._number += 1
        request: dict[str, Any] = {"id": self._number, "method": method, "params": about}
        if session is not None:
            request["sessionId"] = session
        os.write(self._commands, json.dumps(request).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._told.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._events, 1 << 16)
            assert data, "the browser is gone"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed
