"""Draws the table of operations in docs/reference/control-plane.md: ``python -m`` this module."""

from __future__ import annotations

import sys
from typing import Final

from jitpbroker.control.model import service
from jitpbroker.control.operations import OPERATIONS

_TITLES: Final = {"iot": "AWS IoT", "logs": "CloudWatch Logs"}


def table() -> str:
    """Every operation there is, with verb and path or target, and the exceptions AWS's model foresees."""
    out: list[str] = []
    for name, handlers in OPERATIONS.items():
        known = service(name)
        out += [f"### {_TITLES[name]}", "", "| operation | request | modelled exceptions |", "|---|---|---|"]
        for each in sorted(handlers):
            operation = known.operations[each]
            http = operation.http
            where = f"{http['method']} `{http['requestUri']}`" if known.json_target is None else f"`{each}`"
            errors = ", ".join(error.name.removesuffix("Exception") for error in operation.error_shapes)
            out.append(f"| {each} | {where} | {errors} |")
        out.append("")
    return "\n".join(out)


if __name__ == "__main__":
    sys.stdout.write(table())
