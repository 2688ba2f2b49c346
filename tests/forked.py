"""The command line as a process of its own, at once: forked off a process that has imported it already.

Importing takes far longer than most commands do, and tests start hundreds of them. What is started is a process like
any other, with a number, signals and an exit code, and can be killed; only it was not the test that started it, so that
another has to say how it ended.

Decided: docs/decisions.md#forked-command-lines
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

PRELOADED = (
    "reconciler.cli.app", "reconciler.cli.plan", "reconciler.cli.apply", "reconciler.cli.drift", "reconciler.cli.demo",
    "reconciler.cli.check", "reconciler.cli.validate", "reconciler.cli.import", "reconciler.desired.load",
    "reconciler.planning.make", "reconciler.targets.http",
    "reconciler.applying.rehearsal", "reconciler.applying.executing.patroni", "reconciler.targets.postgres.session",
    "reconciler.targets.redis.session", "reconciler.views.text", "reconciler.views.live", "postgast", "httpx",
)  # fmt: skip

RUN = "import forked, json, sys; sys.exit(forked.run(json.loads(sys.argv[1]), json.loads(sys.argv[2])))"
"""The same where nothing can be forked: a program of its own."""


def start(
    arguments: Sequence[str | Path], environment: Mapping[str, str], constants: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> Forked | subprocess.Popen[str]:  # fmt: skip
    """`reconciler` with these arguments, and this environment and nothing else, in `folder`, else in that of the tests.

    `constants` are set before: `{"reconciler.applying.cleaning.CLEANING_LOCK_TIMEOUT": "300ms"}`.
    """
    words = [str(argument) for argument in arguments]
    if sys.platform == "linux":
        return Forked(_server(), words, environment, constants or {}, folder or Path.cwd())
    return subprocess.Popen(
        [sys.executable, "-c", RUN, json.dumps(words), json.dumps(constants or {})],
        env={**environment, "PYTHONPATH": os.pathsep.join(map(str, Path(__file__).parents[:2]))},
        cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run(arguments: Sequence[str], constants: Mapping[str, Any]) -> int:
    """As `python -m reconciler`: what it returns is the exit code."""
    from reconciler.cli.app import run as reconciler

    for path, value in constants.items():
        module, _, name = path.rpartition(".")
        setattr(importlib.import_module(module), name, value)
    return reconciler(arguments)


class Forked:
    """A running `reconciler`, as subprocess.Popen shows one."""

    def __init__(
        self, server: _Server, arguments: Sequence[str], environment: Mapping[str, str], constants: Mapping[str, Any],
        folder: Path,
    ) -> None:  # fmt: skip
        self.args = arguments
        self.returncode: int | None = None
        self._server = server
        self._output = [tempfile.TemporaryFile("w+") for _ in range(2)]  # noqa: SIM115 - closed when it has ended
        self.pid = server.fork(arguments, environment, constants, folder, self._output)
        self._end = os.pidfd_open(self.pid)

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._end, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None: it runs."""
        if self.returncode is None and self._ended(0):
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end. Raises TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            if not self._ended(timeout):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._server.ended(self.pid)
            os.close(self._end)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it said on standard output and standard error, once it has ended. Raises TimeoutExpired."""
        self.wait(timeout)
        said = []
        for each in self._output:
            with each:
                each.seek(0)
                said.append(each.read())
        return said[0], said[1]

    def _ended(self, seconds: float | None) -> bool:
        return bool(select.select([self._end], [], [], seconds)[0])


class _Server:
    """The process that others are forked off. Asked one question at a time."""

    def __init__(self) -> None:
        # The code beside these tests, wherever an installed one comes from.
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(Path(__file__).parents[1]))))
        self._process = subprocess.Popen(
            [sys.executable, __file__], env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        atexit.register(self._process.kill)

    def fork(
        self, arguments: Sequence[str], environment: Mapping[str, str], constants: Mapping[str, Any],
        folder: Path, output: Sequence[IO[str]],
    ) -> int:  # fmt: skip
        # By their names in /proc: no descriptor has to travel.
        files = [f"/proc/{os.getpid()}/fd/{each.fileno()}" for each in output]
        asked = {"run": [list(arguments), constants], "environment": dict(environment), "folder": str(folder)}
        return self._asked({**asked, "output": files})

    def ended(self, pid: int) -> int:
        return self._asked({"ended": pid})

    def _asked(self, question: Mapping[str, object]) -> int:
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@cache
def _server() -> _Server:
    return _Server()


def _serve() -> None:
    for module in PRELOADED:
        importlib.import_module(module)
    gc.freeze()  # what is shared with the children stays so
    for line in sys.stdin:
        asked = json.loads(line)
        if "ended" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["ended"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                os._exit(_child(asked))
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _child(asked: Mapping[str, Any]) -> int:
    # A shell has what it runs in the background ignore Ctrl-C, the tests and all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    for number, path in enumerate((os.devnull, *asked["output"])):
        opened = os.open(path, os.O_RDWR)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in ((0, "r"), (1, "w"), (2, "w")))
    try:
        return run(*asked["run"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    _serve()
