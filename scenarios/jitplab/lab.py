"""The laboratory: a chip, the library that drives it, the case's PKI, and accounts to visit.

A scenario takes a ``Lab`` and never asks whether its chip is emulated. Everything that could differ from
run to run comes from ``Settings``: with a seed and a time, a run repeats, but for what TLS draws itself
(the digest that the chip signs in a handshake, hence that signature) and for port numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from jitpbroker import trace as broker_trace
from jitpbroker.credentials import ServerCredentials, in_memory
from jitplab import chain as case_chain
from jitplab import pki
from jitplab.account import Account, case_template
from jitplab.bench import Bench, open_bench
from jitplab.chain import Slot
from jitplab.channel import Endpoint, Identity, which_way
from jitplab.identifiers import Key
from jitplab.outcome import Call, Fact, JsonValue, Outcome, SignerDifference, signer_differences
from jitplab.visit import CASE_CLIENT_ID, Message, Visit, visit
from softatecc.certificate import (
    CertificateDefinition,
    SerialSource,
    encode_dates,
    hashed_serial,
)
from softatecc.library import LibraryError


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is made with.

    Attributes:
        device: URL of the chip.
        profile: which AWS is imitated.
        profile_was_chosen: whether a person named it; scenarios that compare profiles then keep to it.
        engine: ``local`` or ``amqtt``.
        seed: fixes keys and the chip's randomness; ``None`` draws them anew.
        now: fixes the clock; ``None`` is the real one.
        library: ``auto``, ``cryptoauthlib`` or ``own``.
        host_sleeps: whether cryptoauthlib keeps its own waiting.
        tls_by: ``ssl`` or ``tlslite`` to force one.
    """

    device: str = "emulator:blank"
    profile: str = "aws-2026"
    profile_was_chosen: bool = False
    engine: str = "local"
    seed: str | None = None
    now: datetime | None = None
    library: str = "auto"
    host_sleeps: bool = True
    tls_by: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A provisioned chip: what its maker knows of it.

    Attributes:
        public_key: ``X || Y`` of slot 0.
        certificate: as issued, DER.
        signer_definition: rebuilds the signer.
        device_definition: rebuilds the device certificate.
    """

    public_key: bytes
    certificate: bytes
    signer_definition: CertificateDefinition
    device_definition: CertificateDefinition


@dataclass(frozen=True, slots=True)
class Chain:
    """What the firmware rebuilt and will present; ``signer`` is ``None`` when it is left out."""

    device: bytes
    signer: bytes | None

    @property
    def presented(self) -> tuple[bytes, ...]:
        """DER, leaf first."""
        return (self.device,) if self.signer is None else (self.device, self.signer)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that objected: its name, what it asks, and its sentence."""

    rule: str
    question: str
    why: str


class Lab:
    """A context manager; everything opened in it is closed with it.

    Raises:
        ValueError: a setting that does not exist.
        NeedUnmet: the chip or the library cannot be had.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._keys = pki.KeySource(self.settings.seed)
        self.root = pki.make_root(self._keys)
        self.signer = pki.make_signer(self._keys, self.root)
        self.other_ca = pki.make_root(self._keys, pki.OTHER_COMMON_NAME)
        self._stack = ExitStack()
        self._bench: Bench | None = None
        self._credentials: ServerCredentials | None = None
        self._current: Account | None = None
        self._calls: list[Call] = []
        self._facts: list[Fact] = []
        self._presented: Chain | None = None
        self._device: Device | None = None

    def __enter__(self) -> Self:
        self._bench = self._stack.enter_context(open_bench(self.settings))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def bench(self) -> Bench:
        """Chip and library."""
        assert self._bench is not None, "enter the lab first"
        return self._bench

    def now(self) -> datetime:
        """The lab's time, UTC."""
        return self.settings.now or datetime.now(UTC)

    @property
    def tls_description(self) -> str:
        """Which TLS library uses the chip's key, in one sentence."""
        match self.settings.tls_by:
            case None:
                return which_way()[1]
            case "tlslite":
                return "TLS by tlslite-ng, as asked for, CertificateVerify signed by the chip"
            case _:
                return "TLS by Python's own ssl module, as asked for, CertificateVerify signed by the chip"

    # --- the maker's side ------------------------------------------------------------------------

    def provision_device(self) -> Device:
        """Provision a blank chip over its bus, as Microchip's tools do, and issue its certificate.

        Configuration and lock, a key in slot 0, the CAs' public keys in 11, 13 and 15, both certificates
        taken apart into 10, 12 and 14, and the data zone locked.

        Raises:
            LibraryError: the chip refused.
        """
        library = self.bench.library
        self.bench.write_configuration(case_chain.CONFIGURATION)
        public_key = library.genkey(Slot.DEVICE_PRIVATE_KEY)
        library.write_pubkey(Slot.ROOT_PUBLIC_KEY, self.root.key.public_key)
        library.write_pubkey(Slot.OTHER_CA_PUBLIC_KEY, self.other_ca.key.public_key)
        serial_number = library.read_serial_number()
        certificate = pki.make_device_certificate(
            self.signer,
            public_key,
            common_name=case_chain.device_common_name(serial_number),
            serial=device_serial(public_key),
        )
        device = Device(
            public_key,
            certificate,
            case_chain.signer_definition(self.signer.certificate),
            case_chain.device_definition(certificate),
        )
        library.write_cert(device.signer_definition, self.signer.certificate)
        library.write_cert(device.device_definition, certificate)
        library.lock_data_zone()
        self._device = device
        return device

    # --- the firmware's side ---------------------------------------------------------------------

    def rebuild_chain(
        self, device: Device, *, root_key_slot: int = Slot.ROOT_PUBLIC_KEY, is_genkey: bool = False
    ) -> Chain:
        """What ``atca_mbedtls_cert_add`` does, device certificate first and then the signer.

        Args:
            device: whose chip this is.
            root_key_slot: where the firmware believes the root's public key to be.
            is_genkey: have GenKey compute that key instead of reading it.

        Raises:
            LibraryError: the chip or the library refused; the one loud way to fail.
        """
        library = self.bench.library
        signer_key = library.read_pubkey(Slot.SIGNER_PUBLIC_KEY)
        leaf = library.read_cert(device.device_definition, signer_key)
        ca_key = library.get_pubkey(root_key_slot) if is_genkey else library.read_pubkey(root_key_slot)
        return Chain(leaf, library.read_cert(device.signer_definition, ca_key))

    def identity(self, device: Device, chain: Chain) -> Identity:
        """The chain with the chip behind it."""
        return Identity(chain.presented, device.public_key, self.sign)

    def sign(self, digest: bytes) -> bytes:
        """Have the chip sign with its slot 0."""
        return self.bench.library.sign(Slot.DEVICE_PRIVATE_KEY, digest)

    # --- the cloud's side ------------------------------------------------------------------------

    def account(self, profile: str | None = None, *, log_authn_errors: bool = False) -> Account:
        """A fresh account in which root and signer are registered as in the case, its broker running."""
        if self._credentials is None:
            self._credentials = in_memory()
        account = self._stack.enter_context(
            Account(
                now=self.now,
                profile=profile or self.settings.profile,
                engine=self.settings.engine,
                credentials=self._credentials,
                log_authn_errors=log_authn_errors,
            )
        )
        account.register_ca(self.root.certificate)
        account.register_ca(self.signer.certificate, case_template())
        self._current = account
        return account

    def profiles(self) -> tuple[str, ...]:
        """Both profiles for a scenario that compares them, or the one a person chose."""
        return (self.settings.profile,) if self.settings.profile_was_chosen else ("aws-2021", "aws-2026")

    # --- visits ----------------------------------------------------------------------------------

    def connect(
        self,
        device: Device,
        chain: Chain,
        account: Account | None = None,
        *,
        sni: bool = True,
        message: Message | None = None,
        send_connect: bool = True,
    ) -> Call:
        """Let the firmware visit the broker with the chip's key."""
        return self.call(
            chain,
            account,
            lambda endpoint: visit(
                endpoint,
                self.identity(device, chain),
                message=message,
                send_connect=send_connect,
                way=self.settings.tls_by,
            ),
            sni=sni,
            by="firmware",
        )

    def connect_with_key(
        self, certificate: bytes, key: pki.SigningKey, account: Account | None = None
    ) -> Call:
        """Let a client with a key file, such as the user's mosquitto_pub, visit with leaf and signer."""
        from jitplab.hand_made import visit_with_key_file  # noqa: PLC0415 - the odd one out

        chain = Chain(certificate, self.signer.certificate)
        return self.call(
            chain,
            account,
            lambda endpoint: visit_with_key_file(endpoint, chain.presented, key, Message()),
            by="client with a key file",
        )

    def call(
        self,
        chain: Chain,
        account: Account | None,
        go: Callable[[Endpoint], Visit],
        *,
        sni: bool = True,
        by: str,
    ) -> Call:
        """Note what the registry says before and after a visit, and which rule objected to it."""
        account = account or self._current or self.account()
        before, known = account.status_of(chain.device), len(account.records())
        seen = go(account.endpoint(sni=sni))
        account.settle()
        new = account.records()[known:]
        decision = next((r for r in new if isinstance(r, broker_trace.Decision)), None)
        call = Call(
            visit=seen,
            profile=account.profile.name,
            sni=sni,
            by=by,
            rule=decision.rule if decision else None,
            why=decision.why if decision else None,
            status_before=before,
            status_after=account.status_of(chain.device),
        )
        self._calls.append(call)
        self._presented = chain
        self._current = account
        return call

    def last_refusal(self, account: Account) -> Refusal:
        """The newest objection in an account's trace.

        Raises:
            LookupError: nothing was refused there.
        """
        for record in reversed(account.records()):
            if isinstance(record, broker_trace.Decision) and record.rule is not None:
                rule = next(rule for rule in account.profile.rules if rule.name == record.rule)
                return Refusal(rule.name, rule.question, record.why or "")
        raise LookupError("the trace holds no refusal; connect with a faulty chain first")

    # --- what came of it -------------------------------------------------------------------------

    def foretell(self, what: str, foretold: JsonValue, seen: JsonValue) -> None:
        """Note one expectation beyond what the scenario's decorator says, and what was seen."""
        self._facts.append(Fact(what, foretold, seen))

    def key(self, name: str) -> pki.SigningKey:
        """A key outside the chip, by name, from the lab's seed."""
        return self._keys.key(name)

    def serial(self, name: str) -> int:
        """A certificate serial number by name, from the lab's seed."""
        return self._keys.serial(name)

    def keys_at_hand(self) -> tuple[Key, ...]:
        """Every public key that lies in the chip or belongs to the chain, likeliest first."""
        return self.bench.keys_in_slots(
            {
                Slot.OTHER_CA_PUBLIC_KEY: pki.OTHER_COMMON_NAME,
                Slot.ROOT_PUBLIC_KEY: pki.ROOT_COMMON_NAME,
                Slot.SIGNER_PUBLIC_KEY: pki.SIGNER_COMMON_NAME,
                Slot.DEVICE_PRIVATE_KEY: "the device itself",
            }
        )

    def outcome(self, *, refusal: LibraryError | None = None) -> Outcome:
        """Everything seen so far.

        Args:
            refusal: the library's answer, where the story ended with it.
        """
        commands = self.bench.commands()  # before the search for the key's owner adds its own
        shown, account = self._presented, self._current
        differences: tuple[SignerDifference, ...] = ()
        if shown is not None and shown.signer is not None and shown.signer != self.signer.certificate:
            differences = signer_differences(shown.signer, self.signer.certificate, self.keys_at_hand())
        registered = shown is not None and account is not None and account.status_of(shown.device) is not None
        return Outcome(
            calls=tuple(self._calls),
            registered=registered,
            device=shown.device if shown else None,
            signer=shown.signer if shown else None,
            signer_differences=differences,
            library_error=str(refusal) if refusal else None,
            chip_commands=commands,
            registry=account.snapshot() if account else {},
            trace=anonymous(account.records()) if account else (),
            log=tuple(account.log_entries()) if account else (),
            facts=tuple(self._facts),
            by_library=self.bench.library.description,
            by_tls=self.tls_description,
            stopped_by_library=refusal is not None,
        )


def device_serial(public_key: bytes) -> bytes:
    """The certificate serial number that the compressed-certificate rule PUB_KEY_HASH gives the device."""
    dates = encode_dates(pki.DEVICE_NOT_BEFORE, 0)
    return hashed_serial(SerialSource.PUB_KEY_HASH, public_key, bytes(64) + dates + bytes(5), 16)


def anonymous(records: tuple[broker_trace.Record, ...]) -> tuple[dict[str, JsonValue], ...]:
    """Trace records as JSON, peers numbered in the order they came instead of by their port.

    The port is the operating system's and would make two runs of one seed differ.
    """
    peers: dict[str, str] = {}
    out = []
    for record in records:
        shown = broker_trace.as_json(record)
        if isinstance(peer := shown.get("peer"), str):
            shown["peer"] = peers.setdefault(peer, f"client {len(peers) + 1}")
        out.append(shown)
    return tuple(out)


__all__ = ["CASE_CLIENT_ID", "Chain", "Device", "Lab", "Settings"]
