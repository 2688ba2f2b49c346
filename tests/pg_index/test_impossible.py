"""What no server takes is told where it is declared, by validate; the server refuses each of these itself, and makes
the neighbour. On the code before, all of them were planned but the misspelt method.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg
import pytest
from live import converge

from pg_index.declared import tables
from pg_index.test_acceptance import keys, statement
from reconciler.errors import DesiredError
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.definition.access_methods import METHODS

WIDE = [f"c{number}" for number in range(40)]
TABLE = f"create table t (a int, b text, tags int[], place point, {', '.join(f'{name} int' for name in WIDE)})"


class Case(NamedTuple):
    """`refused` and `good` are indexes of public.t."""

    name: str
    refused: dict[str, Any]
    says: str
    good: dict[str, Any]


def btree(**parameters: str) -> dict[str, Any]:
    return {"columns": ["a"], "with": parameters}


def gin(*columns: str, **parameters: str) -> dict[str, Any]:
    return {"columns": list(columns or ["tags"]), "using": "gin", "with": parameters}


def by_sql(text: str) -> dict[str, Any]:
    return {"sql": f"create index i on t {text}"}


CASES = [
    Case("too many columns", keys(*WIDE[:33]), "33 columns; PostgreSQL takes 32", keys(*WIDE[:32])),
    Case(
        "included ones count",
        keys(*WIDE[:32], include=["a"]),
        "33 columns",
        keys(*WIDE[:31], include=["a"]),
    ),
    Case("a system column", keys("ctid"), "ctid: a system column", keys('"c0"')),
    Case("a system column in an expression", keys("(xmin::text)"), "xmin: a system column", keys("(b || 'xmin')")),
    Case("a system column in a predicate", keys("a", where="t.tableoid > 5"), "tableoid: a", keys("a", where="a > 5")),
    Case("a system column that is included", keys("a", include=["cmin"]), "cmin: a system", keys("a", include=["a"])),
    Case("a unique hash", keys("a", using="hash", unique=True), "cannot be unique", keys("a", using="hash")),
    Case("a unique brin", keys("a", using="brin", unique=True), "cannot be unique", keys("a", "b", using="brin")),
    Case("hash of two", keys("a", "b", using="hash"), "a hash index has one column", keys("(a + 1)", using="hash")),
    Case("spgist of two", keys("b", "b", using="spgist"), "a spgist index has one column", keys("b", using="spgist")),
    Case("hash with more", keys("a", using="hash", include=["b"]), "cannot include", keys("a", include=["b"])),
    Case("gin with more", gin() | {"include": ["b"]}, "cannot include", gin()),
    Case("brin with more", keys("a", using="brin", include=["b"]), "cannot include", keys("a", using="brin")),
    Case("an order in gin", gin("tags desc"), "has no order", gin("tags nulls last")),
    Case("an order in brin", keys("a nulls first", using="brin"), "has no order", keys("a nulls first")),
    Case("an include of more than a name", by_sql("(a) include (b desc)"), "names of columns alone", by_sql("(a)")),
    Case("an included expression", by_sql("(a) include (lower(b))"), "names", by_sql("(a) include (b)")),
    Case("an included class", by_sql("(a) include (b text_ops)"), "names", by_sql("(a) include (b, b)")),
    Case("an included collation", by_sql('(a) include (b collate "C")'), "names", by_sql('(b collate "C")')),
    Case(
        "a parameter twice",
        by_sql("(a) with (fillfactor = 70, fillfactor = 80)"),
        "with: fillfactor stands there twice",
        by_sql("(a) with (fillfactor = 70)"),
    ),
    Case("a place for what all share", keys("a", tablespace="pg_global"), "all databases share", keys("a")),
    Case("fillfactor too low", btree(fillfactor="9"), "expected 10 to 100, not '9'", btree(fillfactor="10")),
    Case("fillfactor too high", btree(fillfactor="101"), "10 to 100", btree(fillfactor="100.4")),
    Case("fillfactor with a unit", btree(fillfactor="70%"), "whole number without a unit", btree(fillfactor=" 70 ")),
    Case("an octal that is too much", btree(fillfactor="0150"), "10 to 100", btree(fillfactor="0106")),
    Case("no octal", btree(fillfactor="089"), "whole number", btree(fillfactor="1e2")),
    Case("underscores", btree(fillfactor="7_0"), "whole number", btree(fillfactor="+70")),
    Case("no number", btree(fillfactor="nan"), "whole number", btree(fillfactor="9.5")),
    Case("no boolean", btree(deduplicate_items="2"), "true or false", btree(deduplicate_items="tr")),
    Case("half a boolean", btree(deduplicate_items="o"), "true or false", btree(deduplicate_items="of")),
    Case("a misspelt parameter", btree(filfactor="70"), "did you mean 'fillfactor'?", btree(fillfactor="70")),
    Case("a list too short", gin(gin_pending_list_limit="63"), "expected 64 to", gin(gin_pending_list_limit="64")),
    Case("a list with a unit", gin(gin_pending_list_limit="4MB"), "unit", gin(gin_pending_list_limit="2147483647")),
    Case(
        "no page",
        keys("a", using="brin", **{"with": {"pages_per_range": "0"}}),
        "expected 1 to 131072",
        keys("a", using="brin", **{"with": {"pages_per_range": "131072", "autosummarize": "on"}}),
    ),
    Case(
        "no such way to buffer",
        keys("place", using="gist", **{"with": {"buffering": "yes"}}),
        "expected auto, on, off",
        keys("place", using="gist", **{"with": {"buffering": "AUTO"}}),
    ),
]


def _statement(index: dict[str, Any]) -> str:
    return index["sql"] if "sql" in index else statement("public.t", index)


@pytest.mark.matrix
def test_what_no_server_takes_is_told_where_it_is_declared(sql, pg_target):
    sql.execute(TABLE.encode())
    for case in CASES:
        with pytest.raises(DesiredError, match=r"x\.yaml:1:1") as raised:
            tables(pg_target, {"public.t": {"indexes": {"i": case.refused}}})
        assert case.says in str(raised.value), case.name
        with pytest.raises(psycopg.Error):
            sql.execute(_statement(case.refused).encode())
        good = tables(pg_target, {"public.t": {"indexes": {"i": case.good}}})
        assert len(converge(KIND, pg_target, good)) == 1, case.name
        sql.execute("drop index i")


@pytest.mark.matrix
def test_every_method_can_what_is_said_of_it_and_knows_these_parameters_and_no_others(sql):
    """Seen on every server: a method of a later version that can more makes this fail."""
    sql.execute("create table u (a int, b text, tags int[], place point)")
    of = {"btree": "a", "hash": "a", "gin": "tags", "gist": "place", "spgist": "b", "brin": "a"}
    every = {name for method in METHODS.values() for name in method.parameters}
    version = sql.info.server_version // 10000
    for name, method in METHODS.items():
        can = {"can_unique": method.unique, "can_multi_col": method.several, "can_order": method.ordered}
        can["can_include"] = bool(method.includes_since) and version >= method.includes_since
        for what, said in can.items():
            query = "select pg_indexam_has_property(oid, %s) from pg_am where amname = %s"
            assert sql.execute(query, (what, name)).fetchone() == (said,), (name, what)
        for parameter in every:
            value = {"buffering": "auto", "fillfactor": "70", "gin_pending_list_limit": "100"}.get(parameter, "1")
            try:
                sql.execute(f"create index on u using {name} ({of[name]}) with ({parameter} = {value})".encode())
                taken = True
            except psycopg.errors.InvalidParameterValue:
                taken = False
            assert taken == (parameter in method.parameters), (name, parameter)
