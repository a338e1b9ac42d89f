"""A private key for the `cryptography` library that stays in its slot.

Certificate requests, certificates and anything else that takes an elliptic curve private key can be
signed by the chip through it.
"""

from typing import NoReturn

from softatecc.crypto import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicKey,
    EllipticCurveSignatureAlgorithm,
    Encoding,
    Hash,
    KeySerializationEncryption,
    Prehashed,
    PrivateFormat,
    UnsupportedAlgorithm,
    der_signature,
    public_key,
)
from softatecc.host import Host

_DIGEST_SIZE = 32


class ChipKey(EllipticCurvePrivateKey):
    """The private key in a slot; it signs there, and cannot be taken out.

    Args:
        host: the microcontroller with the chip.
        slot: a slot whose key exists and may sign external messages.
    """

    __slots__ = ("_host", "slot")

    def __init__(self, host: Host, slot: int) -> None:
        self._host = host
        #: The slot, 0 to 15.
        self.slot = slot

    def __repr__(self) -> str:
        return f"ChipKey(slot={self.slot})"

    def __copy__(self) -> "ChipKey":
        return ChipKey(self._host, self.slot)

    def __deepcopy__(self, memo: dict[int, object]) -> "ChipKey":
        return ChipKey(self._host, self.slot)

    @property
    def curve(self) -> EllipticCurve:
        """P-256, the chip's only curve."""
        return SECP256R1()

    @property
    def key_size(self) -> int:
        """256 bits."""
        return self.curve.key_size

    def public_key(self) -> EllipticCurvePublicKey:
        """The public half, computed by the chip."""
        return public_key(self._host.public_key(self.slot))

    def sign(
        self, data: bytes | bytearray | memoryview, signature_algorithm: EllipticCurveSignatureAlgorithm
    ) -> bytes:
        """An ECDSA signature of the data's hash, in DER; made in the slot.

        The chip signs 32 bytes: of a longer hash the leftmost 32, as ECDSA on P-256 prescribes.

        Raises:
            UnsupportedAlgorithm: deterministic signatures are asked for.
        """
        if not isinstance(signature_algorithm, ECDSA) or signature_algorithm.deterministic_signing:
            raise UnsupportedAlgorithm("the chip signs by ECDSA with a random number; ask for ec.ECDSA(hash)")
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, Prehashed):
            digest = bytes(data)
        else:
            hashing = Hash(algorithm)
            hashing.update(data)
            digest = hashing.finalize()

        leftmost = digest[:_DIGEST_SIZE].rjust(_DIGEST_SIZE, b"\x00")
        return der_signature(self._host.sign(self.slot, leftmost))

    def exchange(
        self,
        algorithm: ECDH,  # noqa: ARG002 - the library's signature
        peer_public_key: EllipticCurvePublicKey,  # noqa: ARG002 - likewise
    ) -> bytes:
        """Not through this object: the shared secret would leave the chip in the clear."""
        self._refuse("ECDH")

    def private_numbers(self) -> EllipticCurvePrivateNumbers:
        """Never: the key stays in the chip."""
        self._refuse("private_numbers")

    def private_bytes(
        self,
        encoding: Encoding,  # noqa: ARG002 - the library's signature
        format: PrivateFormat,  # noqa: A002, ARG002 - likewise
        encryption_algorithm: KeySerializationEncryption,  # noqa: ARG002 - likewise
    ) -> bytes:
        """Never: the key stays in the chip."""
        self._refuse("private_bytes")

    def _refuse(self, what: str) -> NoReturn:
        raise UnsupportedAlgorithm(
            f"{what} is refused: the private key stays in slot {self.slot}; use sign() and public_key()"
        )
