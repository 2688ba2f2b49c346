"""Ports for servers that stop and start again, and that others keep looking for meanwhile."""

from __future__ import annotations

import random
import socket

PORTS = range(10_000, 22_000)
"""Below 32768, from where on the kernel lends ports to clients: it would lend a stopped server's, which then could not
start again (seen). With room for a Redis Cluster's bus, 10000 above."""

BUS = 10_000


def lasting_port() -> int:
    """A port of loopback that is free, and so is the one BUS above; no client is lent either."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 - nobody has to be kept from guessing it
        try:
            for probed in (port, port + BUS):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", probed))
        except OSError:
            continue
        return port
