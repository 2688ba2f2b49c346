"""Databases of one server: made as copies of each other, and the indexes that are in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from pg_index.corpus.world import Live, live_indexes
from psycopg import sql

from reconciler.demo.postgres_server import PostgresServer

Name = tuple[str, str]
"""Schema and name of an index."""

# Numbers of classes and collations are the same in copies of a database; what is printed may hide another one.
CATALOGUE = """
    select n.nspname, i.relname, i.relpersistence::text,
           (select jsonb_object_agg(key, value) from jsonb_each(to_jsonb(x)) where key in (
                'indnatts', 'indnkeyatts', 'indisunique', 'indisexclusion', 'indimmediate', 'indnullsnotdistinct',
                'indkey', 'indcollation', 'indclass', 'indoption'))
    from pg_index x join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = i.relnamespace
    where not i.relispartition
"""

PARTS = """
    select rn.nspname, r.relname, tn.nspname, t.relname,
           regexp_replace(pg_get_indexdef(i.oid), ' INDEX .*? ON ', ' INDEX … ON '), i.reloptions, i.reltablespace
    from pg_index x
    join pg_class i on i.oid = x.indexrelid
    join pg_class t on t.oid = x.indrelid
    join pg_namespace tn on tn.oid = t.relnamespace
    join pg_class r on r.oid = pg_partition_root(i.oid)
    join pg_namespace rn on rn.oid = r.relnamespace
    where i.relispartition
    order by 1, 2, 3, 4
"""

TO_DROP = """
    select n.nspname, i.relname
    from pg_index x join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = i.relnamespace
    where n.nspname not in ('pg_catalog', 'pg_toast') and not i.relispartition
      and not exists (select from pg_constraint c where c.conindid = i.oid and c.contype in ('p', 'u', 'x'))
      and not exists (select from pg_depend d where d.objid = i.oid and d.deptype = 'e')
"""

SESSIONS = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"


class Index(NamedTuple):
    """All that makes an index what it is. `parts`: those of a partitioned one."""

    live: Live
    persistence: str
    catalogue: dict[str, Any]
    parts: tuple[tuple[Any, ...], ...]


class Databases:
    """Those of `server`; `folder` is where the desired state is written that is planned against them."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self._there: list[str] = []
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with self.connection("postgres") as connection:
            self._version = connection.info.server_version // 10000

    def url(self, name: str) -> str:
        """A connection URL."""
        return self._server.url(name)

    @contextmanager
    def connection(self, name: str) -> Iterator[psycopg.Connection]:
        """A connection of our own, in autocommit mode."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            yield connection

    def copy(self, template: str = "template0") -> str:
        """A new database; whatever is still connected to its template is ended."""
        name = f"suites_{next(self._numbers)}"
        self.end_sessions(template)
        # Files that are copied take half the time of pages that are logged, which is what 15 and later do by default.
        copied = " strategy file_copy" if self._version >= 15 else ""
        with self.connection("postgres") as connection:
            connection.execute(f"create database {name} template {template}{copied}")
        self._there.append(name)
        return name

    @contextmanager
    def copied(self, template: str) -> Iterator[str]:
        """A copy for a while."""
        name = self.copy(template)
        try:
            yield name
        finally:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Makes room; what keeps a database, as a subscription does, goes with the server."""
        self.end_sessions(name)
        with self.connection("postgres") as connection, suppress(psycopg.Error):
            connection.execute(f"drop database if exists {name} (force)")
        self._there.remove(name)

    def close(self) -> None:
        """Drops all that are still there."""
        for name in list(self._there):
            self.drop(name)

    def end_sessions(self, name: str) -> None:
        """Ends sessions and prepared transactions: neither lets a database be copied or dropped."""
        with self.connection("postgres") as connection:
            connection.execute(SESSIONS, [name])
            prepared = connection.execute("select gid from pg_prepared_xacts where database = %s", [name]).fetchall()
        for (transaction,) in prepared:
            with self.connection(name) as connection:
                connection.execute(sql.SQL("rollback prepared {}").format(transaction))

    def search_in(self, name: str, path: Sequence[str] | None) -> None:
        """Sets the search_path of sessions to come; None: as it is by default."""
        database = sql.Identifier(name)
        with self.connection("postgres") as connection:
            if path is None:
                connection.execute(sql.SQL("alter database {} reset search_path").format(database))
            else:
                schemas = sql.SQL(", ").join(map(sql.Identifier, path)) if path else sql.Literal("")
                connection.execute(sql.SQL("alter database {} set search_path = {}").format(database, schemas))

    def indexes(self, name: str) -> dict[Name, Index]:
        """Those that are no constraint's, and no part of another one."""
        live = live_indexes(self.url(name))
        parts: dict[Name, list[tuple[Any, ...]]] = {}
        with self.connection(name) as connection:
            for schema, root, *part in connection.execute(PARTS):
                parts.setdefault((schema, root), []).append(tuple(part))
            rows = connection.execute(CATALOGUE).fetchall()
        return {
            name: Index(live[*name, ""], persistence, catalogue, tuple(parts.get(name, ())))
            for schema, index, persistence, catalogue in rows
            for name in [(schema, index)]
            if (*name, "") in live
        }  # fmt: skip

    def reread(self, name: str, key: Name, index: Index) -> Index:
        """As PostgreSQL prints an index that it builds of its own text, as pg_restore does: AND is flattened."""
        place = sql.Identifier(*key)
        with self.connection(name) as connection, connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("drop index if exists {}").format(place))
            connection.execute(index.live.definition.encode())
            query = "select pg_get_indexdef(%s::regclass)"
            ((printed,),) = connection.execute(query, [place.as_string(None)]).fetchall()
        return index._replace(live=index.live._replace(definition=printed))

    def drop_indexes(self, name: str) -> None:
        """Drops all that are no constraint's, and the foreign keys that lean on them."""
        with self.connection(name) as connection:
            for index in connection.execute(TO_DROP).fetchall():
                connection.execute(sql.SQL("drop index {} cascade").format(sql.Identifier(*index)))
