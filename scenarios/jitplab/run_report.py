"""What a person sees of a run of many scenarios: progress while it runs, a table when it has ended."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TextIO

from jitplab.played import Played, Verdict, by_area, counts
from jitplab.report import in_words
from jitplab.scenario import Scenario
from jitplab.terminal import Style, style_of

_WIDTH: Final = 110
_CLEAR: Final = "\r\x1b[K"


class Progress:
    """Told of each scenario as it ends: one line that changes on a terminal, a line each on a pipe."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._heard: list[Verdict] = []
        self._style = style_of(stream)

    def __call__(self, played: Played) -> None:
        """Tell of one more."""
        self._heard.append(played.verdict)
        place = f"{len(self._heard):{len(str(self._total))}}/{self._total}"
        if not self._stream.isatty():
            self._stream.write(f"{place} {played.name}: {played.verdict}\n")
        else:
            bad = sum(each in {Verdict.OTHERWISE, Verdict.BROKEN} for each in self._heard)
            line = f"{place} {f'{bad} not as foretold, ' if bad else ''}{played.name}: {played.verdict}"
            line = line[: shutil.get_terminal_size().columns - 1]
            self._stream.write(_CLEAR + (self._style.bad(line) if bad else line))
        self._stream.flush()

    def end(self) -> None:
        """Take the line away again."""
        if self._stream.isatty():
            self._stream.write(_CLEAR)
            self._stream.flush()


def table_lines(runs: Sequence[Played], known: Mapping[str, Scenario], style: Style) -> Iterator[str]:
    """What came of each, by area; beneath it why something was not as foretold; last the sum."""
    width = max((len(played.name) for played in runs), default=0)
    for name, group in by_area(runs, known):
        yield style.bold(name)
        for played in group:
            end = played.skipped or played.error or _ended(played)
            first, *rest = textwrap.wrap(end, max(40, _WIDTH - width - 21)) or [""]
            yield f"  {played.name.ljust(width)}  {_coloured(played.verdict, style)}  {first}".rstrip()
            yield from (f"{' ' * (width + 20)}  {line}" for line in rest)
    for played in runs:
        if played.verdict is Verdict.OTHERWISE:
            yield f"{style.bold(played.name)}: {style.bad('NOT as foretold')}"
            yield from (f"  {line}" for line in disagreements(played))
    ended = counts(runs)
    said = ", ".join(f"{count} {each}" for each, count in ended.items() if count or each in _ALWAYS)
    good = not ended[Verdict.OTHERWISE] and not ended[Verdict.BROKEN]
    yield (style.good if good else style.bad)(f"{len(runs)} scenarios: {said}")


_ALWAYS: Final = frozenset((Verdict.AS_FORETOLD, Verdict.OTHERWISE))
_MARKS: Final = max(len(each) for each in Verdict)


def _coloured(verdict: Verdict, style: Style) -> str:
    mark = {Verdict.AS_FORETOLD: style.good, Verdict.SKIPPED: style.dim}.get(verdict, style.bad)
    return mark(verdict.ljust(_MARKS))


def _ended(played: Played) -> str:
    outcome = played.outcome
    if outcome is None:
        return ""
    if outcome.stop is not None:
        return f"stopped by {outcome.stop}"
    return "admitted" if outcome.last is not None and outcome.last.visit.admitted else "ended by itself"


def disagreements(played: Played) -> Iterator[str]:
    """Each fact that came otherwise, then what the broker says of the last visit."""
    outcome = played.outcome
    if outcome is None:
        return
    for fact in outcome.facts:
        if not fact.agrees:
            yield f"{fact.what}: foretold {in_words(fact.foretold)}, seen {in_words(fact.seen)}"
    if not outcome.facts:
        yield "nothing was foretold, so nothing can have come true"
    if outcome.last is not None and outcome.last.rule is not None:
        yield f"rule {outcome.last.rule}: {outcome.last.why}"
    if outcome.error is not None:
        yield f"{outcome.stop} refused: {outcome.error}"
