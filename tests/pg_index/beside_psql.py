"""Indexes as somebody builds them with psql, and the same texts in a declaration: two databases, to be compared."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

import psycopg
from live import outcomes

from pg_index.constructs import SETUP, TABLE
from pg_index.declared import tables
from reconciler.demo.postgres_server import PostgresServer
from reconciler.kinds.pg_index import KIND
from reconciler.model import Change, Notice, Outcome, PostgresTarget, SqlStep, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.yaml.writing import LeftOut, Noted

ON_ONE_TABLE = 40
"""Indexes of one table: each further one takes longer."""

DEFINITIONS = """
    select i.relname, pg_get_indexdef(i.oid) from pg_index x join pg_class i on i.oid = x.indexrelid
    where i.relnamespace = 'public'::regnamespace and not x.indisprimary
"""

_numbers = itertools.count()


class Written(NamedTuple):
    """An index by the texts of its keys and its condition."""

    keys: Sequence[str]
    where: str = ""

    def statement(self, name: str, table: str) -> str:
        """What a person gives to psql; each key is an expression."""
        keys = ", ".join(f"({key}\n)" for key in self.keys)
        return f"create index {name} on {table} ({keys})" + (f" where {self.where}" if self.where else "")


def in_lines(text: str) -> str:
    """The same with line breaks and comments before its parentheses."""
    return text.replace("(", '( -- it\'s\n  /* a "comment" */ ')


def as_columns(index: Written, name: str, table: str) -> dict[str, Any]:
    """In the short form, conditions in one line."""
    keys = [f"({key})" for key in index.keys]
    return {"columns": keys, "where": index.where} if index.where else {"columns": keys}


def as_lines(index: Written, name: str, table: str) -> dict[str, Any]:
    """In the short form, in several lines, with comments, and keys without parentheses of their own where they can."""
    return as_columns(Written([in_lines(key) for key in index.keys], in_lines(index.where)), name, table)


def as_sql(index: Written, name: str, table: str) -> dict[str, Any]:
    """The statement."""
    return {"sql": index.statement(name, table)}


class Databases:
    """Databases of one server that have the tables, and what is in them."""

    def __init__(self, server: PostgresServer, tables: int) -> None:
        self._server = server
        self._made: list[str] = []
        self.tables = tables
        with psycopg.connect(self.fresh(), autocommit=True) as connection:
            self.version = connection.info.server_version // 10000
            self.has_xml = _has_xml(connection)
            connection.execute(SETUP)
            for number in range(tables):
                xml = ", x xml" if self.has_xml else ""
                connection.execute(TABLE.format(table=f"w{number}", xml=xml))

    def fresh(self) -> str:
        """The URL of a new one."""
        name = f"beside_{next(_numbers)}"
        template = self._made[0] if self._made else "template1"
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            connection.execute(f"create database {name} template {template}")
        self._made.append(name)
        return self._server.url(name)

    def drop(self) -> None:
        with psycopg.connect(self._server.url(), autocommit=True) as connection:
            for name in self._made:
                connection.execute(f"drop database {name} (force)")


@contextmanager
def databases(server: PostgresServer, tables: int) -> Iterator[Databases]:
    found = Databases(server, tables)
    try:
        yield found
    finally:
        found.drop()


def _has_xml(connection: psycopg.Connection) -> bool:
    with suppress(psycopg.errors.FeatureNotSupported):
        connection.execute("select xmlparse(document '<a/>')")
        return True
    return False


def place(number: int) -> tuple[str, str]:
    """Name and table of the index with this number."""
    return f"i{number}", f"public.w{number // ON_ONE_TABLE}"


def build(url: str, indexes: Sequence[Written]) -> dict[int, str]:
    """Builds them as psql does; returns what the server refused, and why."""
    refused = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for number, index in enumerate(indexes):
            try:
                connection.execute(index.statement(*place(number)))
            except psycopg.Error as error:
                refused[number] = str(error).splitlines()[0]
    return refused


def target(url: str) -> Target:
    return PostgresTarget(name="main", url=url, memory=16 << 30)


def compared(url: str, section: dict[str, Any]) -> list[Outcome]:
    """What a plan of `tables: section` finds."""
    return outcomes(KIND, target(url), tables(target(url), section))


def apply(url: str, section: dict[str, Any]) -> None:
    """Runs the statements of a plan, without waiting for anybody, as nobody is there; the second plan is empty."""
    found = compared(url, section)
    assert [outcome.message for outcome in found if isinstance(outcome, Notice)] == []
    with psycopg.connect(url, autocommit=True) as connection:
        for change in found:
            for step in change.steps if isinstance(change, Change) else ():
                for statement in step.statements if isinstance(step, SqlStep) else ():
                    connection.execute(statement.replace("index concurrently", "index", 1).encode())
    assert differences(compared(url, section)) == []


def differences(found: Sequence[Outcome]) -> list[tuple[str, str]]:
    return [(each.address.name, each.message if isinstance(each, Notice) else each.reason) for each in found]


def section(indexes: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Of declarations by number."""
    found: dict[str, Any] = {}
    for number, entry in indexes.items():
        name, table = place(number)
        found.setdefault(table, {"indexes": {}})["indexes"][name] = entry
    return found


def imported(url: str) -> dict[str, Any]:
    """The section that an import writes."""
    with closing(connect(target(url), Secrets({}))) as session:
        written_out = KIND.written(session)["tables"]
    # Of a table with a primary key alone, nothing is written but that.
    found = {name: table for name, table in written_out.items() if not isinstance(table, LeftOut)}
    for table in found.values():
        left_out = {name: entry.reason for name, entry in table["indexes"].items() if isinstance(entry, LeftOut)}
        assert all("constraint" in reason for reason in left_out.values()), left_out
        for names in left_out:
            del table["indexes"][names]
        for name, entry in table["indexes"].items():
            table["indexes"][name] = entry.value if isinstance(entry, Noted) else entry
    return found


def definitions(url: str) -> dict[str, str]:
    """By name of the index, what PostgreSQL prints of it."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute(DEFINITIONS).fetchall())


def restored(url: str, texts: dict[str, str]) -> dict[str, str]:
    """What PostgreSQL makes of its own definitions `texts`, as pg_dump has them; their own text where it cannot."""
    with psycopg.connect(url, autocommit=True) as connection:
        for text in texts.values():
            with suppress(psycopg.Error):
                connection.execute(text.encode())
    return texts | definitions(url)
