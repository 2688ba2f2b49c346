"""Ports for servers that stop and start again, and that others keep looking for meanwhile."""

from __future__ import annotations

import random
import socket
import sys

PORTS = range(10_000, 20_000)
"""Below 32768, from where on the kernel lends ports to clients: it would lend a stopped server's, which then could not
start again (seen). With room for a Redis Cluster's bus, 10000 above."""

BUS = 10_000

KEPT = 300
"""Ports that are kept for this process after they were given: those of more servers than any test has."""

_kept: dict[int, socket.socket] = {}


def lasting_port() -> int:
    """A port of loopback that is free, and so is the one BUS above; no client is lent either.

    It is given to nobody else for a good while: of two clusters that choose their ports before they start their
    servers, one would not start (seen, with several processes side by side).
    """
    while True:
        port = random.choice(PORTS)  # noqa: S311 - nobody has to be kept from guessing it
        if port in _kept or not _keep(port):
            continue
        try:
            for probed in (port, port + BUS):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", probed))
        except OSError:
            continue
        return port


def _keep(port: int) -> bool:
    """Whether the tests of no other process keep `port`: now they see that this one does.

    By a name for which there need not be a file, and which the kernel forgets with the process. Linux alone has such.
    """
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if sys.platform == "linux":
        try:
            name.bind(f"\0reconciler-test-port-{port}")
        except OSError:
            name.close()
            return False
    _kept[port] = name
    if len(_kept) > KEPT:
        _kept.pop(next(iter(_kept))).close()
    return True
