"""What the server would refuse, found out on empty copies before anything is done to a real table.

A copy is a temporary table in a transaction that is always rolled back: nobody else sees it, and nothing of it stays.
Of the real table it takes ACCESS SHARE, as a SELECT does, until the copy is gone again. One transaction a table:
short, so that it holds up neither VACUUM nor anybody who wants the table for themselves, and two tables of one name
never meet.

Decided: docs/decisions.md#rehearsals
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import sql

from reconciler.errors import ConnectionFailed, RehearsalFailed
from reconciler.kind.applying import Rehearsal, Rehearses
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Change, PostgresTarget, Target
from reconciler.planning.staleness import Standing, judge, look, resource_of
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.postgres.opening import open_connection
from reconciler.targets.postgres.session import OWN_PATH_IS
from reconciler.targets.postgres.words import CAME_MEANWHILE, SOMEBODY_MADE, said

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import Row

SETTINGS = {"default_transaction_read_only": "off", "lock_timeout": "1s", "statement_timeout": "5s"}
"""On an empty table everything is over in milliseconds. A table that somebody locks as a whole for longer than a
second is not waited for: whoever wants it next would wait behind us."""

# A type that is the row of a table is no matter: kinds leave out what speaks of whole rows.
# Functions are never looked for in pg_temp, but types are, and would be hidden by a table of their name; pg_catalog
# stays before it as long as the path does not name it.
_PATH = "select pg_catalog.set_config('search_path', %s, false)"

_TABLES = """
    select w.schema, w.name, pg_catalog.pg_get_partkeydef(c.oid) as partition_key,
           t.oid is not null and coalesce(r.relkind, 'c') = 'c' as hides_a_type
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


SHOWN = 3
"""Tables that are named where many could not be tried for the same reason."""


class Rehearsed(NamedTuple):
    """`refused`: changes with what the server said; `untried`: what could not be tried, and why, a line each."""

    refused: Sequence[tuple[Change, str]]
    untried: Sequence[str]


def rehearse_again(
    target: Target, secrets: Secrets, changes: Iterable[Change], interrupted: Callable[[], bool]
) -> Rehearsed:
    """As `rehearse`, for a plan of a while ago: of what is refused only what is still as planned.

    The rest is found stale, or made, when its turn comes, and stops no other. Raises TargetError.
    """
    rehearsed = rehearse(target, secrets, changes, interrupted)
    if not rehearsed.refused:
        return rehearsed
    with closing(connect(target, secrets)) as session:
        found = {change.address: look(session, resource_of(change)) for change, _ in rehearsed.refused}
    still = [one for one in rehearsed.refused if judge(one[0], found[one[0].address]).standing is Standing.AS_PLANNED]
    return Rehearsed(still, rehearsed.untried)


def rehearse(
    target: Target, secrets: Secrets, changes: Iterable[Change], interrupted: Callable[[], bool] = lambda: False
) -> Rehearsed:
    """Tries what the kinds of `changes` say can be tried. Raises ConnectionFailed."""
    by_table: dict[tuple[str, str], list[tuple[Change, Rehearsal]]] = {}
    for change in changes:
        kind = BY_NAME[change.address.kind]
        if isinstance(kind, Rehearses):
            for rehearsal in kind.rehearsal(change):
                by_table.setdefault((rehearsal.schema, rehearsal.table), []).append((change, rehearsal))
    if not by_table or not isinstance(target, PostgresTarget):
        return Rehearsed((), ())
    with closing(open_connection(target, secrets, SETTINGS)) as connection:
        stage = _Stage(target, connection)
        untried = []
        try:
            stage.play(by_table, interrupted)
        except psycopg.Error as error:
            why = said(error, hide_values=target.hide_values)
            if connection.broken:
                raise ConnectionFailed(
                    target.name, f"the connection was lost while its changes were rehearsed: {why}"
                ) from None
            untried = [f"{target.name}: not rehearsed any further: {why}"]
        return Rehearsed(stage.refused, [*stage.untried(), *untried])


def check_refused(refused: Sequence[tuple[Change, str]]) -> None:
    """Raises RehearsalFailed where the server would refuse changes; each comes with what it said."""
    if refused:
        lines = [f"  {change.address}: {why}" for change, why in refused]
        raise RehearsalFailed(
            f"the server would refuse {len(lines)} of the changes, tried on empty copies; nothing was run\n"
            + "\n".join(lines),
            hint="correct what is declared, and plan again; reconciler plan --rehearse tries it then. Where only the "
            "copy is at fault, apply --no-rehearsal goes without",
        )


class _Stage:
    """The copies of one target, one after the other."""

    def __init__(self, target: PostgresTarget, connection: psycopg.Connection[Row]) -> None:
        self._target = target
        self._connection = connection
        self._path = ""
        self.refused: list[tuple[Change, str]] = []
        self._left_out: dict[str, list[str]] = {}

    def play(
        self, by_table: dict[tuple[str, str], list[tuple[Change, Rehearsal]]], interrupted: Callable[[], bool]
    ) -> None:
        """Tries everything, table by table. Raises psycopg.Error where the connection is of no use."""
        [row] = self._connection.execute("select pg_catalog.pg_is_in_recovery() as standby")
        if row["standby"]:
            for table in by_table:
                self._leave(table, "a standby can hold no copies")
            return
        own = self._own_path()
        schemas, names = [schema for schema, _ in by_table], [name for _, name in by_table]
        found = {
            (row["schema"], row["name"]): row
            for row in self._connection.execute(_TABLES, (schemas, names, own["own_path"]))
        }
        code = self._code(own["search_path"], own["all_schemas"][:1] == ["pg_catalog"], by_table)
        self._path = ", ".join(filter(None, ["pg_temp", own["own_path"]]))
        for table, tries in by_table.items():
            if interrupted():
                return
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
                self._on_a_copy(table, facts, tries, code)

    def _own_path(self) -> Row:
        """The role's search_path, as a text and as schemas; it is empty again afterwards."""
        self._connection.execute("reset search_path")
        [own] = self._connection.execute(OWN_PATH_IS)
        self._connection.execute(_PATH, ("",))
        return own

    def _code(
        self,
        path: Sequence[str],
        catalog_first: bool,
        by_table: Mapping[tuple[str, str], Sequence[tuple[Change, Rehearsal]]],
    ) -> ForeignCode:
        """Whose code a copy would run: it is ours, so that nothing keeps its expressions from running as we do."""
        texts = [text for tries in by_table.values() for _, each in tries for text in each.reached if text]
        question = Question(path, texts, tuple(by_table), catalog_first=catalog_first)
        with self._connection.transaction():
            answers = [self._connection.execute(query, params).fetchall() for query, params in question.queries]
        return ForeignCode(question, answers)

    def _on_a_copy(
        self, table: tuple[str, str], facts: Row, tries: Sequence[tuple[Change, Rehearsal]], code: ForeignCode
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
                connection.execute("savepoint before_it")
                try:
                    for statement in rehearsal.statements:
                        # Binary, since that takes one statement at a time: nothing can end the transaction.
                        connection.execute(statement.encode(), binary=True)
                except psycopg.Error as error:
                    if connection.broken:
                        raise
                    why = self._said(error, "\n".join(rehearsal.statements))
                    if (error.sqlstate or "")[:2] in NOT_ITS_FAULT:
                        self._leave(table, why)
                    elif facts["hides_a_type"]:
                        self._leave(table, f"its copy hides a type of that name: {why}")
                    else:
                        refused.add(change.address)
                        self.refused.append((change, why))
                connection.execute("rollback to savepoint before_it")
        finally:
            with suppress(psycopg.Error):
                connection.execute("rollback")

    def _leave(self, table: tuple[str, str], why: str) -> None:
        tables = self._left_out.setdefault(why, [])
        if (name := ".".join(table)) not in tables:
            tables.append(name)

    def untried(self) -> list[str]:
        """A line for each reason: a role that may make no copies at all has one for all tables."""
        lines = []
        for why, tables in self._left_out.items():
            more = f" and {len(tables) - SHOWN} more" if len(tables) > SHOWN else ""
            lines.append(f"{self._target.name}: not rehearsed on {', '.join(tables[:SHOWN])}{more}: {why}")
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
