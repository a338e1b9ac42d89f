"""``jitplab broker export | import``: what a broker keeps as JSON, and a real account's answers at home."""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jitpbroker.registry.jsontext import Json, parse_json
from jitpbroker.registry.names import Arns
from jitpbroker.registry.store import Registry
from jitpbroker.store.errors import StateError
from jitplab.commands import options
from jitplab.desk_state import open_state
from jitplab.scenario import NeedUnmet

if TYPE_CHECKING:
    from jitpbroker.store.described import Described
    from jitpbroker.store.state import State
    from jitplab.commands import SubParsers


_EXPORT: Final = """\
examples:
  jitplab broker export --state kept                  to standard output
  jitplab broker export --state kept registry.json
"""
_IMPORT: Final = """\
examples:
  jitplab broker import --state copy registry.json
  aws iot describe-ca-certificate --certificate-id ID > ca.json
  jitplab broker import --state home ca.json
  jitplab broker --state home

Known by their contents are: what `jitplab broker export` writes; what aws iot describe-ca-certificate,
describe-certificate, describe-provisioning-template, describe-thing, list-things and get-policy print. A
state that begins with an import is of the account and Region that its ARNs name. If one FILE will not do,
none is imported.
"""


def add_to(parts: SubParsers) -> None:
    """Describe both."""
    for name, does, epilog in (
        ("export", "write what a broker keeps as JSON", _EXPORT),
        ("import", "take in such JSON, or what aws iot prints of a real account", _IMPORT),
    ):
        part = parts.add_parser(
            name,
            help=does,
            description=f"{does[0].upper()}{does[1:]}; no broker may be using the state meanwhile.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        part.add_argument(
            "--state",
            metavar="DIR",
            type=Path,
            default=argparse.SUPPRESS,  # it may stand before the part's name, too
            help="the directory that the broker was given",
        )
        if name == "export":
            part.add_argument("file", metavar="FILE", nargs="?", type=Path, help="default: standard output")
        else:
            part.add_argument("files", metavar="FILE", nargs="+", type=Path, help="JSON; - is standard input")
            part.add_argument("--json", action="store_true", help="what was imported, as JSON")
        part.set_defaults(act=act, refuse=part.error)


def act(chosen: argparse.Namespace) -> int:
    """Export or import."""
    if chosen.state is None:
        chosen.refuse("the following arguments are required: --state")
    try:
        if chosen.part == "export":
            return _export(chosen.state, chosen.file)
        return _import(chosen.state, chosen.files, as_json=chosen.json)
    except (StateError, NeedUnmet) as error:
        return options.complain(str(error), options.NEED_UNMET)


def _new_id() -> str:
    return str(uuid.uuid4())


def _export(directory: Path, file: Path | None) -> int:
    state = open_state(directory, new_id=_new_id, begin=False)
    from jitpbroker.store.exchange import exported  # noqa: PLC0415 - needs what the state needs

    try:
        text = exported((state.registry, *state.others))
    finally:
        state.abandon()
    if file is None or str(file) == "-":
        sys.stdout.write(text)
        return 0
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise StateError(f"{file} cannot be written: {error.strerror}") from None
    return 0


def _import(directory: Path, files: list[Path], *, as_json: bool) -> int:
    """All of it or, if anything is amiss, nothing."""
    from jitpbroker.store.described import account_of, answers_in  # noqa: PLC0415 - needs what a state needs
    from jitpbroker.store.exchange import accounts_in, is_export  # noqa: PLC0415
    from jitpbroker.store.soundness import objection  # noqa: PLC0415

    documents = [(_called(file), _document(file)) for file in files]
    exports = [(where, each) for where, each in documents if is_export(each)]
    answers = [
        answer for where, each in documents if not is_export(each) for answer in answers_in(where, each)
    ]
    accounts = accounts_in(exports[0][1]) if exports else ()
    home = accounts[0] if accounts else account_of(answers)
    state = open_state(directory, new_id=_new_id, home=home)
    try:
        told = [sentence for where, each in exports for sentence in _import_export(state, where, each)]
        if answers:
            told += _import_answers(state, answers, account_of(answers))
        for registry in (state.registry, *state.others):
            if (why := objection(registry)) is not None:
                raise StateError(
                    f"what is to be imported does not fit together ({why}); nothing was imported"
                )
        state.commit()
    finally:
        state.abandon()
    if as_json:
        options.say_json({"imported": list(told)})
    else:
        for sentence in told:
            options.say(sentence)
    return 0


def _import_export(state: State, where: str, document: Json) -> list[str]:
    from jitpbroker.store.exchange import accounts_in, imported  # noqa: PLC0415

    told = []
    for arns in accounts_in(document):
        registry = _registry(state, arns)
        count = imported(document, registry)
        told.append(f"{where}: {count} facts of account {arns.account} in {arns.region} imported")
    return told


def _import_answers(state: State, answers: list[Described], arns: Arns | None) -> list[str]:
    from jitpbroker.store.described import take_over  # noqa: PLC0415

    home = state.registry.arns
    if arns is not None and arns != home:
        raise StateError(
            f"the answers are of account {arns.account} in {arns.region}, the state is of {home.account} in "
            f"{home.region}; import them into a --state of their own"
        )
    return list(take_over(answers, state.registry, at=datetime.now(UTC)))


def _registry(state: State, arns: Arns) -> Registry:
    for registry in (state.registry, *state.others):
        if registry.arns == arns:
            return registry
    made = Registry(arns, new_id=_new_id)
    state.keep(made)
    return made


def _called(file: Path) -> str:
    return "standard input" if str(file) == "-" else str(file)


def _document(file: Path) -> Json:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise StateError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StateError(f"{_called(file)} is no text; give JSON") from None
    try:
        return parse_json(text)
    except ValueError as error:
        raise StateError(f"{_called(file)} is no JSON: {error}") from None
