"""Builds the library that gives a program an I2C adapter, with the machine's own C compiler.

Rules of this file:
1. The source is part of the package (`i2c_preload.c`); what is built from it lies in the user's cache,
   named after the source and the compiler's command, and is built once.
2. A cache that others may write into is not used: what is loaded into programs must be ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

_SOURCE: Final = "i2c_preload.c"
_COMPILERS: Final = ("cc", "gcc", "clang")
# Fortified headers and 64-bit offsets rename the very functions that the source defines.
_OPTIONS: Final = (
    *("-std=gnu11", "-O2", "-shared", "-fPIC", "-pthread"),
    *("-U_FORTIFY_SOURCE", "-U_FILE_OFFSET_BITS", "-U_TIME_BITS"),
)
_LATEST_LINES: Final = 5


class CannotBuild(Exception):  # noqa: N818 - the reader's sentence follows
    """The library cannot be had; ``str()`` says why and what helps."""


def library(environment: Mapping[str, str] | None = None) -> Path:
    """The path of the library, built if it is not yet there.

    Args:
        environment: where CC, PATH and XDG_CACHE_HOME are looked up; the process's own where None.

    Raises:
        CannotBuild: no Linux, no compiler, no cache directory, or the compiler fails.
    """
    environment = os.environ if environment is None else environment
    if sys.platform != "linux":
        raise CannotBuild(f"/dev/i2c-N is a matter of Linux, this is {sys.platform}; use --tcp instead")
    source = (resources.files(__package__) / _SOURCE).read_bytes()
    compiler = _compiler(environment)
    command = (compiler, *_OPTIONS)
    name = hashlib.sha256(source + "\0".join((*command, os.uname().machine)).encode()).hexdigest()[:16]
    target = _cache(environment) / f"softatecc-i2c-{name}.so"
    try:
        if not target.exists():
            _build(command, source, target)
    except OSError as error:
        raise CannotBuild(
            f"the library for /dev/i2c-N cannot be built in {target.parent}: {error.strerror}; "
            "set XDG_CACHE_HOME to another directory"
        ) from None
    return target


def _compiler(environment: Mapping[str, str]) -> str:
    wanted = environment.get("CC")
    candidates = (wanted,) if wanted else _COMPILERS
    for candidate in candidates:
        found = shutil.which(candidate, path=environment.get("PATH"))
        if found is not None:
            return found
    raise CannotBuild(
        f"/dev/i2c-N needs a C compiler once, and there is no {' or '.join(candidates)} on PATH; install one "
        "(Debian: apt-get install gcc libc6-dev), name it in CC, or use --tcp"
    )


def _cache(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    directory = Path(home) / "jitplab"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = directory.stat()
    except OSError as error:
        raise CannotBuild(
            f"{directory} cannot be made for what is compiled: {error.strerror}; set XDG_CACHE_HOME"
        ) from None
    if facts.st_uid != os.getuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CannotBuild(
            f"others may write into {directory}, and what lies there is loaded into your programs; "
            f"make it yours alone (chmod 700 {directory}) or set XDG_CACHE_HOME"
        )
    return directory


def _build(command: tuple[str, ...], source: bytes, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        built = Path(scratch) / target.name
        ran = subprocess.run(  # noqa: S603 - the user's compiler on our own source
            (*command, "-x", "c", "-o", str(built), "-", "-ldl"),
            input=source,
            capture_output=True,
            check=False,
        )
        if ran.returncode or not built.exists():
            said = ran.stderr.decode(errors="replace").strip().splitlines()[-_LATEST_LINES:]
            raise CannotBuild(
                f"{command[0]} does not build the library for /dev/i2c-N (exit code {ran.returncode}): "
                f"{' / '.join(said) or 'it says nothing'}; use --tcp, or another compiler named in CC"
            )
        built.replace(target)  # in one step, should another process build it just now
