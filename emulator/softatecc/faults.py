"""What is wrong with a part: set by tests and by fault injection, looked at by the chip.

Rules of this file:
1. A healthy part has the defaults; the chip reads them and never changes them.
2. A fault lasts until whoever set it takes it back; what the chip remembers of it (its failure bits) is
   in `softatecc.memory.Volatile`.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """Defects of one part.

    Attributes:
        health_test_fails: every random number fails its health test; the commands that need one answer 08.
        self_test_failures: the self tests that fail when they are run, bits as in SelfTest's mode.
        ecc_fails: every computation of the ECC engine fails its own check and answers 05.
    """

    health_test_fails: bool = False
    self_test_failures: int = 0
    ecc_fails: bool = False
