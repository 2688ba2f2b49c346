"""`reconciler show` of folders: plans of a fleet, and receipts of a run; and what it says of a file of them."""

from __future__ import annotations

import pytest
from applying.acting import Command
from views.sample import FLEET, NOTICES, PLAN, RUN

from reconciler.documents import fleet_receipt
from reconciler.documents.plan import seal
from reconciler.fleet import folder
from reconciler.fleet.split import index, plans_of
from reconciler.model import NoticeType, Plan
from reconciler.planning.make import Planned


@pytest.fixture
def show(tmp_path):
    def run(*arguments):
        code, out, err = Command(tmp_path / "desired", {}).run("show", *arguments)
        return code, " ".join(out.split()), err.replace(f"{tmp_path}/", "")

    return run


def saved(path, plan: Plan):
    plans = plans_of(Planned(plan, {}))
    path.mkdir()
    folder.write(path, index(plan, plans, "0" * 64), plans)
    return path


def test_a_group_says_before_and_after_and_that_a_restart_has_to_follow(show, tmp_path):
    code, out, err = show(saved(tmp_path / "plans", seal(PLAN)))
    assert code == 0, err
    assert "~ pg_setting/shared_buffers 128MB → 4GB; waits for a restart on 1 of 2 targets: main" in out
    assert "~ pg_setting/work_mem 4MB → 16MB on 1 of 2 targets: main" in out


@pytest.mark.parametrize(("allowed", "said"), [(False, ""), (True, ", as was allowed")])
def test_where_something_is_blocked_is_said(allowed, said, show, tmp_path):
    """Seen to fail: who read the groups was not told of what no group mends."""
    [blocked, *_] = [each for each in NOTICES if each.type is NoticeType.BLOCKED]
    notices = [
        blocked.model_copy(update={"address": blocked.address._replace(target=name)}) for name in [*FLEET.targets][:11]
    ]
    plan = FLEET.model_copy(update={"notices": tuple(notices), "unreachable": (), "allow_blocked": allowed})
    code, out, err = show(saved(tmp_path / "plans", seal(plan)))
    assert code == 0, err
    assert f"Something is blocked on 11 targets{said}: tenant-001, tenant-002, tenant-003, tenant-004," in out
    assert "tenant-010 and 1 more." in out


def test_the_folder_of_a_run_shows_what_became_of_it(show, tmp_path):
    for name in ("1-a", "2-b"):
        (tmp_path / "receipts" / name).mkdir(parents=True)
        fleet_receipt.write(RUN, tmp_path / "receipts" / name / "run.json")
    code, out, err = show(tmp_path / "receipts" / "2-b")
    assert code == 0, err
    assert out == show(tmp_path / "receipts" / "2-b" / "run.json")[1]
    assert "8 targets: 2 applied" in out
    assert show(tmp_path / "receipts") == (
        1, "", "error: receipts holds the receipts of 2 runs\n  name one: the last is receipts/2-b\n",
    )  # fmt: skip


def test_an_index_is_not_taken_for_a_plan_of_another_version(show, tmp_path):
    """Before: `has format 1.0, and this version of reconciler reads 2.x: use the version that made it`."""
    plans = saved(tmp_path / "plans", seal(PLAN))
    assert show(plans / "fleet.json") == (
        1, "",
        "error: plans/fleet.json is the index of a fleet's plans, not a plan\n  name the folder that it is in\n",
    )  # fmt: skip


def test_beside_a_folder_of_plans_nothing_is_named_either(tmp_path):
    plans = saved(tmp_path / "plans", seal(PLAN))
    code, _, err = Command(tmp_path / "desired", {}).run("apply", plans, "main")
    assert code == 1
    assert "is a folder of plans, and applied as it is: nothing else is named beside it" in err
    assert "narrow it where it is made: reconciler plan --out-dir DIR" in err
