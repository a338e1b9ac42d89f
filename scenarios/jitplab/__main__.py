"""``python -m jitplab``."""

import sys

from jitplab.cli import main

sys.exit(main())
