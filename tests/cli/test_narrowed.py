"""Verbs that are about some targets, or some of what is declared of them: three databases of one server."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from reconciler.documents import plan as plan_file
from reconciler.planning.groups import groups_of

STATUS, TITLE = "pg_index/public.tasks_status_idx", "pg_index/public.tasks_title_idx"


def indexes(database) -> set[str]:
    rows = database.execute("select indexname from pg_indexes where tablename = 'tasks'")
    return {name for (name,) in rows} - {"tasks_pkey"}


def one_line(text: str) -> str:
    return " ".join(text.split())


def planned(reconciler, *words: str) -> set[str]:
    """The addresses of what a plan would change."""
    code, out, _ = reconciler("plan", *words, "--format", "json")
    assert code == 0
    return {each["address"] for each in json.loads(out)["resource_changes"]}


def test_targets_by_pattern_and_label_are_planned_whole(tenants, reconciler):
    of_each = {STATUS, TITLE, "pg_setting/work_mem"}
    assert planned(reconciler, "tenant-2") == {f"tenant-2/{each}" for each in of_each}
    gold = {f"tenant-{number}/{each}" for number in (1, 2) for each in of_each}
    assert planned(reconciler, "--where", "tier != trial") == gold
    assert planned(reconciler, "tenant-*", "--where", "tier = gold") == gold
    for verb in ("plan", "drift", "check"):
        out = reconciler(verb, "tenant-*", "--where", "tier = gold")[1]
        assert "arrowed" not in out
        assert "tenant-3" not in out


def test_a_plan_of_single_resources_says_so_in_every_format_and_so_do_its_apply_and_receipt(
    tenants, reconciler, tmp_path
):
    saved, receipt = tmp_path / "plan.json", tmp_path / "receipt.json"
    asked = "*/pg_index/public.tasks_st*"
    code, out, _ = reconciler("plan", asked, "--where", "tier = gold", "--out", saved)
    assert code == 0
    assert "Narrowed to */pg_index/public.tasks_st* where tier = gold, and nothing is said of the rest." in out
    assert "4 other changes are left out." in one_line(out)
    found = plan_file.read(saved)
    assert {str(each.address) for each in found.changes} == {f"tenant-1/{STATUS}", f"tenant-2/{STATUS}"}
    assert found.partial is not None
    assert (found.partial.to, found.partial.where, found.partial.left_out) == ((asked,), "tier = gold", 4)
    for form in ("markdown", "sql"):
        assert "arrowed to" in reconciler("show", saved, "--format", form)[1]

    altered = json.loads(saved.read_text()) | {"partial": None}
    (tmp_path / "altered.json").write_text(json.dumps(altered))
    assert "was altered" in reconciler("apply", tmp_path / "altered.json")[2]

    code, out, _ = reconciler("apply", saved, "--receipt", receipt)
    assert code == 0
    assert "Nothing of it remains to be changed. The plan was narrowed to */pg_index" in one_line(out)
    assert json.loads(receipt.read_text())["partial"] == json.loads(saved.read_text())["partial"]
    assert "The plan was narrowed to" in reconciler("show", receipt)[1]
    assert [indexes(each) for each in tenants] == [{"tasks_status_idx"}, {"tasks_status_idx"}, set()]
    assert planned(reconciler, asked) == {f"tenant-3/{STATUS}"}


def test_nothing_is_said_to_be_in_sync_but_what_was_asked_for(tenants, reconciler):
    asked = f"tenant-1/{STATUS}"
    assert reconciler("apply", asked, "--yes")[0] == 0
    assert [indexes(each) for each in tenants] == [{"tasks_status_idx"}, set(), set()]
    code, out, _ = reconciler("drift", asked)
    said = "In that: in sync. 2 other changes are left out. 1 index is as declared."
    assert (code, said in one_line(out)) == (0, True)
    code, out, _ = reconciler("plan", asked, "--detailed-exitcode")
    assert (code, "In that: no changes." in one_line(out)) == (0, True)
    assert reconciler("drift", "tenant-1")[0] == 2
    code, out, _ = reconciler("apply", asked, "--yes")
    assert (code, "There was nothing to apply. The plan was narrowed to" in one_line(out)) == (0, True)


def test_a_check_alone_is_decided(tenants, reconciler):
    code, out, _ = reconciler("check", "tenant-2/check/*", "--format", "json")
    found = json.loads(out)
    assert (code, [each["address"] for each in found["checks"]]) == (2, ["tenant-2/check/slow-log"])
    assert found["partial"]["to"] == ["tenant-2/check/*"]
    code, out, _ = reconciler("check", f"tenant-1/{STATUS}")
    assert (code, "There are no checks." in one_line(out), "Narrowed to" in out) == (0, True, True)


def test_a_drop_is_not_planned_without_what_takes_over(tenants, reconciler, desired):
    """Seen to fail before it was pulled in: the old index went, and the new one was not built."""
    assert reconciler("apply", "tenant-1", "--yes")[0] == 0
    text = (desired / "tasks.yaml").read_text()
    text = text.replace("      tasks_title_idx: {columns: [lower(title)], where: \"status in ('a', 'b')\"}\n", "")
    old = "tasks_status_idx: {columns: [status, priority desc], why: the queue}"
    text = text.replace(old, "tasks_next_idx: {columns: [priority]}\n      tasks_status_idx: absent")
    (desired / "tasks.yaml").write_text(text)
    asked, new = f"tenant-1/{STATUS}", "tenant-1/pg_index/public.tasks_next_idx"
    assert planned(reconciler, asked) == {asked, new}
    assert planned(reconciler, new) == {new}
    code, out, _ = reconciler("plan", asked)
    assert (code, f"not asked for: {asked} leans on it" in out) == (0, True)
    assert "1 change was not asked for and is among them, since others lean on it." in one_line(out)
    code, out, _ = reconciler("apply", asked, "--yes", "--allow", "index-drop")
    assert (code, indexes(tenants[0])) == (0, {"tasks_next_idx", "tasks_title_idx"})


@pytest.mark.parametrize("verb", ["plan", "drift", "check", "apply"])
def test_what_selects_nothing_is_an_error_with_the_nearest_name(tenants, reconciler, verb):
    for words, message in (
        (["tennant-1"], 'unknown target "tennant-1"; did you mean "tenant-'),
        (["tennant-*"], 'unknown target "tennant-*"; did you mean "tenant-'),
        (["--where", "tier = platinum"], 'tier is "gold", "trial"'),
        (["tenant-1/pg_index/public.tasks_state_idx"], 'did you mean "public.tasks_status_idx"?'),
        (["tenant-1/index/public.tasks_status_idx"], 'unknown kind "index"; did you mean "pg_index"?'),
    ):
        code, out, err = reconciler(verb, *words)
        assert (code, out) == (1, ""), words
        assert message in err


def test_apply_tells_a_saved_plan_from_a_target(tenants, reconciler, tmp_path, monkeypatch):
    saved = tmp_path / "plan.json"
    assert reconciler("plan", "tenant-1", "--out", saved)[0] == 0
    for more in (["tenant-1"], ["--where", "tier = gold"]):
        code, _, err = reconciler("apply", saved, *more)
        assert (code, "is a saved plan, and applied as it is" in err) == (1, True)
    assert "cannot be read" in reconciler("apply", tmp_path / "missing.json")[2]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tenant-2").mkdir()  # a folder is no plan
    assert reconciler("apply", "tenant-2", "--yes")[0] == 0
    saved.rename(tmp_path / "reviewed")
    assert reconciler("apply", Path("reviewed"))[0] == 0
    assert [len(indexes(each)) for each in tenants] == [2, 2, 0]


def test_import_takes_patterns(tenants, reconciler):
    out = reconciler("import", "tenant-*")[1]
    assert [f"target: tenant-{number}" in out for number in (1, 2, 3)] == [True, True, True]


def test_what_is_the_same_on_several_databases_is_said_once(tenants, reconciler, desired):
    """Beside the three two that are not there, and one of the three has an index already."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://postgres@127.0.0.1:{nobody.getsockname()[1]}/x"
        rows = "".join(f"gone-{number},{url},gold\n" for number in (1, 2, 3, 4))
        (desired / "tenants.csv").write_text((desired / "tenants.csv").read_text() + rows)
        tenants[1].execute("create index tasks_status_idx on tasks (status, priority desc)")
        for form in ("text", "markdown"):
            for verb in ("plan", "drift"):
                code, out, err = reconciler(verb, "--format", form)
                assert code == 1
                assert "3 targets: tenant-1, tenant-2 and tenant-3" in out
                assert "2 targets: tenant-1 and tenant-3" in out
                assert out.count("pg_index/public.tasks_status_idx") == out.count("pg_index/public.tasks_title_idx")
                assert "tenant-1/" not in out.replace("-- + tenant-1/", "").replace("-- ~ tenant-1/", "")
                assert "4 targets: gone-1, gone-2, gone-3 and gone-4" in one_line(out)
                assert err.count("cannot connect") == 1
                assert "4 targets: gone-1, gone-2, gone-3 and gone-4: cannot connect" in err
        code, out, _ = reconciler("plan", "--format", "json")
        assert len(json.loads(out)["resource_changes"]) == 8
        groups = groups_of(plan_file.load(out, source="x").changes)
        assert sorted(each.targets for each in groups) == [
            ("tenant-1", "tenant-2", "tenant-3"), ("tenant-1", "tenant-2", "tenant-3"), ("tenant-1", "tenant-3"),
        ]  # fmt: skip
        [before] = [each.digest for each in groups if each.key.name == "public.tasks_status_idx"]
    (desired / "tenants.csv").write_text("".join((desired / "tenants.csv").read_text().splitlines(True)[:2]))
    found = groups_of(plan_file.load(reconciler("plan", "--format", "json")[1], source="x").changes)
    assert before in {each.digest for each in found}  # the same for one target as for two


def test_a_setting_of_a_redis_brings_its_users_and_leaves_the_other_settings(reconciler, desired, fileless, tmp_path):
    (desired / "targets.yaml").write_text(f'targets: {{cache: {{redis: "{fileless}", persist: no}}}}\n')
    (desired / "tasks.yaml").write_text(
        "target: cache\nsettings: {maxmemory: 64mb, maxmemory-policy: allkeys-lru, slowlog-max-len: 99}\n"
        "users:\n  app: {rules: 'off ~app:* +get'}\n"
    )
    saved, receipt = tmp_path / "plan.json", tmp_path / "receipt.json"
    code, _, err = reconciler("plan", "cache/redis_setting/slowlog-*", "--out", saved)
    assert code == 0, err
    found = plan_file.read(saved)
    assert [str(each.address) for each in found.changes] == [
        "cache/redis_user/app",
        "cache/redis_setting/slowlog-max-len",
    ]
    assert found.partial is not None
    assert (len(found.partial.pulled_in), found.partial.left_out) == (1, 2)
    assert not any("in one command with" in note for each in found.changes for note in each.notes)
    assert reconciler("apply", saved, "--receipt", receipt)[0] == 0
    assert {each["result"] for each in json.loads(receipt.read_text())["changes"]} == {"applied"}
    assert planned(reconciler) == {"cache/redis_setting/maxmemory", "cache/redis_setting/maxmemory-policy"}
