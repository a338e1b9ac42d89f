"""A page and its elements: escaped by construction, one style sheet, nothing from anywhere else.

Rules of this file:
1. Pages are trees of elements, never strings put together: what is shown can hold any text.
2. A page loads nothing and runs nothing; its Content-Security-Policy says so to the browser.
3. No meaning by colour alone: whatever has a colour has a word, a letter or a pattern, too.
4. Every picture has a title and a description; whoever cannot see it is told the same.
"""

from __future__ import annotations

from typing import Final, TypeAlias
from xml.etree.ElementTree import Element, tostring

Child: TypeAlias = "Element | str | None"

#: Nothing may be loaded, nothing may run; styles stand in the page itself.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

STYLE: Final = """
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2024; --faint: #60646c; --line: #d0d4da; --field: #f3f5f7;
  --good: #1a7f37; --bad: #c0222c; --mark: #fff1b8; --link: #0b5cad;
  --o0: #e8eaed; --o1: #cfe3ff; --o2: #ffe0b8; --o3: #d6f2d0; --o4: #f3d3f5; --o5: #ffd5d5; --o6: #d3f1f3;
  --o7: #ece3b0; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #15181c; --ink: #e6e8eb; --faint: #a0a6ae; --line: #3a4048; --field: #1f242a;
  --good: #56d364; --bad: #ff7b72; --mark: #57480f; --link: #79b8ff;
  --o0: #2c3138; --o1: #143a66; --o2: #5a3a10; --o3: #1d4a22; --o4: #4b2250; --o5: #5a2226; --o6: #14474b;
  --o7: #4a4314; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem 1.25rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 1rem 0 .25rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
a { color: var(--link); } p { max-width: 60rem; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .92rem; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top; }
th { background: var(--field); font-weight: 600; }
code, pre, .bytes { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: .86rem; }
pre { background: var(--field); padding: .6rem .8rem; overflow-x: auto; }
details { margin: .5rem 0; } summary { cursor: pointer; }
figure { margin: .75rem 0; overflow-x: auto; } figcaption { color: var(--faint); font-size: .9rem; }
.faint { color: var(--faint); } .good { color: var(--good); } .bad { color: var(--bad); }
.good, .bad { font-weight: 600; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1.5rem; }
.wide { overflow-x: auto; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; paint-order: stroke; stroke: var(--paper);
  stroke-width: 4px; stroke-linejoin: round; }
svg .faint { fill: var(--faint); } svg .bad { fill: var(--bad); } svg .good { fill: var(--good); }
svg .line { stroke: var(--ink); stroke-width: 1.4; fill: none; }
svg .life { stroke: var(--line); stroke-width: 1.2; stroke-dasharray: 4 4; }
svg .stop { stroke: var(--bad); } svg .box { fill: var(--field); stroke: var(--line); }
svg .head { fill: var(--ink); } svg .stophead { fill: var(--bad); }
"""


def element(tag: str, *children: Child, **attributes: str | int | None) -> Element:
    """An element of HTML or SVG.

    Args:
        tag: its name.
        children: elements and text in order; ``None`` is left out.
        attributes: by name, with ``_`` for ``-`` and a trailing ``_`` where Python has taken the name;
            ``None`` is left out.
    """
    made = Element(
        tag,
        {
            name.rstrip("_").replace("_", "-"): str(value)
            for name, value in attributes.items()
            if value is not None
        },
    )
    last: Element | None = None
    for child in children:
        match child:
            case None:
                pass
            case str():
                if last is None:
                    made.text = (made.text or "") + child
                else:
                    last.tail = (last.tail or "") + child
            case _:
                made.append(child)
                last = child
    return made


def page(title: str, *body: Child, language: str = "en") -> str:
    """A whole document.

    Args:
        title: shown by the browser.
        body: what is in it.
        language: of the text.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", STYLE),
    )
    document = element("html", head, element("body", *body), lang=language)
    return "<!doctype html>\n" + tostring(document, encoding="unicode", method="html") + "\n"


def table(head: tuple[str, ...], *rows: tuple[Child, ...], caption: str | None = None) -> Element:
    """A table with its column heads."""
    return element(
        "table",
        element("caption", caption) if caption else None,
        element("thead", element("tr", *(element("th", text, scope="col") for text in head))),
        element("tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows)),
    )
