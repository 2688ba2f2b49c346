"""The corpus on a server: one database where all of it was made by hand, and others with its tables alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from pg_index import corpus
from reconciler.desired.load import Desired, load
from reconciler.kinds.pg_index.as_yaml import index_name, table_name
from reconciler.kinds.registry import KINDS
from reconciler.model import Plan
from reconciler.planning.importing import write_target
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.yaml.writing import document

SPACES = ("corpus_space", "Odd Space")

INDEXES = """
    select n.nspname, t.relname, i.relname, tn.nspname,
           pg_get_indexdef(i.oid), obj_description(i.oid, 'pg_class'), i.reloptions, ts.spcname,
           (select array_agg((a.attnum, a.attstattarget)::text order by a.attnum) from pg_attribute a
            where a.attrelid = i.oid and a.attstattarget >= 0),
           x.indisvalid,
           (select rn.relname from pg_class rn where rn.oid = pg_partition_root(i.oid) and i.relispartition),
           (select c.conname from pg_constraint c where c.conindid = i.oid and c.contype in ('p', 'u', 'x'))
    from pg_index x
    join pg_class i on i.oid = x.indexrelid
    join pg_class t on t.oid = x.indrelid
    join pg_namespace tn on tn.oid = t.relnamespace
    join pg_namespace n on n.oid = i.relnamespace
    left join pg_tablespace ts on ts.oid = i.reltablespace
    where n.nspname not in ('pg_catalog', 'pg_toast')
"""


class Live(NamedTuple):
    """Everything about an index that can be declared."""

    definition: str
    comment: str | None
    options: list[str] | None
    tablespace: str | None
    statistics: list[str] | None
    valid: bool


class World:
    """Everything that the tests of one version share."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.databases: list[str] = []
        with self.admin() as connection:
            self.abilities = corpus.abilities(connection)
            self.major = connection.info.server_version // 10000
            self.make_spaces(connection)
        tables = self.database("template1")
        with psycopg.connect(tables, autocommit=True) as connection:
            for entry in corpus.of(corpus.schema(), self.abilities):
                for statement in entry.statements:
                    connection.execute(statement.encode())
        self.entries = corpus.of(corpus.indexes(), self.abilities)
        self.by_hand = self.fresh()
        with psycopg.connect(self.by_hand, autocommit=True) as connection:
            for entry in self.entries:
                for statement in entry.statements:
                    connection.execute(statement.encode())
        self.made = live_indexes(self.by_hand)

    def admin(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url(), autocommit=True)

    def make_spaces(self, connection: psycopg.Connection) -> None:
        owner = self.server.data.stat()
        for name in SPACES:
            space = self.server.data.parent / f"space {name}"
            space.mkdir()
            space.chmod(0o700)
            shutil.chown(space, owner.st_uid, owner.st_gid)
            connection.execute(f"create tablespace \"{name}\" location '{space}'")

    def database(self, template: str) -> str:
        name = f"corpus_{len(self.databases)}"
        with self.admin() as connection:
            connection.execute(f"create database {name} template {template}")
        self.databases.append(name)
        return self.server.url(name)

    def fresh(self) -> str:
        """The URL of a database that has the tables and none of the indexes."""
        return self.database("corpus_0")

    def close(self) -> None:
        with self.admin() as connection:
            for name in self.databases:
                connection.execute(f"drop database {name} (force)")
            for name in SPACES:
                connection.execute(f'drop tablespace "{name}"')
                shutil.rmtree(self.server.data.parent / f"space {name}")

    def desired(self, url: str, text: str) -> Desired:
        return desired_state(self.folder, url, text)

    def plan(self, url: str, text: str) -> Plan:
        return planned(self.desired(url, text))

    @cached_property
    def imported(self) -> dict[str, Any]:
        target = self.desired(self.by_hand, "").targets["main"]
        return {"tables": write_target(target, Secrets({})).sections["tables"]}

    def imported_text(self) -> str:
        return document({"target": "main", **self.imported})

    def restored(self, key: tuple[str, str, str], definition: str) -> str:
        """What PostgreSQL makes of its own definition of an index."""
        url = self.fresh()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(definition.encode())
        return live_indexes(url)[key].definition

    def declared(self, form: Callable[[corpus.Entry], dict[str, Any]]) -> str:
        """YAML that declares every entry in the given form, with its comment and statistics targets beside it."""
        tables: dict[str, Any] = {}
        for entry in self.entries:
            if entry.name in NOT_DECLARED:
                continue
            made = self.made[*entry.name, ""]
            section = tables.setdefault(table_name(*entry.table), {"indexes": {}})
            section["indexes"][index_name(entry.name[1])] = form(entry) | beside(made)
        return document({"target": "main", "tables": tables})


def desired_state(folder: Path, url: str, text: str) -> Desired:
    """What our own loader makes of `text`, written to `folder`, for the database at `url`."""
    (folder / "targets.yaml").write_text("targets:\n  main: {postgres: '${CORPUS_URL}'}\n")
    (folder / "main.yaml").write_text(text, encoding="utf-8")
    env = {"CORPUS_URL": url}
    return load(folder, KINDS, env, Secrets(env))


def planned(desired: Desired) -> Plan:
    plan = make_plan(desired.targets, desired.resources, Secrets({}), created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert plan.unreachable == ()
    return plan


NOT_DECLARED = {("public", "pt_half"): "made on the partitioned table only: INVALID until it has parts"}


def beside(made: Live) -> dict[str, Any]:
    """What is declared of an index beside its definition."""
    found: dict[str, Any] = {}
    if made.comment is not None:
        found["comment"] = made.comment
    if made.statistics:
        found["statistics"] = dict(each.strip("()").split(",") for each in made.statistics)
    return found


def live_indexes(url: str) -> dict[tuple[str, str, str], Live]:
    """By schema, name and "", or by schema and table of a part and the partitioned index that it is part of.

    Parts have names that PostgreSQL chooses; constraints' own are left out.
    """
    found = {}
    with psycopg.connect(url) as connection:
        for row in connection.execute(INDEXES):
            schema, table, name, table_schema, definition, *attributes, root, constraint = row
            if constraint:
                continue
            if root:
                definition = re.sub(" INDEX .*? ON ", " INDEX … ON ", definition)
            key = (table_schema, table, root) if root else (schema, name, "")
            found[key] = Live(definition, *attributes)
    return found
