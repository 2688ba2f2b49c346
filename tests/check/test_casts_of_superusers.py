"""Casts that a superuser has made are run where a statement of a checklist uses them, volatile ones, too.

A call by name of the same function is refused, since its name is in the YAML; which cast is meant by `value::type`, or
by none at all, the server decides. What such a function does is a superuser's word, and all of it is read-only.
"""

from __future__ import annotations

import pytest
from applying.acting import plan_for
from attacks.conftest import mallory, marks, payload

from check.declare import declare
from reconciler.model import CheckStatus

__all__ = ["mallory", "marks"]

pytestmark = pytest.mark.matrix

PREPARED = """
    create table kept (n int);
    create type kind as (a int);
    create function number(k kind) returns int language sql volatile as 'select (k).a';
    create function writing(k kind) returns bigint language plpgsql volatile as
        $$ begin insert into kept values (1); return 1; end $$;
    create cast (kind as int) with function number(kind);
    create cast (kind as bigint) with function writing(kind);
    create table tasks (k kind);
    insert into tasks values (row(1)), (row(2));
"""

ROWS = [
    ("select count(*) from tasks where k::int > 1", CheckStatus.PASS, "", "a volatile cast, which reads"),
    ("select count(*) from tasks where number(k) > 1", CheckStatus.ERROR, "", "its function by name"),
    ("select max(k::bigint) from tasks", CheckStatus.ERROR, "read-only transaction", "one that writes"),
]


@pytest.mark.parametrize(("statement", "status", "said", "reason"), ROWS, ids=[row[3] for row in ROWS])
def test_a_cast_of_a_superuser_is_run_and_cannot_write(statement, status, said, reason, sql, pg_target):
    sql.execute(PREPARED)
    [item] = declare(pg_target, {"sql": statement, "equals": "1"})
    [result] = plan_for(pg_target, [item]).checks
    assert result.status is status, (reason, result.message)
    assert said in result.message
    assert sql.execute("select count(*) from kept").fetchone() == (0,)


def test_a_volatile_cast_of_somebody_else_is_not_run(mallory, marks, pg_target):
    mallory.execute("create type evil.kind as (a int)")
    mallory.execute(payload("evil.number(k evil.kind)", "int", "1", "volatile").encode())
    mallory.execute("create cast (evil.kind as int) with function evil.number(evil.kind)")
    [item] = declare(pg_target, {"sql": "select row(1)::evil.kind::int as it", "equals": "1"})
    [result] = plan_for(pg_target, [item]).checks
    assert result.status is CheckStatus.ERROR
    assert "the statement was not run: it may run evil.number()" in result.message
    assert marks() == []
