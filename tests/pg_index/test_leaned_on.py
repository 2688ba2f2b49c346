"""An index that a foreign key leans on is renamed like any other: the foreign key knows it by its oid.

Seen to fail before: a second index of the definition was built beside it, and the first stayed for ever, since none can
drop it. Names that were to be exchanged cost builds.
"""

from __future__ import annotations

import pytest
from live import converge

from pg_index.declared import tables
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action

pytestmark = pytest.mark.matrix

KEYS = {"columns": ["tenant", "id"], "unique": "true"}


@pytest.fixture
def leaning(sql):
    sql.execute("create table parent (tenant int, id int, at date)")
    sql.execute("create unique index parent_key on parent (tenant, id)")
    sql.execute("create table child (a int, b int, foreign key (a, b) references parent (tenant, id))")
    return sql


def indexes(sql):
    """The indexes of the table, by what they are about."""
    rows = sql.execute(
        "select split_part(indexdef, ' USING ', 2), indexname from pg_indexes where tablename = 'parent'"
    )
    return dict(rows.fetchall())


def wanted(target, **listed):
    return tables(target, {"public.parent": {"indexes": listed}})


@pytest.mark.parametrize("before", [{}, {"parent_key": "absent"}], ids=["listed by nobody", "declared absent"])
def test_it_is_renamed(leaning, pg_target, before):
    [change] = converge(KIND, pg_target, wanted(pg_target, parent_tenant_id=KEYS, **before))
    assert change.action is Action.RENAME
    assert indexes(leaning) == {"btree (tenant, id)": "parent_tenant_id"}


def test_it_exchanges_its_name(leaning, pg_target):
    leaning.execute("create index parent_at on parent (at)")
    resources = wanted(pg_target, parent_at=KEYS, parent_key={"columns": ["at"]})
    assert {change.action for change in converge(KIND, pg_target, resources)} == {Action.RENAME}
    assert indexes(leaning) == {"btree (tenant, id)": "parent_at", "btree (at)": "parent_key"}


def test_that_of_a_constraint_is_not_renamed(leaning, pg_target):
    """It has the constraint's name, and keeps it; a second one is what was asked for."""
    leaning.execute("alter table parent add constraint parent_pkey primary key (id, tenant)")
    resources = wanted(pg_target, other={"columns": ["id", "tenant"], "unique": "true"})
    [change] = converge(KIND, pg_target, resources)
    assert change.action is Action.CREATE
