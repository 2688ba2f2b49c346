"""A DEFERRABLE constraint lets duplicates in until the transaction ends: it is no unique index as declared."""

from __future__ import annotations

from typing import NamedTuple

import psycopg
import pytest
from live import converge, outcomes

from pg_index.declared import declared
from reconciler.kinds.pg_index import KIND
from reconciler.model import NoticeType

pytestmark = pytest.mark.matrix

UNIQUE = {"columns": ["a"], "unique": True}


class Case(NamedTuple):
    name: str
    constraint: str
    spec: dict[str, object]
    reason: str


DIFFERENT = [
    Case("unique", "unique (a) deferrable", UNIQUE, "checked at the end of the statement"),
    Case("initially deferred", "unique (a) deferrable initially deferred", UNIQUE, "checked at the end of all"),
    Case("primary key", "primary key (a) deferrable", UNIQUE, "likewise"),
]
ALIKE = [
    Case("not deferrable", "unique (a)", UNIQUE, "checked for each row"),
    Case("said so", "unique (a) not deferrable", UNIQUE, "likewise"),
    Case("exclusion", "exclude (a with =) deferrable", {"columns": ["a"]}, "nothing unique is declared"),
]


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_it_is_told_apart(sql, pg_target, case):
    """In sync before."""
    sql.execute(f"create table tasks (id int, a int not null, constraint i {case.constraint})")
    [notice] = outcomes(KIND, pg_target, declared(pg_target, i=case.spec))
    assert notice.type is NoticeType.BLOCKED
    assert "deferrable unique (a) → unique (a)" in notice.message
    # The reason: what is declared could be named by ON CONFLICT, and this one can not.
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        sql.execute("insert into tasks values (1, 1) on conflict (a) do nothing")


@pytest.mark.parametrize("case", ALIKE, ids=lambda case: case.name)
def test_others_are_in_sync(sql, pg_target, case):
    sql.execute(f"create table tasks (id int, a int not null, constraint i {case.constraint})")
    assert outcomes(KIND, pg_target, declared(pg_target, i=case.spec)) == [], case.reason


def test_beside_it_one_is_built(sql, pg_target):
    """It is no twin, and stands for nothing else that is declared."""
    sql.execute("create table tasks (id int, a int unique deferrable)")
    converge(KIND, pg_target, declared(pg_target, tasks_a_idx=UNIQUE))
    sql.execute("alter table tasks drop constraint tasks_a_key")
    sql.execute("insert into tasks values (1, 1) on conflict (a) do nothing")
