"""The fidelity table is drawn from the code, and nothing in it is unmarked."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from jitplab import rules_page
from softatecc import commands, fidelity
from softatecc.evidence import marks_in
from softatecc.inspection import _REFUSALS
from softatecc.packet import Opcode
from softatecc.survey import Survey, survey

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
#: Asked by no command: they refuse what is no command, or belong to the chip as a whole.
ELSEWHERE = {"registry._refuse", "registry.unknown_mode", "guards.refuse"}


@cache
def surveyed(opcode: Opcode) -> Survey:
    return survey(opcode)


@cache
def written() -> dict[str, str]:
    """The sections of the page by their headings."""
    page = (REFERENCE / "fidelity.md").read_text(encoding="utf-8")
    sections = page.split("\n## ")
    return {section.partition("\n")[0]: section.strip() for section in sections[1:]}


@pytest.mark.slow
@pytest.mark.parametrize("opcode", fidelity.opcodes(), ids=lambda opcode: opcode.name)
def test_a_commands_section_is_up_to_date_and_nothing_in_it_is_unmarked(opcode: Opcode) -> None:
    found = surveyed(opcode)
    section = "\n".join(fidelity.command_lines(found)).removeprefix("## ")
    asking = set().union(*found.rules.values())

    assert fidelity.unmarked(found) == []
    assert "**unmarked**" not in section
    assert asking == set(found.modes), "a mode asks nothing at all"
    assert written()[section.partition("\n")[0]] == section.strip(), "run make docs"


@pytest.mark.slow
def test_every_function_that_refuses_is_on_the_page() -> None:
    surveys = [surveyed(opcode) for opcode in fidelity.opcodes()]
    entered = {f"{rule.module.rpartition('.')[2]}.{rule.name}" for found in surveys for rule in found.rules}
    refusing = set()
    for each in pkgutil.iter_modules(commands.__path__, "softatecc.commands."):
        for node in ast.walk(ast.parse(inspect.getsource(import_module(each.name)))):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                names = {leaf.id for leaf in ast.walk(node) if isinstance(leaf, ast.Name)}
                if names & _REFUSALS:
                    refusing.add(f"{each.name.rpartition('.')[2]}.{node.name}")

    assert refusing - entered - ELSEWHERE == set()


@pytest.mark.slow
def test_the_whole_page_is_up_to_date() -> None:
    surveys = [surveyed(opcode) for opcode in fidelity.opcodes()]
    page = (REFERENCE / "fidelity.md").read_text(encoding="utf-8")

    assert page == "\n".join(fidelity.page(surveys)) + "\n", "run make docs"


def test_the_rest_of_the_chip_is_up_to_date_and_says_what_it_was_checked_against() -> None:
    found = list(fidelity.statements(()))

    assert all(each.words and each.mark.source for each in found)
    assert {"wire", "chip.Chip.blank", "packet.crc16", "model.DeviceModel"} <= {each.place for each in found}


def test_every_mark_of_the_source_can_be_read() -> None:
    for name in fidelity.module_names():
        for node in ast.walk(ast.parse(inspect.getsource(import_module(name)))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                marks_in(ast.get_docstring(node) or "")


def test_an_unmarked_rule_would_be_seen() -> None:
    found = surveyed(Opcode.RANDOM)
    (rule, modes), *_ = found.rules.items()
    bare = type(rule)(rule.module, rule.name, rule.sentence, None)
    doctored = Survey(found.opcode, found.modes, {bare: modes})

    assert fidelity.unmarked(doctored) == [bare]
    assert "**unmarked**" in "\n".join(fidelity.command_lines(doctored))


def test_the_brokers_rules_are_up_to_date() -> None:
    page = (REFERENCE / "rules.md").read_text(encoding="utf-8")

    assert page == "\n".join(rules_page.lines()) + "\n", "run make docs"
    assert page.count("`assumed`") >= 3
