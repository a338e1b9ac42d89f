"""A part's memory as text that people read and edit.

Rules of this file:
1. The text names every zone and slot, with the permissions the configuration gives as comments; `read`
   takes back what `write` gave, and comments and blank lines count for nothing.
2. Without `with_secrets` private keys and secret slots are written as the word ``withheld``; read back,
   such a slot is erased.
3. What cannot be read is refused with its line number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from softatecc.config import Configuration
from softatecc.decode import decode
from softatecc.model import Revision
from softatecc.slots import Slot
from softatecc.state import Contents
from softatecc.zones import CONFIG_SIZE, OTP_SIZE, SLOT_COUNT, SLOT_SIZES

_TITLE: Final = "softatecc part, format 1"
_PER_LINE: Final = 32
_WITHHELD: Final = "withheld"
_PRIVATE: Final = "private-key"
_ERASED: Final = b"\xff"


def write(contents: Contents, *, with_secrets: bool = False) -> str:
    """The text of a part's memory.

    Args:
        contents: what the part holds.
        with_secrets: write private keys and secret slots, too; for tests.
    """
    configuration = Configuration(contents.configuration)
    explained = decode(configuration).splitlines()
    lines = [
        _TITLE,
        "",
        f"model {contents.revision.name}",
        "",
        "configuration",
        *_hex(contents.configuration),
    ]
    lines += [f"# {line}" for line in explained[:-SLOT_COUNT]]
    lines += ["", "otp", *_hex(contents.otp)]
    for number, octets in enumerate(contents.slots):
        slot = Slot.of(configuration, number)
        private = number in contents.private
        lines += ["", f"slot {number} {_PRIVATE}" if private else f"slot {number}"]
        lines.append(f"# {explained[number - SLOT_COUNT]}")
        if not with_secrets and (private or slot.config.is_secret or slot.key.private):
            lines.append(f"  {_WITHHELD}")
        else:
            lines += _hex(octets)

    return "\n".join(lines) + "\n"


def _hex(octets: bytes) -> Iterator[str]:
    for start in range(0, len(octets), _PER_LINE):
        yield f"  {octets[start : start + _PER_LINE].hex()}"


def read(text: str) -> Contents:
    """The memory a text tells of.

    Raises:
        ValueError: the line that cannot be understood, and why.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if _counts(line)]
    if not lines or lines[0][1].strip() != _TITLE:
        raise ValueError(f"this is no part as text: its first line is not {_TITLE!r}")
    revision: Revision | None = None
    private: set[int] = set()
    parts: dict[str, bytes] = {}
    current = ""
    for number, line in lines[1:]:
        words = line.split()
        if line[0].isspace():
            parts[current] = _more(number, words, current, parts)
            if words == [_WITHHELD]:
                private.discard(int(current.removeprefix("slot ")))
            continue
        match words:
            case ["model", name] if revision is None and name in Revision.__members__:
                revision = Revision[name]
                current = ""
                continue
            case ["configuration" | "otp" as current]:
                pass
            case ["slot", which, *rest] if _is_slot(which) and rest in ([], [_PRIVATE]):
                current = f"slot {int(which)}"
                private |= {int(which)} if rest else set()
            case _:
                raise ValueError(f"line {number}: {line!r} is no model, configuration, otp or slot")
        if current in parts:
            raise ValueError(f"line {number}: {current} comes a second time; give it once")
        parts[current] = b""
    if revision is None:
        raise ValueError("the text names no model; add a line such as 'model ATECC608A'")

    return _contents(revision, parts, private)


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _is_slot(word: str) -> bool:
    return word.isascii() and word.isdigit() and int(word) < SLOT_COUNT


def _more(number: int, words: list[str], current: str, parts: dict[str, bytes]) -> bytes:
    if current not in parts:
        raise ValueError(f"line {number}: bytes of nothing; say first whose they are, such as 'slot 0'")
    if words == [_WITHHELD] and current.startswith("slot ") and not parts[current]:
        return _ERASED * SLOT_SIZES[int(current.removeprefix("slot "))]
    try:
        return parts[current] + bytes.fromhex("".join(words))
    except ValueError:
        raise ValueError(f"line {number}: {' '.join(words)!r} is no sequence of hex bytes") from None


def _contents(revision: Revision, parts: dict[str, bytes], private: set[int]) -> Contents:
    sizes = {"configuration": CONFIG_SIZE, "otp": OTP_SIZE}
    sizes |= {f"slot {number}": size for number, size in enumerate(SLOT_SIZES)}
    for what, size in sizes.items():
        if len(parts.get(what, b"")) != size:
            raise ValueError(f"{what} has {size} bytes, the text gives {len(parts.get(what, b''))}; give all")
    slots = tuple(parts[f"slot {number}"] for number in range(SLOT_COUNT))

    return Contents(revision, parts["configuration"], parts["otp"], slots, frozenset(private))
