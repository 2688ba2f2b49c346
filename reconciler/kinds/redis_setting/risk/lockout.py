"""Which values would keep this tool out of the server: refused while a plan is made, since nobody could undo them.

Each was seen to do it, on Redis 6.2, 7.0 or Valkey 9.1.

Decided: docs/decisions.md#what-keeps-the-tool-out
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from reconciler.formulas.memory_amounts import format_bytes
from reconciler.kinds.redis_setting.values import buffer_limits, meaning

OUR_CONNECTIONS = 16
"""Those of a run, with room for another one beside it."""

OUR_ANSWERS = 256 * 1024
"""Bytes: the longest answer to this tool on a server without clients is some ten thousand (INFO, ACL CAT)."""

EACH_CLIENT = 1024
"""Bytes of one line of CLIENT LIST, which an apply reads to see whether it is alone."""

OUR_MEMORY = 1 << 20
"""Bytes that the connections of a run take on the server, with room: each some 40 kB."""

HANDSHAKE = frozenset(
    {"tls-auth-clients", "tls-auth-clients-user", "tls-ca-cert-dir", "tls-ca-cert-file", "tls-cert-file", "tls-ciphers"}
    | {"tls-ciphersuites", "tls-dh-params-file", "tls-key-file", "tls-protocols"}
)
"""What decides whether a client and the server agree on TLS."""

ANY = {4: frozenset({"*", "0.0.0.0"}), 6: frozenset({"::*", "::"})}  # noqa: S104 - compared, nothing listens there


def locks_out(name: str, wanted: str, beside: Mapping[str, Any]) -> str:
    """Why this tool could not connect, or not be answered, after `name` is `wanted`; empty where it could.

    `beside` is what `read.py` reads together with such parameters.
    """
    info = beside.get("clients", {})
    connected = int(info.get("connected_clients", 0))
    memory = beside.get("memory", {})
    if name in HANDSHAKE and beside.get("encrypted"):
        return (
            "it comes in by TLS itself, and whether it still could is only seen afterwards: let its URL go without TLS"
        )
    match name:
        case "bind":
            return _unreachable(wanted, beside.get("client"))
        case "protected-mode" if wanted.lower() == "yes":
            return _protected(beside)
        case "tls-replication" | "tls-cluster" if wanted.lower() == "yes":
            if beside.get("tls-port", {}).get("tls-port", "0") == "0":
                return "Valkey 9.1 was seen to crash of it where TLS is not in use (tls-port 0): set that up before"
        case "maxclients":
            least = connected + OUR_CONNECTIONS
            if int(wanted) < least:
                return f"{connected} clients are connected, and this tool needs up to {OUR_CONNECTIONS}"
        case "client-output-buffer-limit":
            users = sum(map(len, beside.get("users", ())))  # ACL LIST
            least = OUR_ANSWERS + EACH_CLIENT * connected + users
            hard, soft, _ = buffer_limits(wanted).get("normal", (0, 0, 0))
            if 0 < (hard or least) < least or 0 < (soft or least) < least:
                return f"answers to this tool may take {format_bytes(least // 1024 * 1024)}, as to any normal client"
        case "maxmemory-clients":
            return _evicted(_share(wanted, int(memory.get("maxmemory", 0))), memory)
        case "maxmemory":
            limit = meaning(name, wanted)
            clients = beside.get("maxmemory-clients", {}).get("maxmemory-clients", "0")
            if isinstance(limit, int) and clients.endswith("%"):
                return _evicted(_share(clients, limit), memory)
    return ""


def _share(wanted: str, maxmemory: int) -> int:
    """Bytes that `maxmemory-clients` comes to."""
    means = meaning("maxmemory-clients", wanted)
    return means if isinstance(means, int) else maxmemory * int(str(means)[:-1]) // 100


def _evicted(limit: int, memory: Mapping[str, Any]) -> str:
    taken = int(memory.get("mem_clients_normal", 0))
    if not limit or limit >= taken + OUR_MEMORY:
        return ""
    return f"clients would be closed beyond {format_bytes(limit)} in all, and this tool's among them"


def _unreachable(wanted: str, client: Mapping[str, str] | None) -> str:
    if client is None:
        return "by which address this tool comes in is not to be seen: its user needs +client|info"
    host = _host(client.get("laddr", ""))
    if host is None:
        return ""  # over a socket of the file system
    listening = {address.removeprefix("-").lower() for address in wanted.split()}
    if listening & ANY[host.version] or (str(host) == "127.0.0.1" and "localhost" in listening):
        return ""
    if any(_same(address, host) for address in listening):
        return ""
    return f"it comes in by {host}, where the server would no longer listen"


def _protected(beside: Mapping[str, Any]) -> str:
    client, user = beside.get("client"), beside.get("acl")
    if client is None or user is None:
        return "whether it comes from another machine is not to be seen: its user needs +client|info +acl|getuser"
    host = _host(client.get("addr", ""))
    if host is None or host.is_loopback or "nopass" not in user["flags"]:
        return ""
    return "the default user needs no password, so that the server would answer nobody from another machine"


def _host(address: str) -> Any:
    """The IP address of `127.0.0.1:6379` or `[::1]:6379`; None for a path."""
    found = re.fullmatch(r"\[?([0-9a-fA-F:.]+)\]?:\d+", address)
    return ip_address(found[1]) if found else None


def _same(address: str, host: Any) -> bool:
    try:
        return bool(ip_address(address) == host)
    except ValueError:
        return False
