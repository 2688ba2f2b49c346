"""Nothing stays behind of a run of the tests, however it ends: not a server, not a folder.

A run has one folder, and a process that watches over it. When the run is over (it says so, or it is killed, and its
end of the pipe closes), whatever still runs in the folder or was started from it is ended, and the folder removed. The
watcher is in a session of its own, so that no Ctrl-C reaches it, and needs nothing of the run.

Decided: docs/decisions.md#psutil
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "RECONCILER_TEST_FOLDER"
"""The environment variable that names the folder, to all processes that the run starts."""

PATIENCE = 30
"""Seconds for everything to be gone: PostgreSQL takes a moment to end its own processes and to free shared memory."""


class Watcher:
    """The process that watches over `folder`."""

    def __init__(self, folder: Path) -> None:
        # Of a run within a run, too: it is there to outlive what it watches over.
        environment = {name: value for name, value in os.environ.items() if name not in (MARK, "TMPDIR")}
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment,
            cwd="/", start_new_session=True,
        )  # fmt: skip
        self._process.stdin.write(f"{folder}\n".encode())
        self._process.stdin.flush()

    def sweep(self) -> None:
        """Has everything ended and removed, and waits for it; not for ever, since the run is over."""
        self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2 * PATIENCE)


def of_the_run(folder: str) -> list[psutil.Process]:
    """Processes that the run has started: by their environment, or because they are about its folder, where nobody sits
    at a terminal and looks into it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            told = any(environment.get(name, "").startswith(folder) for name in (MARK, "TMPDIR"))
            about = any(folder in each for each in [process.cwd(), *process.cmdline()]) and process.terminal() is None
            if process.pid != os.getpid() and (told or about):
                found.append(process)
    return found


def sweep(folder: Path) -> None:
    """Ends what there is of the run, and removes its folder.

    First by SIGQUIT, which makes PostgreSQL stop at once and free its shared memory, and ends everything else, too;
    sent to those that others came from, so that a server does not take the end of its own processes for a crash.
    """
    deadline = time.monotonic() + PATIENCE
    patience = 5.0
    while time.monotonic() < deadline and (found := of_the_run(str(folder))):
        pids = {process.pid for process in found}
        for process in found:
            with suppress(psutil.Error):
                if patience <= 0:
                    process.kill()
                elif process.ppid() not in pids:
                    process.send_signal(signal.SIGQUIT)
        _, alive = psutil.wait_procs(found, timeout=1)
        patience -= 1.0 if alive else 0.0
    mounted = [Path(each.mountpoint) for each in psutil.disk_partitions(all=True)]
    for place in sorted((each for each in mounted if each.is_relative_to(folder)), reverse=True):
        if subprocess.run(["umount", place], check=False).returncode:
            return  # what is in there may be anybody's
    for place, folders, _ in os.walk(folder):
        for each in folders:  # some were made such that nobody may look into them
            if not Path(place, each).is_symlink():
                with suppress(OSError):
                    Path(place, each).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


PREFIX = "reconciler-test-"
"""How the folder of a run is called."""

ABANDONED = 3600
"""Seconds after which a folder that no process is about is nobody's: a run begins with none but itself."""


def sweep_abandoned(parent: Path) -> None:
    """Removes the folders of runs whose watchers were killed with them, as when a machine halts. They are in memory,
    10 GB each."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            found = folder.stat()
            old = time.time() - found.st_mtime > ABANDONED
            if old and found.st_uid == os.getuid() and not of_the_run(str(folder)):
                sweep(folder)


if __name__ == "__main__":
    named = Path(sys.stdin.readline().strip())
    sys.stdin.read()  # returns when the run is over
    sweep(named)
