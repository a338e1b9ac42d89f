"""Scenarios that lie outside this tree: a team's own, found by entry point or by path.

Rules of this file:
1. A distribution names its modules or packages under the entry point group ``jitplab.scenarios``; a package
   is walked. A path is a Python file, or a folder whose files are taken with those of its folders.
2. Every module is loaded once. Its scenarios' area is the folder or package that it lies in.
3. A file that cannot be loaded is one sentence that names the file and the line.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

GROUP: Final = "jitplab.scenarios"
VARIABLE: Final = "JITPLAB_SCENARIOS"

_loaded: set[str] = set()


class CannotLoad(Exception):  # noqa: N818 - a state of affairs, named by its sentence
    """A scenario file cannot be loaded; ``str()`` names file, line and reason."""


def load_named() -> None:
    """Load what entry points and ``JITPLAB_SCENARIOS`` name; what is loaded already stays.

    Raises:
        CannotLoad: one of them cannot be loaded.
    """
    for point in _points(tuple(sys.path)):
        if (key := f"{GROUP}: {point.value}") not in _loaded:
            _load_point(point)
            _loaded.add(key)
    load_paths(Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part)


@lru_cache(maxsize=4)
def _points(_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Entry points of what is installed on a path; looking at every distribution takes 15 ms."""
    return tuple(entry_points(group=GROUP))


def load_paths(paths: Iterable[Path]) -> None:
    """Load files, and folders with everything in them.

    Raises:
        CannotLoad: a path that is not there, or a file that cannot be loaded.
    """
    for path in paths:
        for file in _files(path):
            if str(file) not in _loaded:
                _load_file(file)
                _loaded.add(str(file))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(
            file
            for file in path.resolve().rglob("*.py")
            if not any(
                part.startswith((".", "__pycache__")) for part in file.relative_to(path.resolve()).parts
            )
            and not file.name.startswith("_")
        )
        if not found:
            raise CannotLoad(f"{path} holds no scenario: it has no Python file in it")
        yield from found
    elif path.is_file():
        yield path.resolve()
    else:
        raise CannotLoad(f"there are no scenarios at {path}: it is neither a file nor a folder")


def _load_file(file: Path) -> None:
    folder = hashlib.sha256(str(file.parent).encode()).hexdigest()[:12]
    name = f"jitplab_own_{folder}.{file.parent.name}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CannotLoad(f"{file} is no Python file; give it a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise CannotLoad(_sentence(error, str(file))) from error


def _load_point(point: EntryPoint) -> None:
    owner = f" of {point.dist.name}" if point.dist is not None else ""
    try:
        _walk(importlib.import_module(point.module))
    except Exception as error:
        where = f"the entry point {point.name} = {point.value}{owner}"
        raise CannotLoad(_sentence(error, where)) from error


def _walk(module: ModuleType) -> None:
    """Import a package's modules, too."""
    for each in pkgutil.walk_packages(getattr(module, "__path__", ()), module.__name__ + "."):
        importlib.import_module(each.name)


def _sentence(error: Exception, where: str) -> str:
    """File, line and reason; the line is the last one of that file, or of the file that could not be read."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}: this is no Python: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == where] or [
        frame for frame in frames if not _is_ours(frame.filename)
    ]
    place = f"{own[-1].filename}, line {own[-1].lineno}" if own else where
    reason = str(error) or "no reason given"
    return f"{place}: the scenarios cannot be loaded: {type(error).__name__}: {reason}"


def _is_ours(filename: str) -> bool:
    """Whether a frame belongs to the loading and not to what is loaded."""
    return (
        filename.startswith("<frozen")
        or filename in {__file__, importlib.__file__, pkgutil.__file__}
        or (Path(filename).parent == Path(__file__).parent)
    )
