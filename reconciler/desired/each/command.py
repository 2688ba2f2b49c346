"""Rows of what a command prints: CSV, or a list of mappings where it begins with [ or -.

It runs as whoever runs this, with his environment and without a shell. Nothing of what it prints is quoted.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from reconciler.desired.each.csv_rows import csv_rows
from reconciler.desired.each.rows import Rows
from reconciler.desired.each.source import CommandSource, words
from reconciler.desired.each.yaml_rows import yaml_rows
from reconciler.errors import DesiredError
from reconciler.secrets import Secrets
from reconciler.yaml.document import MOST_BYTES
from reconciler.yaml.suggestions import quoted

SECONDS = 60.0
"""For the command to end: it asks a cloud's API, or a secret store."""

LONGEST_REASON = 300
"""Letters of the last line that a failed command wrote to its standard error."""

CHUNK = 1 << 16


def rows_of_command(source: CommandSource, at: str, secrets: Secrets) -> Rows:
    """The rows; `at` is where the command stands. Raises DesiredError."""
    data = _output(source.command, at, secrets)
    reader = yaml_rows if data.lstrip()[:1] in (b"[", b"-") else csv_rows
    try:
        return reader(data, words(source), "", "line")
    except DesiredError as error:
        line = error.at.split(":")[1] if error.at else "1"
        why = "this is no list of mappings" if reader is yaml_rows else error.message
        raise DesiredError(f"what the command printed cannot be read: line {line}: {why}", at=at) from None


def _output(command: list[str], at: str, secrets: Secrets) -> bytes:
    called = f"the command {quoted(command[0])}"
    with _ended_with_us() as begin:
        try:
            process = subprocess.Popen(  # noqa: S603 - only from the file that whoever runs this has named
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "a word holds a NUL"
            raise DesiredError(f"{called} could not be run: {why}", at=at, hint="it is run without a shell") from None
        begin(process)
        with process:
            try:
                out, err = _read(process, called, at)
            except BaseException:
                _end(process)
                raise
    if process.returncode:
        code = process.returncode
        how = f"exited with {code}" if code > 0 else f"was ended by signal {-code}"
        lines = err.decode(errors="replace").strip().splitlines()
        hint = secrets.redact(lines[-1])[:LONGEST_REASON] if lines else "it said nothing on standard error"
        raise DesiredError(f"{called} {how}", at=at, hint=hint)
    return out


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # its children as well, which may hold the other end of our pipes
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _ended_with_us() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """While the body runs, what ends this process (SIGTERM, a closed terminal) ends the command, too, with which the
    body calls what it gets: the command has a session of its own, and nobody would bound it any more.

    Signals are handed to the main thread alone: elsewhere they are left to that.
    """
    begun: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if begun:
            _end(begun[0])
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def begin(process: subprocess.Popen[bytes]) -> None:
        begun.append(process)
        if asked:
            end(asked[0], None)

    is_main = threading.current_thread() is threading.main_thread()
    ending = (signal.SIGTERM, signal.SIGHUP) if is_main else ()
    ours = [number for number in ending if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield begin
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
        if asked:  # of what could not be begun
            os.kill(os.getpid(), asked[0])


def _read(process: subprocess.Popen[bytes], called: str, at: str) -> tuple[bytes, bytes]:
    """What it, and whatever it has started, prints until its end. Raises DesiredError where that takes too long, or is
    too much."""
    deadline = time.monotonic() + SECONDS
    found = {"out": bytearray(), "err": bytearray()}
    with selectors.DefaultSelector() as waiting:
        for stream, name in ((process.stdout, "out"), (process.stderr, "err")):
            if stream is not None:
                waiting.register(stream, selectors.EVENT_READ, name)
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                chunk = os.read(key.fd, CHUNK)
                if not chunk:
                    waiting.unregister(key.fileobj)
                into = found[key.data]
                into += chunk
                if key.data == "err":
                    del into[:-CHUNK]
                elif len(into) > MOST_BYTES:
                    raise DesiredError(f"{called} printed more than {MOST_BYTES >> 20} MB, and was ended", at=at)
        may_print_more = process.stdout is not None and process.stdout in waiting.get_map()
    try:
        process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        hint = "it gets no input: does it ask for a password?"
        raise DesiredError(f"{called} did not end within {SECONDS:.0f} s, and was ended", at=at, hint=hint) from None
    if may_print_more:  # what is missing may be rows
        hint = "start it with its output elsewhere: >/dev/null 2>&1"
        why = f"has ended, and what it started still held its output after {SECONDS:.0f} s"
        raise DesiredError(f"{called} {why}", at=at, hint=hint)
    return bytes(found["out"]), bytes(found["err"])
