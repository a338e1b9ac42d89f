"""May this certificate do this to that resource? IAM's evaluation, for the actions MQTT knows.

Rules of this package:
1. An explicit Deny wins over any Allow; without an Allow the answer is no.
2. ``*`` and ``?`` are wildcards, ``+`` and ``#`` are letters.
3. What cannot be resolved or understood matches nothing, and the answer says so.
4. Every answer names the statement that decided, or says that none matched.
"""

from jitpbroker.policy.context import Context
from jitpbroker.policy.document import PolicyInvalid, parse_policy
from jitpbroker.policy.evaluate import Answer, NamedPolicy, evaluate

__all__ = ["Answer", "Context", "NamedPolicy", "PolicyInvalid", "evaluate", "parse_policy"]
