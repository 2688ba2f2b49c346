"""A checkout that somebody else has written, whoever runs the tool beside it, and servers that note who comes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from forked import start

SECRET = "the-runners-s3cret"
"""What nobody may see, and no stranger's server may get."""

TOO_LONG = 300
"""Seconds after which a run counts as hanging: each takes one or two, and far more on a busy machine."""


class Done(NamedTuple):
    """What a run came to; `code` None: it did not end."""

    code: int | None
    out: str
    err: str

    @property
    def shown(self) -> str:
        return self.out + self.err


class Checkout:
    """A repository with `desired/` in it, and a folder beside it that is not its business."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repo"
        self.outside = folder / "outside"
        self.desired = self.root / "desired"
        for each in (self.root / ".git", self.desired, self.outside):
            each.mkdir(parents=True)
        (self.root / ".git" / "config").write_text(f"[http]\n  token = {SECRET}\n")
        (self.outside / "secret").write_text(SECRET)
        (self.root / "package.json").write_text('{"dependencies": {"pg": "1"}}')

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, redirected: str = "") -> Done:
        """The program, as a pipeline starts it. `redirected` is what a shell puts behind it."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RECONCILER_", "PG"))}
        if not redirected:
            forked = start(arguments, {**kept, **(env or {})}, folder=self.root)
            try:
                out, err = forked.communicate(timeout=TOO_LONG)
            except subprocess.TimeoutExpired:
                forked.kill()
                return Done(None, *forked.communicate())
            return Done(forked.returncode, out, err)
        command = ["bash", "-c", f'set -o pipefail; "$@" {redirected}', "bash", sys.executable, "-m", "reconciler"]
        with subprocess.Popen(
            [*command, *arguments], cwd=self.root,
            env={**kept, "PYTHONPATH": str(Path(__file__).parents[2]), **(env or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        ) as process:  # fmt: skip
            try:
                out, err = process.communicate(timeout=TOO_LONG)
            except subprocess.TimeoutExpired:
                os.killpg(
                    process.pid, signal.SIGKILL
                )  # the shell's children, too, which hold the other end of our pipes
                return Done(None, *process.communicate())
        return Done(process.returncode, out, err)


class Application(ThreadingHTTPServer):
    """Answers each path with what `answers` has, else with 200, and notes path and headers of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.thread = threading.Thread(target=self.serve_forever, args=[0.01], daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(f"{self.path}\n{self.headers}")
        status, headers, body = self.server.answers.get(self.path, (200, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *arguments):
        pass


class Stranger:
    """A server of somebody else: counts who connects, and hangs up."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.visits = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.visits += 1
                connection.close()

    def stop(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
