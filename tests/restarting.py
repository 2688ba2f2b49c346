"""How a target of a test declares its restart: `python restarting.py BINARIES DATA LOG USER`, as a program of its own.

pg_ctl remembers the options that the server was started with.
"""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
import sys
from pathlib import Path

from reconciler.demo.postgres_server import UNPRIVILEGED, PostgresServer


def restart_command(server: PostgresServer) -> str:
    """The command that restarts `server`, for the key `restart` of its target."""
    user = UNPRIVILEGED if os.geteuid() == 0 else ""
    arguments = [sys.executable, __file__, server.binaries, server.data, server.folder / "postgres.log", user]
    return shlex.join(map(str, arguments))


def main(binaries: str, data: str, log: str, user: str) -> int:
    account = pwd.getpwnam(user) if user else None
    with Path(log).with_name("restart.out").open("wb") as output:
        return subprocess.run(
            [f"{binaries}/pg_ctl", "-D", data, "-w", "-t", "600", "-m", "fast", "-l", log, "restart"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=data,
            user=account.pw_uid if account else None, group=account.pw_gid if account else None,
            extra_groups=[] if account else None, check=False,
        ).returncode  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
