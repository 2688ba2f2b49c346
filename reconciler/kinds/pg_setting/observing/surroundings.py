"""What is around the server, as far as a role may see it: memory, files, slots, the way in."""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_setting.observed import Around, HugePages
from reconciler.kinds.pg_setting.startup import memory
from reconciler.kinds.pg_setting.startup.standby import NOT_LOWER
from reconciler.kinds.pg_setting.startup.tls import ENCRYPTED, FILES
from reconciler.kinds.pg_setting.values import Canonical
from reconciler.targets.postgres.session import PostgresSession, Row

_KEPT = sql.SQL("""
    select pg_catalog.count(*) filter (where slot_type = 'logical') as logical,
           pg_catalog.count(*) filter (where slot_type <> 'logical') as physical,
           (select pg_catalog.count(*) from pg_catalog.pg_prepared_xacts) as prepared,
           {origins} as origins,
           pg_catalog.host(pg_catalog.inet_server_addr()) as address
    from pg_catalog.pg_replication_slots where not temporary
""")

MAY = sql.SQL("""
    pg_catalog.has_table_privilege('pg_catalog.pg_replication_origin_status', 'select')
    and pg_catalog.has_function_privilege('pg_catalog.pg_show_replication_origin_status()', 'execute')
        as may_see_origins,
    pg_catalog.has_function_privilege('pg_catalog.pg_read_file(text,bigint,bigint,boolean)', 'execute') as may_read,
    pg_catalog.has_function_privilege('pg_catalog.pg_stat_file(text,boolean)', 'execute')
    and pg_catalog.has_function_privilege('pg_catalog.pg_read_binary_file(text,bigint,bigint,boolean)', 'execute')
        as may_look
""")
"""What the role may look at, as columns of a query."""

_UNCONVERTIBLE = sql.SQL("""
    select datname as name from pg_catalog.pg_database
    where datallowconn and encoding <> 0 and encoding <> pg_catalog.pg_char_to_encoding(%(client)s)
      and pg_catalog.pg_char_to_encoding(%(client)s) > 0
      and not exists (select from pg_catalog.pg_conversion
                      where condefault and conforencoding = encoding
                        and contoencoding = pg_catalog.pg_char_to_encoding(%(client)s))
    order by 1
""")
"""Nought is SQL_ASCII, which is converted to and from nothing."""

_MEMORY = ("/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_GROUPS = ("/proc/self/status", "/etc/group")
_IO_URING = "/proc/sys/kernel/io_uring_disabled"
"""Files of Linux: proc(5), cgroups(7), group(5)."""

_READ = sql.SQL("""
    select path, pg_catalog.pg_read_file(path, 0, 1000000, true) as content
    from pg_catalog.unnest(%(paths)s::pg_catalog.text[]) as path
""")
_STAT = sql.SQL("""
    select stat.isdir as is_directory, stat.size as size from pg_catalog.pg_stat_file(%(path)s, true) as stat
""")
"""Pipes and devices, which whoever declares may name as well, have no size: to read them may take for ever."""

_PEM = sql.SQL("""
    select word from pg_catalog.unnest(%(words)s::pg_catalog.text[]) as word
    where position(pg_catalog.convert_to(word, 'SQL_ASCII')
                   in pg_catalog.pg_read_binary_file(%(path)s, 0, 1000000, true)) > 0
""")
"""The server looks itself: no key leaves it."""

_CONTROL_VERSIONS = frozenset({1300, 1700, 1800})
_CONTROL_OFFSET = 180
"""Where ControlFileData (pg_control.h) has the primary's max_connections, and what follows; seen on 13 to 18."""


def around(session: PostgresSession, may: Row, declared: frozenset[str], coming: Mapping[str, Canonical]) -> Around:
    """What the rules need for the `declared` names, but for paths. `may` has the columns of MAY, `coming` as Server.

    Two round trips, more where a file is there and cannot be read. Raises ObservationFailed.
    """
    origins = "0"
    if may["may_see_origins"]:
        origins = "(select pg_catalog.count(*) from pg_catalog.pg_replication_origin_status)"
    row = session.fetch(_KEPT.format(origins=sql.SQL(origins)))[0]
    wanted = [
        *(_MEMORY if declared & (memory.SHARED | memory.HUGE) else ()),
        *(_GROUPS if "unix_socket_group" in declared else ()),
        *((_IO_URING,) if "io_method" in declared else ()),
    ]
    read = _contents(session, wanted) if may["may_read"] and wanted else {}
    meminfo = dict(re.findall(r"^(\w+):\s+(\d+)", read.get(_MEMORY[0], ""), re.MULTILINE))
    limits = [int(text) for path in _MEMORY[1:] if (text := read.get(path, "").strip()).isdigit()]
    total = int(meminfo["MemTotal"]) * 1024 if "MemTotal" in meminfo else None
    client = {"client": coming.get("client_encoding")} if "client_encoding" in declared else None
    # Of nodes that are declared together the order is seen to, and a restart waits for its primary (see restart).
    together = session.target.node_of or session.target.standbys
    known = [amount for amount in (session.target.memory, total, *limits) if amount]
    return Around(
        memory=min(known) if known else None,
        huge_pages=_huge_pages(meminfo),
        logical_slots=row["logical"],
        physical_slots=row["physical"],
        prepared=row["prepared"],
        origins=row["origins"],
        address=row["address"],
        groups=_groups(*(read[path] for path in _GROUPS)) if all(read.get(path) for path in _GROUPS) else None,
        io_uring_disabled=read.get(_IO_URING, "").strip() or None,
        unconvertible=tuple(row["name"] for row in session.fetch(_UNCONVERTIBLE, client)) if client else (),
        primary={}
        if together
        else _primary(session)
        if session.in_recovery and may["may_look"] and declared & set(NOT_LOWER)
        else None,
    )


def looked_at(session: PostgresSession, found: Around, paths: Collection[str]) -> Around:
    """`found`, with what is at `paths` of the server (relative to its data directory), where it can be looked at."""
    seen: dict[str, str] = {}
    pem: dict[str, tuple[str, ...]] = {}
    for path in sorted(paths):
        with suppress(ObservationFailed):
            [found_there] = session.fetch(_STAT, {"path": path})
            is_directory = found_there["is_directory"]
            seen[path] = "missing" if is_directory is None else "directory" if is_directory else "file"
        if seen.get(path) == "file" and found_there["size"]:
            with suppress(ObservationFailed):
                words = session.fetch(_PEM, {"path": path, "words": sorted({*FILES.values(), ENCRYPTED})})
                pem[path] = tuple(row["word"] for row in words)
    return found.model_copy(update={"paths": seen, "pem": pem})


def _contents(session: PostgresSession, paths: Sequence[str]) -> dict[str, str]:
    """Texts by path; without those that are not there, or that the server may not read."""
    try:
        return {row["path"]: row["content"] for row in session.fetch(_READ, {"paths": paths}) if row["content"]}
    except ObservationFailed:
        if len(paths) == 1:
            return {}
        return {path: text for one in paths for path, text in _contents(session, [one]).items()}


def _huge_pages(meminfo: Mapping[str, str]) -> HugePages | None:
    names = ("Hugepagesize", "HugePages_Free", "HugePages_Total")
    if not set(names) <= meminfo.keys():
        return None
    size, free, total = (int(meminfo[name]) for name in names)
    return HugePages(size=size * 1024, free=free, total=total)


def _groups(status: str, group: str) -> tuple[str, ...]:
    """Names and numbers of the groups that the server's process belongs to."""
    numbers: set[str] = set()
    for line in status.splitlines():
        if line.startswith(("Gid:", "Groups:")):
            numbers.update(line.split()[1:])
    fields = (line.split(":") for line in group.splitlines())
    return tuple(sorted(numbers | {parts[0] for parts in fields if len(parts) > 2 and parts[2] in numbers}))


def _primary(session: PostgresSession) -> Mapping[str, int] | None:
    """What the primary had at its last change that was replayed here; None where pg_control is not understood."""
    try:
        raw = session.fetch("select pg_catalog.pg_read_binary_file('global/pg_control', 0, 512, false) as content")
    except ObservationFailed:
        return None
    content = bytes(raw[0]["content"])
    if struct.unpack_from("<I", content, 8)[0] not in _CONTROL_VERSIONS:
        return None
    return dict(zip(NOT_LOWER, struct.unpack_from("<5i", content, _CONTROL_OFFSET), strict=True))
