"""Which servers a target leads to, as its URLs name them, and how many sessions to each reading it may hold at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from reconciler.model import HttpTarget, PostgresTarget, RedisTarget, Target


def sessions_to(target: Target) -> Counter[str]:
    """By server, `host:port` as a URL has it: the target's own, and those that it is asked about beside, one after the
    other: its replicas, what its checks are run by, the other nodes of a Redis.

    Names are not looked up, so that one server under two names counts as two. A URL that cannot be read leads nowhere:
    whoever connects meets the error.
    """
    own = Counter(places(target))
    match target:
        case PostgresTarget():
            others = [*target.replicas, *([target.checks_as] if target.checks_as else [])]
            beside = [_of_postgres(url) for url in others]
        case RedisTarget():
            urls = [*target.replicas, *target.sentinels, *(node.url for node in target.beside)]
            beside = [_of_url(url, "6379") for url in urls]
        case HttpTarget():
            beside = []
    return own + Counter({place for found in beside for place in found})


def places(target: Target) -> frozenset[str]:
    """The servers that the target itself leads to: several where its URL names several hosts."""
    match target:
        case PostgresTarget():
            return frozenset(_of_postgres(target.url))
        case RedisTarget():
            return frozenset(_of_url(target.url, "6379"))
        case HttpTarget():
            return frozenset(_of_url(target.url, ""))


def _of_postgres(url: SecretStr) -> Iterable[str]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from reconciler.targets.postgres.allowed_hosts import hosts_and_ports

    try:
        declared = conninfo_to_dict(url.get_secret_value())
    except psycopg.ProgrammingError:
        return ()
    return [_place(host, port) for host, port in hosts_and_ports(declared)]


def _of_url(url: SecretStr, port: str) -> Iterable[str]:
    try:
        parts = urlsplit(url.get_secret_value())
        if not parts.scheme:
            return ()
        return [_place(parts.hostname, str(parts.port or port)) if parts.hostname else parts.path]
    except ValueError:
        return ()


def _place(host: str, port: str) -> str:
    """One spelling of a host and a port that have several: `DB1.`, `0:0:0:0:0:0:0:1`, `::ffff:10.0.0.1`, `05432`."""
    name = host if host.startswith("/") else host.lower().removesuffix(".")
    with suppress(ValueError):
        address = ip_address(name)
        name = str(getattr(address, "ipv4_mapped", None) or address)
    return f"{name}:{int(port) if port.isascii() and port.isdigit() else port}"
