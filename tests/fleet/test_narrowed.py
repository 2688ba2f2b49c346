"""Plans of a fleet that are about some resources alone: they say so, and nothing of the rest."""

from __future__ import annotations

import json

import pytest

from reconciler.documents import fleet_receipt
from reconciler.fleet import folder

TITLE = "*/pg_index/public.tasks_title_idx"
OLD = "*/pg_index/public.old_idx"
SAYS = "arrowed to */pg_index/public.tasks_title_idx, and nothing is said of the rest."


@pytest.fixture
def declared(databases):
    """All of them want an index more, and have one that is to go; `acme` has what it wants of the first."""
    text = (
        (databases.desired / "fleet.yaml")
        .read_text()
        .replace("    indexes:\n", "    unlisted_indexes: drop\n    indexes:\n")
    )
    (databases.desired / "fleet.yaml").write_text(text + "      tasks_title_idx: {columns: [title]}\n")
    databases.sql("acme", "create index tasks_status_idx on tasks (status, priority desc)")
    databases.sql("globex", "create index old_idx on tasks (priority)")
    databases.sql("initech", "create index old_idx on tasks (priority)")
    return databases


def test_a_plan_of_each_target_counts_its_own_and_nothing_of_the_rest(declared, reconciler, tmp_path):
    """Before, that of each said what all leave out, and what is in sync of the rest."""
    assert reconciler("plan", TITLE, "--out-dir", tmp_path / "plans")[0] == 0
    fleet = folder.read(tmp_path / "plans")
    assert fleet.partial is not None
    assert (fleet.partial.to, fleet.partial.left_out) == ((TITLE,), 5)
    plans = {name: folder.read_plan(tmp_path / "plans", fleet, name) for name in fleet.targets}
    assert {name: plan.partial and plan.partial.left_out for name, plan in plans.items()} == {
        "acme": 0, "globex": 2, "initech": 2, "umbrella": 1,
    }  # fmt: skip
    assert not any(plan.in_sync for plan in plans.values()), "acme has an index that nobody asked about"


def test_the_index_and_the_run_say_what_they_were_narrowed_to(declared, reconciler, tmp_path):
    """Before, both read as if they were about all that is declared."""
    plans, receipts = tmp_path / "plans", tmp_path / "receipts"
    assert reconciler("plan", TITLE, "--out-dir", plans)[0] == 0
    assert SAYS in " ".join(reconciler("show", plans)[1].split())
    assert json.loads(reconciler("show", plans, "--format", "json")[1])["partial"]["to"] == [TITLE]
    code, out, err = reconciler("apply", plans, "--digest", folder.read(plans).digest, "--receipt", receipts)
    assert code == 0, err
    assert SAYS in " ".join(out.split())
    [run] = receipts.glob("*/run.json")
    assert fleet_receipt.read(run).partial is not None


def test_what_is_pulled_in_is_in_the_plan_of_its_target(declared, reconciler, tmp_path):
    """Before, each plan named what was pulled in on the others, too, and none of them could be read again."""
    plans = tmp_path / "plans"
    assert reconciler("plan", OLD, "--out-dir", plans)[0] == 0
    fleet = folder.read(plans)
    for name, pulled_in in {"globex": 2, "initech": 2, "umbrella": 0}.items():
        partial = folder.read_plan(plans, fleet, name).partial
        assert partial is not None
        assert len(partial.pulled_in) == pulled_in
    code, _, err = reconciler("apply", plans, "--digest", fleet.digest, "--allow", "index-drop")
    assert code == 0, err
    code, out, _ = reconciler("plan", "globex", "--format", "json")
    assert (code, json.loads(out)["resource_changes"]) == (0, [])


def test_a_shard_without_the_resource_is_no_error(declared, reconciler):
    """Before, of a setting that one target alone has, every other shard with a target ended with 1."""
    (declared.desired / "more.yaml").write_text("target: acme\nsettings: {work_mem: 4MB}\n")
    elsewhere = declared.urls["globex"].replace("127.0.0.1", "localhost")
    declared.declare(acme=declared.urls["acme"], globex=elsewhere)
    for number in range(7):
        code, _, err = reconciler("plan", "*/pg_setting/work_mem", "--shard", f"{number}/7")
        assert code == 0, err
    assert 1 in {reconciler("plan", "*/pg_setting/work_me", "--shard", f"{number}/7")[0] for number in range(7)}
