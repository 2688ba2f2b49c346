"""`role` of a target: what is built, judged and said is by the role that a session takes on, and who logged in stays
who is trusted. On the code before there is no such key, but for the case that says so."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from attacks.conftest import marks, payload
from attacks.test_poolers import PGBOUNCER, pooled
from clusters.pgbouncer import Application
from pg_index.declared import declared, tables
from pg_setting.test_unlisted_settings import declared as unlisted_settings
from waiting import until

from applying.acting import Applying, Command, Seen, apply, message, pg_settings, plan_for, results
from reconciler.applying.lock import locked
from reconciler.applying.rehearsal import rehearse
from reconciler.documents import plan as plan_file
from reconciler.errors import ConnectionFailed, LockHeld, PlanFileError
from reconciler.model import Applied, NoticeType, PostgresTarget, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.postgres.opening import open_connection
from reconciler.views import render

__all__ = ["marks"]

ROLES = ("deployer", "owners", "stranger", "admins")

INDEXES = {
    "tasks_status_idx": {"columns": ["status", "lower(title)"], "where": "priority > 3"},
    "tasks_old_idx": "absent",
}


def as_role(target: Target, role: str, user: str = "deployer") -> Target:
    url = target.url.get_secret_value().replace("postgres@", f"{user}@")
    return target.model_copy(update={"role": role, "url": type(target.url)(url)})


@pytest.fixture
def owned(sql, postgres):
    """A table of a role that nobody logs in as, and who may take that on but has nothing of it otherwise."""
    for role in ("owners", "stranger", "admins"):
        sql.execute(f"create role {role}")
    sql.execute("create role deployer login noinherit in role pg_monitor, owners")
    sql.execute("create schema app authorization owners")
    sql.execute(f"grant create, temporary on database {sql.info.dbname} to owners")
    sql.execute("grant create on schema public to owners")
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    sql.execute("insert into tasks select n, 's' || n % 5, n % 10, 't' || n from generate_series(1, 500) n")
    sql.execute("create index tasks_old_idx on tasks (title)")
    sql.execute("alter table tasks owner to owners")
    yield sql
    for role in ROLES:
        sql.execute(f"drop owned by {role}; drop role {role}")


@pytest.mark.matrix
def test_what_is_built_needs_the_role_and_belongs_to_it(owned, pg_target):
    alone, taking = as_role(pg_target, ""), as_role(pg_target, "owners")
    said = {change.forbidden for change in plan_for(alone, declared(alone, **INDEXES)).changes}
    assert all("role deployer may not" in each for each in said), said
    plan = plan_for(taking, declared(taking, **INDEXES))
    assert {change.forbidden for change in plan.changes} == {""}
    assert rehearse(taking, Secrets({}), plan.changes).refused == []
    receipt = apply(plan, taking, allowed=["index-drop"])
    assert receipt.succeeded, receipt
    query = "select relowner::regrole::text from pg_class where relname = 'tasks_status_idx'"
    assert owned.execute(query).fetchone() == ("owners",)
    assert plan_for(taking, declared(taking, **INDEXES)).is_empty
    assert plan_for(pg_target, declared(pg_target, **INDEXES)).is_empty


def test_a_session_is_who_logged_in_again_when_its_transaction_ends(owned, pg_target, secrets):
    with closing(connect(as_role(pg_target, "owners"), secrets)) as session:
        assert (session.role, session.login) == ("owners", "deployer")
        assert session.fetch("select current_user as me")[0]["me"] == "owners"
        assert session._connection.execute("select current_user::text as me").fetchone() == {"me": "deployer"}
    with closing(open_connection(as_role(pg_target, "owners"), secrets, {})) as session:
        session.execute("create index concurrently tasks_a on public.tasks (status)")
        assert session.execute("select current_user::text as me").fetchone() == {"me": "owners"}


def test_names_are_looked_for_where_the_role_looks_for_them(owned, pg_target, secrets):
    owned.execute("create schema owners authorization owners")
    with closing(connect(as_role(pg_target, "owners"), secrets)) as session:
        assert session.search_path == ("owners", "public")


WRONG = [
    ("stranger", "deployer", 'permission denied to set role "stranger"', "not a member of it"),
    ("Owners", "deployer", 'role "Owners" does not exist', "names are as they are written"),
    ("nobody", "postgres", 'role "nobody" does not exist', "a superuser, to whom only this can happen"),
]


@pytest.mark.matrix
@pytest.mark.parametrize(("role", "user", "said", "reason"), WRONG, ids=[each[3] for each in WRONG])
def test_a_role_that_cannot_be_taken_on_is_an_error_that_names_it(role, user, said, reason, owned, pg_target, secrets):
    target = as_role(pg_target, role, user)
    for session in (lambda: connect(target, secrets), lambda: open_connection(target, secrets, {})):
        with pytest.raises(ConnectionFailed) as refused:
            session()
        assert f"main: the role {role} cannot be taken on: {said}" in str(refused.value), reason
        assert f"{user} to be a member of it" in refused.value.hint


def test_settings_are_judged_by_the_role_and_told_by_its_name(owned, pg_target):
    target = as_role(pg_target, "owners", "postgres")
    plan = plan_for(target, pg_settings(target, {"work_mem": "17MB"}))
    assert "role owners may not run alter system set work_mem" in plan.changes[0].forbidden
    refused = apply(plan, target)
    assert results(refused) == {"work_mem": Applied.FAILED}
    assert "role owners may not" in message(refused)
    assert owned.execute("select count(*) from pg_file_settings where name = 'work_mem'").fetchone() == (0,)


def test_a_plan_of_one_role_is_applied_as_no_other(owned, pg_target):
    taking, other = as_role(pg_target, "owners", "postgres"), as_role(pg_target, "", "postgres")
    plan = plan_for(taking, declared(taking, **INDEXES))
    assert plan.targets["main"].as_role == "owners"
    assert plan_file.load(plan_file.dump(plan), source="x").targets["main"].as_role == "owners"
    with pytest.raises(PlanFileError, match="was planned as role owners, and is declared without `role`"):
        apply(plan, other, allowed=["index-drop"])
    assert ", as role owners" in render(plan, "text", colour=False, width=100)
    script = render(plan, "sql", colour=False, width=100)
    assert 'set role "owners";' in script
    assert script.index('set role "owners";') < script.index("tasks_status_idx on") < script.index("reset role;")


@pytest.mark.matrix
def test_who_logged_in_sees_whom_a_build_waits_for(owned, pg_target, holder):
    """Watched by the role itself, which may not see what others run, every build would be silent for hours."""
    owned.execute("alter role deployer inherit; revoke pg_monitor from deployer; grant pg_monitor to deployer")
    holder.execute("lock table tasks in share update exclusive mode")
    target, listener = as_role(pg_target, "owners"), Seen()
    plan = plan_for(target, declared(target, tasks_status_idx=INDEXES["tasks_status_idx"]))
    applying = Applying(plan, target, listener=listener)
    until(lambda: listener.waits, "a look that shows who is in the way")
    holder.rollback()
    assert applying.ended().succeeded
    [first, *_] = [each.blockers[0] for each in listener.waits]
    assert (first.application, first.state) == ("the report", "idle in transaction")
    assert plan_for(target, declared(target, tasks_status_idx=INDEXES["tasks_status_idx"])).is_empty


@pytest.fixture
def armed(owned):
    """A partial index, whose predicate calls what a stranger replaced later."""
    owned.execute("create schema evil authorization stranger")
    owned.execute("grant create, usage on schema evil to public; grant usage on schema evil to owners")
    body = "create {} function evil.f(i int) returns int language {} immutable as $f$ {} $f$"
    with owned.transaction():
        owned.execute("set local role stranger")
        owned.execute(body.format("", "sql", "select $1"))
    owned.execute("create index tasks_evil_idx on tasks (status) where priority > evil.f(3)")
    with owned.transaction():
        owned.execute("set local role stranger")
        owned.execute(payload("evil.f(i int)", "int", "i"))
    return owned


EVIL = {"tasks_evil_idx": {"columns": ["status"], "where": "evil.f(3) < priority"}}


def test_a_superuser_is_one_whatever_role_it_takes_on(armed, pg_target, marks):
    """The function could take the role back, and then do what a superuser may."""
    armed.execute("grant stranger to owners")
    target = as_role(pg_target, "owners", "postgres")
    plan = plan_for(target, tables(target, {"public.tasks": {"indexes": EVIL}}))
    assert [(each.type, "evil.f" in each.message) for each in plan.notices] == [(NoticeType.NOT_VISIBLE, True)]
    with closing(connect(target, Secrets({}))) as session:
        assert session.may_harm
        assert marks("owners") == []
        assert session.lesser_role.startswith("postgres is a superuser")


def test_who_may_take_on_a_superusers_role_trusts_superusers_alone(armed, pg_target, marks):
    """Seen before: the function was run, which could have taken that role on, since its own is one of deployer's."""
    armed.execute("alter role admins superuser; grant admins to deployer; grant stranger to deployer")
    for role in ("", "owners"):
        target = as_role(pg_target, role)
        plan = plan_for(target, tables(target, {"public.tasks": {"indexes": EVIL}}))
        assert [*marks("owners"), *marks("deployer")] == []
        assert NoticeType.NOT_VISIBLE in {each.type for each in plan.notices}, role
        with closing(connect(target, Secrets({}))) as session:
            assert session.may_harm


@pytest.mark.skipif(not PGBOUNCER.exists(), reason="wanted: Debian's pgbouncer")
def test_a_pooler_that_shares_sessions_is_left_as_it_was(owned, postgres, pg_target, folder):
    for shared in pooled(folder, postgres, "transaction", size=1):
        url = shared.url(owned.info.dbname)
        target = pg_target.model_copy(update={"role": "owners", "url": type(pg_target.url)(url)})
        with Application(url).running() as application:
            plan = plan_for(target, declared(target, **INDEXES))
            assert len(plan.changes) == 2
            with pytest.raises(ConnectionFailed, match="a pooler that shares sessions"):
                apply(plan, target, allowed=["index-drop"])
        assert application.errors == []
        with psycopg.connect(url, autocommit=True) as next_one:
            assert next_one.execute("select current_user::text").fetchone() == ("postgres",)


def test_it_is_declared_in_yaml_and_empty_is_none(owned, tmp_path, postgres):
    folder = tmp_path / "desired"
    folder.mkdir()
    (folder / "x.yaml").write_text(
        'targets:\n  main: {postgres: "${DATABASE_URL}", role: "${OWNER:-}"}\n---\n'
        "target: main\ntables:\n  public.tasks:\n    indexes:\n      tasks_a_idx: {columns: [status]}\n"
    )
    url = postgres.url(owned.info.dbname, "deployer")
    code, out, err = Command(folder, {"DATABASE_URL": url}).run("plan")
    assert "role deployer may not" in out, err
    run = Command(folder, {"DATABASE_URL": url, "OWNER": "owners"})
    code, out, err = run.run("plan", "--rehearse", "--out", tmp_path / "plan.json")
    assert (code, ", as role owners" in out) == (0, True), out + err
    assert run.run("apply", tmp_path / "plan.json")[0] == 0
    assert run.run("plan", "--detailed-exitcode")[0] == 0


@pytest.mark.parametrize(("first", "second"), [("owners", ""), ("", "owners")])
def test_one_apply_at_a_time_whatever_the_role(first, second, owned, pg_target):
    secrets, taking = Secrets({}), as_role(pg_target, second)
    plan = plan_for(taking, declared(taking, **INDEXES))
    with (
        locked(as_role(pg_target, first), secrets, lambda: plan.created_at),
        pytest.raises(LockHeld, match=r"another apply is at work: reconciler apply by .*user deployer"),
    ):
        apply(plan, taking, allowed=["index-drop"])
    assert owned.execute("select 1 from pg_class where relname = 'tasks_status_idx'").fetchone() is None


@pytest.mark.thorough
@pytest.mark.rotated
def test_a_standby_takes_it_on_as_well_and_tells_its_own_settings(pair):
    with psycopg.connect(pair.primary.url(), autocommit=True) as sql:
        sql.execute("create role owners in role pg_monitor")
        sql.execute("grant select on pg_file_settings to owners")
        sql.execute("grant execute on function pg_show_all_file_settings() to owners")
    pair.replayed()
    with psycopg.connect(pair.standby.url(), autocommit=True) as sql:
        sql.execute("alter system set work_mem = '9MB'")
    standby = PostgresTarget(
        name="main@db2", url=pair.standby.url(), node_of="main", role="owners"
    )  # fmt: skip
    target = PostgresTarget(
        name="main", url=pair.primary.url(), standbys=(standby,), role="owners"
    )  # fmt: skip
    plan = plan_for(target, unlisted_settings(target, "drift"))
    assert {info.as_role for info in plan.targets.values()} == {"owners"}
    named = [str(notice.address) for notice in plan.notices if notice.address.name == "work_mem"]
    assert named == ["main@db2/pg_setting/work_mem"]
