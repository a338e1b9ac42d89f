"""One module per command of ``jitplab``: ``add_to`` describes it, its ``act`` runs it."""

import argparse
from typing import TypeAlias

#: What ``add_to`` is given.
SubParsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name
