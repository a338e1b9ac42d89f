"""Tells a person, and a file, what a served part does.

Rules of this file:
1. The trace itself stays short, so that a part may be served for weeks.
2. The file gets every record, one JSON object in a line; a person gets refusals, or everything on request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, TextIO

from softatecc.chip import Chip
from softatecc.trace import CommandRecord

#: Records a served part remembers.
_MOST_RECORDS: Final = 10_000


class Witness:
    """Reads a part's trace as it grows.

    Args:
        chip: whose trace it is; connections beside each other share it.
        file: takes every record, nobody where None.
        tell: takes sentences for a person.
        everything: tell commands that were carried out, too, and changes of power.
    """

    def __init__(
        self,
        chip: Chip,
        file: TextIO | None,
        tell: Callable[[str], None],
        *,
        everything: bool,
    ) -> None:
        self._name = chip.configuration.serial_number.hex()
        self._trace = chip.trace
        self._file = file
        self._tell = tell
        self._everything = everything
        self._seen = len(chip.trace)

    def look(self) -> None:
        """Pass on what is new."""
        for record in self._trace[self._seen :]:
            if self._file is not None:
                self._file.write(json.dumps({"serial_number": self._name, **record.as_json()}) + "\n")
            if self._everything or (isinstance(record, CommandRecord) and record.why is not None):
                self._tell(f"{self._name} {record}")
        if len(self._trace) > _MOST_RECORDS:
            del self._trace[: -_MOST_RECORDS // 2]
        self._seen = len(self._trace)
