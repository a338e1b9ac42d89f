"""Takes the sleeps out of a loaded cryptoauthlib, for an emulated chip that never needs them.

The library waits with ``usleep`` between the bytes of a wake-up and between polls, which bounds it to
some 360 commands a second however fast the device is. On ELF systems the call goes through one slot of
the library's global offset table; pointing that slot at a function that returns at once removes the
waiting and nothing else. Opt-in, for this process only, and undone on request. Never with real silicon.

Evidence: vendor-library - the wheel of cryptoauthlib 20260505 on x86_64 Linux.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable
from pathlib import Path

_DT_PLTRELSZ, _DT_STRTAB, _DT_SYMTAB, _DT_JMPREL = 2, 5, 6, 23
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_RELRO = 1, 2, 0x6474E552


class SleepsStay(Exception):  # noqa: N818 - it is a state of affairs, named by the caller's sentence
    """This system gives no way to remove the sleeps; ``str()`` says why."""


def remove_host_sleeps(library: ctypes.CDLL) -> Callable[[], None]:
    """Make ``usleep`` return at once inside ``library``.

    Returns:
        A function that restores the sleeps.

    Raises:
        SleepsStay: not an ELF system of 64 bits, or the library does not call ``usleep`` by its table.
    """
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise SleepsStay(
            f"host sleeps stay on {sys.platform}: only 64-bit Linux has the table they go through; "
            "leave the option out"
        )
    path = Path(library._name).resolve()  # noqa: SLF001 - ctypes has no public name for it
    slot = ctypes.c_void_p.from_address(_load_address(path) + _slot_of(path, b"usleep"))
    # A function of the C library that takes no notice of its argument, sleeps not and returns an int.
    idle = ctypes.cast(ctypes.CDLL(None).getpagesize, ctypes.c_void_p).value
    before = slot.value
    slot.value = idle

    def restore() -> None:
        slot.value = before

    return restore


def _load_address(path: Path) -> int:
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        span, _, offset, _, _, *name = line.split(maxsplit=5)
        if name and name[0] == str(path) and int(offset, 16) == 0:
            start: str = span.split("-")[0]
            return int(start, 16)
    raise SleepsStay(f"{path.name} is not mapped into this process; leave the option out")


def _slot_of(path: Path, wanted: bytes) -> int:
    """Offset, from the load address, of the table slot through which an ELF64 file calls ``wanted``."""
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        raise SleepsStay(f"{path.name} is no 64-bit ELF file; leave the option out")
    phoff, phentsize, phnum = (*struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54))
    headers = [struct.unpack_from("<IIQQQQ", data, phoff + i * phentsize) for i in range(phnum)]
    loads = [(vaddr, offset, size) for kind, _, offset, vaddr, _, size in headers if kind == _PT_LOAD]

    def at(address: int) -> int:
        for vaddr, offset, size in loads:
            if vaddr <= address < vaddr + size:
                return int(address - vaddr + offset)
        raise SleepsStay(f"{path.name} has no segment for address 0x{address:x}; leave the option out")

    # What the loader made read-only after it had filled it in; writing there would end the process.
    fixed = [(vaddr, size) for kind, _, _, vaddr, _, size in headers if kind == _PT_GNU_RELRO]
    tags = _dynamic_tags(data, headers)
    if _DT_JMPREL not in tags:
        raise SleepsStay(f"{path.name} has no table of calls; leave the option out")
    strings, symbols = at(tags[_DT_STRTAB]), at(tags[_DT_SYMTAB])
    relocations = at(tags[_DT_JMPREL])
    for relocation in range(relocations, relocations + tags[_DT_PLTRELSZ], 24):
        slot, info = struct.unpack_from("<QQ", data, relocation)
        (name,) = struct.unpack_from("<I", data, symbols + (info >> 32) * 24)
        text = strings + name
        if data[text : data.index(b"\0", text)] == wanted:
            if any(start <= slot < start + size for start, size in fixed):
                raise SleepsStay(
                    f"{path.name} calls {wanted.decode()} through a read-only table; leave the option out"
                )
            return int(slot)
    raise SleepsStay(f"{path.name} does not call {wanted.decode()} through its table; leave the option out")


def _dynamic_tags(data: bytes, headers: list[tuple[int, ...]]) -> dict[int, int]:
    """The dynamic section; empty in a file that is linked statically."""
    tags: dict[int, int] = {}
    for kind, _, offset, _, _, size in headers:
        if kind == _PT_DYNAMIC:
            for at in range(offset, offset + size, 16):
                tag, value = struct.unpack_from("<qQ", data, at)
                tags[tag] = value
    return tags
