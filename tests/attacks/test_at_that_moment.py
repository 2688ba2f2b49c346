"""What is not run for fear of somebody's code is told as what it is, with the way out.

Before, a race was told as "cannot read its definition: unrecognized configuration parameter", as if the declaration
were wrong, and an extension beside which somebody has functions as "not installed".
"""

from __future__ import annotations

import pkgutil

import pytest
from applying.acting import now, plan_for
from check.declare import declare
from pg_index.declared import tables

from reconciler.model import CheckStatus, NoticeType, Plan, Target
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

pytestmark = pytest.mark.matrix

CAME = "at this very moment somebody made or changed something that the names in it may mean"
HERS = "create function public.lower(a varchar) returns text language sql immutable as 'select ''a''::text'"


@pytest.fixture
def shared(sql, mallory):
    """A schema that everybody's names are looked for in, and that mallory may write to."""
    sql.execute(f"grant create on schema public to {mallory.info.user}")
    sql.execute("create table public.tasks (id int, title varchar)")
    return sql


def just_before(place, mallory, statement, monkeypatch):
    """`statement` is run between the question whose code is reached and what is asked then."""
    module, _, name = place.rpartition(".")
    target = pkgutil.resolve_name(f"reconciler.{module}")
    original = getattr(target, name)
    done = []

    def meanwhile(*args, **options):
        if not done and args[-1]:
            done.append(mallory.execute(statement))
        return original(*args, **options)

    monkeypatch.setattr(target, name, meanwhile)
    return done


READERS = [
    (
        "kinds.pg_index.comparison.server_readings.ask",
        {"i": {"columns": ["id"], "where": "lower('A'::varchar) < lower(title)"}},
    ),
    ("kinds.pg_index.acceptance.types_and_immutability._ask", {"j": {"columns": ["lower(title)"]}}),
]


@pytest.mark.parametrize(("place", "indexes"), READERS, ids=["compared", "tried"])
def test_a_race_is_told_as_one(place, indexes, shared, mallory, pg_target, monkeypatch):
    shared.execute("create index i on public.tasks (id) where lower(title) > lower('A'::varchar)")
    wanted = tables(pg_target, {"public.tasks": {"indexes": indexes}})
    done = just_before(place, mallory, HERS, monkeypatch)
    plan = plan_for(pg_target, wanted)
    assert done
    said = [each for each in plan.notices if CAME in each.message]
    assert {each.type for each in said} == {NoticeType.NOT_VISIBLE}
    assert not any("cannot read" in each.message for each in plan.notices)
    assert plan.changes == ()
    mallory.execute("drop function public.lower(varchar)")
    assert plan_for(pg_target, wanted).notices == ()


def test_a_checklist_says_that_its_statement_was_not_run(shared, mallory, pg_target, monkeypatch):
    done = just_before("kinds.check.types.sql._bounded", mallory, HERS, monkeypatch)
    [item] = declare(pg_target, {"sql": "select count(*) from tasks where lower(title) > 'a'", "equals": "0"})
    [result] = plan_for(pg_target, [item]).checks
    assert done
    assert result.status is CheckStatus.ERROR
    assert f"the statement was not run: {CAME}" in result.message
    mallory.execute("drop function public.lower(varchar)")
    assert plan_for(pg_target, [item]).checks[0].status is CheckStatus.PASS


def advised(target: Target, resources) -> Plan:
    return make_plan({"main": target}, resources, Secrets({}), created_at=now(), advised=True)


EXTENSIONS = [
    ("pg_stat_statements", "pg_stat_statements_hers"),
    ("pg_stat_statements", "pg_stat_statements"),
]


@pytest.mark.parametrize(("extension", "name"), EXTENSIONS, ids=[each[1] for each in EXTENSIONS])
def test_an_extension_beside_which_somebody_has_functions_is_not_said_to_be_absent(
    extension, name, shared, mallory, pg_target
):
    shared.execute(f"create extension {extension}")
    mallory.execute(f"create function public.{name}(a int) returns int language sql as 'select 1'")
    wanted = tables(pg_target, {"public.tasks": {"indexes": {"i": {"columns": ["id"]}}}})
    [said] = [each.message for each in advised(pg_target, wanted).notices if "what-if" in each.message]
    assert said == (
        f"what-if is not available: beside the functions of {extension} stands public.{name}(), of "
        f"{mallory.info.user}, which might be called in their place: drop it, or move the extension to a schema of "
        "its own"
    )
    mallory.execute(f"drop function public.{name}(int)")
    told = [each.message for each in advised(pg_target, wanted).notices if "what-if" in each.message]
    assert not any("beside" in each for each in told)
