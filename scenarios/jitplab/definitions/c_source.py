"""Definitions out of C source: `cert_def_*.c` as Microchip's tools emit it.

Rules of this file:
1. The C is read by pycparser; comments, preprocessor lines and export macros are blanked before,
   so that line numbers stay true.
2. Initialisers may name their members or give them in the struct's order; files may refer to each other.
3. An array's length, where it is written as ``sizeof`` and the like, is not needed and not computed.

Evidence: vendor-library - struct atcacert_def_s in cryptoauthlib 3.3.3 and 3.8.0,
lib/atcacert/atcacert_def.h.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from pycparser import c_ast, c_parser

from jitplab.definitions.named import DATE_FORMATS, STANDARD, TRANSFORMS, Named
from softatecc.certificate import (
    CertificateDefinition,
    CertificateLocation,
    DateFormat,
    DeviceLocation,
    DeviceZone,
    Element,
    SerialSource,
    Transform,
)

#: What an initialiser is made of; ``None`` where the value is not needed.
_Value: TypeAlias = "int | str | list[_Value] | dict[str, _Value] | None"

#: One line, so that line numbers are off by one only.
_TYPES: Final = (
    "typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t; "
    "typedef int atcacert_cert_element_t; typedef int atcacert_def_t;\n"
)
_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DIRECTIVE: Final = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
_MACRO: Final = re.compile(r"\b[A-Z][A-Z0-9_]+\s+(?=(?:static\s+)?const\b)")
_DEFINITION: Final = (
    *("type", "template_id", "chain_id", "private_key_slot", "sn_source", "cert_sn_dev_loc"),
    *("issue_date_format", "expire_date_format", "tbs_cert_loc", "expire_years", "public_key_dev_loc"),
    *("comp_cert_dev_loc", "std_cert_elements", "cert_elements", "cert_elements_count", "cert_template"),
    *("cert_template_size", "ca_cert_def"),
)
_DEVICE: Final = ("zone", "slot", "is_genkey", "offset", "count")
_PLACE: Final = ("offset", "count")
_ELEMENT: Final = ("id", "device_loc", "cert_loc", "transforms")
_CONSTANTS: Final[Mapping[str, int]] = {
    "NULL": 0,
    "TRUE": 1,
    "FALSE": 0,
    "true": 1,
    "false": 0,
    "CERTTYPE_X509": 0,
    "CERTTYPE_CUSTOM": 1,
    "CERTTYPE_X509_FULL_STORED": 2,
    "DATEFMT_ISO8601_SEP": 0,
    "DATEFMT_POSIX_UINT32_BE": 2,
    "DATEFMT_POSIX_UINT32_LE": 3,
    **{constant: int(each) for each, constant in DATE_FORMATS.items()},
    **{constant: int(each) for each, constant in TRANSFORMS.items()},
    **{f"DEVZONE_{each.name}": int(each) for each in DeviceZone},
    **{f"SNSRC_{each.name}": int(each) for each in SerialSource},
    **{constant: number for number, constant in enumerate(STANDARD.values())},
}


class NoDefinition(ValueError):  # noqa: N818 - reads as the sentence it is
    """C source that holds no definition that can be read; the message names file and line."""


def read_definitions(sources: Mapping[str, str]) -> dict[str, Named]:
    """Every certificate definition in some C files, by the name of its variable.

    Args:
        sources: text by file name.

    Raises:
        NoDefinition: a file cannot be read, or a definition cannot be understood.
    """
    declared: dict[str, c_ast.Decl] = {}
    for file, text in sources.items():
        declared.update({decl.name: decl for decl in _declarations(file, text)})
    found = {}
    for name, decl in declared.items():
        if _type(decl) == "atcacert_def_t":
            found[name] = _definition(name, decl, declared)
    if not found:
        raise NoDefinition(f"{', '.join(sources)}: no atcacert_def_t with an initialiser is in it")
    return found


def _declarations(file: str, text: str) -> list[c_ast.Decl]:
    blank = _COMMENT.sub(_lines_only, text)
    blank = _DIRECTIVE.sub(_lines_only, blank)
    blank = _MACRO.sub(_lines_only, blank)
    try:
        tree = c_parser.CParser().parse(_TYPES + blank, file)
    except Exception as error:  # noqa: BLE001 - pycparser's error has moved between its versions
        raise NoDefinition(_complaint(file, str(error))) from None
    return [each for each in tree.ext if isinstance(each, c_ast.Decl) and each.init is not None]


def _complaint(file: str, told: str) -> str:
    """Pycparser's sentence with our own first line taken off its line number."""
    found = re.search(r":(\d+)(?::\d+)?: *(.*)", told, re.DOTALL)
    if found is None:
        return f"{file} is no C that can be read: {told}"
    return f"{file}, line {int(found[1]) - 1}: {found[2]}; definitions and their arrays are all that is read"


def _lines_only(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n") or " "


def _type(decl: c_ast.Decl) -> str:
    kind = decl.type
    while isinstance(kind, c_ast.ArrayDecl | c_ast.PtrDecl):
        kind = kind.type
    names = getattr(getattr(kind, "type", None), "names", [])
    return str(names[-1]) if names else ""


# --- values ------------------------------------------------------------------------------------------


def _value(node: c_ast.Node) -> _Value:
    match node:
        case c_ast.Constant(type="string"):
            return str(node.value).strip('"')
        case c_ast.Constant():
            return _number(node)
        case c_ast.ID():
            name = str(node.name)
            return _CONSTANTS.get(name, name)
        case c_ast.Cast():
            return _value(node.expr)
        case c_ast.UnaryOp(op="&"):
            return _value(node.expr)
        case c_ast.InitList():
            return _list(node)
        case _:
            return None


def _at(node: c_ast.Node) -> str:
    return f"{node.coord.file}, line {node.coord.line - 1}"


def _number(node: c_ast.Constant) -> int:
    text = str(node.value).rstrip("uUlL")
    octal = len(text) > 1 and text.isdigit() and text.startswith("0")
    try:
        return int(text, 8 if octal else 0)
    except ValueError:
        raise NoDefinition(f"{_at(node)}: {text} is no whole number") from None


#: Members; the longest array of a definition is a certificate template of about 600 bytes.
#: Evidence: assumed - own choice.
_ARRAY_LIMIT: Final = 4096


def _list(node: c_ast.InitList) -> _Value:
    named: dict[str, _Value] = {}
    plain: list[_Value] = []
    for each in node.exprs or ():
        if not isinstance(each, c_ast.NamedInitializer):
            plain.append(_value(each))
            continue
        place = each.name[0]
        # pycparser 3 tells `[index] =` from `.member =`; before, both were expressions.
        index = _value(getattr(place, "expr", place))
        if isinstance(index, int):
            if not 0 <= index < _ARRAY_LIMIT:  # a designator decides how much memory is taken
                raise NoDefinition(f"{_at(each.expr)}: index {index} is beyond {_ARRAY_LIMIT - 1}")
            plain.extend([None] * (index + 1 - len(plain)))
            plain[index] = _value(each.expr)
        elif isinstance(place, c_ast.ID):
            named[str(place.name)] = _value(each.expr)
    return named or plain


class _Members:
    """An initialiser's members by name, whichever way they were given."""

    def __init__(self, value: _Value, order: tuple[str, ...], where: str) -> None:
        self._where = where
        if isinstance(value, dict):
            self._by_name = value
        elif isinstance(value, list):
            self._by_name = dict(zip(order, value, strict=False))
        else:
            raise NoDefinition(f"{where}: {value!r} is no initialiser in braces")

    def value(self, name: str) -> _Value:
        return self._by_name.get(name)

    def number(self, name: str) -> int:
        value = self._by_name.get(name, 0)
        if not isinstance(value, int):
            raise NoDefinition(f"{self._where}: {name} is {value!r}, whose value is not known here")
        return value


def _definition(name: str, decl: c_ast.Decl, declared: Mapping[str, c_ast.Decl]) -> Named:
    where = _at(decl)
    of = _Members(_value(decl.init), _DEFINITION, where)
    standard = _standard(of.value("std_cert_elements"), where)
    ca = of.value("ca_cert_def")
    try:
        made = CertificateDefinition(
            name=name,
            template=_bytes(of.value("cert_template"), declared, where),
            tbs=_place(of.value("tbs_cert_loc"), where),
            template_id=of.number("template_id"),
            chain_id=of.number("chain_id"),
            serial_source=SerialSource(of.number("sn_source")),
            compressed=_device(of.value("comp_cert_dev_loc"), where),
            public_key=_device(of.value("public_key_dev_loc"), where),
            serial_location=_device(of.value("cert_sn_dev_loc"), where),
            private_key_slot=of.number("private_key_slot"),
            issue_date_format=DateFormat(of.number("issue_date_format")),
            expire_date_format=DateFormat(of.number("expire_date_format")),
            expire_years=of.number("expire_years"),
            elements=_elements(of.value("cert_elements"), declared, where),
            **{f"at_{each}": place for each, place in zip(STANDARD, standard, strict=True)},
        )
    except NoDefinition:
        raise
    except ValueError as error:
        raise NoDefinition(f"{where}: {error}") from None
    return Named(name, made, ca if isinstance(ca, str) else None, where)


def _standard(value: _Value, where: str) -> list[CertificateLocation]:
    if isinstance(value, dict):
        raise NoDefinition(f"{where}: std_cert_elements has members of the names {', '.join(value)}")
    given = [_place(each, where) for each in value] if isinstance(value, list) else []
    return given + [CertificateLocation()] * (len(STANDARD) - len(given))


def _place(value: _Value, where: str) -> CertificateLocation:
    if value is None:
        return CertificateLocation()
    of = _Members(value, _PLACE, where)
    return CertificateLocation(of.number("offset"), of.number("count"))


def _device(value: _Value, where: str) -> DeviceLocation:
    if value is None:
        return DeviceLocation()
    of = _Members(value, _DEVICE, where)
    return DeviceLocation(
        DeviceZone(of.number("zone")),
        of.number("slot"),
        of.number("offset"),
        of.number("count"),
        is_genkey=bool(of.number("is_genkey")),
    )


def _array(value: _Value, declared: Mapping[str, c_ast.Decl], where: str, what: str) -> list[_Value]:
    if not isinstance(value, str):
        raise NoDefinition(f"{where}: {what} names no array")
    if value not in declared:
        raise NoDefinition(f"{where}: {what} is {value}, which is in none of the files; give that file, too")
    found = _value(declared[value].init)
    if not isinstance(found, list):
        raise NoDefinition(f"{where}: {value} is no array")
    return found


def _bytes(value: _Value, declared: Mapping[str, c_ast.Decl], where: str) -> bytes:
    if value in {0, None}:
        return b""
    octets = []
    for number, each in enumerate(_array(value, declared, where, "cert_template")):
        if not isinstance(each, int) or not 0 <= each <= 0xFF:
            raise NoDefinition(f"{where}: member {number} of {value} is no byte whose value is known here")
        octets.append(each)
    return bytes(octets)


def _elements(value: _Value, declared: Mapping[str, c_ast.Decl], where: str) -> tuple[Element, ...]:
    if value in {0, None}:
        return ()
    out = []
    for each in _array(value, declared, where, "cert_elements"):
        of = _Members(each, _ELEMENT, where)
        transforms = of.value("transforms")
        first = transforms[0] if isinstance(transforms, list) and transforms else 0
        if not isinstance(first, int):
            raise NoDefinition(
                f"{where}: the transform {first} is not known here; TF_NONE, TF_REVERSE and TF_BIN2HEX_* are"
            )
        out.append(
            Element(
                str(of.value("id")),
                _device(of.value("device_loc"), where),
                _place(of.value("cert_loc"), where),
                Transform(first),
            )
        )
    return tuple(out)
