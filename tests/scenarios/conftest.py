"""A provisioned chip, the chains its firmware can rebuild, and accounts to visit.

The chip is made once a run: every test only has it sign. An account is fresh for each test that asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from jitpbroker.credentials import ServerCredentials, in_memory
from jitplab import pki
from jitplab.account import Account, case_template
from jitplab.chain import Slot
from jitplab.channel import Identity
from jitplab.lab import Chain, Device, Lab, Settings

SEED = "tests of the laboratory"
NOW = datetime(2021, 1, 15, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab(Settings(seed=SEED, now=NOW, host_sleeps=False, library="own")) as opened:
        yield opened


@pytest.fixture(scope="session")
def device(lab: Lab) -> Device:
    return lab.provision_device()


@pytest.fixture(scope="session")
def good_chain(lab: Lab, device: Device) -> Chain:
    """Rebuilt with the root's key from slot 15."""
    return lab.rebuild_chain(device)


@pytest.fixture(scope="session")
def wrong_chain(lab: Lab, device: Device) -> Chain:
    """Rebuilt with the key in slot 13, as in the case."""
    return lab.rebuild_chain(device, root_key_slot=Slot.OTHER_CA_PUBLIC_KEY)


@pytest.fixture(scope="session")
def identity(lab: Lab, device: Device, good_chain: Chain) -> Identity:
    """The right chain and the chip that signs for it."""
    return lab.identity(device, good_chain)


@pytest.fixture(scope="session")
def credentials() -> ServerCredentials:
    return in_memory()


@pytest.fixture
def account(lab: Lab, credentials: ServerCredentials) -> Iterator[Account]:
    """The case's account under today's rules, its broker running."""
    with Account(now=lambda: NOW, profile="aws-2026", credentials=credentials) as opened:
        opened.register_ca(lab.root.certificate)
        opened.register_ca(lab.signer.certificate, case_template())
        yield opened


@pytest.fixture(scope="session")
def v1_certificate(lab: Lab) -> bytes:
    """The hand-made certificate of the case, version 1, DER."""
    return pki.make_v1_certificate(
        lab.signer,
        lab.key("hand-made").public_key,
        serial=lab.serial("hand-made"),
        not_before=NOW,
        not_after=datetime(2999, 5, 18, tzinfo=UTC),
    )
