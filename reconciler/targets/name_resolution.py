"""Names of hosts, looked up before a driver does, which has no bound for that."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address

from reconciler.errors import ConnectionFailed
from reconciler.targets import bounds


def refuse_unanswered(target: str, hosts: Iterable[str]) -> None:
    """Raises ConnectionFailed where nobody says in time what the address of one of `hosts` is.

    That there is none is for the driver to find out, and to say. Sockets of this machine and addresses need no look-up.
    """
    for host in hosts:
        if host and not host.startswith(("/", "@")) and not _is_address(host):
            _looked_up(target, host)


def _looked_up(target: str, host: str) -> None:
    late = ConnectionFailed(
        target,
        f"cannot connect: the name {host} was not resolved within {bounds.CONNECT_SECONDS:g} s",
        hint="check the name servers of this machine",
        silent=True,
    )
    with suppress(OSError, UnicodeError):
        bounds.within(bounds.CONNECT_SECONDS, lambda: socket.getaddrinfo(host, None), lambda: late)


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host.partition("%")[0].strip("[]")))
    return False
