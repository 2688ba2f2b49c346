"""Which hosts PostgreSQL's driver would try for a connection string."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from psycopg import pq

from reconciler.allow_lists import Reach
from reconciler.errors import ConnectionFailed
from reconciler.model import PostgresTarget


def refuse_hosts(target: PostgresTarget, reach: Reach, declared: Mapping[str, Any]) -> None:
    """Raises ConnectionFailed where one of the hosts is not among those that may be connected to.

    What `declared` leaves open, the driver takes from its environment and from service files: PGHOST, PGHOSTADDR,
    PGSERVICE. A `hostaddr` is what is connected to, whatever the `host` beside it is called.
    """
    if reach.hosts is None:
        return
    if declared.get("service") or declared.get("servicefile"):
        raise ConnectionFailed(
            target.name,
            "its URL names a service, whose file could name any host",
            hint="write the host into the URL, where only some may be connected to",
        )
    for host, port in hosts_and_ports(declared):
        reach.refuse_host(target.name, host, port)


def hosts_and_ports(declared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a connection string with these options leads to; of a Unix socket the host is empty, or a folder."""
    given = {each.keyword.decode(): each.val.decode() for each in pq.Conninfo.get_defaults() if each.val is not None}
    named = {**given, **{key: str(value) for key, value in declared.items() if value is not None}}
    hosts, addresses, ports = (named.get(key, "").split(",") for key in ("host", "hostaddr", "port"))
    for number, (host, address) in enumerate(zip_longest(hosts, addresses, fillvalue="")):
        port = ports[number] if number < len(ports) else ports[0] if len(ports) == 1 else ""
        # What names neither is a Unix socket, in a folder that was chosen when the driver was built.
        yield address.strip() or host.strip(), port.strip() or "5432"
