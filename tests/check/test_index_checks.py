from __future__ import annotations

import pytest

from check.declare import declare, results
from reconciler.kinds.check import KIND
from reconciler.model import Action, Address, Change, CheckResult, Notice, NoticeType, Resource

A, B, C, ELSEWHERE = (
    Address("main", "pg_index", "public.a"),
    Address("main", "pg_index", "public.b"),
    Address("main", "pg_index", "public.c"),
    Address("other", "pg_index", "public.a"),
)
DECLARED = [Resource(address=address) for address in (A, B, C, ELSEWHERE)]
OF_ANOTHER_KIND = Resource(address=Address("main", "pg_setting", "jit"))


def change(address, action):
    return Change(address=address, action=action, before=None, after=None, steps=(), desired={})


def notice(address, type_):
    return Notice(address=address, type=type_, message="")


CASES = [
    ([], "pass", "3 of 3 declared indexes are present and valid"),
    ([change(A, Action.CREATE), change(C, Action.REBUILD)], "fail", "1 of 3 declared indexes are present and valid; "
     "missing: public.a; INVALID: public.c"),
    ([change(A, Action.REPLACE), notice(B, NoticeType.BLOCKED)], "fail", "1 of 3 declared indexes are present and "
     "valid; differs: public.a; blocked: public.b"),
    ([change(A, Action.RENAME), change(B, Action.CREATE), change(C, Action.CREATE)], "fail", "0 of 3 declared indexes "
     "are present and valid; under another name: public.a; missing: public.b, public.c"),
    ([notice(A, NoticeType.BEING_BUILT)], "fail", "2 of 3 declared indexes are present and valid; "
     "being built: public.a"),
    ([notice(A, NoticeType.NOT_VISIBLE)], "not-visible", "2 of 3 declared indexes are present and valid; "
     "1 cannot be seen by this role"),
    ([change(ELSEWHERE, Action.CREATE)], "pass", "3 of 3 declared indexes are present and valid"),
    ([change(Address("main", "pg_index", "public.unlisted"), Action.DELETE)], "pass", "3 of 3 declared indexes are "
     "present and valid"),
    ([change(Address("main", "pg_setting", "work_mem"), Action.UPDATE)], "pass", "3 of 3 declared indexes are present "
     "and valid"),
]  # fmt: skip


@pytest.mark.parametrize(("outcomes", "status", "message"), CASES)
def test_the_plan_itself_decides_whether_all_declared_indexes_are_there(pg_target, outcomes, status, message):
    before = results(pg_target, declare(pg_target, {"indexes": "declared"}, {"pg_setting": "jit", "equals": "on"}))
    assert before[0].status.value == "no-data"
    decided, other = KIND.decided(before, outcomes, [*DECLARED, OF_ANOTHER_KIND])
    assert type(decided) is CheckResult
    assert (decided.status.value, decided.message) == (status, message)
    assert other == before[1]


def test_without_declared_indexes_there_is_nothing_to_say(pg_target):
    before = results(pg_target, declare(pg_target, {"indexes": "declared"}))
    [decided] = KIND.decided(before, [], [DECLARED[-1], OF_ANOTHER_KIND])
    assert decided.status.value == "no-data"


def test_a_waiver_of_the_item_counts_here_too(pg_target):
    waiver = {"until": "2026-12-31", "by": "dba", "reason": "built on Sunday"}
    before = results(pg_target, declare(pg_target, {"indexes": "declared"}, waiver=waiver))
    [decided] = KIND.decided(before, [change(A, Action.CREATE)], DECLARED[:1])
    assert decided.status.value == "waived"
    assert "otherwise fail: 0 of 1 declared indexes" in decided.message
