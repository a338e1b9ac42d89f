"""The changes a check can suffer: one mutant each.

Rules of this file:
1. A mutant is one change in a check: a negated condition, a swapped comparison or connective, a refusal
   left out, an objection withheld, a bit or number changed. Sentences for the trace are left alone.
2. In a file of rules everything is a check; elsewhere the statements that refuse are.
3. No two mutants of a file are the same text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Calling one of these refuses; so does calling whatever begins with one of those.
REFUSALS = frozenset(("obey", "Rejected", "refuse", "parse_error", "unknown_mode"))
GUARDS = ("expect_", "require_", "permit", "count_use", "demand", "_require_", "_expect_", "_permit")
SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed check.

    Attributes:
        file: relative to the package.
        lines: the lines that must be reached to notice.
        what: the change in words.
        source: the whole changed file.
    """

    file: str
    lines: tuple[int, ...]
    what: str
    source: str


def mutants_of(file: str, source: str, *, all_of_it: bool) -> Iterator[Mutant]:
    """Every mutant of a file, each source once."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for change in _changes(tree, all_of_it=all_of_it):
        change.make()
        changed = ast.unparse(tree)
        change.undo()
        if changed not in seen:
            seen.add(changed)
            yield Mutant(file, change.lines, change.what, changed)


@dataclass(slots=True)
class Change:
    """A change in a syntax tree that can be undone."""

    lines: tuple[int, ...]
    what: str
    make: Callable[[], None]
    undo: Callable[[], None]


def _setting(
    node: ast.AST, field: str, value: object, what: str, lines: tuple[int, ...] | None = None
) -> Change:
    before = getattr(node, field)
    first = getattr(node, "lineno", 0)
    span = tuple(range(first, (getattr(node, "end_lineno", None) or first) + 1))
    return Change(
        lines or span, what, lambda: setattr(node, field, value), lambda: setattr(node, field, before)
    )


def _placing(body: list[ast.stmt], at: int, value: ast.stmt, what: str) -> Change:
    before = body[at]
    lines = tuple(range(before.lineno, (before.end_lineno or before.lineno) + 1))
    return Change(lines, what, lambda: body.__setitem__(at, value), lambda: body.__setitem__(at, before))


def _changes(tree: ast.Module, *, all_of_it: bool) -> Iterator[Change]:
    used: dict[str, set[int]] = {}
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        asks = isinstance(function.returns, ast.BinOp) and ast.unparse(function.returns) == "str | None"
        if not asks or "hides_" not in function.name:
            yield from _in_body(function.body, _Scope(asks, all_of_it or asks, used))
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name | ast.Tuple):
            names = {leaf.id for leaf in ast.walk(statement.targets[0]) if isinstance(leaf, ast.Name)}
            lines = tuple(sorted(line for name in names for line in used.get(name, ())))
            if lines:
                yield from _in_expression(statement.value, lines)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a statement stands.

    Attributes:
        asks: in a function that returns an objection.
        all_of_it: everything here is a rule.
        used: names in conditions, and the lines of those; filled on the way.
    """

    asks: bool
    all_of_it: bool
    used: dict[str, set[int]]


def _in_body(body: list[ast.stmt], scope: _Scope) -> Iterator[Change]:
    for at, statement in enumerate(body):
        yield from _of_statement(body, at, scope)
        if scope.all_of_it or _refuses(statement):
            yield from _of_condition(statement, scope)
        for inner in ("body", "orelse", "finalbody"):
            if isinstance(nested := getattr(statement, inner, None), list):
                yield from _in_body(nested, scope)
        for case in getattr(statement, "cases", ()):
            yield from _in_body(case.body, scope)


def _of_statement(body: list[ast.stmt], at: int, scope: _Scope) -> Iterator[Change]:
    """A refusal left out, an objection withheld."""
    statement = body[at]
    if isinstance(statement, ast.Raise) or (isinstance(statement, ast.Expr) and _refuses(statement)):
        yield _placing(body, at, ast.Pass(), f"left out: {_short(statement)}")
    if scope.asks and isinstance(statement, ast.Return) and not _is_none(statement.value):
        yield _placing(body, at, ast.Return(ast.Constant(None)), f"withheld: {_short(statement)}")


def _of_condition(statement: ast.stmt, scope: _Scope) -> Iterator[Change]:
    """What a statement decides by."""
    head = _head(statement)
    match statement:
        case ast.If(test=test):
            yield _setting(statement, "test", ast.UnaryOp(ast.Not(), test), f"negated: {_short(test)}", head)
            conditions = [test]
        case ast.Match(cases=cases):
            conditions = [case.guard for case in cases if case.guard is not None]
        case _:
            conditions = list(_plain_values(statement))
    for condition in conditions:
        for leaf in ast.walk(condition):
            if isinstance(leaf, ast.Name):
                scope.used.setdefault(leaf.id, set()).update(head)
        yield from _in_expression(condition, head)


def _plain_values(statement: ast.stmt) -> Iterator[ast.expr]:
    """Conditions outside an ``if``: an assigned or returned comparison, the arguments of a guard."""
    if isinstance(statement, ast.Assign | ast.Return | ast.Expr) and statement.value is not None:
        yield statement.value


def _head(statement: ast.stmt) -> tuple[int, ...]:
    """The lines of a statement without the statements in it."""
    last = statement.body[0].lineno - 1 if isinstance(statement, ast.If) else statement.end_lineno
    return tuple(range(statement.lineno, max(statement.lineno, last or 0) + 1))


def _refuses(statement: ast.stmt) -> bool:
    for node in ast.walk(statement):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in REFUSALS or name.startswith(GUARDS):
                return True
    return False


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _in_expression(root: ast.expr, lines: tuple[int, ...]) -> Iterator[Change]:
    """Changes inside an expression; what is said in sentences is passed over."""
    for node, masked in _leaves(root, masked=False):
        match node:
            case ast.Compare(ops=[op]) if type(op) in SWAPPED:
                swapped = [SWAPPED[type(op)]()]
                yield _setting(node, "ops", swapped, f"swapped: {_short(node)}", lines)
            case ast.BoolOp(op=ast.And()):
                yield _setting(node, "op", ast.Or(), f"or for and: {_short(node)}", lines)
            case ast.BoolOp(op=ast.Or()):
                yield _setting(node, "op", ast.And(), f"and for or: {_short(node)}", lines)
            case ast.UnaryOp(op=ast.Not()):
                yield _setting(node, "op", ast.UAdd(), f"not dropped: {_short(node)}", lines)
            case ast.Constant(value=bool() as flag):
                yield _setting(node, "value", not flag, f"{flag} turned over", lines)
            case ast.Constant(value=int() as number):
                other = number & (number - 1) if masked and number else number + 1
                yield _setting(node, "value", other, f"{number:#x} became {other:#x}", lines)
            case _:
                pass


def _leaves(node: ast.AST, *, masked: bool) -> Iterator[tuple[ast.AST, bool]]:
    if isinstance(node, ast.JoinedStr | ast.Lambda):
        return
    yield node, masked
    masked = isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr)
    for child in ast.iter_child_nodes(node):
        yield from _leaves(child, masked=masked)


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 70 else text[:67] + "..."
