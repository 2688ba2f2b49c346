"""What the servers of a demonstration have in common."""

from __future__ import annotations

import socket

from reconciler.errors import ReconcilerError

START_SECONDS = 60
"""How long a server may take to answer: a tenth of a second here, far more on a busy machine."""


STOP_SECONDS = 60
"""How long a server may take to write what it has. Then Redis is killed, and PostgreSQL stopped without that."""


POLL_SECONDS = 0.01
"""Between two looks whether a server is there, or gone."""


START_ATTEMPTS = 5
"""A free port can be taken by another process between asking for it and listening on it."""


class ServerFailed(ReconcilerError):
    """An embedded server did not start or stop; the message holds the end of its log."""


def free_port() -> int:
    """A TCP port of loopback on which nothing listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
