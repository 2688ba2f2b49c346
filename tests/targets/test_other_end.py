"""Whose the other end of a connection is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.targets.redis import other_end
from reconciler.targets.redis.other_end import holds_other_end

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own lists are those of Linux")

HOSTS = {
    "IPv4": ("127.0.0.1", "127.0.0.1"),
    "IPv6": ("::1", "::1"),
    "IPv4 of a server that listens on IPv6": ("::", "127.0.0.1"),
}


@pytest.fixture(params=["asked for", "listed"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How it is found: by one question, and where that is forbidden."""
    if request.param == "listed":
        monkeypatch.setattr(other_end, "_asked_for", lambda *_: 0)
    return request.param


@pytest.fixture(params=HOSTS)
def connection(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """To a socket of this very process."""
    listens, called = HOSTS[request.param]
    family = socket.AF_INET6 if ":" in listens else socket.AF_INET
    with (
        closing(socket.create_server((listens, 0), family=family, dualstack_ipv6=listens == "::")) as server,
        closing(socket.create_connection((called, server.getsockname()[1]))) as ours,
        closing(server.accept()[0]),
    ):
        yield ours


def test_the_process_that_has_the_socket_holds_it_and_no_other(way, connection, monkeypatch):
    if way == "asked for":
        monkeypatch.setattr(other_end, "_listed", lambda *_: pytest.fail("it was to be asked for"))
    assert holds_other_end(Path(f"/proc/{os.getpid()}"), connection)
    with subprocess.Popen(["sleep", "60"]) as other:
        assert not holds_other_end(Path(f"/proc/{other.pid}"), connection)
        other.kill()


def test_an_end_that_nobody_here_has_is_held_by_nobody(way, connection):
    class Elsewhere:
        family = connection.family

        def getsockname(self) -> tuple[str, int]:
            return connection.getsockname()

        def getpeername(self) -> tuple[str, int]:
            return connection.getpeername()[0], 1

    assert not holds_other_end(Path(f"/proc/{os.getpid()}"), Elsewhere())
