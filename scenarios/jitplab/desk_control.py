"""The control plane beside ``jitplab broker``; what it needs is loaded only when it is asked for."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, TextIO, cast

from jitpbroker.logs import Log, LogLevel, LogOptions
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.settings import EventLogLevel, LoggingOptions
from jitpbroker.registry.store import Registry
from jitpbroker.server import Server
from jitplab.account import ROLE_ARN
from jitplab.scenario import NeedUnmet

if TYPE_CHECKING:
    from jitpbroker.control.logstore import LogStore
    from jitpbroker.control.serving import ControlServer
    from jitplab.desk_state import Kept

_NEEDED: Final = ("botocore", "starlette", "uvicorn")
_AUTHN_ERROR: Final = "Connection.AuthNError"


def log_store() -> LogStore:
    """Where the control plane reads log entries.

    Raises:
        NeedUnmet: a library is not installed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise NeedUnmet(f"the control plane needs {', '.join(missing)}; run pip install 'jitplab[control]'")
    from jitpbroker.control.logstore import LogStore  # noqa: PLC0415 - optional

    return LogStore()


def steered_log(
    registry: Registry,
    file: TextIO,
    store: LogStore,
    *,
    now: Callable[[], datetime],
    new_id: IdSource,
    log_authn_errors: bool,
) -> Log:
    """A log that the account's V2 logging options steer.

    What was set before and kept stays set; the command line only adds its event, and the level ``INFO`` where
    nothing has been set.
    """
    from jitpbroker.control.logstore import LogStream  # noqa: PLC0415 - optional

    events = {_AUTHN_ERROR: EventLogLevel(_AUTHN_ERROR, "ERROR", None)} if log_authn_errors else {}
    options = registry.logging
    if options.role_arn is None:
        options = LoggingOptions(ROLE_ARN, "INFO")
    registry.logging = replace(options, events={**options.events, **events})
    everything = LogOptions(registry.arns.account, LogLevel.DEBUG, {_AUTHN_ERROR: LogLevel.DEBUG})
    # Log asks for a TextIO and uses write and flush, which is what LogStream has.
    return Log(cast("TextIO", LogStream(registry, store, file, now)), everything, new_id)


def control_plane(
    server: Server,
    registry: Registry,
    store: LogStore,
    *,
    new_id: IdSource,
    host: str,
    port: int,
    data_host: str,
    kept: Kept | None = None,
) -> ControlServer:
    """The control plane; what its operator should know goes to standard error."""
    from jitpbroker.control.assembly import control_server  # noqa: PLC0415 - optional
    from jitpbroker.control.plane import AccountBook  # noqa: PLC0415 - optional

    others, made = ((), None) if kept is None else (kept.others, kept.keep)
    book = AccountBook(registry, new_id, others=others, made=made)

    def tell(sentence: str) -> None:
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()

    return control_server(
        server, book, store, new_id=new_id, tell=tell, host=host, port=port, data_host=data_host
    )
