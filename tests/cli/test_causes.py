"""Changed outside, and declared and not applied yet: told apart by what receipts say was made, and never guessed."""

from __future__ import annotations

import json

import pytest
from waiting import reload

YAML = """
target: main
tables:
  public.tasks:
    unlisted_indexes: {unlisted}
    indexes:
      tasks_status_idx: {{columns: [status, priority desc]}}
      tasks_title_idx: {{columns: [{title}], where: "status in ('a', 'b')"}}
settings:
  work_mem: {work_mem}
  maintenance_work_mem: 9MB
"""
USUAL = {"title": "lower(title)", "work_mem": "7MB", "unlisted": "drop"}


@pytest.fixture
def declare(desired):
    def written(**changed: str) -> None:
        (desired / "tasks.yaml").write_text(YAML.format(**USUAL | changed))

    written()
    return written


@pytest.fixture
def applied(world, declare, reconciler, tmp_path):
    """All of it applied, and an index dropped that nobody lists: the folder of its receipt, with a plan beside."""
    world.execute("create index tasks_old_idx on tasks (priority)")
    folder = tmp_path / "plans"
    (folder / "main").mkdir(parents=True)
    assert reconciler("plan", "--out", folder / "main" / "plan.json")[0] == 0
    arguments = ("--allow", "index-drop", "--receipt", folder / "main" / "receipt.json")
    assert reconciler("apply", folder / "main" / "plan.json", *arguments)[0] == 0
    assert reconciler("drift", "--receipts", folder)[0] == 0
    return folder


def causes(reconciler, folder, code: int = 2) -> dict[str, str]:
    found, out, err = reconciler("drift", "--receipts", folder, "--format", "json")
    assert (found, err) == (code, "")
    return {each["address"].rpartition("/")[2]: each["type"] for each in json.loads(out)["causes"]}


def by_hand(world, *statements: str) -> None:
    for statement in statements:
        world.execute(statement)
    reload(world)


OUTSIDE, NOT_YET, UNKNOWN = "changed-outside", "not-applied", "unknown"


def test_what_somebody_has_changed_was_changed_outside(world, applied, reconciler):
    by_hand(
        world, "alter system set work_mem = '8MB'", "alter system reset maintenance_work_mem",
        "drop index tasks_status_idx", "create index tasks_old_idx on tasks (priority)",
        "drop index tasks_title_idx", "create index tasks_title_idx on tasks (title)",
    )  # fmt: skip
    assert causes(reconciler, applied) == {
        "work_mem": OUTSIDE, "maintenance_work_mem": OUTSIDE, "public.tasks_status_idx": OUTSIDE,
        "public.tasks_old_idx": OUTSIDE, "public.tasks_title_idx": OUTSIDE,
    }  # fmt: skip


def test_what_is_as_it_was_made_is_not_applied_yet(applied, declare, desired, reconciler):
    declare(work_mem="8MB")
    with (desired / "more.yaml").open("w") as more:
        more.write("target: main\nsettings: {random_page_cost: 1.1}\n")
    assert causes(reconciler, applied) == {"work_mem": NOT_YET, "random_page_cost": UNKNOWN}


def test_of_what_the_server_spells_otherwise_nothing_is_guessed(applied, declare, reconciler):
    """It shows the predicate in other words than those of the receipt: whether somebody has changed it is not known."""
    declare(title="title")
    assert causes(reconciler, applied) == {"public.tasks_title_idx": UNKNOWN}


def test_a_plain_index_that_is_declared_otherwise_by_now_is_not_applied_yet(applied, desired, reconciler):
    text = (desired / "tasks.yaml").read_text()
    (desired / "tasks.yaml").write_text(text.replace("priority desc]", "priority]"))
    assert causes(reconciler, applied) == {"public.tasks_status_idx": NOT_YET}


def test_both_is_changed_outside(world, applied, declare, reconciler):
    declare(work_mem="12MB")
    by_hand(world, "alter system set work_mem = '8MB'")
    assert causes(reconciler, applied) == {"work_mem": OUTSIDE}


def test_without_a_receipt_nothing_is_guessed(world, declare, reconciler, tmp_path):
    world.execute("create index tasks_old_idx on tasks (priority)")
    assert {*causes(reconciler, tmp_path).values()} == {UNKNOWN}
    code, out, _ = reconciler("drift", "--format", "json")
    assert (code, json.loads(out)["causes"]) == (2, None)


def test_the_last_receipt_counts_and_what_failed_tells_nothing(world, applied, declare, reconciler):
    declare(work_mem="8MB")
    assert reconciler("apply", "--yes", "--receipt", applied / "second.json")[0] == 0
    by_hand(world, "alter system set work_mem = '7MB'")
    assert causes(reconciler, applied) == {"work_mem": OUTSIDE}
    second = json.loads((applied / "second.json").read_text())
    [change] = second["changes"]
    change |= {"result": "failed", "verdict": "differs"}
    (applied / "second.json").write_text(json.dumps(second))
    assert causes(reconciler, applied) == {"work_mem": UNKNOWN}


def test_every_format_tells_of_it(world, applied, reconciler):
    by_hand(world, "alter system set work_mem = '8MB'")
    for format in ("text", "markdown", "junit"):
        _, out, _ = reconciler("drift", "--receipts", applied, "--format", format)
        assert "changed outside, after the apply that ended on 2" in out.replace("\n", " "), format
    _, out, _ = reconciler("drift", "--receipts", applied, "--format", "metrics")
    assert 'reconciler_drift_causes{target="main",kind="pg_setting",cause="changed-outside"} 1\n' in out
    assert 'reconciler_drift_causes{target="main",kind="pg_setting",cause="not-applied"} 0\n' in out
    _, out, _ = reconciler("drift", "--receipts", applied)
    assert "Of these, 1 was changed outside." in out


def test_a_receipt_that_cannot_be_read_may_be_the_last_one(applied, reconciler, tmp_path):
    (applied / "broken.json").write_text("{")
    for folder, told in {applied: "broken.json is not JSON", tmp_path / "none": "is no folder"}.items():
        code, _, err = reconciler("drift", "--receipts", folder)
        assert (code, told in err) == (1, True), err


def test_settings_and_users_of_redis(redis_server, redis_client, desired, reconciler, tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_server.url())
    monkeypatch.setenv("APP_PASSWORD", "an-app's password")
    (desired / "tasks.yaml").unlink()
    (desired / "targets.yaml").write_text("targets:\n  cache: {redis: '${REDIS_URL}'}\n")
    cache = (
        "target: cache\nsettings: {maxmemory: %s, slowlog-max-len: 300, timeout: 60}\n"
        "users:\n  app: {rules: 'on ~app:* +get', password: {env: APP_PASSWORD}}\n"
        "  worker: {rules: 'on ~jobs:* %s', password: {env: APP_PASSWORD}}\n"
    )
    (desired / "cache.yaml").write_text(cache % ("50mb", "+get"))
    receipt = tmp_path / "receipts" / "cache.json"
    receipt.parent.mkdir()
    assert reconciler("apply", "--yes", "--receipt", receipt)[0] == 0
    assert reconciler("drift", "--receipts", receipt.parent)[0] == 0
    redis_client.config_set("slowlog-max-len", 400)
    redis_client.config_set("timeout", 61)
    redis_client.execute_command("ACL", "SETUSER", "app", "+set")
    redis_client.config_rewrite()
    (desired / "cache.yaml").write_text(cache % ("60mb", "+set"))
    found = causes(reconciler, receipt.parent)
    assert found == {
        "maxmemory": NOT_YET, "slowlog-max-len": OUTSIDE, "timeout": OUTSIDE, "app": OUTSIDE, "worker": UNKNOWN,
    }, "the server spells rules otherwise than they are declared"  # fmt: skip
