"""The laboratory: a chip, the library that drives it, the case's PKI, and accounts to visit.

A scenario takes a ``Lab`` and never asks whether its chip is emulated. Everything that could differ from
run to run comes from ``Settings``: with a seed and a time, a run repeats, but for what TLS draws itself
(the digest that the chip signs in a handshake, hence that signature) and for port numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Self, cast

from jitpbroker import mqtt
from jitpbroker import trace as broker_trace
from jitpbroker.admission.profiles import profile_named, turned_by_name
from jitpbroker.credentials import ServerCredentials, in_memory
from jitplab import firmware, maker, pki, stop
from jitplab.account import Account, case_template
from jitplab.bench import Bench, open_bench
from jitplab.chain import Slot
from jitplab.channel import Endpoint, Identity, which_way
from jitplab.firmware import CaKey, Chain, ca_key
from jitplab.identifiers import Key
from jitplab.maker import Device, Making, Parties
from jitplab.needs import Need, unmet
from jitplab.outcome import Call, Fact, JsonValue, Milestone, Outcome, SignerDifference, signer_differences
from jitplab.remote_account import RemoteAccount, RemoteBroker
from jitplab.scenario import NeedUnmet
from jitplab.settings import Settings
from jitplab.stop import Stop, stop_of_error, stop_of_visit
from jitplab.tap import Tap
from jitplab.visit import CASE_CLIENT_ID, Message, Presence, Visit, visit
from softatecc.certificate import CertificateDefinition


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that objected: its name, what it asks, and its sentence."""

    rule: str
    question: str
    why: str


@cache
def _server_credentials() -> ServerCredentials:
    """The broker's, for all labs of a process: making and checking an RSA key takes longer than a run."""
    return in_memory()


def _as_it_is(endpoint: Endpoint) -> Endpoint:
    return endpoint


class Lab:
    """A context manager; everything opened in it is closed with it.

    Args:
        settings: what the run is made with.
        tap: hears every connection of the firmware's.

    Raises:
        ValueError: a setting that does not exist.
        NeedUnmet: the chip or the library cannot be had.
    """

    def __init__(self, settings: Settings | None = None, tap: Tap | None = None) -> None:
        self.settings = settings or Settings()
        self._tap = tap
        self._remote = RemoteBroker.parse(self.settings.broker) if self.settings.broker else None
        self._keys = pki.KeySource(self.settings.seed)
        self.parties = Parties.of(self._keys)
        self._stack = ExitStack()
        self._bench: Bench | None = None
        self._current: Account | None = None
        self._calls: list[Call] = []
        self._facts: list[Fact] = []
        self._milestones: list[Milestone] = []
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
    def root(self) -> pki.Authority:
        """The case's root CA."""
        return self.parties.root

    @property
    def signer(self) -> pki.Authority:
        """The case's signer, which issues device certificates."""
        return self.parties.signer

    @property
    def other_ca(self) -> pki.Authority:
        """The CA whose public key lies in slot 13."""
        return self.parties.other_ca

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

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every visit so far, in order."""
        return tuple(self._calls)

    # --- the maker's side ------------------------------------------------------------------------

    def provision_device(self, making: Making | None = None) -> Device:
        """Provision a blank chip over its bus and issue its certificate.

        Configuration and lock, a key in slot 0, the CAs' public keys in 11, 13 and 15, both certificates
        taken apart into 10, 12 and 14, and the data zone locked.

        Args:
            making: what is done otherwise than in the case.

        Raises:
            NeedUnmet: the chip is not blank.
            LibraryError: the chip refused.
        """
        self._device = maker.provision(self.bench, self.parties, making or Making())
        self.note("the maker provisions the blank part")
        return self._device

    def device(self) -> Device:
        """The case's device: provisioned where the part is blank, adopted where it has been made already.

        Raises:
            NeedUnmet: the part was made by somebody else.
            LibraryError: the chip refused.
        """
        if not maker.is_made(self.bench):
            return self.provision_device()
        self._device = maker.adopt(self.bench, self.parties)
        self.note("the part is adopted as it was made earlier")
        return self._device

    def note(self, what: str) -> None:
        """Note that something was done on the bench, so that a report can tell which commands it took."""
        self._milestones.append(Milestone(what, self.bench.command_count))

    # --- the firmware's side ---------------------------------------------------------------------

    def rebuild_chain(
        self,
        device: Device,
        *,
        root_key_slot: int = Slot.ROOT_PUBLIC_KEY,
        is_genkey: bool = False,
        signer_key_slot: int = Slot.SIGNER_PUBLIC_KEY,
        device_definition: CertificateDefinition | None = None,
        signer_definition: CertificateDefinition | None = None,
        get_ca_key: CaKey = ca_key,
    ) -> Chain:
        """What the firmware rebuilds; see `jitplab.firmware.rebuild_chain` for each keyword.

        Raises:
            LibraryError: the chip or the library refused; the one loud way to fail.
        """
        try:
            return firmware.rebuild_chain(
                self.bench.library,
                device,
                root_key_slot=root_key_slot,
                is_genkey=is_genkey,
                signer_key_slot=signer_key_slot,
                device_definition=device_definition,
                signer_definition=signer_definition,
                get_ca_key=get_ca_key,
            )
        finally:
            self.note("the firmware rebuilds its chain")

    def identity(self, device: Device, chain: Chain, *, key_slot: int = Slot.DEVICE_PRIVATE_KEY) -> Identity:
        """The chain with the chip behind it, which signs with the key in ``key_slot``."""

        def sign(digest: bytes) -> bytes:
            return self.bench.library.sign(key_slot, digest)

        return Identity(chain.presented, device.public_key, sign)

    def sign(self, digest: bytes) -> bytes:
        """Have the chip sign with its slot 0."""
        return self.bench.library.sign(Slot.DEVICE_PRIVATE_KEY, digest)

    # --- the cloud's side ------------------------------------------------------------------------

    def account(
        self,
        profile: str | None = None,
        *,
        log_authn_errors: bool = False,
        switches: Mapping[str, str] | None = None,
        roles: Mapping[str, frozenset[str]] | None = None,
        provisioning_delay: float = 0.0,
        registered: bool = True,
        certificate_required: bool = True,
    ) -> Account:
        """A fresh account with its broker running.

        Args:
            profile: ``aws-2021`` or ``aws-2026``; the run's where none is given.
            log_authn_errors: whether the owner has switched on ``Connection.AuthNError``.
            switches: contested questions turned from the profile's answer, by name.
            roles: what each role may do; ``None`` trusts every role with everything.
            provisioning_delay: seconds between a first CONNECT and its template.
            registered: whether root and signer are registered as in the case.
            certificate_required: whether TLS itself turns away clients without a certificate.
        """
        if self._remote is not None:
            own = log_authn_errors or switches or roles or provisioning_delay or not certificate_required
            return self._remote_account(self._remote, profile, registered=registered, special=bool(own))
        chosen = profile_named(profile or self.settings.profile)
        for switch, choice in (switches or {}).items():
            chosen = turned_by_name(chosen, switch, choice)
        account = self._stack.enter_context(
            Account(
                now=self.now,
                profile=chosen,
                engine=self.settings.engine,
                credentials=_server_credentials(),
                log_authn_errors=log_authn_errors,
                roles=roles,
                provisioning_delay=provisioning_delay,
                certificate_required=certificate_required,
            )
        )
        if registered:
            account.register_ca(self.root.certificate)
            account.register_ca(self.signer.certificate, case_template())
        self._current = account
        return account

    def _remote_account(
        self, broker: RemoteBroker, profile: str | None, *, registered: bool, special: bool
    ) -> Account:
        """An account of the broker that runs already.

        Raises:
            NeedUnmet: what the scenario wants of its account is not in AWS's API.
        """
        if special or profile not in {None, broker.profile}:
            raise NeedUnmet(
                "its account is set up as AWS's API cannot do it (rules, switches, roles or delays); "
                "leave --broker out"
            )
        if self._current is not None:
            raise NeedUnmet("it needs a second account, and a running broker has one; leave --broker out")
        remote = self._stack.enter_context(RemoteAccount(broker, now=self.now, prove=self._prove))
        account = cast("Account", remote)  # it does the same, and says of the rest that it cannot be had
        if registered:
            account.register_ca(self.root.certificate)
            account.register_ca(self.signer.certificate, case_template())
        self._current = account
        return account

    def _prove(self, certificate: bytes, code: str) -> bytes:
        for each in (self.root, self.signer, self.other_ca):
            if each.certificate == certificate:
                return self.prove(each, code)
        raise NeedUnmet("the key of a CA that it registers is not at hand to prove; leave --broker out")

    @property
    def latest_account(self) -> Account | None:
        """The account that was opened last, or visited last."""
        return self._current

    def profiles(self) -> tuple[str, ...]:
        """Both profiles for a scenario that compares them, or the one a person chose."""
        return (self.settings.profile,) if self.settings.profile_was_chosen else ("aws-2021", "aws-2026")

    # --- visits ----------------------------------------------------------------------------------

    def connect(  # noqa: PLR0913 - what a firmware can get wrong, each by name
        self,
        device: Device,
        chain: Chain,
        account: Account | None = None,
        *,
        sni: bool = True,
        message: Message | None = None,
        send_connect: bool = True,
        connect: mqtt.Connect | None = None,
        script: Sequence[mqtt.Packet] = (),
        reach: Callable[[Endpoint], Endpoint] = _as_it_is,
        key_slot: int = Slot.DEVICE_PRIVATE_KEY,
    ) -> Call:
        """Let the firmware visit the broker with the chip's key.

        Args:
            device: whose chip signs.
            chain: what is presented.
            account: where to; the latest, or a new one.
            sni: whether a server name is sent.
            message: published when let in.
            send_connect: ``False`` ends the visit after the handshake.
            connect: the whole CONNECT, where it is not the firmware's usual one.
            script: further packets when let in, see `jitplab.visit.visit`.
            reach: how the firmware's idea of the endpoint differs from the true one.
            key_slot: where the firmware has the chip look for the key.
        """
        return self.call(
            chain,
            account,
            lambda endpoint: visit(
                reach(endpoint),
                self.identity(device, chain, key_slot=key_slot),
                message=message,
                send_connect=send_connect,
                way=self.settings.tls_by,
                connect=connect,
                script=script,
            ),
            sni=sni,
            by="firmware",
        )

    def present(self, device: Device, chain: Chain, account: Account, connect: mqtt.Connect) -> Presence:
        """A client with the chip's key that is let in and stays while others come.

        Raises:
            ConnectionError: the broker did not let it in.
        """
        return Presence(
            self._way_to(account), self.identity(device, chain), connect, way=self.settings.tls_by
        )

    def connect_with_key(
        self,
        certificate: bytes,
        key: pki.SigningKey,
        account: Account | None = None,
        *,
        chain: Chain | None = None,
        sni: bool = True,
        client_id: str = "deviceCert",
        way: str | None = None,
    ) -> Call:
        """Let a client with a key file, such as the user's mosquitto_pub, visit with leaf and signer.

        Args:
            certificate: the leaf, DER.
            key: the leaf's.
            account: where to; the latest, or a new one.
            chain: what is presented, where it is not leaf and signer.
            sni: whether a server name is sent.
            client_id: of CONNECT.
            way: the TLS library, where the certificate cannot be sent by the usual one.
        """
        from jitplab.hand_made import visit_with_key_file  # noqa: PLC0415 - the odd one out

        shown = chain or Chain(certificate, self.signer.certificate)
        how = way or self.settings.tls_by
        return self.call(
            shown,
            account,
            lambda endpoint: visit_with_key_file(
                endpoint, shown.presented, key, Message(), client_id=client_id, way=how
            ),
            sni=sni,
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
        seen = go(self._way_to(account, sni=sni))
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
            stop=stop_of_visit(seen, new),
            records=anonymous(new),
            commands=self.bench.command_count,
        )
        self._calls.append(call)
        self._presented = chain
        self._current = account
        return call

    def _way_to(self, account: Account, *, sni: bool = True) -> Endpoint:
        return replace(account.endpoint(sni=sni), tap=self._tap)

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

    def foretell(
        self, what: str, foretold: JsonValue | Sequence[str], seen: JsonValue | Sequence[str]
    ) -> None:
        """Note one expectation beyond what the scenario's decorator says, and what was seen."""
        self._facts.append(Fact(what, _plain(foretold), _plain(seen)))

    def key(self, name: str) -> pki.SigningKey:
        """A key outside the chip, by name, from the lab's seed."""
        return self._keys.key(name)

    def serial(self, name: str) -> int:
        """A certificate serial number by name, from the lab's seed."""
        return self._keys.serial(name)

    def prove(self, authority: pki.Authority, code: str, *, name_of: pki.Authority | None = None) -> bytes:
        """A verification certificate (DER) that bears a registration code.

        Args:
            authority: whose key signs it.
            code: its common name.
            name_of: whose name stands as issuer, where that is not ``authority``'s.
        """
        return pki.make_device_certificate(
            authority,
            self.key("verification").public_key,
            common_name=code,
            serial=self.serial("verification").to_bytes(16),
            otherwise=pki.Otherwise(
                subject=(("CommonName", code),), issuer_name=name_of.certificate if name_of else None
            ),
        )

    @property
    def presented(self) -> tuple[bytes, ...]:
        """The chain that was presented last, DER, leaf first."""
        return () if self._presented is None else self._presented.presented

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

    def unmet(self, need: Need) -> str | None:
        """Why this lab cannot meet a need, ``None`` when it can."""
        return unmet(need, self.settings, self.bench)

    def outcome(self, *, refusal: stop.Refusal | None = None, stopped_by: str | None = None) -> Outcome:
        """Everything seen so far.

        Args:
            refusal: the library's or the control plane's answer, where the story ended with it.
            stopped_by: ``KIND NAME``, where the run's parameters foretell another end than the decorator.
        """
        commands = self.bench.commands()  # before the search for the key's owner adds its own
        shown, account = self._presented, self._current
        issued = self._device.signer if self._device is not None else self.signer.certificate
        differences: tuple[SignerDifference, ...] = ()
        if shown is not None and shown.signer is not None and shown.signer != issued:
            differences = signer_differences(shown.signer, issued, self.keys_at_hand())
        registered = shown is not None and account is not None and account.status_of(shown.device) is not None
        last = self._calls[-1] if self._calls else None
        return Outcome(
            calls=tuple(self._calls),
            registered=registered,
            device=shown.device if shown else None,
            signer=shown.signer if shown else None,
            device_issued=self._device.certificate if self._device is not None else None,
            signer_issued=issued,
            signer_differences=differences,
            error=str(refusal) if refusal else None,
            stop=stop_of_error(refusal, commands) if refusal else last.stop if last else None,
            ended_early=refusal is not None,
            chip_commands=commands,
            registry=account.snapshot() if account else {},
            trace=anonymous(account.records()) if account else (),
            log=tuple(account.log_entries()) if account else (),
            facts=tuple(self._facts),
            by_library=self.bench.library.description,
            by_tls=self.tls_description,
            milestones=tuple(self._milestones),
            configuration=self.bench.configuration(),
            foretold_stop=Stop.parse(stopped_by) if stopped_by else None,
        )


def _plain(value: JsonValue | Sequence[str]) -> JsonValue:
    """Lists and tuples of words as JSON has them."""
    if isinstance(value, str | int | dict) or value is None:
        return value
    return list(value)


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


__all__ = ["CASE_CLIENT_ID", "Chain", "Device", "Lab", "Making", "Settings"]
