"""Libraries that are to be preloaded: whether the server would find each of them, and could load it.

Decided: docs/decisions.md#libraries
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_setting.observing import elf_dependencies
from reconciler.targets.postgres.session import PostgresSession

_SUFFIXES = ("", ".so", ".dylib")
"""What the server tries after a name: as it stands, then the suffix of its platform."""

_LOCAL = "$libdir/plugins/"
"""The only folder that local_preload_libraries may name: anybody may set it."""

_LOOK = sql.SQL("""
    with candidates as (
        select path, position from pg_catalog.pg_config c,
               pg_catalog.unnest(%(paths)s::pg_catalog.text[]) with ordinality as given(template, position),
               pg_catalog.replace(template, '$libdir', c.setting) as path
        where c.name = 'PKGLIBDIR'
    ), there as materialized (
        select path, position from candidates
        where not (pg_catalog.pg_stat_file(path, true)).isdir and (pg_catalog.pg_stat_file(path, true)).size > 0
    )
    select path,
           position(pg_catalog.convert_to('Pg_magic_func', 'SQL_ASCII') in pg_catalog.pg_read_binary_file(path)) > 0
               as is_module
    from there order by position limit 1
""")
"""Needs pg_config, pg_stat_file and pg_read_binary_file, so in practice a superuser. Every module defines Pg_magic_func
(PG_MODULE_MAGIC in fmgr.h); libpq.so and its like in the same folder do not, and cannot be loaded. Pipes and devices,
which whoever declares may name as well, have no size: to read them may take for ever."""


_READ = sql.SQL("select pg_catalog.pg_read_binary_file(%(path)s) as content")

_UNMET = sql.SQL(r"""
    with cache as materialized (
        select coalesce(pg_catalog.pg_read_binary_file('/etc/ld.so.cache', 0, 16000000, true), '') as content
    ), loaded as materialized (
        select coalesce(pg_catalog.pg_read_file('/proc/self/maps', 0, 16000000, true), '') as content
    ), folders as (
        select folder from pg_catalog.unnest(%(folders)s::pg_catalog.text[]) as folder
        union all select setting from pg_catalog.pg_config where name in ('LIBDIR', 'PKGLIBDIR')
    )
    select name from pg_catalog.unnest(%(names)s::pg_catalog.text[]) as name, cache, loaded
    where position(pg_catalog.convert_to('/' || name, 'SQL_ASCII') || '\x00'::pg_catalog.bytea in cache.content) = 0
      and position('/' || name || E'\n' in loaded.content) = 0
      and not exists (select from folders where (pg_catalog.pg_stat_file(folder || '/' || name, true)).size is not null)
""")
"""Where the loader looks (ld.so(8)), and what the server has loaded already."""

_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")


def missing(session: PostgresSession, setting: str, names: Sequence[str], search_path: str) -> tuple[str, ...] | None:
    """Those of `names` that could not be loaded, some with the reason; None where the server cannot be asked.

    `search_path` is dynamic_library_path. What a library does when it is loaded, only loading it would tell.
    """
    found = []
    for name in names:
        paths = _candidates(setting, name, search_path)
        if not paths:
            found.append(f"{name} (it may only be in {_LOCAL})")
            continue
        try:
            rows = session.fetch(_LOOK, {"paths": paths})
        except ObservationFailed:
            return None
        if not rows:
            found.append(name)
        elif not rows[0]["is_module"]:
            found.append(f"{name} ({rows[0]['path']} is no module of PostgreSQL)")
        elif unmet := _unmet(session, rows[0]["path"]):
            found.append(f"{name} (it needs {', '.join(unmet)})")
    return tuple(found)


def _unmet(session: PostgresSession, path: str) -> list[str]:
    """Libraries that the one at `path` needs and that are nowhere; empty where that cannot be told."""
    try:
        wanted = elf_dependencies.needs(bytes(session.fetch(_READ, {"path": path})[0]["content"]))
        if wanted is None:
            return []
        origin = path.rpartition("/")[0]
        own = [folder.replace("$ORIGIN", origin).replace("${ORIGIN}", origin) for folder in wanted.folders]
        rows = session.fetch(_UNMET, {"names": list(wanted.names), "folders": [*own, *_SYSTEM]})
    except ObservationFailed:
        return []
    return [row["name"] for row in rows]


def _candidates(setting: str, name: str, search_path: str) -> list[str]:
    """Files that the server tries, in its order (expand_dynamic_library_name in dfmgr.c); none where it refuses to."""
    if setting == "local_preload_libraries":
        bare = name.removeprefix(_LOCAL)
        folders = [] if "/" in bare else [_LOCAL.rstrip("/")]
    elif "/" in name:
        return [name + suffix for suffix in _SUFFIXES]
    else:
        bare, folders = name, [folder for folder in search_path.split(":") if folder]
    return [f"{folder}/{bare}{suffix}" for folder in folders for suffix in _SUFFIXES]
