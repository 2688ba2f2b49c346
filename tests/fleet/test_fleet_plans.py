"""`plan --out-dir`: a plan for each target, their index, and groups of equal changes."""

from __future__ import annotations

import json
import re

import pytest
from docs.pages import marked

from reconciler.documents import plan as plan_file
from reconciler.fleet import folder
from reconciler.planning.groups import groups_of

SILENT = "postgresql://u@127.0.0.1:1/app"
"""Port 1 refuses: nobody listens there."""


def test_a_plan_for_each_target_and_an_index_with_groups(databases, reconciler, tmp_path):
    databases.sql("globex", "create index tasks_status_idx on tasks (title)")
    databases.sql("initech", "create index tasks_status_idx on tasks (status, priority desc)")
    databases.declare(**databases.urls, lost=SILENT)
    out = tmp_path / "plans"
    code, _, err = reconciler("plan", "--out-dir", out)
    assert code == 1, "a target could not be read"
    assert "lost: cannot connect" in err
    assert sorted(path.name for path in out.iterdir()) == [
        "acme.plan.json", "fleet.json", "globex.plan.json", "initech.plan.json", "umbrella.plan.json",
    ]  # fmt: skip
    fleet = folder.read(out)
    assert fleet.unseen == ("lost",)
    assert {name: (plan.verdict, len(plan.groups)) for name, plan in fleet.targets.items()} == {
        "acme": ("differs", 1), "globex": ("differs", 1), "initech": ("in-sync", 0), "umbrella": ("differs", 1),
    }  # fmt: skip
    groups = {group.targets: group for group in fleet.groups}
    assert set(groups) == {("acme", "umbrella"), ("globex",)}
    assert groups["acme", "umbrella"].name == "public.tasks_status_idx"
    for name in fleet.targets:
        plan = folder.read_plan(out, fleet, name)
        assert set(plan.targets) == {name}
        assert {group.digest for group in groups_of(plan.changes)} == set(fleet.targets[name].groups)
    assert folder.read_plan(out, fleet, "initech").in_sync == {"pg_index": 1}
    code, shown, err = reconciler("show", out)
    assert code == 0, err
    assert "on 2 of 4 targets: acme and umbrella" in shown
    assert f"--approve {groups['globex',].digest}" in shown
    assert "Fleet: 4 targets, 3 with changes, in 2 groups of equal changes." in shown
    assert "1 target could not be read" in shown
    assert json.loads(reconciler("show", out, "--format", "json")[1]) == json.loads((out / "fleet.json").read_text())
    assert reconciler("show", out, "--format", "sql")[0] == 1


def test_a_plan_of_a_target_is_what_its_own_plan_would_be(databases, reconciler, tmp_path):
    assert reconciler("plan", "--out-dir", tmp_path / "plans")[0] == 0
    assert reconciler("plan", "acme", "--out", tmp_path / "acme.json")[0] == 0
    fleet = folder.read(tmp_path / "plans")
    own = plan_file.read(tmp_path / "acme.json")
    split = folder.read_plan(tmp_path / "plans", fleet, "acme")
    assert split.model_copy(update={"created_at": own.created_at, "digest": own.digest}) == own


@pytest.mark.parametrize("of", [1, 3])
def test_the_parts_of_all_shards_are_the_plan_of_the_whole(databases, reconciler, tmp_path, of):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert reconciler("plan", "--out-dir", whole)[0] == 0
    for number in range(of):
        assert reconciler("plan", "--out-dir", parts, "--shard", f"{number}/{of}")[0] == 0
    one, joined = folder.read(whole), folder.read(parts)
    # The moment when it was made is another, and with it each digest.
    assert joined.groups == one.groups
    assert {name: plan.groups for name, plan in joined.targets.items()} == {
        name: plan.groups for name, plan in one.targets.items()
    }
    assert joined == folder.read(parts)
    assert reconciler("show", parts)[0] == 0


def test_parts_that_are_missing_doubled_or_of_something_else_are_refused(databases, reconciler, tmp_path):
    parts = tmp_path / "parts"
    assert reconciler("plan", "--out-dir", parts, "--shard", "0/3")[0] == 0
    code, out, err = reconciler("show", parts)
    assert (code, out) == (1, "")
    assert "of 3 shards there are the plans of 1: missing are 1/3, 2/3" in err
    for number in (1, 2):
        assert reconciler("plan", "--out-dir", parts, "--shard", f"{number}/3")[0] == 0
    assert reconciler("show", parts)[0] == 0
    copy = parts / "fleet-1-of-3 copy.json"
    copy.write_text((parts / "fleet-1-of-3.json").read_text())
    assert "are both of the shard 1/3" in reconciler("show", parts)[2]
    copy.unlink()
    assert "was divided otherwise" in reconciler("plan", "--out-dir", parts)[2]
    assert "was divided otherwise" in reconciler("plan", "--out-dir", parts, "--shard", "0/2")[2]
    yaml = databases.desired / "fleet.yaml"
    yaml.write_text(yaml.read_text().replace("[status, priority desc]", "[status]"))
    assert reconciler("plan", "--out-dir", parts, "--shard", "1/3")[0] == 0
    assert "are not of one plan: what is declared differs" in reconciler("show", parts)[2]


def test_what_is_in_the_folder_is_held_against_the_index(databases, reconciler, tmp_path):
    out = tmp_path / "plans"
    assert reconciler("plan", "--out-dir", out)[0] == 0
    acme, globex = out / "acme.plan.json", out / "globex.plan.json"
    before = acme.read_text()
    acme.write_text(globex.read_text())
    assert "is another plan than the one that the index lists" in reconciler("show", out)[2]
    acme.unlink()
    assert reconciler("show", out)[0] == 1
    acme.write_text(before)
    assert reconciler("show", out)[0] == 0
    index = out / "fleet.json"
    index.write_text(index.read_text().replace('"differs"', '"in-sync"'))
    assert "was altered" in reconciler("show", out)[2]
    index.unlink()
    assert "holds no index of plans" in reconciler("show", out)[2]


def test_the_page_shows_what_is_shown(databases, reconciler, tmp_path, monkeypatch):
    for name in ("globex", "initech"):
        databases.sql(name, "create index tasks_status_idx on tasks (status, priority desc)")
    monkeypatch.chdir(tmp_path)
    told = ""
    for line in marked("fleet plans").splitlines():
        code, told, err = reconciler(*line.split()[1:])
        assert code == 0, err
    digests = re.compile(r"[0-9a-f]{64}|[0-9a-f]{4}…")
    assert digests.sub("…", told) == digests.sub("…", marked("fleet plans says"))


def test_one_file_or_one_for_each(databases, reconciler, tmp_path):
    code, out, err = reconciler("plan", "--out-dir", tmp_path / "plans", "--out", tmp_path / "plan.json")
    assert (code, out) == (1, "")
    assert "choose one" in err
    (tmp_path / "file").write_text("")
    assert reconciler("plan", "--out-dir", tmp_path / "file")[0] == 1
