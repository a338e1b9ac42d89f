"""Configuration images as data, each with where it comes from."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Profile:
    """One configuration image.

    Attributes:
        name: what it is called in ``emulator:<name>``.
        configuration: 128 bytes; 0-15 and 84-87 belong to a part and are never written by Write.
        source: where the image was published.
    """

    name: str
    configuration: bytes
    source: str


@cache
def names() -> tuple[str, ...]:
    """The profiles there are, in alphabetical order."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(file.removesuffix(".json") for file in files if file.endswith(".json")))


@cache
def load(name: str) -> Profile:
    """A profile by its name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in names():
        raise ValueError(f"there is no profile {name!r}; choose one of {', '.join(names())}")
    fields = json.loads((resources.files(__name__) / f"{name}.json").read_text(encoding="utf-8"))

    return Profile(fields["name"], bytes.fromhex("".join(fields["configuration"])), fields["source"])
