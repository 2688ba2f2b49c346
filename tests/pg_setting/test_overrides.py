"""Who gets another value of a setting that is as declared. All of it was silent before, but what is declared."""

from __future__ import annotations

from typing import Any

import pytest
from applying.acting import apply, message, plan_for
from pg_setting.setting_cases import reload, settings
from pydantic import SecretStr, TypeAdapter

from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import KIND
from reconciler.model import NoticeType, Plan, Verdict
from reconciler.planning import exit_codes
from reconciler.reports.drift import drift_report
from reconciler.reports.plan import plan_report
from reconciler.verdicts import of_plan


@pytest.fixture
def roles(sql):
    for role in ("app_reports", "app_web"):
        sql.execute(f"create role {role}")
    yield sql
    for role in ("app_reports", "app_web"):
        sql.execute(f"drop role {role}")
    sql.execute("alter system reset all")
    reload(sql)


def of_roles(target, value: dict[str, Any]):
    section = TypeAdapter(KIND.sections["roles"]).validate_python(value)
    return list(KIND.declare(Declaration(target, "roles", section, "x.yaml", lambda path: "x.yaml:1:1")))


def notes(plan: Plan) -> list[str]:
    return [each.message for each in plan.notices if each.type is NoticeType.NOTE]


def test_a_role_that_gets_another_value_is_told_and_is_no_drift(roles, pg_target):
    database = roles.info.dbname
    roles.execute("alter role app_reports set work_mem = '1GB'")
    roles.execute("alter role app_web set work_mem = '4096kB'")
    roles.execute("alter role app_web set maintenance_work_mem = '1GB'")
    roles.execute(f"alter role app_reports in database \"{database}\" set work_mem = '2GB'")
    plan = plan_for(pg_target, settings({"work_mem": "4MB"}))
    assert sorted(notes(plan)) == [
        "as declared, but role app_reports gets another value: 1GB",
        f"as declared, but role app_reports in database {database} gets another value: 2GB",
    ]
    assert of_plan(plan) is Verdict.IN_SYNC
    assert exit_codes.plan_exit_code(plan, detailed=True) == exit_codes.drift_exit_code(plan) == 0
    assert plan_report(plan).summary == ("No changes.", "1 setting is as declared.")
    assert drift_report(plan).summary == ("In sync.", "1 setting is as declared.")


def test_a_value_that_is_declared_is_told_by_nobody(roles, pg_target):
    roles.execute("alter role app_reports set work_mem = '1GB'")
    wanted = {"app_reports": {"settings": {"work_mem": "1GB"}}}
    plan = plan_for(pg_target, [*settings({"work_mem": "4MB"}), *of_roles(pg_target, wanted)])
    assert (plan.is_empty, plan.notices) == (True, ())


def test_of_a_role_its_value_in_one_database_is_told(roles, pg_target):
    database = roles.info.dbname
    roles.execute("alter role app_reports set work_mem = '1GB'")
    roles.execute(f"alter role app_reports in database \"{database}\" set work_mem = '2GB'")
    plan = plan_for(pg_target, of_roles(pg_target, {"app_reports": {"settings": {"work_mem": "1GB"}}}))
    assert notes(plan) == [f"as declared, but role app_reports in database {database} gets another value: 2GB"]


def test_what_another_target_of_the_server_declares_is_told_by_nobody(roles, postgres, pg_target):
    other = pg_target.model_copy(update={"name": "other", "url": SecretStr(postgres.url("postgres"))})
    roles.execute("alter role app_reports set work_mem = '1GB'")
    wanted = of_roles(other, {"app_reports": {"settings": {"work_mem": "1GB"}}})
    plan = plan_for([pg_target, other], [*settings({"work_mem": "4MB"}), *wanted])
    assert (plan.is_empty, plan.notices) == (True, ())


def test_a_receipt_says_nothing_of_it(roles, pg_target):
    """An apply looks at one setting at a time, and knows not what is declared of others."""
    roles.execute("alter role app_reports set work_mem = '1GB'")
    plan = plan_for(pg_target, settings({"work_mem": "7MB"}))
    assert message(apply(plan, pg_target)) == ""
