"""The user's evidence, known by its contents and not by its file's name.

Rules of this file:
1. One file that cannot be used never stops the rest: it is named, with what was tried.
2. A private key is named and left where it is: not read, not kept, not shown.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from jitpbroker.registry.entities import AutoRegistration, CaStatus, CertificateStatus
from jitpbroker.registry.jsontext import Json, one_line, parse_json
from jitpbroker.store.described import Described, Kind, recognised
from jitpbroker.store.errors import StateError
from jitpbroker.x509 import Certificate
from jitplab import pki
from jitplab.doctor.certificate_text import CertificateText, certificate_texts
from jitplab.doctor.chip_dump import ChipDump, read_dump
from jitplab.doctor.device_log import DeviceLog, read_log
from jitplab.doctor.private_keys import without_private_keys

# PowerShell 5 writes `aws ... > ca.json` as UTF-16; editors put a mark before UTF-8.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Presented:
    """A certificate of the evidence and the file it came from."""

    where: str
    der: bytes


@dataclass
class Evidence:
    """Everything that was recognised.

    Attributes:
        certificates: from PEM or DER, in the order they came; a file of several is a chain.
        texts: certificates that only their text is left of.
        dump: what a chip holds.
        log: what the device wrote.
        described: answers of the aws command line.
        templates: provisioning templates, by file.
        policies: policy documents, by file.
        cloud: entries of AWSIotLogsV2.
        sources: C source of certificate definitions, by file.
        remarks: what was not recognised, and private keys that were left alone.
    """

    certificates: list[Presented] = field(default_factory=list)
    texts: list[CertificateText] = field(default_factory=list)
    dump: ChipDump | None = None
    log: DeviceLog | None = None
    described: list[Described] = field(default_factory=list)
    templates: list[tuple[str, str]] = field(default_factory=list)
    policies: list[tuple[str, str]] = field(default_factory=list)
    cloud: list[dict[str, Json]] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recognised."""
        parts = (
            *(self.certificates, self.texts, self.described, self.templates, self.policies, self.cloud),
            self.sources,
        )
        return not any(parts) and self.dump is None and self.log is None

    def of_kind(self, kind: Kind) -> list[Described]:
        """Answers of one kind."""
        return [each for each in self.described if each.kind is kind]

    def take(self, where: str, data: bytes) -> None:
        """Read one file.

        Args:
            where: what sentences call it.
            data: its contents.
        """
        if len(data) > _LONGEST:
            self.remarks.append(f"{where} has {len(data)} bytes; evidence of up to {_LONGEST} is read")
            return
        data, had_private_key = without_private_keys(_as_utf8(data))
        if had_private_key:
            self.remarks.append(f"{where} holds a private key; it was not read, and nobody needs to see it")
        readers: tuple[Callable[[str, bytes], bool], ...] = (
            self._certificates,
            self._json,
            self._cloud,
            self._texts,
            self._source,
            self._log,
        )
        found = [reader(where, data) for reader in readers]  # all of them: a log may hold certificates, too
        found.append(self._dump(where, data, alone=not any(found)))
        if data.strip() and not any(found):
            self.remarks.append(
                f"{where} was not recognised: it is no certificate (PEM, DER or openssl's text), no JSON of "
                "the aws command line, no template or policy, no log of mbedTLS or AWSIotLogsV2, no chip dump"
            )

    # -- readers: each says whether it found something ---------------------------------------------

    def _certificates(self, where: str, data: bytes) -> bool:
        try:
            if b"-----BEGIN CERTIFICATE-----" in data and not data.lstrip().startswith(b"{"):
                found = pki.certificates_from_pem(data)
            elif data[:2] == b"\x30\x82":
                pki.certificate_version(data)
                found = (data,)
            else:
                return False
        except ValueError as error:
            self.remarks.append(f"{where}: {error}")
            return True
        for number, der in enumerate(found, 1):
            try:
                Certificate.from_der(der)
            except ValueError as error:
                self.remarks.append(f"{where}, certificate {number}: {error}")
            else:
                self.certificates.append(Presented(where, der))
        return True

    def _json(self, where: str, data: bytes) -> bool:
        text = data.decode("utf-8", "replace").strip()
        if not text.startswith(("{", "[")):
            return False
        try:
            document = parse_json(text)
        except ValueError:
            return False
        if isinstance(document, dict):
            document = document.get("event", document)
        if isinstance(document, dict) and isinstance(document.get("events"), list):
            document = [_message(each) for each in _list(document["events"])]  # as aws logs prints them
        if isinstance(document, list):
            known = [self._document(where, each, one_line(each)) for each in document]
            return any(known)
        return self._document(where, document, text)

    def _document(self, where: str, document: Json, text: str) -> bool:
        if not isinstance(document, dict):
            return False
        body = document.get("templateBody")
        if isinstance(document.get("Resources"), dict):
            self.templates.append((where, text))
        elif isinstance(body, str) and "templateName" not in document:
            self.templates.append((where, body))
        elif "Statement" in document:
            self.policies.append((where, text))
        elif isinstance(document.get("eventType"), str):
            self.cloud.append(document)
        else:
            try:
                described = recognised(where, document)
            except StateError:
                return False
            fault = _fault(described)
            if fault is None:
                self.described.append(described)
            else:
                self.remarks.append(f"{where}: {fault}")
        return True

    def _cloud(self, _where: str, data: bytes) -> bool:
        found = []
        for line in data.decode("utf-8", "replace").splitlines():
            start = line.find("{")
            if start < 0 or '"eventType"' not in line:
                continue
            try:
                entry = parse_json(line[start:])
            except ValueError:
                continue
            if isinstance(entry, dict):
                found.append(entry)
        if len(found) == 1 and data.lstrip().startswith(b"{") and self.cloud:
            return True  # one entry alone was read as JSON already
        self.cloud += found
        return bool(found)

    def _texts(self, where: str, data: bytes) -> bool:
        found = certificate_texts(where, data.decode("utf-8", "replace"))
        self.texts += found
        return bool(found)

    def _source(self, where: str, data: bytes) -> bool:
        text = data.decode("utf-8", "replace")
        found = "atcacert_def_t" in text or "atcacert_cert_element_t" in text
        if found:
            self.sources[where] = text
        return found

    def _dump(self, where: str, data: bytes, *, alone: bool) -> bool:
        """A dump; where the file was recognised as something else, words like one are only words."""
        if where in self.sources:
            return False
        try:
            found = read_dump(data.decode("utf-8", "replace"))
        except ValueError as error:
            if alone:
                self.remarks.append(f"{where}: {error}")
            return True
        if found is None:
            return False
        for slot in sorted(found.left_out):
            self.remarks.append(f"{where} has bytes for slot {slot}, a private key's; they were not kept")
        if self.dump is not None and self.dump.is_of_another_chip(found):
            self.remarks.append(f"{where} is of another chip than the dump before it; only the first counts")
            return True
        self.dump = found if self.dump is None else self.dump.joined(found)
        return True

    def _log(self, where: str, data: bytes) -> bool:
        if where in self.sources:
            return False
        found = read_log(data.decode("utf-8", "replace"))
        if found is None:
            return False
        if self.log is None:
            self.log = found
        else:
            self.remarks.append(f"{where} is one more log; ask about each by itself, only the first counts")
        return True


def _as_utf8(data: bytes) -> bytes:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace").encode()
    return data


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _message(event: Json) -> Json:
    """What an event of CloudWatch Logs carries, ``None`` where that is no JSON."""
    text = event.get("message") if isinstance(event, dict) else None
    if not isinstance(text, str):
        return None
    try:
        return parse_json(text)
    except ValueError:
        return None


def _fault(described: Described) -> str | None:
    """Why an answer of the aws command line cannot be used; ``None`` when it can."""
    if described.kind not in {Kind.CA, Kind.CERTIFICATE}:
        return None
    inner = described.certificate_description
    allowed: list[tuple[str, type[CaStatus | CertificateStatus | AutoRegistration]]] = [
        ("status", CaStatus if described.kind is Kind.CA else CertificateStatus)
    ]
    if "autoRegistrationStatus" in inner:
        allowed.append(("autoRegistrationStatus", AutoRegistration))
    for name, kind in allowed:
        known = [str(each) for each in kind]
        if inner.get(name) not in known:
            return f"its {name} is none of {', '.join(known)}; give the whole answer of aws iot describe-*"
    try:
        Certificate.from_pem(str(inner["certificatePem"]))
    except ValueError as error:
        return f"its certificatePem cannot be read: {error}"
    return None
