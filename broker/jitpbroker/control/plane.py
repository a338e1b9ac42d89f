"""The control plane itself: one request in, one response out.

Rules of this file:
1. Every way out is AWS's form; what is our own fault says so on the operator's side and answers as throttling
   does, never as status 500.
2. A request names its account and Region by its credential scope; unsigned, it is for the account served.
3. Browsers are turned away: a page from elsewhere must not register anything on this desk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Final

from jitpbroker.control.call import Accounts, Call, Surroundings
from jitpbroker.control.messages import Refused, Request, Response
from jitpbroker.control.model import IOT, LOGS
from jitpbroker.control.operations import OPERATIONS
from jitpbroker.control.reading import read
from jitpbroker.control.route import Scope, Target, scope_of, target_of
from jitpbroker.control.writing import answered, refused
from jitpbroker.registry.errors import RegistryError
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.names import Arns
from jitpbroker.registry.store import Registry

#: Accounts and Regions one desk keeps apart.  Evidence: assumed - own choice.
_MOST_REGISTRIES: Final = 64


class AccountBook:
    """The registries of all accounts and Regions that requests have named."""

    def __init__(
        self,
        home: Registry,
        new_id: IdSource,
        *,
        others: Iterable[Registry] = (),
        made: Callable[[Registry], None] | None = None,
    ) -> None:
        """The registry at home, and others.

        Args:
            home: what MQTT connections are judged by.
            new_id: UUIDs for what is registered from now on.
            others: known already; ``home`` knows their endpoints.
            made: told of each registry that is made from now on.
        """
        self._home = home
        self._new_id = new_id
        self._made = made
        self._all = {(each.arns.account, each.arns.region): each for each in (home, *others)}

    def find(self, account: str, region: str) -> Registry:
        """The registry of an account in a Region; a new one's endpoint then is another account's.

        Raises:
            Refused: there are too many already.
        """
        known = self._all.get((account, region))
        if known is not None:
            return known
        if len(self._all) >= _MOST_REGISTRIES:
            raise Refused(
                "LimitExceededException", f"This desk keeps {_MOST_REGISTRIES} accounts and Regions; no more."
            )
        made = Registry(Arns(account, region, self._home.arns.partition), new_id=self._new_id)
        if self._made is not None:
            self._made(made)
        self._home.know_other_endpoint(made.endpoint)
        self._all[(account, region)] = made
        return made

    def others(self, region: str) -> tuple[Registry, ...]:
        """Every registry in a Region."""
        return tuple(registry for (_, where), registry in self._all.items() if where == region)

    def accounts(self) -> Accounts:
        """The book as operations see it."""
        return Accounts(self._home, self.find, self.others)


class ControlPlane:
    """Answers requests; nothing here waits for anything.

    Args:
        around: what operations reach.
        now: the time.
        hosts: names by which clients may call this desk, beside any IP address and ``localhost``.
    """

    def __init__(
        self, around: Surroundings, *, now: Callable[[], datetime], hosts: frozenset[str] = frozenset()
    ) -> None:
        self._around = around
        self._now = now
        self._hosts = frozenset({"localhost", *(host.lower() for host in hosts)})

    def handle(self, request: Request) -> Response:
        """Answer one request; never raises."""
        request_id = self._around.new_id()
        scope = scope_of(request)
        service = scope.service if scope is not None and scope.service in OPERATIONS else IOT
        if "x-amz-target" in request.headers:
            service = LOGS
        try:
            check_origin(request.headers, self._hosts)
            target = target_of(request, scope)
            service = target.service.name
            return self._perform(request, target, scope, request_id)
        except Refused as refusal:
            return refused(service, refusal, request_id)
        except RegistryError as error:
            return refused(service, _of_registry(error), request_id)
        except Exception as error:  # noqa: BLE001 - rule 1; the note reaches the operator with the fault's name
            note = f"control plane fault in {request.method} {request.path[:200]}: {error!r}"
            code = "ThrottlingException"
            return refused(
                service, Refused(code, "The request could not be handled now.", note=note), request_id
            )

    def _perform(self, request: Request, target: Target, scope: Scope | None, request_id: str) -> Response:
        name = target.operation.name
        handler = OPERATIONS[target.service.name].get(name)
        if handler is None:
            code = "InvalidRequestException" if target.service.name == IOT else "InvalidParameterException"
            raise Refused(
                code,
                f"{name} is not implemented on this desk.",
                note=f"{target.service.name} {name} was asked for and is not implemented here",
            )
        asked = read(request, target)
        registry = self._registry(scope)
        answer = handler(Call(asked, registry, self._now(), self._around))
        return answered(target, answer, request_id)

    def _registry(self, scope: Scope | None) -> Registry:
        home = self._around.accounts.home
        if scope is None:
            return home
        return self._around.accounts.find(scope.account or home.arns.account, scope.region)


def check_origin(headers: Mapping[str, str], hosts: frozenset[str]) -> None:
    """Turn browsers away: no AWS tool sends Origin, and none calls by a name it made lead here.

    Evidence: assumed - own choice, against cross-site requests and DNS rebinding.

    Raises:
        Refused: the request comes from a web page, or for a host name that is not this desk's.
    """
    if "origin" in headers or "sec-fetch-site" in headers:
        raise Refused("AccessDeniedException", "Web pages are not served; use the AWS CLI or an SDK.")
    host = headers.get("host", "localhost").lower()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name in hosts:
        return
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        raise Refused(
            "AccessDeniedException",
            f"{name[:100]!r} is no name of this desk; call it by address or as localhost.",
        ) from None


def _of_registry(error: RegistryError) -> Refused:
    members = {"resourceArn": error.resource_arn, "resourceId": error.resource_id}
    given = {name: value for name, value in members.items() if value is not None}
    return Refused(error.code.value, str(error), given)
