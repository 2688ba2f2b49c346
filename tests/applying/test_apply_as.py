"""`apply_as` of a target: a plan made by who may only read says what those may not who will apply it, and never advises
to grant more to the reader. On the code before there is no such key."""

from __future__ import annotations

from contextlib import closing

import pytest
from pg_index.declared import declared

from applying.acting import apply, pg_settings, plan_for
from reconciler.errors import ApplyError, ConnectionFailed
from reconciler.model import Target
from reconciler.targets.connect import connect
from reconciler.views import render

ROLES = ("monitor", "deployer", "owners")
INDEX = {"tasks_status_idx": {"columns": ["status", "lower(title)"], "where": "priority > 3"}}
SINCE_GRANTS = 150000


def by(target: Target, user: str, *, role: str = "", apply_as: str = "deployer") -> Target:
    url = target.url.get_secret_value().replace("postgres@", f"{user}@")
    return target.model_copy(update={"role": role, "apply_as": apply_as, "url": type(target.url)(url)})


@pytest.fixture
def owned(sql):
    """A table of a role that nobody logs in as; who applies may take that on, who reads has nothing of either."""
    sql.execute("create role owners")
    sql.execute("create role monitor login in role pg_monitor")
    sql.execute("create role deployer login noinherit in role pg_monitor, owners")
    sql.execute(f"grant create, temporary on database {sql.info.dbname} to owners")
    sql.execute("grant create on schema public to owners")
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    sql.execute("insert into tasks select n, 's' || n % 5, n % 10, 't' || n from generate_series(1, 50) n")
    sql.execute("alter table tasks owner to owners")
    yield sql
    for role in ROLES:
        sql.execute(f"drop owned by {role}; drop role {role}")


@pytest.mark.matrix
def test_a_readers_plan_is_judged_by_who_applies_it(owned, pg_target):
    alone = plan_for(by(pg_target, "monitor", apply_as=""), declared(pg_target, **INDEX))
    assert "role monitor may not" in alone.changes[0].forbidden
    reader, deployer = (by(pg_target, user, role="owners") for user in ("monitor", "deployer"))
    plan = plan_for(reader, declared(reader, **INDEX))
    assert plan.changes[0].forbidden == ""
    assert ", as role owners, applied as deployer" in render(plan, "text", colour=False, width=160)
    receipt = apply(plan, deployer)
    assert receipt.succeeded, receipt
    for target in (reader, deployer):
        assert plan_for(target, declared(target, **INDEX)).is_empty


@pytest.mark.matrix
def test_what_they_may_not_is_theirs_to_be_granted(owned, pg_target):
    """Without `role`, its membership does not count: NOINHERIT."""
    reader = by(pg_target, "monitor")
    [index] = plan_for(reader, declared(reader, **INDEX)).changes
    assert index.forbidden == "role deployer may not: public.tasks belongs to owners; grant owners to deployer"
    [setting] = plan_for(reader, pg_settings(reader, {"work_mem": "17MB"})).changes
    if owned.info.server_version < SINCE_GRANTS:
        assert setting.forbidden.endswith("use a superuser")
        return
    assert setting.forbidden.endswith("grant alter system on parameter work_mem to deployer")
    owned.execute("grant alter system on parameter work_mem to deployer")
    [setting] = plan_for(reader, pg_settings(reader, {"work_mem": "17MB"})).changes
    assert setting.forbidden.startswith("role deployer may not reload the configuration")
    assert setting.forbidden.endswith("to deployer, in this database")
    owned.execute("grant execute on function pg_reload_conf() to deployer")
    [setting] = plan_for(reader, pg_settings(reader, {"work_mem": "17MB"})).changes
    assert setting.forbidden == ""


@pytest.mark.parametrize("user", ["monitor", "postgres"])
def test_nobody_else_applies_it(user, owned, pg_target):
    reader = by(pg_target, "monitor", role="owners")
    plan = plan_for(reader, declared(reader, **INDEX))
    with pytest.raises(ApplyError) as refused:
        apply(plan, by(pg_target, user, role="owners"))
    assert refused.value.message == f"main is to be applied as deployer, and {user} has logged in"
    assert owned.execute("select to_regclass('tasks_status_idx')").fetchone() == (None,)


def test_who_reads_takes_on_nothing(owned, pg_target, secrets):
    owned.execute("grant owners to monitor")
    with closing(connect(by(pg_target, "monitor", role="owners"), secrets)) as session:
        assert (session.role, session.login, session.acting) == ("monitor", "monitor", "owners")
        assert session.fetch("select current_user as me")[0]["me"] == "monitor"
    with closing(connect(by(pg_target, "deployer", role="owners"), secrets)) as session:
        assert (session.role, session.login, session.acting) == ("owners", "deployer", "owners")
        assert session.fetch("select current_user as me")[0]["me"] == "owners"


WRONG = [
    ("nobody", "", "there is no role nobody, which is to apply"),
    ("nobody", "owners", "nobody, which is to apply, cannot take on the role owners"),
    ("monitor", "owners", "monitor, which is to apply, cannot take on the role owners"),
    ("deployer", "nobody", "deployer, which is to apply, cannot take on the role nobody"),
    ("Deployer", "", "there is no role Deployer, which is to apply"),
    ("x' or true --", "", "there is no role x' or true --, which is to apply"),
]


@pytest.mark.matrix
@pytest.mark.parametrize(("apply_as", "role", "said"), WRONG)
def test_who_is_to_apply_has_to_be_there_and_a_member(apply_as, role, said, owned, pg_target, secrets):
    with pytest.raises(ConnectionFailed) as refused:
        connect(by(pg_target, "postgres", role=role, apply_as=apply_as), secrets)
    assert said in refused.value.message
    assert "`apply_as`" in refused.value.hint
