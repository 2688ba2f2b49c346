"""What outcomes come to: the table of verdicts and exit codes, for every outcome that there is."""

from __future__ import annotations

import json
from itertools import combinations
from typing import NamedTuple

import pytest
from views.sample import CHANGES, NOW, PLAN, TARGETS, UNSEEN

from reconciler.documents import plan as plan_file
from reconciler.documents.digest import digest
from reconciler.errors import DocumentError
from reconciler.model import (
    Action,
    Address,
    Applied,
    Change,
    ChangeReceipt,
    CheckResult,
    CheckStatus,
    CheckVerdict,
    Difference,
    Notice,
    NoticeType,
    Outcome,
    Plan,
    Severity,
    Verdict,
)
from reconciler.planning import exit_codes
from reconciler.verdicts import of_outcome, of_plan, of_resource, of_targets

ADDRESS = Address("main", "pg_setting", "work_mem")


def notice(type: NoticeType) -> Notice:
    return Notice(address=ADDRESS, type=type, message="…")


def change(**fields: object) -> Change:
    return CHANGES[0].model_copy(update={"address": ADDRESS, **fields})


class Row(NamedTuple):
    """Outcomes of one plan, the verdict, and the exit codes of drift, plan, and plan --detailed-exitcode."""

    outcomes: tuple[Outcome, ...]
    verdict: Verdict
    drift: int
    plan: int
    detailed: int


DIFFERS = change()
RESTARTS = change(action=Action.RESTART)
RUNS = change(difference=Difference.NOT_PERSISTED)
WRITTEN = change(difference=Difference.NOT_RUNNING)
BLOCKED = notice(NoticeType.BLOCKED)
HIDDEN = notice(NoticeType.NOT_VISIBLE)
WAITS = notice(NoticeType.WAITS_FOR_RESTART)
HALF_WAY = notice(NoticeType.NOT_PERSISTED)

TABLE = {
    "nothing": Row((), Verdict.IN_SYNC, 0, 0, 0),
    "a difference": Row((DIFFERS,), Verdict.DIFFERS, 2, 0, 2),
    "a typo": Row((BLOCKED,), Verdict.BLOCKED, 2, 1, 1),
    "somebody builds it": Row((notice(NoticeType.BEING_BUILT),), Verdict.BLOCKED, 2, 1, 1),
    "a typo beside a change": Row((DIFFERS, BLOCKED), Verdict.BLOCKED, 2, 1, 1),
    "it only runs, and a step mends it": Row((RUNS,), Verdict.HALF_WAY, 4, 0, 2),
    "it is only written down": Row((WRITTEN,), Verdict.HALF_WAY, 4, 0, 2),
    "it only runs, and no step mends it": Row((HALF_WAY,), Verdict.HALF_WAY, 4, 0, 1),
    "this role may not see it": Row((HIDDEN,), Verdict.NOT_VISIBLE, 5, 0, 1),
    "it waits for a restart": Row((WAITS,), Verdict.WAITS, 3, 0, 0),
    "a restart that the plan makes": Row((RESTARTS, WAITS), Verdict.WAITS, 3, 0, 2),
    "a difference before what is half-way": Row((HALF_WAY, DIFFERS), Verdict.DIFFERS, 2, 0, 2),
    "half-way before not visible": Row((HIDDEN, HALF_WAY), Verdict.HALF_WAY, 4, 0, 1),
    "not visible before waiting": Row((WAITS, HIDDEN), Verdict.NOT_VISIBLE, 5, 0, 1),
    "what nobody declared": Row((notice(NoticeType.UNLISTED),), Verdict.IN_SYNC, 0, 0, 0),
    "what nobody declared, and counts": Row((notice(NoticeType.UNWANTED),), Verdict.DIFFERS, 2, 0, 0),
    "the same beside what is not visible": Row((notice(NoticeType.UNWANTED), HIDDEN), Verdict.DIFFERS, 2, 0, 1),
    "a note": Row((notice(NoticeType.NOTE),), Verdict.IN_SYNC, 0, 0, 0),
    "a difference that is ignored": Row((notice(NoticeType.IGNORED),), Verdict.IN_SYNC, 0, 0, 0),
    "a warning": Row((notice(NoticeType.PREFLIGHT),), Verdict.IN_SYNC, 0, 0, 0),
}


def plan_of(*outcomes: Outcome, allow_blocked: bool = False) -> Plan:
    return Plan(
        reconciler_version="0.1.0",
        created_at=NOW,
        targets={"main": TARGETS["main"]},
        changes=tuple(each for each in outcomes if isinstance(each, Change)),
        notices=tuple(each for each in outcomes if isinstance(each, Notice)),
        allow_blocked=allow_blocked,
    )


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_the_verdict_its_json_and_the_exit_codes_agree(row: Row):
    plan = plan_of(*row.outcomes)
    content = json.loads(plan_file.dump(plan))
    said = {of_plan(plan), of_targets(plan)["main"], of_resource(ADDRESS, row.outcomes)}
    assert {*said, content["verdict"], content["targets"]["main"]["verdict"]} == {row.verdict}
    each = [one["verdict"] for one in [*content["resource_changes"], *content["notices"]]]
    assert sorted(each) == sorted(map(of_outcome, row.outcomes))
    assert exit_codes.drift_exit_code(plan) == row.drift
    assert exit_codes.plan_exit_code(plan, detailed=False) == row.plan
    assert exit_codes.plan_exit_code(plan, detailed=True) == row.detailed


CHOSEN = [each for each in Verdict if each not in (Verdict.UNREACHABLE, Verdict.IN_SYNC)]
CODES = {Verdict.BLOCKED: 2, Verdict.DIFFERS: 2, Verdict.HALF_WAY: 4, Verdict.NOT_VISIBLE: 5, Verdict.WAITS: 3}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_drift_fails_on_the_verdicts_that_are_chosen_alone(row: Row):
    """Whichever are: of those that were found, the worst that is among them."""
    plan = plan_of(*row.outcomes)
    found = {of_outcome(each) for each in row.outcomes}
    for count in range(len(CHOSEN) + 1):
        for chosen in combinations(CHOSEN, count):
            wanted = next((CODES[each] for each in CHOSEN if each in found and each in chosen), 0)
            assert exit_codes.drift_exit_code(plan, frozenset(chosen)) == wanted
    assert exit_codes.drift_exit_code(plan, frozenset(CHOSEN)) == row.drift
    unread = plan.model_copy(update={"unreachable": UNSEEN.unreachable})
    assert exit_codes.drift_exit_code(unread, frozenset()) == 1


def test_every_notice_and_every_status_of_a_check_has_its_verdict():
    assert {of_outcome(notice(type)) for type in NoticeType} == set(Verdict) - {Verdict.UNREACHABLE}
    assert {exit_codes.of_check(check(status)) for status in CheckStatus} == set(CheckVerdict)


def check(status: CheckStatus) -> CheckResult:
    address = Address("main", "check", "a")
    return CheckResult(address=address, title="t", severity=Severity.HIGH, status=status, message="")


def test_the_worst_item_decides_a_checklist():
    passes, hidden, fails = map(check, (CheckStatus.PASS, CheckStatus.NOT_VISIBLE, CheckStatus.FAIL))
    assert exit_codes.of_checks([]) is exit_codes.of_checks([passes]) is CheckVerdict.MET
    assert exit_codes.of_checks([passes, hidden]) is CheckVerdict.UNDECIDED
    assert exit_codes.of_checks([hidden, fails]) is CheckVerdict.FAILED


def test_what_is_blocked_does_not_count_where_the_plan_allows_it():
    assert exit_codes.plan_exit_code(plan_of(BLOCKED, allow_blocked=True), detailed=False) == 0
    assert exit_codes.plan_exit_code(plan_of(BLOCKED, allow_blocked=True), detailed=True) == 0
    assert exit_codes.plan_exit_code(plan_of(DIFFERS, BLOCKED, allow_blocked=True), detailed=True) == 2
    assert exit_codes.plan_exit_code(plan_of(BLOCKED, HIDDEN, allow_blocked=True), detailed=True) == 1
    assert of_plan(plan_of(BLOCKED, allow_blocked=True)) is Verdict.BLOCKED, "it is still what it is"


def done(result: Applied) -> ChangeReceipt:
    return ChangeReceipt(address=ADDRESS, action=Action.UPDATE, before={}, after={}, result=result)


LEFT = {
    "nothing": (exit_codes.Left([]), Verdict.IN_SYNC, True),
    "applied": (exit_codes.Left([done(Applied.APPLIED)]), Verdict.IN_SYNC, True),
    "made already": (exit_codes.Left([done(Applied.SKIPPED)]), Verdict.IN_SYNC, True),
    "waits": (exit_codes.Left([done(Applied.APPLIED)], waiting=[ADDRESS]), Verdict.WAITS, True),
    "remains": (exit_codes.Left([done(Applied.APPLIED)], remaining=[ADDRESS]), Verdict.DIFFERS, False),
    "failed": (exit_codes.Left([done(Applied.FAILED)]), Verdict.DIFFERS, False),
    "stale": (exit_codes.Left([done(Applied.STALE)]), Verdict.DIFFERS, False),
    "incomplete": (exit_codes.Left([done(Applied.INCOMPLETE)]), Verdict.DIFFERS, False),
    "superseded": (exit_codes.Left([done(Applied.SUPERSEDED)]), Verdict.DIFFERS, False),
    "not run": (exit_codes.Left([done(Applied.NOT_RUN)]), Verdict.DIFFERS, False),
    "blocked": (exit_codes.Left([done(Applied.APPLIED)], blocked=[ADDRESS]), Verdict.BLOCKED, False),
    "half-way": (exit_codes.Left([done(Applied.APPLIED)], half_way=[ADDRESS]), Verdict.HALF_WAY, False),
}


@pytest.mark.parametrize(("left", "said", "succeeded"), LEFT.values(), ids=LEFT)
def test_what_an_apply_leaves(left: exit_codes.Left, said: Verdict, succeeded: bool):
    assert left.of_all() is said
    assert left.succeeded(allow_blocked=False) is succeeded
    assert left.succeeded(allow_blocked=True) is (succeeded or said is Verdict.BLOCKED)


def test_what_a_plan_could_not_see_is_in_the_verdict_and_fails_no_apply():
    """A receipt said in-sync, and drift right behind it ended with 5."""
    assert exit_codes.beside(plan_of(HIDDEN, notice(NoticeType.UNWANTED))) is Verdict.DIFFERS
    assert exit_codes.beside(plan_of(DIFFERS, BLOCKED, HALF_WAY, WAITS)) is Verdict.IN_SYNC
    left = exit_codes.Left([done(Applied.APPLIED)], beside=exit_codes.beside(plan_of(HIDDEN)))
    assert left.of_all() is Verdict.NOT_VISIBLE
    assert left.succeeded(allow_blocked=False)


def test_a_change_that_only_runs_is_half_way_itself():
    left = exit_codes.Left([done(Applied.APPLIED)], half_way=[ADDRESS])
    assert left.of_change(done(Applied.APPLIED)) is Verdict.HALF_WAY


def test_a_change_makes_true_what_a_notice_says_to_be_half_way():
    assert exit_codes.half_way(plan_of(HALF_WAY)) == (ADDRESS,)
    assert exit_codes.half_way(plan_of(RUNS, HALF_WAY)) == ()


@pytest.mark.parametrize("where", ["whole", "change", "notice", "target"])
def test_a_plan_file_whose_verdict_is_another_is_refused(where: str):
    """Pipelines and policies read it: it says what the plan holds, or is no plan."""
    content = json.loads(plan_file.dump(PLAN))
    of = {
        "whole": content,
        "change": content["resource_changes"][0],
        "notice": content["notices"][0],
        "target": content["targets"]["main"],
    }
    of[where]["verdict"] = "in-sync" if of[where]["verdict"] != "in-sync" else "differs"
    content["digest"] = digest({key: value for key, value in content.items() if key != "digest"})
    with pytest.raises(DocumentError, match="its verdict is"):
        plan_file.load(json.dumps(content), source="plan.json")


def test_a_plan_file_of_a_version_without_verdicts_is_read():
    content = json.loads(plan_file.dump(PLAN)) | {"format_version": "2.0"}
    for each in [content, *content["resource_changes"], *content["notices"], *content["targets"].values()]:
        del each["verdict"]
    del content["allow_blocked"]
    content["digest"] = digest({key: value for key, value in content.items() if key != "digest"})
    assert plan_file.load(json.dumps(content), source="plan.json").changes == PLAN.changes
