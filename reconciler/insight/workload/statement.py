"""A statement of pg_stat_statements as PostgreSQL's parser sees it: what it is about, and how it can be planned again.

Its constants are parameters by then: `status = $1`. Nothing here knows a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reconciler.targets.foreign.reached_names import Reached
from reconciler.targets.postgres.redacted_statements import masked
from reconciler.targets.sql_tokens import Source, kind
from reconciler.targets.sql_tree import SyntaxProblem, parse, printed

_JUDGED = frozenset({"select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})


class NotJudged(ValueError):
    """Why a statement cannot be planned again."""


@dataclass(frozen=True)
class Statement:
    """One statement, to be planned again as `text`.

    `text` is as the parser spells it, else as it was written; without comments, its parameters numbered from 1 without
    a gap. `shown` is the beginning of it for people, without values. `calls` counts since pg_stat_statements was last
    reset.
    """

    text: str
    shown: str
    calls: int
    parameters: int

    @cached_property
    def tree(self) -> Any:
        """The parse tree, not to be changed."""
        return parse(self.text)

    @cached_property
    def relations(self) -> tuple[tuple[str, str, str], ...]:
        """Schema (may be empty), name and alias (may be empty) of the tables and views that it names."""
        from postgast import find_nodes
        from postgast.pg_query_pb2 import CommonTableExpr, RangeVar

        own = {each.ctename for each in find_nodes(self.tree, CommonTableExpr)}
        return tuple(
            (each.schemaname, each.relname, each.alias.aliasname)
            for each in find_nodes(self.tree, RangeVar)
            if each.schemaname or each.relname not in own
        )

    @cached_property
    def reached(self) -> Reached:
        """The names by which it may reach code."""
        return Reached.of(self.tree)

    @property
    def writes_rows(self) -> bool:
        """Whether it makes rows, whose defaults are computed: anywhere in it."""
        from postgast import find_nodes
        from postgast.pg_query_pb2 import InsertStmt, MergeStmt

        return any(True for kind in (InsertStmt, MergeStmt) for _ in find_nodes(self.tree, kind))

    def is_about(self, schema: str, table: str) -> bool:
        """Whether it names that table; a bare name may be that of another schema, which its plan then shows."""
        return any(name == table and where in ("", schema) for where, name, _ in self.relations)


def read_statement(text: str, calls: int, *, hide_numbers: bool = False) -> Statement | None:
    """The statement, or None where it is none that finds rows: a utility command, INSERT of VALUES, SELECT INTO.

    Raises NotJudged where the parser does not know it: newer syntax, or a text that was cut off.
    """
    try:
        statements = parse(text).stmts
        if len(statements) != 1 or not _finds_rows(statements[0].stmt):
            return None
        return statement_of(text, calls, hide_numbers=hide_numbers)
    except SyntaxProblem:
        raise NotJudged("the parser does not know its syntax") from None


def statement_of(text: str, calls: int, filled: Mapping[int, str] = {}, *, hide_numbers: bool = False) -> Statement:
    """The statement of a text, with `filled` in the place of parameters by number; all others are numbered anew.

    Raises SyntaxProblem.
    """
    source = Source(text)
    numbers: dict[int, int] = {}
    instead = {}
    for place, its_kind in enumerate(source.kinds):
        if its_kind == kind("PARAM"):
            number = int(source.text(place)[1:])
            instead[place] = filled.get(number) or f"${numbers.setdefault(number, len(numbers) + 1)}"
    own = source.cut(instead=instead)
    text = printed(parse(own)) or own
    head, between, tail = text.partition(" FROM ")
    # Lists of columns are long, and say less than what follows them.
    brief = f"SELECT …{between}{tail}" if len(head) > 30 and head.startswith("SELECT ") and between else text
    return Statement(text, masked(brief, numbers=hide_numbers), calls, len(numbers))


def _finds_rows(statement: Any) -> bool:
    kind = statement.WhichOneof("node")
    if kind == "insert_stmt":
        return bool(statement.insert_stmt.select_stmt.select_stmt.from_clause)
    if kind == "select_stmt":
        return not statement.select_stmt.HasField("into_clause")
    return kind in _JUDGED
