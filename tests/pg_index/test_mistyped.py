"""A table that is not there is said with the one that was probably meant. Before, it was said alone."""

from __future__ import annotations

import pytest
from live import outcomes

from pg_index.declared import tables
from reconciler.kinds.pg_index import KIND
from reconciler.model import NoticeType

CASES = [
    ("app.prodcuts", "app.products", "two letters changed places"),
    ("public.products", "app.products", "the table of another schema"),
    ("app.Products", "app.products", "another case"),
    ("sales.order lines", "Sales.Order Lines", "another case of the schema, too"),
    ("app.daily_sale", "app.daily_sales", "a materialized view"),
    ("app.something_else", "", "nothing is near"),
    ("app.live_product", "app.products", "a view is none"),
    ("nowhere.prodcuts", "", "of a schema that there is not, only the same name is proposed"),
]


@pytest.mark.parametrize(("name", "meant", "reason"), CASES, ids=[case[2] for case in CASES])
def test_a_table_that_is_not_there_is_said_with_the_one_that_was_meant(sql, pg_target, name, meant, reason):
    sql.execute('create schema app; create schema "Sales"; create table "Sales"."Order Lines" (id int)')
    sql.execute("create table app.products (id int); create view app.live_products as select from app.products")
    sql.execute("create materialized view app.daily_sales as select 1 as id")
    [notice] = outcomes(KIND, pg_target, tables(pg_target, {name: {"indexes": {"i": {"columns": ["id"]}}}}))
    assert notice.type is NoticeType.BLOCKED
    proposal = f"; did you mean {meant}?" if meant else ""
    assert notice.message == f"the table {name} does not exist in this database{proposal}", reason
