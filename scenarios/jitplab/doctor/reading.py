"""How the firmware reads its chip, told by the chain it sent: every way is tried until one gives that chain.

Rules of this file:
1. A firmware is believed only if it gives what was sent, byte for byte.
2. Ways of reading are generated from the dump: every slot with 72 bytes, every key that GenKey computes, each
   with and without the eight zeros that cryptoauthlib 3.7.9 and later hash behind a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jitplab.doctor.chip_dump import ChipDump
from jitplab.doctor.registered import Sent
from jitplab.doctor.situation import Firmware, Situation, presented
from softatecc.certificate import CertificateError


def firmware_that_sends(situation: Situation, sent: Sent) -> Firmware | None:
    """The firmware nearest to the situation's that gives what was sent, ``None`` where none does.

    Args:
        situation: its firmware is tried first.
        sent: at least one certificate.
    """
    for firmware in _ways(situation.dump, situation.firmware):
        try:
            chain = presented(replace(situation, firmware=firmware))
        except (CertificateError, LookupError, ValueError):
            continue
        if _is(chain, sent):
            return firmware
    return None


def _is(chain: tuple[bytes, ...], sent: Sent) -> bool:
    if sent.whole is not None:
        return chain == sent.whole
    return sent.leaf in {None, chain[0]} and sent.signer in {None, *chain[1:]}


def _ways(dump: ChipDump, first: Firmware) -> Iterator[Firmware]:
    """Every way to read, what is meant first."""
    readable = [slot for slot in sorted(dump.slots) if dump.stored_key(slot) is not None]
    roots = dict.fromkeys(
        (
            (first.root_key_slot, first.is_genkey),
            *((slot, False) for slot in readable),
            *((slot, True) for slot in sorted(dump.keys)),
            (None, False),
        )
    )
    signers = dict.fromkeys((first.signer_key_slot, *readable))
    tails = dict.fromkeys((first.key_tail, b"", bytes(8)))
    for signer in signers:
        for tail in tails:
            for root, is_genkey in roots:
                yield replace(
                    first,
                    root_key_slot=root,
                    is_genkey=is_genkey,
                    signer_key_slot=signer,
                    key_tail=tail,
                )
