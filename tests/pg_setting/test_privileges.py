"""Roles that may not see, or may not change, everything; and values that nobody is to see."""

from __future__ import annotations

import pytest
from live import changes, converge, outcomes
from pg_setting.setting_cases import declared, settings
from waiting import reload

from reconciler.documents.change_fingerprint import fingerprint
from reconciler.errors import DesiredError
from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.pg_setting.observing.hidden_from_role import existing
from reconciler.model import SENSITIVE, Notice, NoticeType
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

SECRET = "host=db1 password=correct-horse"


@pytest.mark.matrix
def test_a_hidden_setting_is_not_visible_never_unset(as_role):
    [notice] = outcomes(KIND, as_role, settings({"shared_preload_libraries": "pg_stat_statements"}))
    assert notice.type is NoticeType.NOT_VISIBLE
    assert notice.message == "not visible to role plain; grant pg_read_all_settings to plain"


def test_an_unknown_setting_is_not_taken_for_a_hidden_one(as_role):
    [notice] = outcomes(KIND, as_role, settings({"shared_prelaod_libraries": "x"}))
    assert notice.type is NoticeType.BLOCKED
    assert "has no setting" in notice.message


NAMED = {"shared_preload_libraries", "work_mem", "nonsense", "a.b"}


@pytest.mark.matrix
def test_whether_settings_are_there_is_asked_at_once_and_fails_nothing(as_role, secrets, postgres):
    session, before = connect(as_role, secrets), len(postgres.log)
    assert existing(session, NAMED) == {"shared_preload_libraries", "work_mem"}
    session.close()
    assert "ERROR" not in postgres.log[before:]


@pytest.mark.matrix
@pytest.mark.parametrize("taken", ["revoke usage on language plpgsql from public", "drop extension plpgsql"])
def test_whether_settings_are_there_is_told_without_a_language_to_ask_in(as_role, secrets, sql, taken):
    sql.execute(taken)
    session = connect(as_role, secrets)
    assert existing(session, NAMED) == {"shared_preload_libraries", "work_mem"}
    session.close()


def test_a_plain_role_sees_what_is_in_sync(as_role):
    resources = settings({"work_mem": "4MB", "autovacuum_naptime": "60s", "vacuum_cost_limit": "default"})
    assert outcomes(KIND, as_role, resources) == []


def test_a_plain_role_is_told_that_it_may_not_change_anything(as_role, sql):
    """And what it lacks: before, that was said of ALTER SYSTEM alone."""
    version = sql.info.server_version
    [(database,)] = sql.execute("select current_database()").fetchall()
    sql.execute("create role other")
    resources = [
        *settings({"work_mem": "16MB"}),
        *declared("databases", {database: {"settings": {"work_mem": "16MB"}}}),
        *declared("roles", {"postgres": {"settings": {"work_mem": "16MB"}}, "plain": {"settings": {"fsync": "on"}}}),
        *declared("roles", {"plain": {"settings": {"log_statement": "all"}}}),
        *declared("roles", {"other": {"settings": {"work_mem": "16MB"}}}),
    ]
    found = changes(KIND, as_role, resources)
    sql.execute("drop role other")
    assert [change.forbidden for change in found if "fsync" not in change.summary][:3] == [
        "role plain may not run alter system set work_mem = '16MB': "
        + ("grant alter system on parameter work_mem to plain" if version >= 150000 else "use a superuser"),
        f"role plain may not run alter database {database} set work_mem = '16MB': "
        "that takes the owner of the database: grant it to plain",
        "role plain may not run alter role postgres set work_mem = '16MB': use a superuser",
    ]
    assert [change.forbidden for change in found[-2:]] == [
        "role plain may not run alter role plain set log_statement = 'all': "
        + ("grant set on parameter log_statement to plain" if version >= 150000 else "use a superuser"),
        "role plain may not run alter role other set work_mem = '16MB': "
        "that takes CREATEROLE: alter role plain createrole"
        + ("; grant other to plain with admin option" if version >= 160000 else ""),
    ]


def test_a_plan_of_a_role_that_may_only_read_is_the_plan_of_one_that_may_write(as_role, clean, pg_target):
    clean.execute("grant pg_monitor to plain")
    clean.execute("grant select on pg_catalog.pg_file_settings to plain")
    clean.execute("grant execute on function pg_catalog.pg_show_all_file_settings() to plain")
    resources = settings({"work_mem": "16MB", "max_connections": "99", "shared_preload_libraries": "default"})
    planned, applied = (changes(KIND, target, resources) for target in (as_role, pg_target))
    assert [fingerprint(change) for change in planned] == [fingerprint(change) for change in applied]
    assert all(change.forbidden for change in planned)
    assert not any(change.forbidden for change in applied)


def test_a_plain_role_may_set_its_own(as_role):
    [change] = converge(KIND, as_role, declared("roles", {"plain": {"settings": {"work_mem": "16MB"}}}))
    assert change.steps[0].statements == ("alter role plain set work_mem = '16MB'",)


def test_a_plain_role_with_a_value_of_its_own_cannot_tell_the_instances(as_role, clean):
    clean.execute("alter role plain set work_mem = '64MB'")
    [notice] = outcomes(KIND, as_role, settings({"work_mem": "64MB"}))
    assert notice.type is NoticeType.NOT_VISIBLE
    assert "ALTER ROLE gives this session one of its own" in notice.message


def test_pg_monitor_sees_all_values_and_no_files(as_role, clean):
    clean.execute("grant pg_monitor to plain")
    assert outcomes(KIND, as_role, settings({"shared_preload_libraries": ["pg_stat_statements"]})) == []
    [change] = changes(KIND, as_role, settings({"autovacuum_naptime": "30s"}))
    assert "role plain may not run" in change.forbidden
    [notice] = outcomes(KIND, as_role, settings({"max_prepared_transactions": "default"}))
    assert notice.type is NoticeType.NOT_VISIBLE
    assert "cannot see whether RESET would change that" in notice.message


@pytest.mark.pg(">= 15")
def test_a_role_that_was_granted_alter_system_on_a_parameter(as_role, clean, sql):
    clean.execute("grant alter system on parameter work_mem, max_connections to plain")
    [change] = changes(KIND, as_role, settings({"work_mem": "16MB"}))
    assert "grant execute on function pg_catalog.pg_reload_conf() to plain" in change.forbidden
    sql.execute("grant execute on function pg_catalog.pg_reload_conf() to plain")
    assert converge(KIND, as_role, settings({"work_mem": "16MB"}))
    [change] = changes(KIND, as_role, settings({"autovacuum_naptime": "30s"}))
    assert "grant alter system on parameter autovacuum_naptime to plain" in change.forbidden

    [change] = converge(KIND, as_role, settings({"max_connections": "99"}))
    assert change.undo == ()
    assert "cannot be undone by itself: the former entry is not kept" in change.notes
    [notice] = outcomes(KIND, as_role, settings({"max_connections": "99"}))
    assert notice.type is NoticeType.WAITS_FOR_RESTART
    assert "cannot see which value" in notice.message


def test_whether_a_library_is_there_is_not_claimed_by_a_role_that_cannot_look(as_role):
    [change] = changes(
        KIND, as_role, declared("roles", {"plain": {"settings": {"local_preload_libraries": "nonsense"}}})
    )
    assert "whether its libraries are installed could not be seen by role plain" in change.notes


def test_a_secret_is_compared_and_never_carried(clean, pg_target):
    secrets = Secrets({"CONNINFO": SECRET})
    resources = settings({"primary_conninfo": {"env": "CONNINFO"}})
    [notice] = outcomes(KIND, pg_target, resources, secrets)
    assert isinstance(notice, Notice)
    assert notice.type is NoticeType.BLOCKED
    assert "correct-horse" not in notice.model_dump_json()
    clean.execute(f"alter system set primary_conninfo = '{SECRET}'")
    reload(clean)
    assert converge(KIND, pg_target, settings({"work_mem": "4MB"})) == []
    assert outcomes(KIND, pg_target, resources, secrets) == []


def test_the_former_value_of_a_secret_setting_is_in_nothing(clean, pg_target):
    clean.execute(f"alter system set primary_conninfo = '{SECRET}'")
    reload(clean)
    resources = settings({"primary_conninfo": "host=db2 passfile=/etc/pass"})
    [change] = changes(KIND, pg_target, resources)
    assert change.before["value"] == change.after["value"] == change.summary == SENSITIVE
    assert change.sensitive == ("value",)
    assert "correct-horse" not in change.model_dump_json()
    assert "correct-horse" not in repr(change)
    clean.execute(f"alter system set primary_conninfo = '{SECRET} connect_timeout=3'")
    [pending] = changes(KIND, pg_target, resources)
    assert pending.before["pending"] == SENSITIVE
    assert pending.sensitive == ("value", "pending"), "seen to leave out what a reload would bring"
    assert "correct-horse" not in pending.model_dump_json()
    session = connect(pg_target, Secrets({}))
    assert "correct-horse" not in repr(KIND.observe(session, resources))
    session.close()


def test_a_password_in_yaml_is_refused():
    with pytest.raises(DesiredError, match="has a password in it") as raised:
        settings({"primary_conninfo": SECRET})
    assert "correct-horse" not in str(raised.value)


def test_a_secret_that_is_not_set_is_an_error(pg_target):
    with pytest.raises(DesiredError, match=r"the secret \$NOWHERE is not set"):
        outcomes(KIND, pg_target, settings({"primary_conninfo": {"env": "NOWHERE"}}))
