"""Our broker as the bench runs it: the server, the front desk and the local engine in one process.

Reads its orders from standard input, one word a line, and answers each with a JSON object.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from jitpbroker.admission.desk import FrontDesk
from jitpbroker.credentials import in_memory
from jitpbroker.engine.local import LocalEngine
from jitpbroker.registry import AutoRegistration, CaStatus, CertificateStatus, RegistrationConfig, Registry
from jitpbroker.registry.snapshot import as_json
from jitpbroker.server import Server, Settings
from jitpbroker.trace import JsonValue, Trace
from jitpbroker.x509 import Certificate

_POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}'
_ROLE = "arn:aws:iam::123456789012:role/JITPRole"


def _now() -> datetime:
    return datetime.now(UTC)


def _template() -> str:
    return (resources.files("jitplab") / "data" / "stackoverflow-jitp.json").read_text(encoding="utf-8")


def _registry(signer: Path, devices: Path) -> Registry:
    """``devices``: one hex DER a line; each is ACTIVE, has a thing of its common name and the one policy."""
    registry = Registry()
    registry.cas.register(
        Certificate.from_pem(signer.read_bytes()),
        at=_now(),
        status=CaStatus.ACTIVE,
        auto_registration=AutoRegistration.ENABLE,
        registration_config=RegistrationConfig(_template(), _ROLE),
    )
    registry.policies.create("bench", _POLICY, at=_now())
    for line in devices.read_text(encoding="ascii").splitlines():
        _register(registry, Certificate.from_der(bytes.fromhex(line)))
    return registry


def _register(registry: Registry, certificate: Certificate) -> None:
    ca = next(iter(registry.cas))
    device = registry.certificates.register(
        certificate, at=_now(), status=CertificateStatus.ACTIVE, ca_certificate_id=ca.id
    )
    name = certificate.common_name
    assert name is not None
    registry.things.create(name, at=_now())
    registry.things.attach(name, device.arn)
    registry.policies.attach("bench", device.arn)


def _describe(registry: Registry) -> dict[str, JsonValue]:
    """Nanoseconds of CPU for one DescribeCertificate's look-up and JSON; a hundred certificates in turn."""
    ids = [each.id for each in registry.certificates][-100:]
    begin = time.process_time_ns()
    for _ in range(50):
        for certificate_id in ids:
            found = registry.certificates.get(certificate_id)
            assert found is not None
            as_json(found)
    return {"ns": (time.process_time_ns() - begin) // (50 * len(ids))}


def _tidy() -> dict[str, JsonValue]:
    gc.collect()
    return {"collected": True}


async def _serve(signer: Path, devices: Path) -> None:
    registry, trace = _registry(signer, devices), Trace()
    desk, credentials = FrontDesk(registry, trace), in_memory()
    server = Server(desk, LocalEngine(), trace, credentials, now=_now, settings=Settings(max_pending=4096))
    await server.start()
    loop = asyncio.get_running_loop()
    told: dict[str, JsonValue] = {"port": server.port, "root": credentials.root_pem.decode()}
    told["loop"] = type(loop).__module__.partition(".")[0]
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    orders: dict[str, Callable[[], dict[str, JsonValue]]] = {
        "describe": lambda: _describe(registry),
        "tidy": _tidy,
        "devices": lambda: {"count": sum(1 for _ in registry.certificates)},
    }
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        sys.stdout.write(json.dumps(orders[line.strip()]()) + "\n")
        sys.stdout.flush()
    await server.close()


def main() -> None:
    """Serve until standard input ends, on uvloop where it is installed and wanted."""
    signer, devices, loop = sys.argv[1:]
    if loop == "uvloop":
        import uvloop  # noqa: PLC0415 - present on some machines only

        uvloop.run(_serve(Path(signer), Path(devices)))
    else:
        asyncio.run(_serve(Path(signer), Path(devices)))


if __name__ == "__main__":
    main()
