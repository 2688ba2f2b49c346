"""Where the server listens, and who it lets in there.

A server that finds none of its addresses does not start, and one that listens elsewhere starts without anybody who
could come in: the tool among them. What is known to work is the door that its own session came in by.
"""

from __future__ import annotations

from ipaddress import ip_address

from reconciler.kinds.pg_setting.startup.next_start import Start, Unseen

LISTENING = frozenset({"listen_addresses"})
SOCKETS = frozenset({"unix_socket_directories", "unix_socket_group", "unix_socket_permissions"})
MOVED = frozenset({"hba_file", "ident_file", "port"})

LONGEST_SOCKET = 107
"""Bytes of a socket's path (sun_path of Linux)."""


def listening(start: Start) -> str:
    """An address by which it is certain that the server can be reached: the one by which this session reached it."""
    wanted = start.items("listen_addresses")
    if not start.differs("listen_addresses"):
        return ""
    address = start.around.address
    if address is None:  # by a Unix socket: any address that is there will do, and none as well
        known = {"*", "0.0.0.0", "localhost", "127.0.0.1", *_now(start)}  # noqa: S104 - compared, not bound
        if not wanted or known & set(wanted):
            return ""
        return f"none of {', '.join(wanted)} is known to be an address of the machine, and it needs one: add localhost"
    if {"*", *_names(address)} & set(wanted):
        return ""
    return (
        f"this session came in at {address}, which would not be listened on, and the server does not start if it has "
        f"none of the addresses: add {address}, or declare '*'"
    )


def _now(start: Start) -> tuple[str, ...]:
    """What listens already; of several addresses one may be missing unnoticed."""
    now = start.now.get("listen_addresses")
    return now if isinstance(now, tuple) and len(now) == 1 else ()


def _names(address: str) -> set[str]:
    """Items of listen_addresses that cover `address`."""
    found = ip_address(address)
    everywhere = "0.0.0.0" if found.version == 4 else "::"  # noqa: S104 - compared, not bound
    # localhost may be ::1 alone, and then 127.0.0.1 is not listened on; nobody has seen that on a server.
    return {address, everywhere, *({"localhost"} if found.is_loopback and found.version == 4 else ())}


def sockets(start: Start) -> str:
    """Folders in which the server can make its sockets, and keeps those by which this session came in."""
    folders = start.items("unix_socket_directories")
    if start.name == "unix_socket_permissions":
        closed = start.around.address is None and not start.number(start.name) & 0o222
        return "nobody could come in by the socket, as this session does" if closed else ""
    if start.name == "unix_socket_group":
        return _group(start) if folders else ""
    if not start.differs("unix_socket_directories"):
        return ""
    if start.version < 14 and len(folders) > 1:
        return "PostgreSQL 13 takes several folders in postgresql.conf only, and not from ALTER SYSTEM"
    now = start.now.get("unix_socket_directories")
    there: tuple[str, ...] = now if isinstance(now, tuple) else ()
    if start.around.address is None and not set(there) <= set(folders):
        return f"this session came in by a socket: keep {', '.join(there)}"
    for folder in folders:
        if folder in there:
            continue
        reason = _folder(start, folder)
        if reason:
            return reason
    return ""


def _folder(start: Start, folder: str) -> str:
    path = f"{folder}/.s.PGSQL.{start.number('port') or 65535}"
    if len(path.encode()) > LONGEST_SOCKET:
        return f"the path of a socket has no more than {LONGEST_SOCKET} bytes: {path} is longer"
    if folder.startswith("@"):
        return "" if start.version >= 14 else "sockets without a file (@…) need PostgreSQL 14"
    seen = start.around.paths.get(folder)
    if seen is None:
        return Unseen(f"whether the server may write to {folder} could not be seen")
    if seen != "directory":
        return f"{folder} is no directory: make it first"
    if start.inside(folder) is not None:
        return ""
    return f"it has to write to {folder}, and nobody can see from here whether it may: change it where it is started"


def _group(start: Start) -> str:
    group = start.text("unix_socket_group")
    if not group or not start.differs("unix_socket_group"):
        return ""
    groups = start.around.groups
    if groups is None:
        return Unseen(f"whether the server's user belongs to the group {group} could not be seen")
    return "" if group in groups else f"its user does not belong to a group {group}: add it there first"


def moved(start: Start) -> str:
    """Another port, or other rules for who may come in: nothing that can be changed through the door itself."""
    if not start.differs(start.name):
        return ""
    if start.name == "port":
        return (
            "every client, and this tool, comes in by the old one: change it where the server is configured, "
            "restart it, and change the target's URL"
        )
    return (
        "it says who may come in, and nobody can see from here whether the server can read it, nor whether this tool "
        "could still log in: change it where the server is configured"
    )
