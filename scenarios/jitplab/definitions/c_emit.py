"""A definition as C source, in the form of Microchip's tools: template, elements, definition."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jitplab.definitions.named import DATE_FORMATS, STANDARD, TRANSFORMS, Named
from softatecc.certificate import CertificateLocation, DeviceLocation

_ROW = 16


def emit_c(named: Named) -> str:
    """The source file.

    Args:
        named: the definition; its name becomes part of the names of its arrays.
    """
    return "\n".join(_lines(named)) + "\n"


def _lines(named: Named) -> Iterator[str]:
    made, name = named.definition, _identifier(named.name)
    yield '#include "atcacert/atcacert_def.h"'
    if named.ca is not None:
        yield ""
        yield f"extern const atcacert_def_t {_identifier(named.ca)};"
    yield ""
    yield f"const uint8_t {name}_template[{len(made.template)}] = {{"
    for at in range(0, len(made.template), _ROW):
        yield "    " + ", ".join(f"0x{octet:02x}" for octet in made.template[at : at + _ROW]) + ","
    yield "};"
    if made.elements:
        yield ""
        yield f"const atcacert_cert_element_t {name}_elements[{len(made.elements)}] = {{"
        for each in made.elements:
            yield "    {"
            yield f'        .id = "{each.name}",'
            yield f"        .device_loc = {_device(each.device)},"
            yield f"        .cert_loc = {_place(each.certificate)},"
            yield f"        .transforms = {{ {TRANSFORMS[each.transform]}, TF_NONE }},"
            yield "    },"
        yield "};"
    yield ""
    yield f"const atcacert_def_t {name} = {{"
    yield "    .type = CERTTYPE_X509,"
    yield f"    .template_id = {made.template_id},"
    yield f"    .chain_id = {made.chain_id},"
    yield f"    .private_key_slot = {made.private_key_slot},"
    yield f"    .sn_source = SNSRC_{made.serial_source.name},"
    yield f"    .cert_sn_dev_loc = {_device(made.serial_location)},"
    yield f"    .issue_date_format = {DATE_FORMATS[made.issue_date_format]},"
    yield f"    .expire_date_format = {DATE_FORMATS[made.expire_date_format]},"
    yield f"    .tbs_cert_loc = {_place(made.tbs)},"
    yield f"    .expire_years = {made.expire_years},"
    yield f"    .public_key_dev_loc = {_device(made.public_key)},"
    yield f"    .comp_cert_dev_loc = {_device(made.compressed)},"
    yield "    .std_cert_elements = {"
    for standard, constant in STANDARD.items():
        place = getattr(made, f"at_{standard}")
        yield f"        {_place(place)}, /* {constant} */"
    yield "    },"
    yield f"    .cert_elements = {f'{name}_elements' if made.elements else 'NULL'},"
    yield f"    .cert_elements_count = {len(made.elements)},"
    yield f"    .cert_template = {name}_template,"
    yield f"    .cert_template_size = {len(made.template)},"
    yield f"    .ca_cert_def = {f'&{_identifier(named.ca)}' if named.ca is not None else 'NULL'},"
    yield "};"


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _place(where: CertificateLocation) -> str:
    return f"{{ .offset = {where.offset}, .count = {where.count} }}"


def _device(where: DeviceLocation) -> str:
    return (
        f"{{ .zone = DEVZONE_{where.zone.name}, .slot = {where.slot}, .is_genkey = {int(where.is_genkey)}, "
        f".offset = {where.offset}, .count = {where.count} }}"
    )
