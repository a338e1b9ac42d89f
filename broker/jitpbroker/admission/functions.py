"""A template's references and functions, resolved to text.

Rules of this file:
1. ``Ref`` works everywhere. The five ``Fn::`` functions are documented for fleet templates; that they run
   just in time as well is assumed (the one mark of this file's functions).
2. A function is an object with one key; any other object is a map of values.
3. What cannot be resolved stops provisioning with one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from jitpbroker.admission.template import ProvisioningFailed
from jitpbroker.registry.jsontext import Json

_VARIABLE: Final = re.compile(r"\$\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template's values may refer to."""

    parameters: Mapping[str, str]
    mappings: Mapping[str, Json]

    def resolve(self, value: Json) -> Json:
        """``value`` with every reference and function in it worked out.

        Evidence: assumed - AWS IoT developer guide, provision-template, describes the functions for fleet
        templates only.

        Raises:
            ProvisioningFailed: a reference leads nowhere, or a function got the wrong arguments.
        """
        match value:
            case {"Ref": name, **rest} if not rest:
                return self._ref(name)
            case list():
                return [self.resolve(each) for each in value]
            case dict() if len(value) == 1 and next(iter(value)) in _FUNCTIONS:
                name, argument = next(iter(value.items()))
                return _FUNCTIONS[name](self, argument)
            case dict() if len(value) == 1 and next(iter(value)).startswith("Fn::"):
                raise ProvisioningFailed(
                    f"There is no function {next(iter(value))}; known are {', '.join(_FUNCTIONS)}."
                )
            case dict():
                return {key: self.resolve(each) for key, each in value.items()}
            case _:
                return value

    def text(self, value: Json, what: str) -> str:
        """``value`` resolved to a string; ``what`` names it in the sentence of a refusal.

        Raises:
            ProvisioningFailed: it is no string.
        """
        resolved = self.resolve(value)
        if not isinstance(resolved, str):
            raise ProvisioningFailed(f"{what} must be a string, not {resolved!r}.")
        return resolved

    def texts(self, value: Json, what: str) -> tuple[str, ...]:
        """``value`` resolved to a list of strings.

        Raises:
            ProvisioningFailed: it is no list of strings.
        """
        resolved = self.resolve(value)
        if not isinstance(resolved, list):
            raise ProvisioningFailed(f"{what} must be a list, not {resolved!r}.")
        return tuple(self.text(each, f"An element of {what}") for each in resolved)

    def _ref(self, name: Json) -> str:
        if not isinstance(name, str) or name not in self.parameters:
            raise ProvisioningFailed(f"Cannot resolve reference value: {name}")
        return self.parameters[name]


def _arguments(name: str, value: Json, count: int) -> list[Json]:
    if not isinstance(value, list) or len(value) != count:
        raise ProvisioningFailed(f"{name} takes a list of {count} arguments, not {value!r}.")
    return value


def _join(scope: Scope, argument: Json) -> Json:
    delimiter, parts = _arguments("Fn::Join", argument, 2)
    return scope.text(delimiter, "Fn::Join's delimiter").join(
        scope.texts(parts, "Fn::Join's second argument")
    )


def _select(scope: Scope, argument: Json) -> Json:
    index, values = _arguments("Fn::Select", argument, 2)
    number = str(scope.resolve(index))
    listed = scope.texts(values, "Fn::Select's second argument")
    if not (number.isascii() and number.isdigit() and len(number) <= 4 and int(number) < len(listed)):
        raise ProvisioningFailed(f"Fn::Select has no element {number} in a list of {len(listed)}.")
    return listed[int(number)]


def _split(scope: Scope, argument: Json) -> Json:
    delimiter, text = _arguments("Fn::Split", argument, 2)
    separator = scope.text(delimiter, "Fn::Split's delimiter")
    if not separator:
        raise ProvisioningFailed("Fn::Split needs a delimiter of at least one character.")
    parts: list[Json] = [*scope.text(text, "Fn::Split's second argument").split(separator)]
    return parts


def _find_in_map(scope: Scope, argument: Json) -> Json:
    keys = [scope.text(each, "Fn::FindInMap's key") for each in _arguments("Fn::FindInMap", argument, 3)]
    found: Json = dict(scope.mappings)
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            raise ProvisioningFailed(f"Fn::FindInMap finds nothing under {' / '.join(keys)}.")
        found = found[key]
    return found


def _sub(scope: Scope, argument: Json) -> Json:
    """``${name}``: from the optional second argument, or a parameter; ``${!name}`` stays ``${name}``."""
    pair: Json = argument if isinstance(argument, list) else [argument, {}]
    text, variables = _arguments("Fn::Sub", pair, 2)
    own = scope.resolve(variables)
    if not isinstance(own, dict):
        raise ProvisioningFailed(f"Fn::Sub's second argument must be a map, not {own!r}.")

    def put_in(found: re.Match[str]) -> str:
        name = found.group(1)
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        return scope.text(own.get(name, {"Ref": name}), f"Fn::Sub's {name}")

    return _VARIABLE.sub(put_in, scope.text(text, "Fn::Sub's first argument"))


_FUNCTIONS: Final[dict[str, Callable[[Scope, Json], Json]]] = {
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _find_in_map,
    "Fn::Sub": _sub,
}
