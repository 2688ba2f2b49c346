"""A plan of many targets is divided: nothing is lost, nothing is in two, and what is approved is what runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.documents import fleet as fleet_file
from reconciler.documents import plan as plan_file
from reconciler.errors import DocumentError
from reconciler.fleet import folder
from reconciler.fleet.approval import unapproved
from reconciler.fleet.split import index, plans_of
from reconciler.model import (
    Action,
    Address,
    Change,
    CheckResult,
    CheckStatus,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    Plan,
    Severity,
    SqlStep,
    System,
    TargetInfo,
    Unreachable,
    UnreadReason,
    Verdict,
)
from reconciler.planning.groups import groups_of
from reconciler.planning.make import Planned

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def change(target: str, name: str = "public.i", statement: str = "create index i on t (a)", **more) -> Change:
    step = SqlStep(statements=(statement,), hazards=(Hazard(type=HazardType.INDEX_BUILD, message=f"of {target}"),))
    given = {
        "action": Action.CREATE,
        "before": None,
        "after": {},
        "steps": (step,),
        "desired": {"address": f"{target}/pg_index/{name}"},
    }
    return Change(address=Address(target, "pg_index", name), **{**given, **more})


def notice(target: str) -> Notice:
    return Notice(address=Address(target, "pg_index", "public.n"), type=NoticeType.BLOCKED, message="no such table")


def check(target: str) -> CheckResult:
    return CheckResult(
        address=Address(target, "check", "c"), title="c", message="m", severity=Severity.LOW, status=CheckStatus.PASS
    )


def info(node_of: str = "") -> TargetInfo:
    return TargetInfo(system=System.POSTGRES, product="PostgreSQL", version="18", location="x", node_of=node_of)


def plan(**more) -> Plan:
    return plan_file.seal(Plan(reconciler_version="1.0", created_at=NOW, **more))


WHOLE = plan(
    targets={"main": info(), "main@b": info("main"), "other": info()},
    changes=(change("main"), change("main@b"), change("other"), change("other", "public.j")),
    notices=(notice("main@b"), notice("other")),
    checks=(check("app"), check("main"), check("lost")),
    in_sync={"pg_index": 5},
    unreachable=(Unreachable(target="lost", node="lost@b", reason=UnreadReason.SILENT, message="silent"),),
    allow_blocked=True,
)
IN_SYNC = {"main": {"pg_index": 1}, "main@b": {"pg_index": 2}, "other": {"pg_index": 2}}


def test_the_nodes_of_a_target_are_in_one_plan_and_what_was_not_read_in_none():
    plans = plans_of(Planned(WHOLE, IN_SYNC))
    assert list(plans) == ["app", "main", "other"]
    main = plans["main"]
    assert set(main.targets) == {"main", "main@b"}
    assert [str(each.address) for each in main.changes] == ["main/pg_index/public.i", "main@b/pg_index/public.i"]
    assert [each.address.target for each in main.notices] == ["main@b"]
    assert main.in_sync == {"pg_index": 3}
    assert main.allow_blocked
    assert not main.unreachable
    assert plans["app"].targets == {}
    assert [each.address.target for each in plans["app"].checks] == ["app"], "an application without a URL"
    assert all(plan_file.load(plan_file.dump(each), source="x") == each for each in plans.values())


def test_the_index_names_targets_as_they_are_declared():
    made = index(WHOLE, plans_of(Planned(WHOLE, IN_SYNC)), "0" * 64)
    assert {group.name: group.targets for group in made.groups} == {
        "public.i": ("main", "other"), "public.j": ("other",),
    }  # fmt: skip
    assert made.groups[0].hazards == (HazardType.INDEX_BUILD,)
    assert made.unseen == ("lost",)
    assert fleet_file.load(fleet_file.dump(made), source="x") == made


def test_nothing_of_a_plan_is_lost():
    plans = plans_of(Planned(WHOLE, IN_SYNC)).values()
    for what in ("changes", "notices"):
        assert sorted(map(str, getattr(WHOLE, what))) == sorted(str(e) for each in plans for e in getattr(each, what))


def test_what_is_only_said_makes_no_other_group_and_whatever_runs_does():
    one = change("a")
    step = one.steps[0]
    said = {"why": "x", "notes": ("z",), "declared_at": "x.yaml:1:1", "forbidden": "no"}
    assert len(groups_of([one, change("b", **said)])) == 1
    others = [
        change("a", "public.other"),
        change("a", statement="create index i on t (b)"),
        change("a", action=Action.REPLACE),
        change("a", undo=(step,)),
        change("a", inverse=(step,)),
        change("a", lane="t"),
        change("a", phase=1),
        change("a", before={"size": 1}),
        change("a", steps=(step, step)),
        change("a", steps=(step.model_copy(update={"lock_timeout": "1h"}),)),
        change("a", steps=(step.model_copy(update={"on_failure": ("drop table t",)}),)),
        change("a", steps=(step.model_copy(update={"hazards": ()}),)),
    ]
    digests = [group.digest for group in groups_of([one, *others])]
    assert len({*digests}) == len(others) + 1


CHANGES = st.lists(
    st.builds(change, st.sampled_from("abc"), st.sampled_from(["x", "y"]), st.sampled_from(["s", "t"])), max_size=12
)


@given(CHANGES)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_change_is_in_one_group_with_those_alone_that_run_the_same(changes):
    groups = groups_of(changes)
    assert sorted(str(each) for group in groups for each in group.changes) == sorted(map(str, changes))
    for group in groups:
        [alike] = {(each.address.name, each.steps[0].statements) for each in group.changes}
        assert all((each.address.name, each.steps[0].statements) != alike or each in group.changes for each in changes)


def test_what_was_altered_and_sealed_again_is_not_approved(tmp_path):
    """Whoever can write into the folder can seal a plan, and the index, once more."""
    plans = plans_of(Planned(WHOLE, IN_SYNC))
    made = index(WHOLE, plans, "0" * 64)
    folder.write(tmp_path, made, plans)
    approved = {group.digest for group in made.groups}
    other = change("other", statement="drop table t")
    changed = plan(targets={"other": info()}, changes=(other,), allow_blocked=True)
    plan_file.write(changed, tmp_path / folder.file_of("other", "plan"))
    with pytest.raises(DocumentError, match="is another plan than the one that the index lists"):
        folder.read_plan(tmp_path, made, "other")
    entry = made.targets["other"].model_copy(update={"digest": changed.digest})
    listed = fleet_file.seal(made.model_copy(update={"targets": {**made.targets, "other": entry}}))
    with pytest.raises(DocumentError, match="has changes of other groups than the index says"):
        folder.read_plan(tmp_path, listed, "other")
    forged = index(changed, {"other": changed}, "0" * 64)
    assert unapproved(folder.read_plan(tmp_path, forged, "other"), approved) == [*changed.changes]
    assert not unapproved(plans["other"], approved)
    assert not unapproved(changed, None)


def test_a_plan_of_somebody_else_is_refused(tmp_path):
    """Under the name of a target that was looked at."""
    plans = plans_of(Planned(WHOLE, IN_SYNC))
    made = index(WHOLE, {**plans, "other": plans["main"]}, "0" * 64)
    folder.write(tmp_path, made, {**plans, "other": plans["main"]})
    with pytest.raises(DocumentError, match="is not about other alone"):
        folder.read_plan(tmp_path, made, "other")


@pytest.mark.parametrize(
    ("key", "value"),
    [("action", Action.CREATE), ("name", "public.k"), ("hazards", ())],
)
def test_an_index_says_nothing_of_a_group_that_its_plans_do_not(tmp_path, key, value):
    """Before, whoever could seal it again had `show` tell another name, and policies other hazards."""
    drop = change("a", action=Action.DELETE)
    whole = plan(targets={"a": info()}, changes=(drop,))
    made = index(whole, {"a": whole}, "0" * 64)
    folder.write(tmp_path, made, {"a": whole})
    assert [each.address for each in folder.read_plan(tmp_path, made, "a").changes] == [drop.address]
    [group] = made.groups
    forged = fleet_file.seal(made.model_copy(update={"groups": (group.model_copy(update={key: value}),)}))
    with pytest.raises(DocumentError, match="has other changes than the index says"):
        folder.read_plan(tmp_path, forged, "a")


def test_an_index_says_no_other_verdict_than_its_plans(tmp_path):
    whole = plan(targets={"a": info()}, notices=(notice("a"),))
    made = index(whole, {"a": whole}, "0" * 64)
    folder.write(tmp_path, made, {"a": whole})
    entry = made.targets["a"].model_copy(update={"verdict": Verdict.IN_SYNC})
    forged = fleet_file.seal(made.model_copy(update={"targets": {"a": entry}, "verdict": Verdict.IN_SYNC}))
    with pytest.raises(DocumentError, match="has another verdict than the index says"):
        folder.read_plan(tmp_path, forged, "a")
