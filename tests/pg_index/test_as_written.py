"""What is declared is what is built: rows, each of which once built another index, was refused, or passed for another.

The texts are over the table of constructs.py: p and q are truths, a and b numbers, s and t texts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import postgast
import psycopg
import pytest

from pg_index.beside_psql import apply, compared, databases, definitions, differences, imported
from reconciler.insight.whatif.index_constants import constants, with_constants
from reconciler.insight.workload.statement import read_statement
from reconciler.model import Action, Change

TABLE = "public.w0"


class Row(NamedTuple):
    """A declaration; what psql is given for the same, after the table's name; and why it is here."""

    entry: dict[str, Any]
    by_hand: str
    reason: str
    since: int = 13


LINES = "not (s = 'x' or t = 'y')\n  is null\n"

ROWS = {
    "or in is null": Row({"columns": ["((p or q) is null)"]}, "(((p or q) is null))", "built p OR (q IS NULL)"),
    "a block": Row(
        {"columns": ["id"], "where": LINES}, f"(id) where {LINES}", "built NOT s = 'x' OR (t = 'y' IS NULL)"
    ),
    "unique under a block": Row(
        {"columns": ["a"], "unique": True, "where": LINES}, f"(a) where {LINES}", "other rows were kept unique"
    ),
    "sql": Row({"sql": "(id) where (p or q) is not null"}, "(id) where (p or q) is not null", "the same in sql"),
    "distinct is true": Row(
        {"sql": "(((s is distinct from t) is true))"}, "(((s is distinct from t) is true))", "was a syntax error"
    ),
    "an element of a case": Row(
        {"columns": ["((case when p then ia end)[1])"]}, "(((case when p then ia end)[1]))", "was a syntax error"
    ),
    "an argument in quotes": Row(
        {"columns": ['app.f("Max Len" => 3 + a)']}, '(app.f("Max Len" => 3 + a))', "lost its quotes"
    ),
    "a time zone": Row(
        {"columns": ["(ts at time zone ('Europe/' || s))"]},
        "((ts at time zone ('Europe/' || s)))",
        "was imported as (ts at time zone 'Europe/') || s",
    ),
    "a qualified column": Row(
        {"columns": ["id"], "where": "(public.w0.p or public.w0.q) is unknown"},
        "(id) where (p or q) is unknown",
        "a condition without the schema was printed anew",
    ),
    "a field": Row({"columns": ["(case when p then c end).b"]}, "(((case when p then c end).b))", "lost parentheses"),
    "a field of a field": Row({"columns": ["((public.w0.c2).c).b"]}, "((((c2).c).b))", "and the same in two"),
    "like with escape": Row(
        {"columns": ["id"], "where": "(s || t) like (t || '%') escape ('x' || 'y')\n or\n q"},
        "(id) where (s || t) like (t || '%') escape ('x' || 'y') or q",
        "lost parentheses",
    ),
    "similar": Row(
        {"sql": "(((s = t) is true), (s similar to (t || '%'))) where (s like t) in (p, q)"},
        "(((s = t) is true), (s similar to (t || '%'))) where (s like t) in (p, q)",
        "lost parentheses",
    ),
    "between": Row(
        {"columns": ["((p and q) between symmetric q and (p or q))"]},
        "(((p and q) between symmetric q and (p or q)))",
        "lost parentheses",
    ),
    "any and all": Row(
        {"columns": ["((a = any (ia)) = all (array[p, q]))"]},
        "(((a = any (ia)) = all (array[p, q])))",
        "lost them, too",
    ),
    "a collation inside": Row(
        {"columns": ["((s || t) collate \"C\" > 'a')"]},
        "(((s || t) collate \"C\" > 'a'))",
        "COLLATE binds closer",
    ),
    "comments": Row(
        {"columns": ["id"], "where": "p -- the first\n and /* it's\n the second */ (q or 'x--' = s) is not false"},
        "(id) where p and (q or 'x--' = s) is not false",
        "what tears a line apart is left out",
    ),
    "a comment in an operator": Row(
        {"columns": ["(a not /* at all */ between 1 and 2)"]}, "((a not between 1 and 2))", "our parser did not know it"
    ),
    "strings": Row(
        {"columns": ["id"], "where": "s in (E'a\\'b', U&'d\\0061ta', $$c'd$$, $q$e$$f$q$, 'g''h', 'i'\n'j')"},
        "(id) where s in (E'a\\'b', U&'d\\0061ta', $$c'd$$, $q$e$$f$q$, 'g''h', 'i'\n'j')",
        "in all their forms",
    ),
    "an operator's schema": Row(
        {"columns": ["(a operator(app.===) (b + 1))"]}, "((a operator(app.===) (b + 1)))", "is part of it"
    ),
    "a prefix operator": Row(
        {"columns": ["(operator(app.@@@) (a - b))"]}, "((operator(app.@@@) (a - b)))", "binds close"
    ),
    "casts": Row(
        {"columns": ["cast(a + b as text)", "((a || s)::varchar(5)::text)", "(int4 '5' - a)", "text(a)"]},
        "(cast(a + b as text), ((a || s)::varchar(5)::text), (int4 '5' - a), text(a))",
        "in all spellings",
    ),
    "negative numbers": Row(
        {"columns": ["(- (a ^ 2))", "((- a) ^ 2)", "(-1 - -a)", "((-1)::int2 + a)", "(-1::int2 + a)"]},
        "((- (a ^ 2)), ((- a) ^ 2), (-1 - -a), ((-1)::int2 + a), (-1::int2 + a))",
        "a sign or an operator",
    ),
    "intervals": Row(
        {"columns": ["(ts + interval '1-2' year to month)", "(iv < interval(2) '1.234 s')"]},
        "((ts + interval '1-2' year to month), (iv < interval(2) '1.234 s'))",
        "with fields",
    ),
    "a subscript of a call": Row(
        {"columns": ["(string_to_array(s, ' '))[1]", "(array[a, b])[2:]"]},
        "(((string_to_array(s, ' '))[1]), ((array[a, b])[2:]))",
        "without parentheses of its own in the declaration",
    ),
    "rows": Row(
        {"columns": ["((a, s) is null)", "(row(a, b) < (b, a))"]},
        "(((a, s) is null), (row(a, b) < (b, a)))",
        "in both forms",
    ),
    "a whole row": Row(
        {"columns": ["(w0) desc", "(w0.*)", "((w0)) nulls first"]},
        "((w0) desc, (w0.*), ((w0)) nulls first)",
        "was built as a column w0, which is not there",
    ),
    "a whole row in sql": Row({"sql": "((w0), id)"}, "((w0), id)", "likewise"),
    "two collations": Row(
        {"columns": ['((s || t) collate "C") collate "POSIX"']},
        '(((s || t) collate "C") collate "POSIX")',
        "the outer one",
    ),
    "more than 50 operators": Row(
        {"columns": ["(" + " || ".join(["coalesce(s, '')", "t"] * 40) + ")"]},
        "((" + " || ".join(["coalesce(s, '')", "t"] * 40) + "))",
        "ended a plan with a DecodeError",
    ),
    "json": Row({"columns": ["((s is json) is not true)"]}, "(((s is json) is not true))", "16 and later", since=16),
}


def declared(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    sql = {"sql": f'create index "{name}" on {TABLE} {entry["sql"]}'} if "sql" in entry else {}
    return {TABLE: {"indexes": {name: entry | sql}}}


def by_hand(connection: psycopg.Connection, name: str, rest: str, *, unique: bool = False) -> None:
    connection.execute(f'create {"unique" if unique else ""} index "{name}" on {TABLE} {rest}'.encode())


@pytest.mark.matrix
def test_every_row_is_what_psql_builds_and_comes_back_by_an_import(postgres):
    with databases(postgres, tables=1) as made:
        rows = {name: row for name, row in ROWS.items() if made.version >= row.since}
        hand = made.fresh()
        with psycopg.connect(hand, autocommit=True) as connection:
            for name, row in rows.items():
                by_hand(connection, name, row.by_hand, unique=row.entry.get("unique", False))
        wanted = {TABLE: {"indexes": {}}}
        for name, row in rows.items():
            wanted[TABLE]["indexes"] |= declared(name, row.entry)[TABLE]["indexes"]
        assert differences(compared(hand, wanted)) == []
        for section in (wanted, imported(hand)):
            ours = made.fresh()
            apply(ours, section)
            assert definitions(ours) == definitions(hand)


DIFFERENT = {
    # (declared, what is there, reason)
    "or": (
        {"columns": ["id"], "where": "(p or q) is not null"},
        "(id) where p or (q is not null)",
        "was as declared, and renamed as having exactly this definition",
    ),
    "a block": ({"columns": ["id"], "where": LINES}, "(id) where not s = 'x' or ((t = 'y') is null)", "likewise"),
    "a zone": ({"columns": ["((ts at time zone s) > tz)"]}, "((ts at time zone (s || '') > tz))", "another zone"),
    "distinct": ({"columns": ["((p is distinct from q) is true)"]}, "((p is distinct from (q is true)))", "sides"),
    "an escape": ({"columns": ["(s like (t || 'x') escape '!')"]}, "((s like t escape ('x' || '!')))", "operands"),
    "a case": (
        {"columns": ["(case when p then ia end)[1]"]},
        "((case when p then ia[1] end))",
        "of one type, not one value",
    ),
    "blanks": ({"columns": ["id"], "where": "s = 'a  b'"}, "(id) where s = 'a b'", "blanks of a constant"),
    "a line": (
        {"columns": ["id"], "where": "s = 'a\nb'\nand p"},
        "(id) where s = 'a b' and p",
        "a constant's line break",
    ),
    "capitals": ({"columns": ["id"], "where": "s = 'A' -- x"}, "(id) where s = 'a'", "capitals of a constant"),
}


@pytest.mark.matrix
def test_what_reads_alike_and_is_not_the_same_is_never_taken_for_it(postgres):
    with databases(postgres, tables=1) as made:
        url = made.fresh()
        with psycopg.connect(url, autocommit=True) as connection:
            for name, (_, rest, _) in DIFFERENT.items():
                by_hand(connection, name, rest)
        for name, (entry, _, reason) in DIFFERENT.items():
            [change] = compared(url, declared(name, entry))
            assert isinstance(change, Change), (change, reason)
            assert change.action is Action.REPLACE, reason
            [change] = compared(url, declared(f"{name} by another name", entry))
            assert change.action is Action.CREATE, reason
        wanted = {TABLE: {"indexes": {}}}
        for name, (entry, _, _) in DIFFERENT.items():
            wanted[TABLE]["indexes"] |= declared(name, entry)[TABLE]["indexes"]
        apply(url, wanted)


@pytest.mark.matrix
def test_is_document_survives_servers_that_print_it_without_parentheses(postgres):
    """`p = (x is document)`: 13 to 17 print what no server reads; it was blocked, and imported as such."""
    with databases(postgres, tables=1) as made:
        if not made.has_xml:
            pytest.skip("this server was built without libxml")
        hand = made.fresh()
        entries = {
            "compared": ({"columns": ["id"], "where": "p = (x is document)"}, "(id) where p = (x is document)"),
            "distinct": (
                {"columns": ["(p is distinct from (x is document))"]},
                "((p is distinct from (x is document)))",
            ),
            "alone": ({"columns": ["(x is document)"]}, "((x is document))"),
            "of a case": (
                {"columns": ["(q <> ((case when p then x end) is document))"]},
                "((q <> ((case when p then x end) is document)))",
            ),
        }
        wanted = {TABLE: {"indexes": {}}}
        with psycopg.connect(hand, autocommit=True) as connection:
            for name, (entry, rest) in entries.items():
                by_hand(connection, name, rest)
                wanted[TABLE]["indexes"] |= declared(name, entry)[TABLE]["indexes"]
        assert differences(compared(hand, wanted)) == []
        for section in (wanted, imported(hand)):
            ours = made.fresh()
            apply(ours, section)
            assert definitions(ours) == definitions(hand)


def test_a_query_is_planned_again_with_its_parentheses():
    """What-if planned `p OR q IS NULL` for it."""
    text = "select * from w where (p or q) is null /* why */ and s = $3 and a > $1 and t = $3"
    statement = read_statement(text, 1)
    assert statement.text == "select * from w where (p or q) is null and s = $1 and a > $2 and t = $1"
    assert statement.parameters == 2


def test_constants_are_put_into_a_query_with_their_parentheses():
    index = postgast.parse("create index i on w (a) where s = 'x' and a > -1").stmts[0].stmt.index_stmt
    statement = read_statement("select 1 from w where (p or q) is null and s = $1 and a > $2 and b < $3", 1)
    special = with_constants(statement, "w", constants(index))
    assert special.text == "select 1 from w where (p or q) is null and s = ('x') and a > (-1) and b < $1"
    assert special.parameters == 1


def test_a_column_with_the_name_of_its_table_is_that_column(postgres):
    """In parentheses, too, where the name would else be the whole row."""
    with databases(postgres, tables=1) as made:
        url = made.fresh()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table public.item (item text, id int)")
            connection.execute("create index by_hand on public.item ((item), (item.item), lower(item))")
        entry = {"columns": ["(item)", "(item.item)", "lower(item)"]}
        wanted = {"public.item": {"indexes": {"by_hand": entry}}}
        assert differences(compared(url, wanted)) == []
        wanted["public.item"]["indexes"]["ours"] = {**entry, "unique": True}
        apply(url, wanted)
        there = definitions(url)
        assert there["ours"].removeprefix("CREATE UNIQUE INDEX ours") == there["by_hand"].removeprefix(
            "CREATE INDEX by_hand"
        )
