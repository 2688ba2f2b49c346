"""Empty copies of tables, made and thrown away in one transaction each, on which changes are tried.

Decided: docs/decisions.md#rehearsals
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import sql

from reconciler.kind.applying import Rehearsal
from reconciler.model import Change, PostgresTarget
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.foreign.strangers import STRANGERS_HAVE_SOMETHING
from reconciler.targets.postgres.server_messages import CAME_MEANWHILE, SOMEBODY_MADE, said
from reconciler.targets.postgres.session import OWN_PATH_IS

if TYPE_CHECKING:
    from reconciler.targets.postgres.bounded_connection import HeardConnection
    from reconciler.targets.postgres.session import Row

# A type that is the row of a table is no matter: kinds leave out what speaks of whole rows.
# Functions are never looked for in pg_temp, but types are, and would be hidden by a table of their name; pg_catalog
# stays before it as long as the path does not name it.
_PATH = "select pg_catalog.set_config('search_path', %s, false)"

_RECOVERY = "select pg_catalog.pg_is_in_recovery() as standby"

_TABLES = """
    select w.schema, w.name, pg_catalog.pg_get_partkeydef(c.oid) as partition_key,
           t.oid is not null and coalesce(r.relkind, 'c') = 'c' as hides_a_type,
           case when pg_catalog.pg_get_userbyid(c.relowner) <> current_user
                then pg_catalog.pg_get_userbyid(c.relowner) end as owner
    from rows from (pg_catalog.unnest(%s::pg_catalog.text[]),
                    pg_catalog.unnest(%s::pg_catalog.text[])) as w(schema, name)
    join pg_catalog.pg_namespace n on n.nspname = w.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
    left join pg_catalog.pg_type t
           on t.oid = case when pg_catalog.set_config('search_path', %s, true) is not null
                           then pg_catalog.to_regtype(pg_catalog.quote_ident(w.name)) end
    left join pg_catalog.pg_class r on r.oid = t.typrelid
"""

NOT_ITS_FAULT = ("25", "40", "53", "55", "57", "58", "XX")
"""Classes of SQLSTATE that speak of the moment or of the machine, not of the statement: read-only, rolled back, out of
resources, locked, cancelled, I/O, internal."""


AT_ONCE = 16
"""Tables whose copies are made on one round trip, each in a transaction of its own."""

SHOWN = 3
"""Tables that are named where many could not be tried for the same reason."""


Table = tuple[str, str]
"""Schema and name."""


class _Copied(NamedTuple):
    """A table of which a copy is made, and what is tried on it."""

    table: Table
    facts: Row
    tries: Sequence[tuple[Change, Rehearsal]]
    code: ForeignCode


class Copies:
    """The copies of one target, one after the other."""

    def __init__(self, target: PostgresTarget, connection: HeardConnection) -> None:
        self._target = target
        self._connection = connection
        self._path = ""
        self.refused: list[tuple[Change, str]] = []
        self._left_out: dict[str, list[Table]] = {}
        self._order: dict[Table, int] = {}

    def play(
        self, by_table: dict[tuple[str, str], list[tuple[Change, Rehearsal]]], interrupted: Callable[[], bool]
    ) -> None:
        """Tries everything, table by table. Raises psycopg.Error where the connection is of no use."""
        self._order = {table: number for number, table in enumerate(by_table)}
        own = self._own_path()
        if own["standby"]:
            for table in by_table:
                self._leave(table, "a standby can hold no copies")
            return
        found, code = self._seen(own, by_table)
        self._path = ", ".join(filter(None, ["pg_temp", own["own_path"]]))
        copied: list[_Copied] = []
        for table, tries in by_table.items():
            facts = found.get(table)
            foreign = (
                code.in_event_triggers()
                or code.in_table(table)
                or next((why for _, each in tries for text in each.reached if (why := code.in_text(text))), "")
            )
            if facts is None:
                self._leave(table, "not there any more")
            elif foreign:
                self._leave(table, foreign)
            else:
                copied.append(_Copied(table, facts, tries, code))
        for start in range(0, len(copied), AT_ONCE):
            if interrupted():
                return
            self._on_copies(copied[start : start + AT_ONCE])

    def _own_path(self) -> Row:
        """The role's search_path, as a text and as schemas, whether the server is a standby, and whether strangers have
        something; the path is empty again afterwards."""
        recovery, _, path, _, strangers = self._connection.together(
            [(_RECOVERY, None), ("reset search_path", None), (OWN_PATH_IS, None), (_PATH, ("",)),
             (STRANGERS_HAVE_SOMETHING, None)]
        )  # fmt: skip
        [own], [standby], [theirs] = path, recovery, strangers
        return {**own, **standby, **theirs}

    def _seen(
        self, own: Row, by_table: Mapping[Table, Sequence[tuple[Change, Rehearsal]]]
    ) -> tuple[Mapping[Table, Row], ForeignCode]:
        """The tables that there are, and whose code a copy would run: it is ours, so that nothing keeps its expressions
        from running as we do."""
        connection = self._connection
        texts = [text for tries in by_table.values() for _, each in tries for text in each.reached if text]
        catalog_first = own["all_schemas"][:1] == ["pg_catalog"]
        question = Question(
            own["search_path"], texts, tuple(by_table), catalog_first=catalog_first, strangers=own["something"]
        )
        schemas, names = [schema for schema, _ in by_table], [name for _, name in by_table]
        _, *answers, _, tables = connection.together(
            [("begin", None), *question.queries, ("rollback", None), (_TABLES, (schemas, names, own["own_path"]))]
        )
        found = {(row["schema"], row["name"]): row for row in tables}
        return found, ForeignCode(question, [each.fetchall() for each in answers])

    def _on_copies(self, copied: Sequence[_Copied]) -> None:
        """Tries all of them on one round trip; where anything is refused, one after the other, to tell what."""
        connection = self._connection
        asked: list[tuple[Any, Any]] = []
        for table, facts, tries, code in copied:
            asked += [("begin", None), *code.with_path(self._path), (_copy(table, facts["partition_key"]), None)]
            for _, rehearsal in tries:
                asked.append(("savepoint before_it", None))
                asked += [(statement.encode(), None) for statement in rehearsal.statements]  # one statement each
                asked.append(("rollback to savepoint before_it", None))
            asked.append(("rollback", None))
        try:
            connection.together(asked)
        except psycopg.Error:
            if connection.broken:
                raise
            connection.rollback()
            for each in copied:
                self._on_a_copy(*each)

    def _on_a_copy(
        self, table: Table, facts: Row, tries: Sequence[tuple[Change, Rehearsal]], code: ForeignCode
    ) -> None:
        connection = self._connection
        connection.execute("begin")
        try:
            try:
                # On a path that is empty until then, and is again when the copy is gone.
                for query, params in code.with_path(self._path):
                    connection.execute(query, params)
                connection.execute(_copy(table, facts["partition_key"]))
            except psycopg.Error as error:
                if connection.broken:
                    raise
                came = error.sqlstate == CAME_MEANWHILE
                self._leave(table, SOMEBODY_MADE if came else self._said(error, ".".join(table)))
                return
            refused = set()
            for change, rehearsal in tries:
                if change.address in refused:
                    continue
                found = self._try(rehearsal)
                if found and facts["owner"] and self._is_owned_by(facts["owner"], table):
                    # CREATE INDEX runs functions as the table's owner, and some look at who that is.
                    found = self._try(rehearsal)
                if found is None:
                    continue
                why = self._said(found, "\n".join(rehearsal.statements))
                if (found.sqlstate or "")[:2] in NOT_ITS_FAULT:
                    self._leave(table, why)
                elif facts["hides_a_type"]:
                    self._leave(table, f"its copy hides a type of that name: {why}")
                else:
                    refused.add(change.address)
                    self.refused.append((change, why))
        finally:
            with suppress(psycopg.Error):
                connection.execute("rollback")

    def _try(self, rehearsal: Rehearsal) -> psycopg.Error | None:
        """What the server has against it; afterwards the copy is as it was. Raises psycopg.Error where the connection
        is of no use."""
        connection, refused = self._connection, None
        connection.execute("savepoint before_it")
        try:
            for statement in rehearsal.statements:
                # Binary, since that takes one statement at a time: nothing can end the transaction.
                connection.execute(statement.encode(), binary=True)
        except psycopg.Error as error:
            if connection.broken:
                raise
            refused = error
        connection.execute("rollback to savepoint before_it")
        return refused

    def _is_owned_by(self, owner: str, table: Table) -> bool:
        """Gives the copy of `table` to its own owner; whether the server lets us, which takes TEMPORARY on the database
        for that role."""
        connection = self._connection
        query = sql.SQL("alter table pg_temp.{} owner to {}").format(sql.Identifier(table[1]), sql.Identifier(owner))
        connection.execute("savepoint before_it")
        try:
            connection.execute(query)
        except psycopg.Error:
            if connection.broken:
                raise
            connection.execute("rollback to savepoint before_it")
            return False
        return True

    def _leave(self, table: Table, why: str) -> None:
        tables = self._left_out.setdefault(why, [])
        if table not in tables:
            tables.append(table)

    def untried(self) -> list[str]:
        """A line for each reason: a role that may make no copies at all has one for all tables."""
        lines = []
        in_order = {why: sorted(tables, key=self._order.__getitem__) for why, tables in self._left_out.items()}
        for why, tables in sorted(in_order.items(), key=lambda each: self._order[each[1][0]]):
            named = ", ".join(map(".".join, tables[:SHOWN]))
            more = f" and {len(tables) - SHOWN} more" if len(tables) > SHOWN else ""
            lines.append(f"{self._target.name}: not rehearsed on {named}{more}: {why}")
        return lines

    def _said(self, error: psycopg.Error, sent: str) -> str:
        return said(error, hide_values=self._target.hide_values, sent=sent)


def _copy(table: tuple[str, str], partition_key: Any) -> sql.Composed:
    """Columns with their generation expressions; the key of a partitioned table counts for its unique indexes."""
    statement = sql.SQL("create temporary table {} (like {} including generated)").format(
        sql.Identifier(table[1]), sql.Identifier(*table)
    )
    if partition_key:
        # As the server wrote it, on this very connection.
        statement += sql.SQL(" partition by ") + sql.SQL(partition_key)
    return statement
