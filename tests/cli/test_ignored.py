"""Differences that are ignored: by plan, drift and apply alike, until the last day of their rule."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

TODAY = datetime.now(UTC).date()
YESTERDAY, IN_A_WEEK = TODAY - timedelta(days=1), TODAY + timedelta(days=7)

INDEXES = """
target: main
tables:
  public.tasks:
    unlisted_indexes: drop
    indexes:
      tasks_status_idx: {columns: [status]}
settings:
  work_mem: 7MB
  maintenance_work_mem: 9MB
"""


def rule(address: str, until=IN_A_WEEK, more: str = "") -> str:
    return f"ignore:\n- {{address: '{address}', reason: the autotuner, until: {until}{more}}}\n"


@pytest.fixture
def drifted(world, desired):
    """An index that is missing, one that nobody lists, and two settings that are another."""
    world.execute("create index tasks_old_idx on tasks (priority)")
    (desired / "tasks.yaml").write_text(INDEXES)
    return world


def names(content, what: str) -> set[str]:
    return {each["address"].rpartition("/")[2] for each in content[what]}


def planned(reconciler, *arguments) -> tuple[int, dict]:
    code, out, err = reconciler("plan", "--format", "json", "--detailed-exitcode", *arguments)
    assert "error" not in err
    return code, json.loads(out)


def test_what_is_ignored_is_in_no_plan_and_counts_as_in_sync(drifted, desired, reconciler):
    (desired / "ignored.yaml").write_text(rule("main/*/*"))
    code, plan = planned(reconciler)
    assert (code, plan["resource_changes"], plan["verdict"]) == (0, [], "in-sync")
    ignored = {each["address"]: each["ignored"] for each in plan["notices"] if each["type"] == "ignored"}
    place = f"{desired}/ignored.yaml:2:3"
    assert ignored["main/pg_setting/work_mem"] == {"rule": place, "reason": "the autotuner", "until": str(IN_A_WEEK)}
    assert {"main/pg_index/public.tasks_status_idx", "main/pg_index/public.tasks_old_idx"} <= ignored.keys()
    assert (plan["in_sync"]["pg_setting"], plan["in_sync"]["pg_index"]) == (0, 0), "it is not said to be as declared"
    code, out, _ = reconciler("drift")
    assert code == 0
    assert f"ignored until {IN_A_WEEK}" in out
    assert "2 settings" in out
    assert "are ignored" in out
    code, out, _ = reconciler("apply", "--yes")
    assert code == 0
    assert drifted.execute("show work_mem").fetchone() == ("4MB",)


def test_all_but_what_is_ignored_is_planned_and_applied(drifted, desired, reconciler):
    (desired / "ignored.yaml").write_text(rule("main/pg_setting/work_mem"))
    code, plan = planned(reconciler)
    assert code == 2
    assert names(plan, "resource_changes") == {
        "maintenance_work_mem",
        "public.tasks_status_idx",
        "public.tasks_old_idx",
    }
    assert reconciler("apply", "--yes", "--allow", "index-drop")[0] == 0
    assert planned(reconciler)[0] == 0
    setting = "select setting from pg_file_settings where name = 'work_mem' and sourcefile like '%auto.conf'"
    assert drifted.execute(setting).fetchall() == []


def test_a_rule_that_is_over_ignores_nothing_and_says_so(drifted, desired, reconciler):
    (desired / "ignored.yaml").write_text(rule("main/pg_setting/work_mem", YESTERDAY))
    code, plan = planned(reconciler)
    assert "work_mem" in names(plan, "resource_changes")
    [idle] = plan["idle_rules"]
    assert (idle["idleness"], idle["rule"]["pattern"]) == ("expired", "main/pg_setting/work_mem")
    code, out, _ = reconciler("drift")
    assert code == 2
    assert f"expired on {YESTERDAY}" in out


def test_a_rule_that_matches_nothing_says_so(drifted, desired, reconciler):
    (desired / "ignored.yaml").write_text(rule("main/pg_setting/wrok_mem"))
    assert [each["idleness"] for each in planned(reconciler)[1]["idle_rules"]] == ["matches-nothing"]


def test_an_attribute_is_ignored_alone(drifted, desired, reconciler):
    """Of an index, only its comment; once its fillfactor differs as well, all of it counts."""
    drifted.execute("create index tasks_status_idx on tasks (status); comment on index tasks_status_idx is 'by hand'")
    commented = "{columns: [status], comment: ours}"
    (desired / "tasks.yaml").write_text(INDEXES.replace("{columns: [status]}", commented))
    (desired / "ignored.yaml").write_text(rule("main/pg_index/*", more=", attribute: comment"))
    changes = names(planned(reconciler)[1], "resource_changes")
    assert "public.tasks_status_idx" not in changes
    assert "public.tasks_old_idx" in changes, "what goes altogether is no matter of one attribute"
    drifted.execute("alter index tasks_status_idx set (fillfactor = 70)")
    assert "public.tasks_status_idx" in names(planned(reconciler)[1], "resource_changes")


def test_a_drop_does_not_go_on_without_the_index_that_takes_over(drifted, desired, reconciler):
    (desired / "ignored.yaml").write_text(rule("main/pg_index/public.tasks_status_idx"))
    code, plan = planned(reconciler)
    assert code == 1
    [blocked] = [each for each in plan["notices"] if each["type"] == "blocked"]
    assert blocked["address"] == "main/pg_index/public.tasks_old_idx"
    assert "it leans on main/pg_index/public.tasks_status_idx, whose difference is ignored" in blocked["message"]
    assert names(plan, "resource_changes") == {"work_mem", "maintenance_work_mem"}, "settings lean on no index"


def test_a_setting_that_is_worked_out_from_an_ignored_one_is_blocked(drifted, desired, reconciler):
    (desired / "tasks.yaml").write_text(
        "target: main\nsettings:\n  max_parallel_workers: 12\n  work_mem: 7MB\n"
        "  max_parallel_workers_per_gather: max_parallel_workers / 2\n"
    )
    (desired / "ignored.yaml").write_text(rule("main/pg_setting/max_parallel_workers"))
    code, plan = planned(reconciler)
    blocked = [each["address"].rpartition("/")[2] for each in plan["notices"] if each["type"] == "blocked"]
    assert (code, blocked) == (1, ["max_parallel_workers_per_gather"])
    assert names(plan, "resource_changes") == {"work_mem"}


def test_a_saved_plan_makes_no_change_that_is_ignored_by_now(drifted, desired, reconciler, tmp_path):
    path = tmp_path / "plan.json"
    assert reconciler("plan", "--out", path)[0] == 0
    (desired / "ignored.yaml").write_text(rule("main/pg_setting/work_mem"))
    code, out, _ = reconciler("apply", path, "--allow", "index-drop", "--receipt", tmp_path / "receipt.json")
    assert code == 1
    assert "its difference is ignored by now" in out
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    results = {each["address"].rpartition("/")[2]: each["result"] for each in receipt["changes"]}
    assert results["work_mem"] == "superseded"
    assert results["maintenance_work_mem"] == results["public.tasks_status_idx"] == "applied"
    assert drifted.execute("show work_mem").fetchone() == ("4MB",)
    allowed = ("--allow", "index-drop", "--allow-superseded", "main/pg_setting/work_mem")
    assert reconciler("apply", path, *allowed)[0] == 0


def test_no_restart_is_planned_for_what_is_ignored(world, desired, reconciler):
    (desired / "targets.yaml").write_text(
        "targets:\n  main: {postgres: '${DATABASE_URL}', memory: 16GB, restart: 'false'}\n"
    )
    (desired / "tasks.yaml").write_text("target: main\nsettings:\n  max_connections: 90\n  work_mem: 7MB\n")
    assert names(planned(reconciler)[1], "resource_changes") == {"max_connections", "work_mem", "server"}
    (desired / "ignored.yaml").write_text(rule("main/pg_setting/max_connections"))
    assert names(planned(reconciler)[1], "resource_changes") == {"work_mem"}
    (desired / "ignored.yaml").unlink()
    world.execute("alter system set max_connections = 90")
    assert names(planned(reconciler)[1], "resource_changes") == {"work_mem", "server"}, "it waits for one"
    (desired / "ignored.yaml").write_text(rule("main/pg_setting/max_connections"))
    plan = planned(reconciler)[1]
    assert names(plan, "resource_changes") == {"work_mem"}
    assert ("max_connections", "ignored") in [(each["address"][16:], each["type"]) for each in plan["notices"]]


def test_of_redis_a_user_is_ignored_and_settings_are_made(redis_server, redis_client, desired, reconciler, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_server.url())
    monkeypatch.setenv("APP_PASSWORD", "an-app's password")
    (desired / "targets.yaml").write_text("targets:\n  cache: {redis: '${REDIS_URL}'}\n")
    (desired / "tasks.yaml").write_text(
        "target: cache\nsettings: {slowlog-max-len: 300, timeout: 60}\n"
        "users: {app: {rules: 'on ~app:* +get', password: {env: APP_PASSWORD}}}\n"
    )
    (desired / "ignored.yaml").write_text(rule("cache/redis_user/*") + rule("*/redis_setting/timeout")[8:])
    code, plan = planned(reconciler)
    assert (code, names(plan, "resource_changes")) == (2, {"slowlog-max-len"})
    assert reconciler("apply", "--yes")[0] == 0
    assert redis_client.config_get("*o*") | {"slowlog-max-len": "300", "timeout": "0"} == redis_client.config_get("*o*")
    assert reconciler("drift")[0] == 0
    assert redis_client.acl_users() == ["default"]


def test_plans_of_a_fleet_are_made_and_applied_by_the_rules(tenants, desired, reconciler, tmp_path):
    (desired / "ignored.yaml").write_text(
        rule("tenant-2/pg_index/public.tasks_status_idx") + rule("tenant-3/pg_index/public.nothing")[8:]
    )
    folder = tmp_path / "plans"
    assert reconciler("plan", "--out-dir", folder)[0] == 0
    plans = {name: json.loads((folder / f"tenant-{name}.plan.json").read_text()) for name in "123"}
    assert "public.tasks_status_idx" not in names(plans["2"], "resource_changes")
    assert "public.tasks_status_idx" in names(plans["1"], "resource_changes")
    assert [len(plans[name]["idle_rules"]) for name in "123"] == [0, 0, 1]
    digest = json.loads(next(folder.glob("*fleet*")).read_text())["digest"]
    (desired / "ignored.yaml").write_text(rule("tenant-1/pg_index/public.tasks_title_idx"))
    code, out, _ = reconciler("apply", folder, "--digest", digest, "--receipt", tmp_path / "receipts")
    assert code == 1
    assert "superseded" in out or "ignored" in out
    built = [
        tenant.execute("select indexname from pg_indexes where indexname like 'tasks_%_idx'") for tenant in tenants
    ]
    assert [{name for (name,) in rows} for rows in built] == [
        {"tasks_status_idx"}, {"tasks_title_idx"}, {"tasks_status_idx", "tasks_title_idx"},
    ]  # fmt: skip
