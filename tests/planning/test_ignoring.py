"""Which differences rules ignore, on which day, and what is said of rules that ignore nothing. Without a server."""

from __future__ import annotations

from datetime import date

import pytest
from views.sample import NOW, TARGETS

from reconciler.model import (
    Action,
    Address,
    Change,
    Idleness,
    IgnoreRule,
    Notice,
    NoticeType,
    Partial,
    Plan,
    Unreachable,
    UnreadReason,
)
from reconciler.planning.ignoring import Ignoring, idle_rules

TODAY = date(2026, 3, 4)


def rule(pattern: str, attribute: str = "", until: date = TODAY) -> IgnoreRule:
    return IgnoreRule(pattern=Address.parse(pattern), attribute=attribute, reason="x", until=until, declared_at="i:1:1")


def change(address: str = "main/pg_index/public.a", before=None, after=None) -> Change:
    return Change(
        address=Address.parse(address), action=Action.UPDATE, before=before, after=after, steps=(), desired={}
    )


def ignored(outcome, *rules: IgnoreRule, target: str = "main"):
    return Ignoring(rules, TODAY).ignored(outcome, target)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("main/pg_index/public.a", True), ("*/pg_*/public.*", True), ("main/pg_index/*", True),
        ("main/pg_setting/public.a", False), ("other/pg_index/public.a", False), ("main/pg_index/public", False),
    ],
)  # fmt: skip
def test_a_rule_is_for_what_its_pattern_fits(pattern, fits):
    assert bool(ignored(change(), rule(pattern))) is fits


def test_a_rule_for_a_target_holds_on_all_of_its_nodes():
    assert ignored(change("main@db2/pg_setting/jit"), rule("main/pg_setting/jit"))


def test_a_rule_holds_through_its_last_day():
    assert ignored(change(), rule("main/pg_index/*", until=TODAY))
    assert not ignored(change(), rule("main/pg_index/*", until=date(2026, 3, 3)))


BEFORE = {"rules": "on", "persisted": "on", "source": "postgresql.conf:3"}


@pytest.mark.parametrize(
    ("after", "attributes", "is_ignored"),
    [
        ({**BEFORE, "rules": "off"}, ["rules"], True),
        ({**BEFORE, "rules": "off", "persisted": "off"}, ["rules"], False),
        ({**BEFORE, "rules": "off", "persisted": "off"}, ["rules", "persisted"], True),
        ({**BEFORE, "rules": "off"}, ["persisted"], False),
        ({**BEFORE, "rules": "off", "source": "postgresql.auto.conf"}, ["rules"], True),
        (None, ["rules"], False),
    ],
)
def test_all_attributes_that_differ_have_to_be_named(after, attributes, is_ignored):
    found = ignored(
        change("cache/redis_user/a", BEFORE, after),
        *(rule("*/redis_user/*", each) for each in attributes),
        target="cache",
    )
    assert bool(found) is is_ignored


@pytest.mark.parametrize("type", NoticeType)
def test_only_what_is_known_to_differ_is_ignored(type):
    """What is not visible may be anything; a note, a warning or an unlisted index is no difference."""
    differs = {
        NoticeType.BLOCKED, NoticeType.BEING_BUILT, NoticeType.UNWANTED, NoticeType.NOT_PERSISTED,
        NoticeType.WAITS_FOR_RESTART,
    }  # fmt: skip
    notice = Notice(address=change().address, type=type, message="m")
    assert bool(ignored(notice, rule("main/pg_index/*"))) is (type in differs)
    assert not ignored(notice, rule("main/pg_index/*", "comment")), "a notice says of no attribute"


class Declared:
    """A resource of which only its address counts."""

    def __init__(self, address: str) -> None:
        self.address = Address.parse(address)


def idle(plan: Plan, *rules: IgnoreRule, declared=("main/pg_setting/jit",)):
    found = idle_rules(Ignoring(rules, TODAY), plan, [Declared(each) for each in declared])
    return {str(each.rule.pattern): each.idleness for each in found}


PLAN = Plan(reconciler_version="0", created_at=NOW, targets=TARGETS, changes=(change(),))
UNREAD = Unreachable(target="cache", node="cache", reason=UnreadReason.SILENT, message="m")
YESTERDAY = date(2026, 3, 3)


def test_rules_that_are_over_or_match_nothing_are_told():
    assert idle(
        PLAN, rule("main/pg_setting/jit"), rule("main/pg_index/public.a"), rule("main/pg_setting/jti"),
        rule("*/pg_setting/jit", until=YESTERDAY), rule("elsewhere/pg_setting/x"),
    ) == {"main/pg_setting/jti": Idleness.MATCHES_NOTHING, "*/pg_setting/jit": Idleness.EXPIRED}  # fmt: skip


def test_of_what_was_not_read_nobody_says_that_a_rule_matches_nothing():
    plan = PLAN.model_copy(update={"unreachable": (UNREAD,)})
    assert idle(plan, rule("main/pg_setting/jti")) == {}


def test_a_narrowed_plan_tells_of_expired_rules_for_what_is_in_it():
    plan = PLAN.model_copy(update={"partial": Partial(to=("main/pg_index/public.a",))})
    rules = (rule("main/pg_setting/jit", until=YESTERDAY), rule("main/pg_index/*", until=YESTERDAY), rule("main/x/y"))
    assert idle(plan, *rules) == {"main/pg_index/*": Idleness.EXPIRED}
