"""A plan file that somebody altered, with all its digests made again: nothing runs that would not be planned now.

Each was seen to leave its mark on the code before (where undo, lane, phase, sensitive and the declaration were in no
fingerprint, and nothing but address, action, before and steps was compared), but for those of OLD_GUARDS, which hold
what held then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from applying.acting import apply, message, pg_settings, plan_for, resealed, results
from pg_index.declared import declared
from redis_setting.declared import declared as redis_settings
from waiting import reload

from reconciler.applying.interruption import Interruption
from reconciler.documents import plan as plan_file
from reconciler.documents.change_fingerprint import of_parts
from reconciler.documents.digest import digest
from reconciler.errors import DocumentError, PlanFileError
from reconciler.model import Applied, Change, Plan

Items = dict[str, dict[str, Any]]


def sealed(plan: Plan, alter: Callable[[dict[str, Any]], object]) -> Plan:
    """`plan` as its file is read after somebody made `alter` to it, who knows how all digests are made."""
    content = json.loads(plan_file.dump(plan))
    alter(content)
    for item in content["resource_changes"]:
        item["fingerprint"] = of_parts(item | {"before": item["change"]["before"]})
        item["hazards"] = [hazard for step in item["steps"] for hazard in step["hazards"]]
        sensitive = dict.fromkeys(item["sensitive"], True)
        item["change"] |= {"before_sensitive": sensitive, "after_sensitive": sensitive}
    content["digest"] = digest({key: value for key, value in content.items() if key != "digest"})
    return plan_file.load(json.dumps(content), source="plan.json")


def of_the_change(alter: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda content: alter(content["resource_changes"][0])


def statement(text: str) -> dict[str, Any]:
    return {
        "type": "sql", "statements": [text], "transaction": False, "lock_timeout": "3s", "statement_timeout": "0",
        "attempts": 1, "on_failure": [], "hazards": [],
    }  # fmt: skip


@pytest.fixture
def tasks(sql):
    sql.execute("create table tasks (id bigint primary key, status text, priority int, title text)")
    sql.execute("insert into tasks select n, 's' || n % 5, n % 10, 't' || n from generate_series(1, 50) n")
    yield sql
    sql.execute("alter system reset all")
    reload(sql)


class Row(NamedTuple):
    name: str
    reason: str
    alter: Callable[[dict[str, Any]], object]


SETTING = [
    Row("phase", "it would be made at another moment of the order", lambda item: item.update(phase=-1)),
    Row("lane", "what fails beside it would not stop it", lambda item: item.update(lane="a lane of its own")),
    Row("sensitive", "a reviewer would not be shown what is set", lambda item: item.update(sensitive=["value"])),
    Row("undo-added", "what is run after a failure is a step", lambda item: item["undo"].append(statement("select 1"))),
    Row("undo-removed", "after a failure the value would stay", lambda item: item.update(undo=[])),
    Row("inverse", "what brings it back is read and run by people", lambda item: item.update(inverse=[statement("x")])),
    Row("no-reload", "its files would not be looked at before", lambda item: item["steps"][1].update(reloads=False)),
    Row("reload-unsaid", "left out it is false as well", lambda item: item["steps"][1].pop("reloads")),
    Row("reload-said", "what reloads nothing would be waited for", lambda item: item["steps"][0].update(reloads=True)),
    Row("undo-reload", "an undo would not be seen to be in force", lambda item: item["undo"][1].update(reloads=False)),
    Row("no-steps", "a change of no steps ends an apply with an error", lambda item: item.update(steps=[])),
]

OLD_GUARDS = [
    Row("statement", "", lambda item: item["steps"][0].update(statements=["alter system set work_mem = '8MB'"])),
    Row("lock-timeout", "", lambda item: item["steps"][0].update(lock_timeout="0")),
    Row("statement-timeout", "", lambda item: item["steps"][0].update(statement_timeout="1ms")),
    Row("attempts", "", lambda item: item["steps"][0].update(attempts=1000)),
    Row("on-failure", "", lambda item: item["steps"][0].update(on_failure=["drop table tasks"])),
    Row("transaction", "", lambda item: item["steps"][0].update(transaction=True)),
    Row("hazard-added", "", lambda item: item["steps"][0]["hazards"].append({"type": "restart", "message": "x"})),
]


@pytest.mark.parametrize("row", [*SETTING, *OLD_GUARDS], ids=lambda row: row.name)
def test_a_setting_whose_change_was_altered_is_not_made_and_the_others_are(tasks, pg_target, row):
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "7MB", "vacuum_cost_limit": "300"}))
    assert [change.address.name for change in plan.changes] == ["work_mem", "vacuum_cost_limit"]
    altered = sealed(plan, of_the_change(row.alter))
    receipt = apply(altered, pg_target, allowed=["restart"])
    # What is said to come in an earlier phase of the same lane is waited for.
    other = Applied.NOT_RUN if row.name == "phase" else Applied.APPLIED
    assert results(receipt) == {"work_mem": Applied.STALE, "vacuum_cost_limit": other}, row.reason
    assert tasks.execute("show work_mem").fetchone() == ("4MB",)


def test_an_undo_that_was_taken_out_as_if_nobody_could_have_seen_it_is_made_anew(tasks, pg_target):
    """Seen to leave the half-made change before: the value stood in postgresql.auto.conf after the apply had failed."""
    tasks.execute("alter system set work_mem = '8MB'")
    reload(tasks)
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "7MB"}))
    altered = sealed(plan, of_the_change(lambda item: item.update(undo=[], undo_unseen=True)))
    entry = "select setting from pg_file_settings where name = 'work_mem'"

    class AfterTheFirstStep(Interruption):
        def __bool__(self) -> bool:
            return tasks.execute(entry).fetchall() == [("7MB",)]

    receipt = apply(altered, pg_target, interruption=AfterTheFirstStep())
    assert results(receipt) == {"work_mem": Applied.FAILED}
    assert "it was undone" in receipt.changes[0].message
    assert tasks.execute(entry).fetchall() == [("8MB",)]


def test_an_undo_of_its_own_does_not_run(redis_target, redis_client, monkeypatch):
    """The promise is not kept, so that the undo is what comes next."""
    monkeypatch.setattr("reconciler.kinds.redis_setting.values.accepted_ranges.TRIED", frozenset())
    plan = plan_for(redis_target, redis_settings({"hz": "1000"}))
    assert plan.changes[0].undo

    def alter(item):
        item["undo"] = [{"type": "redis", "command": ["SET", "mark", "1"], "together": "", "hazards": []}]

    receipt = apply(sealed(plan, of_the_change(alter)), redis_target)
    assert redis_client.keys() == []
    assert results(receipt) == {"hz": Applied.STALE}
    assert redis_client.config_get("hz") == {"hz": "10"}


def two_indexes(tasks, pg_target) -> Plan:
    """One that cannot be built, and the drop of the old one, which waits for it."""
    tasks.execute("create index old on tasks (status)")
    plan = plan_for(pg_target, declared(pg_target, old="absent", new={"columns": ["status"], "unique": "yes"}))
    assert [change.address.name for change in plan.changes] == ["public.new", "public.old"]
    return plan


def test_a_drop_in_a_lane_of_its_own_does_not_run(tasks, pg_target):
    """Beside the build, it would not wait for it."""
    plan = sealed(two_indexes(tasks, pg_target), lambda content: content["resource_changes"][1].update(lane="x"))
    receipt = apply(plan, pg_target, allowed=["index-drop"], rehearsal=False)
    assert results(receipt)["public.old"] is Applied.STALE
    assert tasks.execute("select to_regclass('old') is not null").fetchone() == (True,)


def test_a_drop_that_was_put_before_the_build_does_not_run(tasks, pg_target):
    plan = sealed(two_indexes(tasks, pg_target), lambda content: content["resource_changes"].reverse())
    with pytest.raises(PlanFileError, match="not in the order"):
        apply(plan, pg_target, allowed=["index-drop"], rehearsal=False)
    assert tasks.execute("select to_regclass('old') is not null").fetchone() == (True,)


def test_a_change_is_of_what_it_says_it_is_of(tasks, pg_target):
    """The address of one setting, and the declaration and the steps of another."""
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "7MB"}))
    other = plan_for(pg_target, pg_settings(pg_target, {"vacuum_cost_limit": "300"}))
    of_other = json.loads(plan_file.dump(other))["resource_changes"][0]

    def alter(item):
        item |= {"steps": of_other["steps"], "undo": of_other["undo"], "change": of_other["change"]}
        item["desired"] = of_other["desired"] | {"address": item["address"]}

    with pytest.raises(PlanFileError, match=r"contradicts itself: .*main/pg_setting/work_mem.*vacuum_cost_limit"):
        apply(sealed(plan, of_the_change(alter)), pg_target)
    assert tasks.execute("show vacuum_cost_limit").fetchone() == ("200",)


def test_a_hazard_is_not_hidden_behind_a_library_that_is_said_to_be_loaded(tasks, pg_target):
    """Of what a restart is said to make known, nothing was known when it was planned: no hazard either."""
    plan = plan_for(pg_target, pg_settings(pg_target, {"full_page_writes": "off"}))
    [hazard] = plan.changes[0].steps[0].hazards
    assert hazard.type == "less-safe"

    def alter(item):
        item["desired"]["after_restart"] = True
        item["change"]["before"] = {"value": "unknown until it is loaded", "source": ""}
        item["steps"][0]["hazards"] = []
        item["phase"] = 2

    receipt = apply(sealed(plan, of_the_change(alter)), pg_target)
    assert results(receipt) == {"full_page_writes": Applied.STALE}
    assert tasks.execute("show full_page_writes").fetchone() == ("on",)


def test_a_target_is_the_node_that_the_plan_says_it_is(tasks, pg_target):
    """Otherwise it would be ordered with the nodes of another cluster, or beside its own."""
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "7MB"}))

    def alter(content):
        content["targets"]["main"]["node_of"] = "main"

    with pytest.raises(PlanFileError, match="main"):
        apply(sealed(plan, alter), pg_target)
    assert tasks.execute("show work_mem").fetchone() == ("4MB",)


def test_a_step_with_a_key_that_only_a_later_version_knows_is_not_run(tasks, pg_target):
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "7MB"}))

    def alter(content):
        content["format_version"] = "2.99"
        content["resource_changes"][0]["steps"][0]["as_role"] = "postgres"

    assert results(apply(sealed(plan, alter), pg_target)) == {"work_mem": Applied.STALE}
    assert tasks.execute("show work_mem").fetchone() == ("4MB",)


FILES = [
    ("twice", lambda content: content["resource_changes"].append(content["resource_changes"][0]), "two changes of"),
    (
        "before-all-time",
        lambda content: content.update(created_at="0001-01-01T00:00:00+14:00"),
        "cannot be read|can be",
    ),
    (
        "unknown-key-of-a-step",
        lambda content: content["resource_changes"][0]["steps"][0].update(as_role="postgres"),
        "as_role: Extra inputs",
    ),
    ("unknown-keys", lambda content: content.update(x=[[[[]]]] * 3), "x: Extra inputs"),
]


@pytest.mark.parametrize(("name", "alter", "said"), FILES, ids=[case[0] for case in FILES])
def test_a_file_as_no_plan_is_written_is_refused(tasks, pg_target, name, alter, said):
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "7MB"}))
    with pytest.raises(DocumentError, match=said):
        apply(sealed(plan, alter), pg_target)
    assert tasks.execute("show work_mem").fetchone() == ("4MB",)


HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e|`</details><img src=x>@everyone #1\n## heading\r"


@pytest.mark.parametrize("format", ["text", "markdown", "sql"])
def test_what_a_plan_only_says_does_nothing_to_who_reads_it(tasks, pg_target, format):
    from reconciler.views import render

    plan = plan_for(pg_target, [*pg_settings(pg_target, {"work_mem": "7MB"}), *declared(pg_target, i="absent")])

    def alter(content):
        item = content["resource_changes"][0]
        item |= dict.fromkeys(("action_reason", "why", "summary", "forbidden", "declared_at"), HOSTILE)
        item["notes"] = [HOSTILE]
        item["evidence"] = [{"name": HOSTILE, "value": 10**4000, "unit": "bytes", "estimated": False}]
        content["targets"]["main"] |= {"product": HOSTILE, "version": HOSTILE, "location": HOSTILE}
        content["reconciler_version"] = HOSTILE
        content["in_sync"] = {HOSTILE: 10**4000}

    shown = render(sealed(plan, alter), format)
    assert shown.replace("\n", "").isprintable()
    assert "\n## heading" not in shown
    if format == "markdown":
        outside = re.sub(r"(`{3,})sql\n.*?\n\1\n", "", shown, flags=re.DOTALL)
        assert "<img" not in outside
        assert "@everyone" not in outside


def test_an_error_about_a_plan_file_does_nothing_to_a_terminal(tmp_path, capsys, monkeypatch, database):
    from reconciler.cli.app import run

    monkeypatch.setenv("DATABASE_URL", database)
    (tmp_path / "targets.yaml").write_text('targets: {main: {postgres: "${DATABASE_URL}"}}\n')
    plan = Plan(reconciler_version="1", created_at=datetime.now(UTC), targets={})
    content = json.loads(plan_file.dump(plan))
    content["targets"] = {"ma\x1b[2Jin": {"system": "postgres", "product": "", "version": "", "location": ""}}
    content["digest"] = digest({key: value for key, value in content.items() if key != "digest"})
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert run(["--desired", str(tmp_path), "apply", str(tmp_path / "plan.json")]) == 1
    assert capsys.readouterr().err.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "shown",
    [{"summary": "4MB → 8MB"}, {"after": {"value": "8MB"}}, {"summary": "4MB → 8MB", "after": {"value": "8MB"}}],
    ids=["summary", "after", "both"],
)
def test_what_a_plan_shows_is_what_its_steps_do(pg_target, shown):
    """Before, a plan that showed 8MB, and had been sealed again, was applied, and set 64MB."""
    plan = plan_for(pg_target, pg_settings(pg_target, {"work_mem": "64MB"}))

    def alter(change: Change) -> Change:
        return change.model_copy(update={"summary": shown.get("summary", change.summary),
                                         "after": {**(change.after or {}), **shown.get("after", {})}})  # fmt: skip

    receipt = apply(resealed(plan, alter), pg_target)
    assert results(receipt) == {"work_mem": Applied.STALE}
    assert "8MB" in message(receipt)
    assert results(apply(plan, pg_target)) == {"work_mem": Applied.APPLIED}
    assert plan_for(pg_target, pg_settings(pg_target, {"work_mem": "64MB"})).is_empty
    assert apply(plan_for(pg_target, pg_settings(pg_target, {"work_mem": "default"})), pg_target).succeeded
