"""Settings of ALTER SYSTEM that nobody declares: told, or counted as drift. Seen before: in sync, whatever was set."""

from __future__ import annotations

import pytest
from applying.acting import Command, apply, plan_for
from pydantic import TypeAdapter, ValidationError
from waiting import reload

from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import KIND
from reconciler.model import NoticeType
from reconciler.views import render, render_drift


def declared(target, word, settings=()):
    value = TypeAdapter(KIND.sections["unlisted_settings"]).validate_python(word)
    found = list(KIND.declare(Declaration(target, "unlisted_settings", value, "x.yaml", lambda path: "x.yaml:2:1")))
    section = TypeAdapter(KIND.sections["settings"]).validate_python(dict(settings))
    found += KIND.declare(Declaration(target, "settings", section, "x.yaml", lambda path: "x.yaml:3:1"))
    return KIND.gathered(found)


@pytest.fixture
def by_hand(sql):
    for setting in ("work_mem = '9MB'", "log_min_duration_statement = '3s'", "primary_conninfo = 'password=hidden'"):
        sql.execute(f"alter system set {setting}")
    reload(sql)
    yield sql
    sql.execute("alter system reset all")
    reload(sql)


def said(plan) -> dict[str, str]:
    return {notice.address.name: notice.message for notice in plan.notices}


@pytest.mark.matrix
def test_what_alter_system_has_set_is_told_and_a_declared_one_is_not(by_hand, pg_target):
    for word, kind in (("report", NoticeType.UNLISTED), ("drift", NoticeType.UNWANTED)):
        plan = plan_for(pg_target, declared(pg_target, word, {"work_mem": "9MB"}))
        assert plan.is_empty
        assert {notice.type for notice in plan.notices} == {kind}
        words = "set by ALTER SYSTEM{} (in postgresql.auto.conf), and no file declares it"
        assert said(plan) == {
            "log_min_duration_statement": words.format(" to 3s"),
            "primary_conninfo": words.format(""),
        }
        assert "hidden" not in plan.model_dump_json()
        for text in (render(plan, "markdown"), render_drift(plan, "text", width=200)):
            assert "set by ALTER SYSTEM to 3s" in text.replace("<!-- -->", "")
    assert plan_for(pg_target, declared(pg_target, "keep")).notices == ()
    assert said(plan_for(pg_target, declared(pg_target, "drift"))).keys() == {
        "work_mem", "log_min_duration_statement", "primary_conninfo",
    }  # fmt: skip


PATTERNS = [
    ({"*": "drift", "log_*": "keep", "Primary_Conninfo": "keep"}, {"work_mem"}, "exceptions; names have no case"),
    ({"log_*": "drift"}, {"log_min_duration_statement"}, "what fits no pattern is kept"),
]


@pytest.mark.parametrize(("word", "names", "reason"), PATTERNS, ids=[each[2] for each in PATTERNS])
def test_the_closest_pattern_decides(word, names, reason, by_hand, pg_target):
    assert said(plan_for(pg_target, declared(pg_target, word))).keys() == names, reason


def test_what_postgresql_conf_has_is_nobodys_drift(by_hand, pg_target, postgres):
    assert "pg_stat_statements" in (postgres.data / "postgresql.conf").read_text()
    assert "shared_preload_libraries" not in said(plan_for(pg_target, declared(pg_target, "drift")))


def test_what_looks_like_a_password_is_not_shown(pg_target, clean):
    """On the code before, only what is known to hold one was left out, and a program's key was told."""
    clean.execute("alter system set archive_command = 'AWS_SECRET_ACCESS_KEY=h1dden push %p'")
    clean.execute("alter system set restore_command = 'curl ftp://bob:h1dden@backup/%f'")
    clean.execute("alter system set archive_cleanup_command = 'rm %r'")
    plan = plan_for(pg_target, declared(pg_target, "report"))
    assert {"archive_command", "restore_command", "archive_cleanup_command"} <= said(plan).keys()
    assert "h1dden" not in plan.model_dump_json()
    assert "rm %r" in plan.model_dump_json()


def test_it_is_gone_once_it_is_declared_as_default(by_hand, pg_target):
    settings = {"work_mem": "default", "log_min_duration_statement": "default", "primary_conninfo": "default"}
    desired = declared(pg_target, "drift", settings)
    plan = plan_for(pg_target, desired)
    assert len(plan.changes) == 3
    assert plan.notices == ()
    assert apply(plan, pg_target, allowed=["less-safe", "stops-standbys", "stops-service"]).succeeded
    again = plan_for(pg_target, desired)
    assert (again.changes, [each.type for each in again.notices]) == ((), [])


def test_nothing_can_be_dropped_of_settings():
    for word in ("drop", {"*": "drop"}):
        with pytest.raises(ValidationError):
            TypeAdapter(KIND.sections["unlisted_settings"]).validate_python(word)


def test_a_role_that_may_not_read_the_files_is_told_so(by_hand, pg_target, postgres):
    by_hand.execute("create role half_blind login")
    url = type(pg_target.url)(postgres.url(by_hand.info.dbname, "half_blind"))
    target = pg_target.model_copy(update={"url": url})
    [notice] = plan_for(target, declared(target, "drift")).notices
    by_hand.execute("drop role half_blind")
    assert (notice.address.name, notice.type) == ("*", NoticeType.NOT_VISIBLE)
    assert "grant select on pg_catalog.pg_file_settings" in notice.message


def test_what_another_target_of_the_same_server_declares_is_not_unlisted(by_hand, pg_target, postgres):
    other = pg_target.model_copy(update={"name": "other", "url": type(pg_target.url)(postgres.url("template1"))})
    desired = [*declared(pg_target, "drift"), *declared(other, "report", {"work_mem": "9MB"})]
    plan = plan_for([pg_target, other], desired)
    assert plan.is_empty
    assert {(notice.address.target, notice.address.name) for notice in plan.notices} == {
        (target, name) for target in ("main", "other") for name in ("log_min_duration_statement", "primary_conninfo")
    }


EXIT_CODES = [("keep", 0), ("report", 0), ("drift", 2)]


@pytest.mark.parametrize(("word", "code"), EXIT_CODES)
def test_what_counts_is_told_by_the_exit_code(word, code, by_hand, database, tmp_path):
    (tmp_path / "x.yaml").write_text(
        f'targets: {{main: {{postgres: "${{URL}}"}}}}\n---\ntarget: main\nunlisted_settings: {word}\n'
    )
    run = Command(tmp_path, {"URL": database})
    found, out, err = run.run("drift")
    assert found == code, out + err
    found, out, err = run.run("plan", "--detailed-exitcode")
    assert found == 0, f"there is nothing to apply: {out}{err}"


def test_of_redis_there_is_no_such_section(tmp_path):
    (tmp_path / "x.yaml").write_text(
        'targets: {cache: {redis: "redis://127.0.0.1:1"}}\n---\ntarget: cache\nunlisted_settings: report\n'
    )
    code, _, err = Command(tmp_path, {}).run("validate")
    assert code == 1
    assert 'the section "unlisted_settings" is for targets of postgres, and this one is of redis' in err
