"""The `aws` command line with its modules loaded once: a process that forks for each command.

Half of what `aws` takes is loading itself. What runs is its own, unmodified ``main``; only the way into the
process differs. Reads one JSON object a line (``argv``, ``cwd``, ``env``, ``out``, ``err``) and answers the
exit code of each.
"""

from __future__ import annotations

import json
import os
import sys

import awscli.clidriver  # type: ignore[import-untyped]


def run(order: dict[str, object]) -> None:
    """Become the command; never returns."""
    os.chdir(str(order["cwd"]))
    own = {"AWS_DATA_PATH": os.environ["AWS_DATA_PATH"]}  # set when it was loaded
    os.environ.clear()
    os.environ.update({**order["env"], **own})  # type: ignore[dict-item]
    for number, name in ((1, "out"), (2, "err")):
        descriptor = os.open(str(order[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
    argv = list(order["argv"])  # type: ignore[call-overload]
    sys.argv = ["aws", *argv]
    code = awscli.clidriver.main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Serve until standard input ends."""
    awscli.clidriver.create_clidriver()  # once for nothing: it loads what every command needs
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            run(order)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
